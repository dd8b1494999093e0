import { describe, expect, it } from "vitest";
import { createRoundMachine } from "../../node/round.ts";
import { encodeHello, encodeSignatureMessage, encodeTransitionAnswer } from "../../node/wire.ts";
import { type Address, type Digest, fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { createCommittee } from "../../protocol/committee.ts";
import { configDigest, type NetworkConfig } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import type { Transition } from "../../protocol/transition.ts";
import { digestOf, scheme, testKey } from "../support/network.ts";
import { exchange, GOVERNED, GOVERNORS, proposalOf, reweighted, signBy, successorOf } from "./council.ts";
import { certifiedBetween, createWorld, emptyDisk, GUEST_KEY, type World, type WorldOptions } from "./mini-network.ts";
import { only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const GUEST = testKey(GUEST_KEY);

function roundNow(world: World): number {
  return Math.floor(world.now() / 1_000);
}

function networkOf(world: World, index: number) {
  const network = world.node(index).machine?.network();
  if (network === undefined) throw new Error(`node ${index} is down`);
  return network;
}

/** Every node that is up is on this config, and on one head. */
function expectAllUnder(world: World, config: NetworkConfig): void {
  const up = world.nodes.filter(({ machine }) => machine !== undefined);
  expect(up.map(({ machine }) => machine?.network().configDigest)).toEqual(up.map(() => configDigest(config)));
  expect(new Set(up.map(({ machine }) => machine?.status().head.digest)).size).toBe(1);
}

/** The config of every certified round, and which certificates were committed for it. */
function certificatesOf({ trace }: World): ReadonlyMap<number, Certificate> {
  return new Map(
    trace.flatMap(({ output }) => {
      if (output.kind !== "commit") return [];
      const { certificate } = output.certified;
      return [[certificate.header.round, certificate] as const];
    }),
  );
}

function firstUnder(world: World, digest: Digest): Certificate {
  const rounds = [...certificatesOf(world).values()].sort((a, b) => a.header.round - b.header.round);
  const first = rounds.find(({ header }) => header.configDigest === digest);
  if (first === undefined) throw new Error("no round under that config");
  return first;
}

function expectNoFault(world: World): void {
  for (const code of ["internal-fault", "guard-refused", "key-used-elsewhere"]) expect(world.events(code)).toEqual([]);
}

/** A governed network that has run for a while. */
function running(options: WorldOptions): World {
  const world = createWorld({ config: GOVERNED, ...options });
  world.startAll();
  world.run(4.5);
  return world;
}

/** Proposes a config to one node, activating after so many rounds. */
function propose(world: World, changes: Record<string, unknown>, { rounds = 6, to = 0 } = {}): NetworkConfig {
  const network = networkOf(world, to);
  const config = successorOf(network, changes);
  const receipt = world.submit(to, proposalOf(network, config, world.now() + rounds * 1_000).bytes);
  if (receipt?.ok !== true) throw new Error(JSON.stringify(receipt));
  return config;
}

function rotate(world: World, leaves: number, options: { readonly rounds?: number; readonly to?: number } = {}): NetworkConfig {
  const { config } = networkOf(world, options.to ?? 0);
  return propose(world, { committee: exchange(config, world.node(leaves).address, GUEST) }, options);
}

/** Who published signatures of headers in these rounds. */
function signersBetween({ published }: World, first: number, last: number): ReadonlySet<string> {
  const keys = [...published.keys()].map((key) => key.split(" "));
  return new Set(
    keys.flatMap(([address, kind, round]) =>
      kind === "round" && Number(round) >= first && Number(round) <= last ? [address ?? ""] : [],
    ),
  );
}

function keyAt({ keys }: World, index: number) {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  return key;
}

/** A header signed by everybody, the guest included. */
function sign(world: World, header: Certificate["header"]): Certificate {
  const hash = fromHex(roundDigest(world.network.domain, header));
  const signatures = world.keys.map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
  return { header, signatures: signatures.sort((a, b) => (a.signer < b.signer ? -1 : 1)) };
}

describe("a change of config", () => {
  const longer = { leaseMs: 61_000 };

  it("handed to one node is taken in, waits for its time, and is in force at all nodes in one round", () => {
    const world = running({ seed: 71 });
    const before = world.network;
    const from = roundNow(world);
    const config = propose(world, longer);
    world.run(3);
    for (const { machine } of world.nodes) expect(machine?.governance().pending?.configDigest).toBe(configDigest(config));
    expect(networkOf(world, 0).configDigest).toBe(before.configDigest);
    world.run(8);
    expectAllUnder(world, config);
    const { round } = firstUnder(world, configDigest(config)).header;
    expect(round).toBeLessThanOrEqual(from + 8);
    const last = roundNow(world) - 1;
    expect(certifiedBetween(world, from, last)).toHaveLength(last - from + 1);
    for (const [at, { header }] of certificatesOf(world)) {
      expect(header.configDigest).toBe(at < round ? before.configDigest : configDigest(config));
      expect(header.validUntil - header.timestamp).toBe(at < round ? before.config.leaseMs : 61_000);
    }
    for (const { disk } of world.nodes) {
      expect(disk.transitions.map(({ certificate }) => certificate.header.round)).toEqual([round]);
    }
    expect(
      world
        .events("config-in-force")
        .map(({ node }) => node)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
    expectNoFault(world);
  });

  it("whose content a node lost is asked for by its digest", () => {
    const world = running({ seed: 76 });
    const config = propose(world, { feeds: reweighted() }, { rounds: 30 });
    world.run(4);
    const node = world.node(3);
    expect(node.machine?.governance().pending?.configDigest).toBe(configDigest(config));
    world.stop(node);
    node.disk.documents.clear();
    const startedAt = world.now();
    world.start(node);
    world.run(3);
    const told = world.trace.filter((traced) => traced.node === 3 && traced.at >= startedAt && traced.output.kind === "config");
    expect(told.map(({ output }) => output.kind === "config" && output.pending)).toEqual([config]);
    expect(node.disk.documents.size).toBe(1);
    expectNoFault(world);
  });

  it("that only f nodes agree with stays out; f + 1 are enough", () => {
    const taken = [1, 2].map((agreeing) => {
      const world = running({ seed: 72, agrees: (node) => node < agreeing });
      propose(world, longer);
      world.run(4);
      return networkOf(world, 3).config.leaseMs === 61_000 || world.node(3).machine?.governance().pending !== undefined;
    });
    expect(taken).toEqual([false, true]);
  });

  it("that gives a feed other sources waits for shadows, which nobody here sends", () => {
    const world = running({ seed: 73 });
    const config = propose(world, { feeds: reweighted() }, { rounds: 5 });
    world.run(10);
    expect(world.node(0).machine?.governance().pending?.configDigest).toBe(configDigest(config));
    expect(networkOf(world, 0).configDigest).toBe(world.network.configDigest);
    const told = world.trace.flatMap(({ node, output }) => (node === 0 && output.kind === "config" ? [output.pending] : []));
    expect(told.at(-1)).toEqual(config);
  });

  it("is over for messages of before: the old digest is refused, whoever signs it", () => {
    const world = running({ seed: 74 });
    const before = world.network;
    propose(world, longer);
    world.run(10);
    const round = roundNow(world) + 1;
    const header = {
      ...firstUnder(world, networkOf(world, 0).configDigest).header,
      round,
      timestamp: round * 1_000,
      validUntil: round * 1_000 + before.config.leaseMs,
      configDigest: before.configDigest,
    };
    const hash = fromHex(roundDigest(before.domain, header));
    const signatures = world.keys
      .slice(0, 3)
      .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
    const bytes = encodeCertificate({ header, signatures });
    world.handle(world.node(0), { kind: "gossip", id: "old", topic: "certificate", from: world.node(1).address, bytes });
    const verdict = world.trace.findLast(({ output }) => output.kind === "verdict" && output.id === "old");
    expect(verdict?.output).toMatchObject({ verdict: "ignore", code: "other-config" });
    // Nor by a fetch: whoever names it as his head is asked for it.
    const want = { kind: "certificate", digest: roundDigest(before.domain, header) } as const;
    const from = world.node(1).address;
    const hello = encodeHello({ clock: world.now(), head: { round, digest: want.digest }, quarantine: false });
    world.handle(world.node(0), { kind: "hello", from, bytes: hello, sentAt: world.now(), receivedAt: world.now() });
    const asked = world.trace.findLast(({ node, output }) => node === 0 && output.kind === "fetch");
    expect(asked?.output).toMatchObject({ want, from });
    world.handle(world.node(0), { kind: "fetched", want, from, bytes });
    expect(world.node(0).machine?.serve(want)).toBeUndefined();
  });

  it("is rolled back at once by the governors, to the one before and nothing else", () => {
    const world = running({ seed: 75 });
    const genesis = world.network;
    const config = propose(world, longer);
    world.run(10);
    expectAllUnder(world, config);
    const content = { kind: "rollback", from: configDigest(config), to: genesis.configDigest } as const;
    const elsewhere = { ...content, to: digestOf(9) } as const;
    expect(world.submit(1, signBy(genesis, GOVERNORS.slice(0, 3), elsewhere, 1).bytes)).toMatchObject({ code: "nothing" });
    expect(world.submit(1, signBy(genesis, GOVERNORS.slice(0, 3), content, 1).bytes)?.ok).toBe(true);
    const from = roundNow(world);
    world.run(5);
    expectAllUnder(world, genesis.config);
    expect(certifiedBetween(world, from, from + 4)).toHaveLength(5);
    for (const { disk } of world.nodes) expect(disk.transitions).toHaveLength(2);
    expectNoFault(world);
  });
});

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
