import type { Fold } from "../../node/fold.ts";
import type { ChainLink, DocumentReceipt, GuardRecord, Input, Output, RoundMachine, Topic, Want } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { decodeSignatureMessage, splitProposalMessage } from "../../node/wire.ts";
import { type Address, type Digest, toHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedObservation } from "../../protocol/observation.ts";
import { decodeSignedProposal } from "../../protocol/proposal.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Transition } from "../../protocol/transition.ts";
import { scheme as plainScheme, testKey, testKeys, testNetwork } from "../support/network.ts";
import { toyFold } from "./toy-fold.ts";

/** Guests' keys are this one and those after it. */
export const GUEST_KEY = 100;

/** Recovering the same signature on every node of a test teaches nothing: once is enough. */
function rememberingScheme(): Secp256k1 {
  const known = new Map<string, Address | undefined>();
  return {
    ...plainScheme,
    recover: (digest, signature) => {
      const key = `${toHex(digest)} ${signature}`;
      if (!known.has(key)) known.set(key, plainScheme.recover(digest, signature));
      return known.get(key);
    },
  };
}

/** A replay report in the background. */
const REVIEW_MS = 300;

export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Disk = {
  guard: Map<string, GuardRecord>;
  rounds: Map<Digest, { certified: CertifiedRound; body: RoundBody }>;
  documents: Map<Digest, Uint8Array>;
  transitions: Transition[];
};
export type SimNode = {
  readonly index: number;
  readonly address: Address;
  disk: Disk;
  machine: RoundMachine | undefined;
  clockOffsetMs: number;
  /** Changes with every start: what was under way for an earlier life is dropped. */
  life: number;
  timer: number;
};
export type Message = {
  readonly topic: Topic;
  readonly from: number;
  readonly to: number;
  readonly round: number;
  readonly at: number;
};
export type Traced = { readonly at: number; readonly node: number; readonly output: Output };

export type WorldOptions = {
  readonly n?: number;
  /** Of the genesis config. */
  readonly config?: Record<string, unknown>;
  /** Nodes beyond the genesis committee, with keys of their own; they have to come in by a change of config. */
  readonly guests?: number;
  /** What a node comes to when it computes the replay report of a config. */
  readonly agrees?: (node: number) => boolean;
  readonly fold?: Fold;
  readonly seed?: number;
  readonly delayMs?: readonly [number, number];
  readonly startAt?: number;
  readonly skewsMs?: readonly number[];
  /** Second processes with the keys of these members, on machines of their own. */
  readonly clonesOf?: readonly number[];
  /** False: the message is lost. */
  readonly deliver?: (message: Message, random: () => number) => boolean;
  /** False: the request is answered with nothing. */
  readonly serves?: (request: {
    readonly from: number;
    readonly to: number;
    readonly want: Want;
    readonly at: number;
  }) => boolean;
};

/** n machines on a virtual clock with their disks, a full mesh, and the two laws checked on everything that is published. */
export function createWorld(options: WorldOptions = {}) {
  const {
    n = 4,
    config = {},
    guests = 0,
    agrees = () => true,
    fold = toyFold,
    seed = 1,
    delayMs = [2, 20],
    startAt = 1_000_000_000_000,
    skewsMs = [],
    clonesOf = [],
    deliver = () => true,
    serves = () => true,
  } = options;
  const network = testNetwork(config, n);
  const keys = [...testKeys(n), ...Array.from({ length: guests }, (_, guest) => testKey(GUEST_KEY + guest))];
  const scheme = rememberingScheme();
  const random = seededRandom(seed);
  const queue: { at: number; sequence: number; run: () => void }[] = [];
  const trace: Traced[] = [];
  const published = new Map<string, Digest>();
  const certified = new Map<number, Digest>();
  let now = startAt;
  let sequence = 0;
  let gossipId = 0;
  let submissions = 0;
  const receipts = new Map<string, DocumentReceipt>();

  const owners = [...keys.keys(), ...clonesOf];
  const keyOf = (index: number) => {
    const key = keys[owners[index] ?? -1];
    if (key === undefined) throw new Error("a node has a key");
    return key;
  };
  const nodes: SimNode[] = owners.map((_, index) => ({
    index,
    address: keyOf(index).address,
    disk: emptyDisk(),
    machine: undefined,
    clockOffsetMs: skewsMs[index] ?? 0,
    life: 0,
    timer: 0,
  }));

  const after = (ms: number, run: () => void): void => {
    queue.push({ at: now + ms, sequence: sequence++, run });
  };
  const delay = (): number => delayMs[0] + Math.floor(random() * (delayMs[1] - delayMs[0] + 1));
  /** No two looks at a market are the same. */
  const seen = () => [{ gauge: "seen", value: BigInt(Math.floor(random() * 1e9)), asOf: now }];
  const clock = (node: SimNode): number => now + node.clockOffsetMs;
  const later = (node: SimNode, ms: number, run: () => void): void => {
    const { life } = node;
    after(ms, () => {
      if (node.life === life && node.machine !== undefined) run();
    });
  };

  const handle = (node: SimNode, input: Input): void => {
    const outputs = node.machine?.handle(input, clock(node)) ?? [];
    for (const output of outputs) {
      trace.push({ at: now, node: node.index, output });
      execute(node, output);
    }
    const timer = ++node.timer;
    const wait = Math.max(0, (node.machine?.wakeAt() ?? 0) - clock(node));
    later(node, wait, () => {
      if (node.timer === timer) handle(node, { kind: "tick" });
    });
  };

  const execute = (node: SimNode, output: Output): void => {
    if (output.kind === "sample")
      later(node, 1, () => handle(node, { kind: "sampled", round: output.round, entries: [], gauges: seen(), shadows: [] }));
    if (output.kind === "persist") later(node, 1 + Math.floor(random() * 5), () => handle(node, persist(node, output.record)));
    if (output.kind === "publish") publish(node, output.topic, output.bytes);
    if (output.kind === "greet") for (const peer of nodes) greet(node, peer);
    if (output.kind === "fetch") fetch(node, output);
    if (output.kind === "commit") commit(node, output);
    if (output.kind === "keep") node.disk.documents.set(output.document.digest, output.document.bytes);
    if (output.kind === "transition") node.disk.transitions.push(output.transition);
    if (output.kind === "review")
      later(node, REVIEW_MS, () =>
        handle(node, { kind: "reviewed", document: output.document.digest, agrees: agrees(node.index) }),
      );
    if (output.kind === "receipt") receipts.set(output.id, output.receipt);
  };

  const persist = (node: SimNode, record: GuardRecord): Input => {
    const key = `${record.kind} ${record.round}`;
    const standing = node.disk.guard.get(key);
    if (standing !== undefined && standing.digest !== record.digest) return { kind: "refused", record };
    node.disk.guard.set(key, record);
    return { kind: "persisted", record };
  };

  const publish = (node: SimNode, topic: Topic, bytes: Uint8Array): void => {
    const { round } = checkPublished(node, topic, bytes);
    for (const peer of nodes) {
      if (
        peer === node ||
        !areLinked(node, peer) ||
        !deliver({ topic, from: node.index, to: peer.index, round, at: now }, random)
      )
        continue;
      later(peer, delay(), () => handle(peer, { kind: "gossip", id: String(gossipId++), topic, from: node.address, bytes }));
    }
  };

  /** P2 on the wire: its record is on this node's disk already, and nobody ever signs two digests of a kind and round. */
  const checkPublished = (node: SimNode, topic: Topic, bytes: Uint8Array): { round: number } => {
    const own = readOwn(topic, bytes);
    if (own.kind === "certificate") return own;
    const record = node.disk.guard.get(`${own.kind} ${own.round}`);
    if (record?.digest !== own.digest)
      throw new Error(`${own.kind} of round ${own.round} published before its record was durable`);
    const key = `${node.address} ${own.kind} ${own.round}`;
    const isCloned = nodes.some((other) => other !== node && other.address === node.address);
    if (!isCloned && (published.get(key) ?? own.digest) !== own.digest) throw new Error(`two digests: ${key}`);
    published.set(key, own.digest);
    return own;
  };

  const readOwn = (
    topic: Topic,
    bytes: Uint8Array,
  ): { kind: "observation" | "proposal" | "round" | "certificate"; round: number; digest: Digest } => {
    const fault = new Error(`own ${topic} does not decode`);
    if (topic === "observation") {
      const signed = decodeSignedObservation(bytes, network.domain, scheme);
      if (!signed.ok) throw fault;
      return { kind: "observation", round: signed.value.observation.round, digest: signed.value.digest };
    }
    if (topic === "proposal") {
      const parts = splitProposalMessage(bytes);
      const signed = parts.ok ? decodeSignedProposal(parts.value.proposal, network.domain, scheme) : parts;
      if (!signed.ok) throw fault;
      return { kind: "proposal", round: signed.value.proposal.header.round, digest: signed.value.digest };
    }
    if (topic === "signature") {
      const message = decodeSignatureMessage(bytes);
      if (!message.ok) throw fault;
      return { kind: "round", round: message.value.header.round, digest: roundDigest(network.domain, message.value.header) };
    }
    return { kind: "certificate", round: 0, digest: "0x" };
  };

  /** Both let the other connect. */
  const areLinked = (a: SimNode, b: SimNode): boolean =>
    a.address === b.address ||
    ((a.machine?.peers().includes(b.address) ?? false) && (b.machine?.peers().includes(a.address) ?? false));

  const greet = (node: SimNode, peer: SimNode): void => {
    if (peer === node || !areLinked(node, peer)) return;
    const sentAt = clock(node);
    const back = delay();
    later(peer, delay(), () => {
      const bytes = peer.machine?.hello(clock(peer));
      if (bytes === undefined) return;
      later(node, back, () => handle(node, { kind: "hello", from: peer.address, bytes, sentAt, receivedAt: clock(node) }));
    });
  };

  const fetch = (node: SimNode, { want, from, timeoutMs }: Output & { kind: "fetch" }): void => {
    const peer = nodes.find((candidate) => candidate.address === from);
    const fail = (): void => handle(node, { kind: "fetch-failed", want, from });
    if (peer?.machine === undefined || !areLinked(node, peer) || !serves({ from: node.index, to: peer.index, want, at: now })) {
      later(node, timeoutMs, fail);
      return;
    }
    const { life } = peer;
    later(node, delay(), () => {
      const bytes = peer.life === life ? (peer.machine?.serve(want) ?? stored(peer.disk, want)) : undefined;
      later(node, delay(), () => (bytes === undefined ? fail() : handle(node, { kind: "fetched", want, from, bytes })));
    });
  };

  const stored = ({ rounds, documents }: Disk, { kind, digest }: Want): Uint8Array | undefined => {
    if (kind === "document") return documents.get(digest);
    const round = rounds.get(digest);
    if (round === undefined || (kind !== "body" && kind !== "certificate")) return undefined;
    return kind === "body" ? encodeRoundBody(round.body) : encodeCertificate(round.certified.certificate);
  };

  const commit = (node: SimNode, output: Output & { kind: "commit" }): void => {
    const { digest, certificate } = output.certified;
    const { round } = certificate.header;
    if ((certified.get(round) ?? digest) !== digest) throw new Error(`two certificates of round ${round}`);
    certified.set(round, digest);
    node.disk.rounds.set(digest, { certified: output.certified, body: output.body });
  };

  const create = (node: SimNode): void => {
    const key = keyOf(node.index);
    const stored = [...node.disk.rounds.values()].sort((a, b) => b.body.round - a.body.round);
    const history: ChainLink[] = stored.map(({ certified: { digest, certificate } }) => ({
      round: certificate.header.round,
      digest,
      parent: certificate.header.parent,
    }));
    node.life += 1;
    node.machine = createRoundMachine({
      network,
      scheme,
      key,
      fold,
      start: {
        head: stored[0],
        guard: [...node.disk.guard.values()],
        history,
        documents: [...node.disk.documents.values()].reverse(),
        transitions: node.disk.transitions.toSorted((a, b) => a.certificate.header.round - b.certificate.header.round),
      },
    });
  };
  const start = (node: SimNode): void => {
    create(node);
    handle(node, { kind: "tick" });
  };
  const stop = (node: SimNode): void => {
    node.life += 1;
    node.machine = undefined;
  };

  const runUntil = (end: number): void => {
    for (;;) {
      let first = -1;
      for (const [index, event] of queue.entries()) {
        const best = queue[first];
        if (best === undefined || event.at < best.at || (event.at === best.at && event.sequence < best.sequence)) first = index;
      }
      const event = queue[first];
      if (event === undefined || event.at > end) break;
      queue.splice(first, 1);
      now = event.at;
      event.run();
    }
    now = end;
  };

  return {
    network,
    keys,
    scheme,
    nodes,
    trace,
    certified,
    published,
    startAt,
    now: () => now,
    handle,
    /** Hands a document to one node; gives its receipt. */
    submit: (index: number, bytes: Uint8Array): DocumentReceipt | undefined => {
      const node = nodes[index];
      const id = String(submissions++);
      if (node !== undefined) handle(node, { kind: "submitted", id, bytes });
      return receipts.get(id);
    },
    start,
    stop,
    startAll: () => {
      for (const node of nodes) create(node);
      for (const node of nodes) handle(node, { kind: "tick" });
    },
    /** Runs this many rounds' worth of time. */
    run: (rounds: number) => runUntil(now + rounds * network.config.roundMs),
    node: (index: number): SimNode => {
      const node = nodes[index];
      if (node === undefined) throw new Error(`no node ${index}`);
      return node;
    },
    events: (code: string) =>
      trace.flatMap(({ node, at, output }) =>
        output.kind === "event" && output.code === code ? [{ node, at, fields: output.fields }] : [],
      ),
    leaderOf: (round: number) => round % n,
  };
}
export type World = ReturnType<typeof createWorld>;

/** Rounds of a span that have a certificate. */
export function certifiedBetween({ certified }: World, first: number, last: number): readonly number[] {
  return [...certified.keys()].filter((round) => round >= first && round <= last).sort((a, b) => a - b);
}

export function copyDisk({ guard, rounds, documents, transitions }: Disk): Disk {
  return {
    guard: new Map(guard),
    rounds: new Map(rounds),
    documents: new Map(documents),
    transitions: [...transitions],
  };
}

export function emptyDisk(): Disk {
  return { guard: new Map(), rounds: new Map(), documents: new Map(), transitions: [] };
}
