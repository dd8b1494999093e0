import { describe, expect, it } from "vitest";
import { checkCertificate } from "../../node/certifying.ts";
import { createDesk } from "../../node/desk.ts";
import { createRoundMachine } from "../../node/round.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { noticeConfig, takeTransition } from "../../node/transitions.ts";
import { encodeTransitionAnswer } from "../../node/wire.ts";
import { type Digest, fromHex, utf8 } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { encodeConfig } from "../../protocol/config-codec.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { encodeSignedObservation, signObservation } from "../../protocol/observation.ts";
import { changed, keysOf, transitionInto } from "../client/changing.ts";
import { digestOf, scheme, type TestKey, testKey, testNetwork } from "../support/network.ts";
import { AT, EMPTY_START, FIRST_ROUND, gossip, keyOf, leaveQuarantine, only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const genesis = testNetwork();
const members = keysOf(0, 1, 2, 3);
const next = changed(genesis, undefined, { leaseMs: 61_000 });
const elsewhere = changed(genesis, undefined, { leaseMs: 62_000 });
const ROUND = FIRST_ROUND - 100;
const peer = keyOf(1).address;

function deskOf() {
  const desk = createDesk({ network: genesis, scheme, key: keyOf(3), fold: toyFold }, EMPTY_START);
  desk.round = FIRST_ROUND;
  desk.now = AT;
  return desk;
}

function answer(network: Network, from: Digest, round = ROUND): Uint8Array {
  return encodeTransitionAnswer({ from, transition: transitionInto(network, round, members.slice(0, 3)) });
}

describe("an answer to a question for a transition", () => {
  it("leads into the config that was asked for, or it is none", () => {
    const desk = deskOf();
    const bytes = answer(elsewhere, genesis.configDigest);
    expect(takeTransition(desk, next.configDigest, bytes, peer)).toBe("another transition");
    expect(desk.networks.find(elsewhere.configDigest)).toBeUndefined();
    expect(takeTransition(desk, elsewhere.configDigest, bytes, peer)).toBeUndefined();
    expect(desk.networks.find(elsewhere.configDigest)?.config).toEqual(elsewhere.config);
  });

  it("that leads from where it leads to, alone or with another, is none", () => {
    const desk = deskOf();
    expect(takeTransition(desk, next.configDigest, answer(next, next.configDigest), peer)).toContain("in a circle");
    expect(takeTransition(desk, next.configDigest, answer(next, elsewhere.configDigest), peer)).toBeUndefined();
    expect(takeTransition(desk, elsewhere.configDigest, answer(elsewhere, next.configDigest), peer)).toContain("in a circle");
  });

  it("waits for the one before it beside seven others, and no more", () => {
    const desk = deskOf();
    for (let index = 1; index <= 12; index++) {
      const network = changed(genesis, undefined, { leaseMs: 70_000 + index });
      expect(takeTransition(desk, network.configDigest, answer(network, digestOf(index)), peer)).toBeUndefined();
    }
    expect(desk.waiting.size).toBe(8);
  });
});

describe("a config inside an answer", () => {
  const { certificate } = transitionInto(next, ROUND, members.slice(0, 3));
  const garbage = utf8("no config");
  const sealed = (signatures: Certificate["signatures"], json = garbage) =>
    encodeTransitionAnswer({ from: genesis.configDigest, transition: { json, certificate: { ...certificate, signatures } } });
  const { signatures } = certificate;
  const byOther = signatures.map(({ signer }, index) => ({ signer, signature: signatures[(index + 1) % 3]?.signature ?? "0x" }));
  const strangers = [...signatures.slice(0, 2), { signer: testKey(9).address, signature: signatures[2]?.signature ?? "0x" }].sort(
    (a, b) => (a.signer < b.signer ? -1 : 1),
  );

  it.each([
    ["nobody", []],
    ["too few", signatures.slice(0, 2)],
    ["too few beside a stranger", strangers],
    ["members, in each other's name,", byOther],
  ])("that %s signed is not looked at: what is wrong with it is not seen", (_, by) => {
    expect(takeTransition(deskOf(), next.configDigest, sealed(by), peer)).toBe("transition: certificate");
  });

  it("is looked at once a quorum of the committee before has signed for it", () => {
    expect(takeTransition(deskOf(), next.configDigest, sealed(signatures), peer)).toContain("config:");
    const desk = deskOf();
    expect(takeTransition(desk, next.configDigest, sealed(signatures, encodeConfig(next.config)), peer)).toBeUndefined();
    expect(desk.networks.find(next.configDigest)?.config).toEqual(next.config);
  });

  it("waits as it came, and if it leads nowhere the others are asked for the transition", () => {
    const desk = deskOf();
    const second = changed(next, undefined, { leaseMs: 63_000 });
    const { certificate: into } = transitionInto(second, ROUND + 1, members.slice(0, 3));
    const transition = { json: garbage, certificate: into };
    const wanted = { kind: "transition", digest: second.configDigest } as const;
    const bytes = encodeTransitionAnswer({ from: next.configDigest, transition });
    expect(takeTransition(desk, second.configDigest, bytes, peer)).toBeUndefined();
    expect(desk.waiting.get(second.configDigest)?.transition).toEqual(transition);
    expect(takeTransition(desk, next.configDigest, answer(next, genesis.configDigest), peer)).toBeUndefined();
    expect([desk.waiting.size, desk.fetching.has(wanted)]).toEqual([0, true]);
    const asked = desk.fetching.step(desk.now).outputs.flatMap((output) => (output.kind === "fetch" ? [output.from] : []));
    expect(asked).not.toContain(peer);
  });
});

describe("a way back that a neighbour invents", () => {
  const { certificate } = transitionInto(next, ROUND, []);
  const step = (index: number) => {
    const header = { ...certificate.header, configDigest: digestOf(index) };
    return encodeTransitionAnswer({
      from: digestOf(index + 1),
      transition: { json: utf8("{}"), certificate: { ...certificate, header } },
    });
  };

  it("ends after 64 steps, and each of them makes his next word wait ten seconds longer", () => {
    const desk = deskOf();
    const taken = Array.from({ length: 64 }, (_, at) => takeTransition(desk, digestOf(at + 1), step(at + 1), peer));
    expect(taken.every((fault) => fault === undefined)).toBe(true);
    expect(takeTransition(desk, digestOf(65), step(65), peer)).toContain("too many steps");
    desk.now += 639_999;
    noticeConfig(desk, digestOf(200), peer);
    expect(desk.fetching.has({ kind: "transition", digest: digestOf(200) })).toBe(false);
    desk.now += 1;
    noticeConfig(desk, digestOf(200), peer);
    expect(desk.fetching.has({ kind: "transition", digest: digestOf(200) })).toBe(true);
  });

  it("costs him nothing where it led here", () => {
    const desk = deskOf();
    const second = changed(next, undefined, { leaseMs: 63_000 });
    const last = answer(second, next.configDigest, ROUND + 1);
    expect(takeTransition(desk, second.configDigest, last, peer)).toBeUndefined();
    expect(desk.rumours.has(peer)).toBe(true);
    expect(takeTransition(desk, next.configDigest, answer(next, genesis.configDigest), peer)).toBeUndefined();
    expect(desk.networks.find(second.configDigest)?.config).toEqual(second.config);
    expect(desk.rumours.has(peer)).toBe(false);
  });
});

it("a neighbour who speaks of ever other configs is asked once in ten seconds", () => {
  const desk = deskOf();
  const wants = (byte: number) => desk.fetching.has({ kind: "transition", digest: digestOf(byte) });
  noticeConfig(desk, digestOf(1), peer);
  noticeConfig(desk, digestOf(2), peer);
  noticeConfig(desk, digestOf(3), keyOf(2).address);
  expect([1, 2, 3].map(wants)).toEqual([true, false, true]);
  desk.now += 10_000;
  noticeConfig(desk, digestOf(2), peer);
  expect(wants(2)).toBe(true);
});

it("behind a transition the configs before it are over, though this node has no round under the new one yet", () => {
  const start = { ...EMPTY_START, transitions: [transitionInto(next, ROUND, members.slice(0, 3))] };
  const machine = createRoundMachine({ network: genesis, scheme, key: keyOf(3), fold: toyFold, start });
  leaveQuarantine(machine, 3);
  machine.handle({ kind: "tick" }, AT + 2_000);
  const codes = [genesis, next].map(({ configDigest, domain }) => {
    const said = { head: NO_HEAD, entries: [], gauges: [], shadows: [], documents: [] };
    const signed = signObservation({ round: FIRST_ROUND, configDigest, ...said }, domain, keyOf(1));
    const outputs = machine.handle(gossip("observation", encodeSignedObservation(signed)), AT + 2_010);
    return only(outputs, "verdict").map(({ code }) => code);
  });
  expect(codes).toEqual([["other-config"], ["accepted"]]);
});

describe("a certificate whose parent stands under the config before", () => {
  const newcomer = testKey(9);
  const after = changed(genesis, [...members.slice(0, 3), newcomer]);
  const first = transitionInto(after, ROUND, members.slice(0, 3));

  /** Of a later round that stands, as the first one did, on a round of the old config; signed by these. */
  function certificateBy(keys: readonly TestKey[], parent: Digest) {
    const round = ROUND + 1;
    const header = { ...first.certificate.header, round, timestamp: round * 1_000, parent };
    const digest = fromHex(roundDigest(after.domain, header));
    const signatures = keys.map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(digest, privateKey) }));
    return { header, signatures };
  }

  it("needs both committees, though another round has led into its config already", () => {
    const desk = deskOf();
    desk.networks.add({ from: genesis, network: after, round: ROUND, transition: first });
    const { header } = transitionInto(genesis, ROUND - 1, members.slice(0, 3)).certificate;
    const parent = roundDigest(genesis.domain, header);
    desk.rounds.learn(parent, { header, signatures: [] });
    const byNew = [...members.slice(0, 2), newcomer].sort((a, b) => (a.address < b.address ? -1 : 1));
    expect(checkCertificate(desk, certificateBy(byNew, parent)).ok).toBe(false);
    expect(checkCertificate(desk, certificateBy(members.slice(0, 3), parent)).ok).toBe(true);
    // On a round that this node does not know it may be any later one of the new committee's.
    expect(checkCertificate(desk, certificateBy(byNew, digestOf(7))).ok).toBe(true);
  });
});
