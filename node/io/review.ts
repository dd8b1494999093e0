import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createReplay, type IncidentReplay, type ReplayReport, replayDigest } from "../../aggregator/replay/report.ts";
import { openStoredRound } from "../../aggregator/replay/stored.ts";
import type { Network, NetworkConfig } from "../../protocol/config.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Store } from "../store.ts";
import { OperationalError } from "./operational-error.ts";

/** A node signs every second: a replay takes no more of it at a time. */
const SLICE_MS = 8;
/** Rounds read from the store at once: about as long. */
const READ_ROUNDS = 50;
/** A proposal's replay may end in a round that this node has still to reach: so long it is waited for, and so often looked at. */
const CATCH_UP_MS = 30_000;
const LOOK_MS = 250;

export type Reviewer = {
  /**
   * The replay report of a config over the stored rounds up to `to`.
   *
   * @throws OperationalError `replay` when the store does not hold the rounds that the report is about
   */
  readonly report: (next: NetworkConfig, to: number) => Promise<ReplayReport>;
  /** Whether this node comes to the report that a config document names, and finds nothing in it to refuse. */
  readonly review: (document: Extract<GovernanceDocument, { kind: "config" }>) => Promise<boolean>;
};

export type ReviewerParts = {
  readonly store: Pick<Store, "range" | "bodyOf" | "transitions">;
  readonly network: () => Network;
  readonly scheme: Secp256k1;
  /** The incident suite under the config in force and under the proposed one. */
  readonly incidents: (current: NetworkConfig, next: NetworkConfig) => Promise<readonly IncidentReplay[]>;
  /** Instead of {@link CATCH_UP_MS}. */
  readonly catchUpMs?: number;
};

/** Recomputes what a proposed config would have done, beside the node's own work and from its own store. One at a time. */
export function createReviewer({ store, network, scheme, incidents, catchUpMs = CATCH_UP_MS }: ReviewerParts): Reviewer {
  let queue: Promise<unknown> = Promise.resolve();
  const replay = async (next: NetworkConfig, to: number): Promise<ReplayReport> => {
    const current = network();
    const run = createReplay(current, next);
    const first = firstRound(store, current.config, to);
    let sliceEndsAt = performance.now() + SLICE_MS;
    let replayed = 0;
    for (let from = first; from <= to; from += READ_ROUNDS) {
      for (const { certified } of store.range({ from, to: Math.min(to, from + READ_ROUNDS - 1) })) {
        const { round } = certified.certificate.header;
        const body = store.bodyOf(certified.digest);
        if (body === undefined) throw missing(round);
        const opened = openStoredRound(certified, body, { network: current, scheme, isFirst: replayed === 0 });
        if (!opened.ok) throw new OperationalError(`round ${round} of the store: ${opened.error}`, { code: "replay" });
        run.take(opened.value);
        replayed += 1;
        if (performance.now() < sliceEndsAt) continue;
        await nextTurn();
        sliceEndsAt = performance.now() + SLICE_MS;
      }
    }
    if (replayed === 0) throw missing(to);
    return run.finish(await incidents(current.config, next));
  };
  const report = (next: NetworkConfig, to: number): Promise<ReplayReport> => {
    const turn = queue.then(() => replay(next, to));
    queue = turn.catch(() => undefined);
    return turn;
  };
  return {
    report,
    review: async ({ config, replayTo, replay: expected }) => {
      const endsAt = performance.now() + catchUpMs;
      while (!hasReached(store, replayTo) && performance.now() < endsAt) await sleep(LOOK_MS, undefined, { ref: false });
      const found = await report(config, replayTo);
      return found.refusals.length === 0 && replayDigest(found) === expected;
    },
  };
}

function hasReached(store: Pick<Store, "range">, round: number): boolean {
  return store.range({ from: round, to: Number.MAX_SAFE_INTEGER, limit: 1 }).length > 0;
}

/** replayRounds back from the last one, but no further than the config in force has been. */
function firstRound({ transitions }: Pick<Store, "transitions">, { governance }: NetworkConfig, to: number): number {
  const since = transitions().at(-1)?.certificate.header.round ?? 0;
  return Math.max(since, to - governance.replayRounds + 1, 0);
}

function missing(round: number): OperationalError {
  return new OperationalError(`round ${round} is not in this node's store: it cannot be replayed`, { code: "replay" });
}
