import type { Fold } from "../../node/fold.ts";
import type { Input, Output, RoundMachine, Topic, Want } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { sampleMarkets } from "../../node/sampler.ts";
import { shadowsOf } from "../../node/shadows.ts";
import { startState } from "../../node/start-state.ts";
import { createOwnAnswers, storedBytes } from "../../node/stored-bytes.ts";
import type { Address, Digest } from "../../protocol/bytes.ts";
import type { Network, NetworkConfig } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { FeedEntry, GaugeEntry, ShadowEntry } from "../../protocol/observation.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Random } from "../random.ts";
import type { Act } from "./act.ts";
import type { Behaviour } from "./adversary.ts";
import type { NodeClock } from "./clock.ts";
import { type Council, SOUND_REPLAY } from "./council.ts";
import type { Disk } from "./disk.ts";
import type { EventQueue } from "./events.ts";
import type { Market, Sleep } from "./market.ts";
import type { Occurrence, ReceiptCode } from "./occurrence.ts";

/** As in the shell: a clock that was set forward is noticed within it. */
const MAX_SLEEP_MS = 250;
/** A durable write takes up to so long. */
const MAX_WRITE_MS = 5;
/** A replay report in the background. */
const REVIEW_MS = 500;
/** What a stopped process's sockets hold for it. */
const MAX_BACKLOG = 20_000;

/** What connects a host to the others; everything takes its time. */
export type Wire = {
  readonly publish: (topic: Topic, bytes: Uint8Array) => void;
  /** Asks one node; `answer` is called once, with undefined when nothing came within `timeoutMs`. */
  readonly request: (
    to: number,
    ask: {
      readonly kind: Want["kind"] | "hello";
      readonly timeoutMs: number;
      /** Called where agreeing on a protocol takes a round trip before the question goes out. */
      readonly onOpen?: () => void;
      readonly read: (peer: Host) => Uint8Array | undefined;
    },
    answer: (bytes: Uint8Array | undefined) => void,
  ) => void;
};

export type HostParts = {
  readonly index: number;
  readonly key: { readonly privateKey: Uint8Array; readonly address: Address };
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly fold: Fold;
  readonly queue: EventQueue;
  readonly clock: NodeClock;
  readonly disk: Disk;
  readonly market: Market;
  readonly random: Random;
  readonly wire: Wire;
  readonly tell: (occurrence: Occurrence) => void;
  readonly nodeOf: (address: Address) => number;
  readonly addressOf: (node: number) => Address;
};

/** What a node sees of the world in one look. */
export type Look = {
  readonly entries: readonly FeedEntry[];
  readonly gauges: readonly GaugeEntry[];
  readonly shadows: readonly ShadowEntry[];
};

/**
 * One node's process: the production round machine on a virtual clock, its outputs carried out as `node/io/runtime.ts` does, only in
 * simulated time. A byzantine one has a behaviour between the machine and the world.
 */
export type Host = {
  readonly index: number;
  readonly isUp: () => boolean;
  readonly machine: () => RoundMachine | undefined;
  readonly start: (lostRecords: number) => void;
  /** The process is gone; with `landed` a promise that was being written is on the disk all the same. */
  readonly stop: (crash: { readonly landed: boolean }) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly handle: (input: Input) => void;
  /** Gossip of a neighbour; what the machine accepts is passed on. */
  readonly hear: (topic: Topic, bytes: Uint8Array, from: number, forward: () => void) => void;
  /** Runs it when the process does: at once, or after a pause; never if it ends before. */
  readonly deliver: (run: () => void) => void;
  readonly hello: (to: number) => Uint8Array | undefined;
  readonly serve: (want: Want, from: number) => Uint8Array | undefined;
  readonly look: () => Look;
  /** Hands a document to it, drawn up from what it holds for true. */
  readonly submit: (act: Act, council: Council) => void;
  /** Whether this node lets that one connect. */
  readonly admits: (node: number) => boolean;
  readonly corrupt: (behaviour: Behaviour) => void;
};

export function createHost(parts: HostParts): Host {
  const { index, network, scheme, key, fold, queue, clock, disk, market, random, wire, tell } = parts;
  let machine: RoundMachine | undefined;
  let ownAnswer = createOwnAnswers(disk.store());
  let behaviour: Behaviour = {};
  let life = 0;
  let paused = false;
  let asleep: Sleep = { until: 0 };
  let backlog: (() => void)[] = [];
  let writing: Extract<Output, { kind: "persist" }>[] = [];
  let timer = { at: Number.POSITIVE_INFINITY, token: 0 };
  let round = -1;
  let gossipIds = 0;
  /** In force for this node's machine, and who its peers are. */
  let inForce = network;
  let pending: NetworkConfig | undefined;
  let peers: readonly Address[] = [];

  const now = (): number => clock.read(queue.now());
  const deliver = (run: () => void): void => {
    if (machine === undefined) return;
    if (!paused) run();
    else if (backlog.length < MAX_BACKLOG) backlog.push(run);
  };
  const later = (ms: number, run: () => void): void => {
    const started = life;
    queue.after(ms, () => {
      if (life === started) deliver(run);
    });
  };

  const handle = (input: Input): Extract<Output, { kind: "verdict" }> | undefined => {
    if (machine === undefined) return undefined;
    if (behaviour.onRound !== undefined) turnRound();
    const outputs = machine.handle(input, now());
    const done = behaviour.outputs === undefined ? outputs : behaviour.outputs(outputs);
    let verdict: Extract<Output, { kind: "verdict" }> | undefined;
    for (const output of done) {
      if (output.kind === "verdict") verdict = output;
      else EXECUTORS[output.kind](output as never);
    }
    sleep();
    return verdict;
  };
  const turnRound = (): void => {
    const present = Math.floor(now() / network.config.roundMs);
    if (present <= round) return;
    round = present;
    behaviour.onRound?.(present);
  };
  const sleep = (): void => {
    if (machine === undefined) return;
    const wait = Math.min(clock.until(machine.wakeAt(), queue.now()), MAX_SLEEP_MS);
    const due = queue.now() + Math.max(1, wait);
    if (timer.at > queue.now() && timer.at <= due) return;
    const token = timer.token + 1;
    timer = { at: due, token };
    later(due - queue.now(), () => {
      if (timer.token !== token) return;
      timer = { at: Number.POSITIVE_INFINITY, token };
      handle({ kind: "tick" });
    });
  };

  const look = (): Look => {
    const time = { now: queue.now(), clock: now(), asleep };
    const snapshot = market.snapshot(index, time);
    const sample = (config: NetworkConfig) => sampleMarkets(config, snapshot, time.clock).entries;
    const { roundMs } = inForce.config;
    const timestamp = Math.floor(time.clock / roundMs) * roundMs;
    const waiting = machine?.governance().pending;
    const shadows = shadowsOf({ network: inForce, pending: waiting, content: pending, timestamp }, sample);
    return { entries: sample(inForce.config), gauges: market.gauges(time), shadows };
  };
  const review = (document: SignedDocument): void => {
    if (machine === undefined) return;
    const agrees = document.document.kind === "config" && document.document.replay === SOUND_REPLAY;
    tell({ at: queue.now(), kind: "reviewed", node: index, document: document.digest, agrees });
    handle({ kind: "reviewed", document: document.digest, agrees });
  };
  const record = (output: Extract<Output, { kind: "persist" }>): void => {
    const outcome = disk.record(output.record);
    if (outcome === undefined) return;
    if (outcome !== "conflict") tell({ at: queue.now(), kind: "recorded", node: index, record: output.record });
    if (machine !== undefined) handle({ kind: outcome === "conflict" ? "refused" : "persisted", record: output.record });
  };

  const EXECUTORS: { readonly [K in Exclude<Output["kind"], "verdict">]: (output: Extract<Output, { kind: K }>) => void } = {
    sample: ({ round: sampled }) =>
      later(random.below(3), () => {
        const seen = look();
        const { entries, shadows } = seen;
        tell({ at: queue.now(), kind: "sampled", node: index, round: sampled, entries, shadows });
        handle({ kind: "sampled", round: sampled, ...seen });
      }),
    persist: (output) => {
      writing.push(output);
      later(1 + random.below(MAX_WRITE_MS), () => {
        writing = writing.filter((other) => other !== output);
        record(output);
      });
    },
    publish: ({ topic, bytes }) => {
      tell({ at: queue.now(), kind: "sent", node: index, topic, bytes, to: undefined });
      wire.publish(topic, bytes);
    },
    fetch: ({ want, from, timeoutMs }) => {
      const answer = (bytes: Uint8Array | undefined): void => {
        const found = bytes !== undefined && bytes.length > 0;
        handle(found ? { kind: "fetched", want, from, bytes } : { kind: "fetch-failed", want, from });
      };
      const own = ownAnswer(want);
      const started = life;
      if (own !== undefined) later(0, () => answer(own));
      else {
        wire.request(parts.nodeOf(from), { kind: want.kind, timeoutMs, read: (peer) => peer.serve(want, index) }, (bytes) => {
          if (life === started) deliver(() => answer(bytes));
        });
      }
    },
    greet: () => {
      for (const address of peers) if (address !== key.address) greet(address);
    },
    commit: ({ certified, body, place }) => {
      disk.write({ kind: "round", certified, body });
      tell({ at: queue.now(), kind: "committed", node: index, certified, body, place });
    },
    mark: () => undefined,
    config: (output) => {
      inForce = output.network;
      pending = output.pending;
      peers = output.peers;
    },
    keep: ({ document }) => disk.write({ kind: "document", document }),
    transition: ({ transition }) => disk.write({ kind: "transition", transition }),
    receipt: ({ id, receipt: { code } }) => {
      tell({ at: queue.now(), kind: "receipt", node: index, digest: id as Digest, code: code as ReceiptCode });
    },
    // Every honest node comes to the same report of the same rounds.
    review: ({ document }) => later(REVIEW_MS, () => review(document)),
    evidence: ({ evidence }) => disk.write({ kind: "evidence", evidence }),
    event: ({ level, code, fields }) => tell({ at: queue.now(), kind: "event", node: index, level, code, fields }),
  };

  const greet = (address: Address): void => {
    let sentAt = now();
    const started = life;
    const onOpen = (): void => {
      sentAt = now();
    };
    const ask = { kind: "hello", timeoutMs: 1_000, onOpen, read: (peer: Host) => peer.hello(index) } as const;
    wire.request(parts.nodeOf(address), ask, (bytes) => {
      if (life !== started || bytes === undefined) return;
      deliver(() => handle({ kind: "hello", from: address, bytes, sentAt, receivedAt: now() }));
    });
  };

  return {
    index,
    isUp: () => machine !== undefined,
    machine: () => machine,
    start: (lostRecords) => {
      life += 1;
      paused = false;
      asleep = { until: queue.now() };
      timer = { at: Number.POSITIVE_INFINITY, token: timer.token + 1 };
      ownAnswer = createOwnAnswers(disk.store());
      machine = createRoundMachine({ network, scheme, key, fold, start: startState(disk.store()) });
      inForce = machine.network();
      pending = undefined;
      peers = machine.peers();
      tell({ at: queue.now(), kind: "started", node: index, lostRecords });
      handle({ kind: "tick" });
    },
    stop: ({ landed }) => {
      if (machine === undefined) return;
      life += 1;
      machine = undefined;
      paused = false;
      backlog = [];
      if (landed) for (const output of writing) record(output);
      writing = [];
      tell({ at: queue.now(), kind: "stopped", node: index });
    },
    pause: () => {
      if (machine === undefined) return;
      paused = true;
      asleep = { from: queue.now(), until: queue.now() };
    },
    resume: () => {
      if (!paused) return;
      paused = false;
      asleep = { ...asleep, until: queue.now() };
      const waiting = backlog;
      backlog = [];
      for (const run of waiting) deliver(run);
    },
    handle,
    hear: (topic, bytes, from, forward) => {
      if (behaviour.hears?.({ topic, bytes, from }) === false) return;
      gossipIds += 1;
      const verdict = handle({ kind: "gossip", id: String(gossipIds), topic, from: parts.addressOf(from), bytes });
      if (verdict === undefined) return;
      tell({ at: queue.now(), kind: "judged", node: index, from, topic, code: verdict.code });
      if (verdict.verdict === "accept") forward();
    },
    deliver,
    hello: (to) => {
      const honest = machine?.hello(now());
      return honest === undefined || behaviour.hello === undefined ? honest : behaviour.hello(honest, to);
    },
    serve: (want, from) => {
      const honest = machine === undefined ? undefined : (machine.serve(want) ?? storedBytes(disk.store(), want));
      return behaviour.serves === undefined ? honest : behaviour.serves(want, from, honest);
    },
    look,
    submit: (act, council) =>
      deliver(() => {
        const handed = machine === undefined ? undefined : council.draft(act, { machine, now: now() });
        if (handed === undefined) return;
        tell({ at: queue.now(), kind: "act", node: index, act, handed });
        handle({ kind: "submitted", id: handed.digest, bytes: handed.bytes });
      }),
    admits: (node) => peers.includes(parts.addressOf(node)),
    corrupt: (next) => {
      behaviour = next;
    },
  };
}
