import { describe, expect, it } from "vitest";
import { createRoundMachine } from "../../node/round.ts";
import { encodeSignatureMessage, encodeTransitionAnswer } from "../../node/wire.ts";
import { type Address, fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { createCommittee } from "../../protocol/committee.ts";
import { configDigest } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import type { Transition } from "../../protocol/transition.ts";
import { digestOf, scheme, testKey } from "../support/network.ts";
import {
  expectNoFault,
  firstUnder,
  GUEST,
  keyAt,
  networkOf,
  propose,
  rotate,
  roundNow,
  running,
  sign,
  signersBetween,
} from "./changes.ts";
import { GOVERNED, successorOf } from "./council.ts";
import { certifiedBetween, createWorld, emptyDisk } from "./mini-network.ts";
import { only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

describe("a change of the committee", () => {
  it("is signed by both: who leaves signs until then and no longer, who comes from then on", () => {
    const world = running({ seed: 81, guests: 1 });
    const [genesis, leaver] = [world.network, world.node(2)];
    const from = roundNow(world);
    const config = rotate(world, 2);
    world.run(16);
    const digest = configDigest(config);
    const transition = firstUnder(world, digest);
    const { round } = transition.header;
    const signers = transition.signatures.map(({ signer }) => signer);
    for (const { members, quorum } of [genesis.committee, createCommittee(config.committee)]) {
      expect(members.filter(({ address }) => signers.includes(address)).length).toBeGreaterThanOrEqual(quorum);
    }
    expect([...signersBetween(world, from, round)]).toContain(leaver.address);
    expect([...signersBetween(world, round + 1, round + 20)]).not.toContain(leaver.address);
    expect([...signersBetween(world, from, round - 1)]).not.toContain(GUEST.address);
    expect([...signersBetween(world, round + 1, round + 20)]).toContain(GUEST.address);
    const observed = (address: Address) =>
      [...world.published.keys()].flatMap((key) => {
        const [author, kind, at] = key.split(" ");
        return author === address && kind === "observation" ? [Number(at)] : [];
      });
    expect(Math.max(...observed(leaver.address))).toBe(round - 1);
    expect(Math.min(...observed(GUEST.address))).toBe(round);
    const last = roundNow(world) - 1;
    expect(certifiedBetween(world, from, last)).toHaveLength(last - from + 1);
    expect(networkOf(world, 4).configDigest).toBe(digest);
    expect(world.node(4).machine?.status().head.round).toBeGreaterThanOrEqual(last);
    expectNoFault(world);
  });

  it("needs both: where the old quorum is gone the network waits for it, though the new one is there", () => {
    const world = running({ seed: 82, guests: 1 });
    const config = rotate(world, 2);
    const isNext = () => networkOf(world, 0).configDigest === configDigest(config);
    for (let steps = 0; steps < 200 && !isNext(); steps++) world.run(0.05);
    expect(isNext()).toBe(true);
    const stood = world.node(0).machine?.status().head;
    // Of the old four, two are left; of the new, three: the guest is the third.
    world.stop(world.node(2));
    world.stop(world.node(3));
    world.run(8);
    expect([0, 1, 4].map((index) => world.node(index).machine?.status().head)).toEqual([stood, stood, stood]);
    const round = roundNow(world);
    expect([...signersBetween(world, round - 6, round)].sort()).toEqual(
      [0, 1, 4].map((index) => world.node(index).address).sort(),
    );
    world.start(world.node(3));
    world.run(8);
    expect(firstUnder(world, configDigest(config)).header.round).toBeGreaterThan(round);
    expectNoFault(world);
  });

  it.each([
    ["its store", false],
    ["an empty store", true],
  ])("a node that was down across it catches up from %s", (_, isLost) => {
    const world = running({ seed: 83, guests: 1 });
    const config = rotate(world, 2);
    world.run(2);
    const node = world.node(1);
    world.stop(node);
    world.run(10);
    if (isLost) node.disk = emptyDisk();
    world.start(node);
    world.run(8);
    expect(networkOf(world, 1).configDigest).toBe(configDigest(config));
    expect(node.machine?.status()).toMatchObject({ phase: "running", head: world.node(0).machine?.status().head });
    const round = roundNow(world);
    expect([...signersBetween(world, round - 4, round)]).toContain(node.address);
    expect(node.disk.transitions).toHaveLength(1);
    expect(node.disk.rounds.size).toBe(world.node(0).disk.rounds.size);
    expectNoFault(world);
  });

  it("a node that missed several changes asks its way from the genesis to the one in force", () => {
    const world = running({ seed: 84, guests: 1 });
    const node = world.node(1);
    world.stop(node);
    propose(world, { leaseMs: 61_000 }, { rounds: 5 });
    world.run(10);
    const rotated = rotate(world, 2, { rounds: 5 });
    world.run(14);
    expect(networkOf(world, 0).configDigest).toBe(configDigest(rotated));
    const last = propose(world, { leaseMs: 62_000 }, { rounds: 5 });
    world.run(10);
    node.disk = emptyDisk();
    world.start(node);
    world.run(10);
    expect(networkOf(world, 1).configDigest).toBe(configDigest(last));
    expect(node.machine?.status()).toMatchObject({ phase: "running", head: world.node(0).machine?.status().head });
    expect(node.disk.transitions).toHaveLength(3);
    world.stop(node);
    world.start(node);
    expect(networkOf(world, 1).configDigest).toBe(configDigest(last));
    expectNoFault(world);
  });

  it("a store with a way into a config that came to nothing, and the one that counts, is taken as it is", () => {
    const world = running({ seed: 87, guests: 1 });
    const config = rotate(world, 2);
    world.run(12);
    const [stored] = world.node(0).disk.transitions;
    if (stored === undefined) throw new Error("no transition");
    const again = sign(world, {
      ...stored.certificate.header,
      round: 1_000_000_100,
      timestamp: 1_000_000_100_000,
      validUntil: 1_000_000_160_000,
    });
    const start = {
      head: undefined,
      guard: [],
      history: [],
      documents: [],
      transitions: [stored, { config, certificate: again }],
    };
    const machine = createRoundMachine({ network: world.network, scheme, key: keyAt(world, 0), fold: toyFold, start });
    expect(machine.network().configDigest).toBe(configDigest(config));
    expect(only(machine.handle({ kind: "tick" }, world.now()), "event").map(({ code }) => code)).not.toContain(
      "stored-transitions-unusable",
    );
    const broken = { ...start, transitions: [{ config, certificate: { ...again, signatures: again.signatures.slice(0, 2) } }] };
    const other = createRoundMachine({ network: world.network, scheme, key: keyAt(world, 0), fold: toyFold, start: broken });
    expect(other.network().configDigest).toBe(world.network.configDigest);
    expect(only(other.handle({ kind: "tick" }, world.now()), "event")).toMatchObject([
      { code: "stored-transitions-unusable", fields: { fault: "transition of round 1000000100: certificate" } },
    ]);
  });

  it("who left is heard no more, and costs nobody anything", () => {
    const world = running({ seed: 85, guests: 1 });
    const leaver = world.node(2);
    const config = rotate(world, 2);
    world.run(12);
    expect(networkOf(world, 0).configDigest).toBe(configDigest(config));
    expect(world.node(0).machine?.peers()).not.toContain(leaver.address);
    const { header } = firstUnder(world, configDigest(config));
    const round = roundNow(world);
    const late = { ...header, round, timestamp: round * 1_000, validUntil: round * 1_000 + config.leaseMs };
    const verdictOn = (address: Address, privateKey: Uint8Array): unknown => {
      const signature = scheme.sign(fromHex(roundDigest(world.network.domain, late)), privateKey);
      const bytes = encodeSignatureMessage({ header: late, signature });
      world.handle(world.node(0), { kind: "gossip", id: address, topic: "signature", from: world.node(1).address, bytes });
      return world.trace.findLast(({ output }) => output.kind === "verdict" && output.id === address)?.output;
    };
    const leaving = world.keys[2];
    if (leaving === undefined) throw new Error("no key");
    expect(verdictOn(leaving.address, leaving.privateKey)).toMatchObject({ code: "other-committee", verdict: "ignore" });
    expect(verdictOn(testKey(99).address, testKey(99).privateKey)).toMatchObject({ code: "unknown-signer" });
  });

  it("keys of a retired committee lead nobody away from where the network went", () => {
    const world = running({ seed: 86, guests: 1 });
    const genesis = world.network;
    const config = rotate(world, 2);
    world.run(12);
    const fork = successorOf(genesis, { leaseMs: 70_000 });
    const round = roundNow(world) + 1;
    const header = {
      round,
      timestamp: round * 1_000,
      validUntil: round * 1_000 + fork.leaseMs,
      parent: digestOf(1),
      reportsRoot: ZERO_DIGEST,
      stateRoot: digestOf(2),
      inputsRoot: digestOf(3),
      configDigest: configDigest(fork),
    };
    const hash = fromHex(roundDigest(genesis.domain, header));
    const signatures = world.keys
      .slice(0, 4)
      .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
    const transition: Transition = { config: fork, certificate: { header, signatures } };
    const node = world.node(0);
    const from = world.node(1).address;
    const bytes = encodeCertificate(transition.certificate);
    world.handle(node, { kind: "gossip", id: "fork", topic: "certificate", from, bytes });
    const asked = world.trace.findLast(({ output }) => output.kind === "fetch" && output.want.kind === "transition");
    expect(asked?.output).toMatchObject({ want: { digest: configDigest(fork) }, from });
    const want = { kind: "transition", digest: configDigest(fork) } as const;
    const answer = encodeTransitionAnswer({ from: genesis.configDigest, transition });
    world.handle(node, { kind: "fetched", want, from, bytes: answer });
    world.run(3);
    expect(networkOf(world, 0).configDigest).toBe(configDigest(config));
    expect(node.disk.transitions).toHaveLength(1);
  });
});

describe("any weather around a change", () => {
  it.each([91, 92, 93, 94])("seed %i: losses and restarts break no law (P2), and a healed network has changed over", (seed) => {
    let stormy = true;
    const world = createWorld({
      config: GOVERNED,
      n: seed % 2 === 0 ? 4 : 7,
      guests: 1,
      seed,
      delayMs: [2, 60],
      deliver: (_, random) => !stormy || random() > 0.12,
    });
    world.startAll();
    world.run(4.5);
    const config = rotate(world, 2, { rounds: 8 });
    world.run(4);
    const victim = world.node(seed % 2 === 0 ? 1 : 3);
    world.stop(victim);
    if (seed % 3 === 0) victim.disk = emptyDisk();
    world.run(5);
    world.start(victim);
    world.run(5);
    stormy = false;
    world.run(10);
    const healed = roundNow(world) - 4;
    expect(certifiedBetween(world, healed, healed + 3)).toHaveLength(4);
    const members = world.nodes.filter(({ address }) => config.committee.some((member) => member.address === address));
    for (const { machine } of members) expect(machine?.network().configDigest).toBe(configDigest(config));
    expect(new Set(members.map(({ machine }) => machine?.status().head.digest)).size).toBe(1);
    expectNoFault(world);
  });
});
