import type { Occurrence } from "../cluster/occurrence.ts";
import type { PromiseName, TrialFacts } from "./checker.ts";
import type { Ledger, RoundFact } from "./ledger.ts";
import type { Messages } from "./messages.ts";
import type { Truth } from "./truth.ts";
import type { FeedTrack } from "./walk.ts";

/** What every judge is given: the truth, and where to complain. */
export type Bench = {
  readonly facts: TrialFacts;
  readonly truth: Truth;
  readonly messages: Messages;
  readonly ledger: () => Ledger;
  readonly complain: (promise: PromiseName, at: number, what: string) => void;
};

/** One promise's judge. It is told of every occurrence, of every certified round once, parents first, and of each feed in it. */
export type Judge = {
  readonly witness?: (occurrence: Occurrence) => void;
  readonly onRound?: (round: RoundFact) => void;
  readonly onFeed?: (feed: FeedTrack, round: RoundFact) => void;
  /** Whether a healed network has shown what this judge waits for; without it, nothing is waited for. */
  readonly isContent?: (now: number) => boolean;
  readonly finish?: (endedAt: number) => void;
};

export type CreateJudge = (bench: Bench) => Judge;
