import type { Digest } from "../../protocol/bytes.ts";
import type { Checker, PromiseName, TrialFacts, Violation } from "./checker.ts";
import { judgeDoubt } from "./doubt.ts";
import { judgeHeadRule } from "./head-rule.ts";
import { judgeHonestRange } from "./honest-range.ts";
import { judgeIsolation } from "./isolation.ts";
import type { Bench, CreateJudge } from "./judge.ts";
import { judgeLease } from "./lease.ts";
import { createLedger, type RoundFact } from "./ledger.ts";
import { createMessages } from "./messages.ts";
import { judgeOneConfig } from "./one-config.ts";
import { judgeOneTruth } from "./one-truth.ts";
import { judgePauseAtOnce } from "./pause-at-once.ts";
import { judgePauses } from "./pauses.ts";
import { judgePriceKept } from "./price-kept.ts";
import { judgeProgress } from "./progress.ts";
import { judgeRecomputing } from "./recompute.ts";
import { judgeRestarts } from "./restarts.ts";
import { judgeSoundness } from "./soundness.ts";
import { judgeSynchrony } from "./synchrony.ts";
import { judgeTruePrice } from "./true-price.ts";
import { createTruth } from "./truth.ts";
import { type Tracks, trackFeeds } from "./walk.ts";

/** Who judges what; each of them alone. */
export const CHECKERS = {
  "honest range": judgeHonestRange,
  "true price": judgeTruePrice,
  "one truth": judgeOneTruth,
  "head rule": judgeHeadRule,
  lease: judgeLease,
  "price kept": judgePriceKept,
  pauses: judgePauses,
  doubt: judgeDoubt,
  "one config": judgeOneConfig,
  "pause at once": judgePauseAtOnce,
  recomputing: judgeRecomputing,
  restarts: judgeRestarts,
  isolation: judgeIsolation,
  synchrony: judgeSynchrony,
  progress: judgeProgress,
  soundness: judgeSoundness,
} as const satisfies Record<string, CreateJudge>;
export type CheckerName = keyof typeof CHECKERS;

/** A broken thing is said so many times of each promise, and then counted only. */
const MAX_COMPLAINTS = 20;

const ALL = Object.keys(CHECKERS) as readonly CheckerName[];

/** Every judge over one trial: messages and certified rounds are read once for all of them. */
export function createCheckers(
  facts: TrialFacts,
  report: (violation: Violation) => void,
  names: readonly CheckerName[] = ALL,
): Checker {
  const truth = createTruth(facts);
  const messages = createMessages(facts, truth);
  const tracks = new Map<Digest, Tracks>();

  const bench: Bench = { facts, truth, messages, ledger: () => ledger, complain: createComplaints(report) };
  const judges = names.map((name) => (CHECKERS[name] as CreateJudge)(bench));
  const listeners = judges.flatMap(({ witness }) => witness ?? []);

  const onRound = (round: RoundFact): void => {
    const feeds = trackFeeds(round, tracks, truth.isHonest);
    tracks.set(round.digest, feeds);
    for (const judge of judges) {
      judge.onRound?.(round);
      if (judge.onFeed !== undefined) for (const feed of feeds.values()) judge.onFeed(feed, round);
    }
  };
  const ledger = createLedger(facts, { truth, messages, onRound });

  return {
    witness: (occurrence) => {
      for (const listen of listeners) listen(occurrence);
      ledger.take(occurrence);
    },
    isContent: (now) => judges.every((judge) => judge.isContent?.(now) ?? true),
    finish: (endedAt) => {
      for (const judge of judges) judge.finish?.(endedAt);
    },
  };
}

function createComplaints(report: (violation: Violation) => void): Bench["complain"] {
  const counts = new Map<PromiseName, number>();
  return (promise, at, what) => {
    const count = (counts.get(promise) ?? 0) + 1;
    counts.set(promise, count);
    if (count <= MAX_COMPLAINTS) report({ promise, at, what });
  };
}
