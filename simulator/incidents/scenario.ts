import type { DropCode } from "../../aggregator/source.ts";
import type { BorrowQuestion, LiquidationQuestion } from "../../client/portfolio.ts";
import type { FeedConfig } from "../../protocol/config.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { BreakerState, LiquidateLevel, RuleName } from "../../protocol/report.ts";
import type { Preset, ThresholdOverrides } from "../../protocol/thresholds.ts";
import type { Path, Quotes } from "./quotes.ts";

/** Seconds from the incident's zero; `to` is not part of it. */
export type Span = { readonly from: number; readonly to: number };

/** A published account, and what of it the scenario is built from. */
export type Citation = { readonly title: string; readonly url: string; readonly says: string };

/** A feed as `network.yaml` writes it. */
export type ScenarioFeed = {
  readonly feed: string;
  readonly preset: Preset;
  readonly thresholds?: ThresholdOverrides;
  readonly peg?: { readonly par: string } | { readonly rate: string };
  readonly sources: readonly {
    readonly venue: string;
    readonly market: string;
    readonly weight: number;
    readonly group?: string;
    readonly convert?: readonly ({ readonly multiply: string } | { readonly divide: string })[];
  }[];
};

/** Sources of equal weight for one market. */
export function equalSources(venues: readonly string[], market: string, weight = 1): ScenarioFeed["sources"] {
  return venues.map((venue) => ({ venue, market, weight }));
}

/** What some nodes, or all, see or compute otherwise for a time. */
export type Patch = Span & {
  /** Places in the committee; every node when absent. */
  readonly nodes?: readonly number[];
  readonly quotes?: Quotes;
  /** The feeds as these nodes take them to be: a definition forced past the gate. */
  readonly feeds?: (feeds: readonly FeedConfig[]) => readonly FeedConfig[];
  /** What these nodes sign instead of what they computed. */
  readonly entry?: (entry: FeedEntry) => FeedEntry;
};

/** What every certified round from `from` to `to` must say of a feed, and the sentence from which that follows. */
export type Expected = Span & {
  readonly feed: string;
  readonly because: string;
  readonly state?: readonly BreakerState[];
  readonly liquidate?: readonly LiquidateLevel[];
  readonly borrow?: boolean;
  /** All of these are among the reasons; none of those. */
  readonly rules?: readonly RuleName[];
  readonly without?: readonly RuleName[];
  /** Decimal texts. */
  readonly price?: readonly [atLeast: string, atMost: string];
  readonly lowAtMost?: string;
  readonly lowAtLeast?: string;
  readonly highAtLeast?: string;
  readonly highAtMost?: string;
  readonly carried?: boolean;
  /** The source that the first node drops, and why. */
  readonly drops?: { readonly source: string; readonly code: DropCode };
};

/** What the rounds of a span must answer a liquidator. */
export type ExpectedAnswer = Span & {
  readonly answers: readonly ("right" | "bucket" | "refused")[];
  readonly because: string;
};

/** A loan somebody would like to liquidate. */
export type LoanAtStake = LiquidationQuestion & { readonly name: string; readonly expected: readonly ExpectedAnswer[] };

/** Somebody who would like to borrow: what he asks would be sound only if `truth` says so. */
export type Borrower = BorrowQuestion & {
  readonly name: string;
  readonly expected: readonly (Span & { readonly allowed: boolean; readonly because: string })[];
};

/** A config that must not load, and the path of the field that is named. */
export type RefusedConfig = { readonly what: string; readonly feeds: readonly ScenarioFeed[]; readonly path: string };

/**
 * An incident, told as what each source quoted when. Everything is a function of the second, so that a run repeats to the last bit.
 * `truth` is what each feed's asset was really worth, as far as the sources say: the judges measure verdicts against it.
 */
export type Scenario = {
  readonly name: string;
  readonly title: string;
  readonly sources: readonly Citation[];
  /** What is published, and what had to be assumed. */
  readonly figures: readonly string[];
  readonly assumed: readonly string[];
  /** Unix ms of the incident's zero, a multiple of `roundMs`. */
  readonly startAt: number;
  /** 1000 unless told otherwise. */
  readonly roundMs?: number;
  /** The last second. */
  readonly until: number;
  readonly feeds: readonly ScenarioFeed[];
  /** Further fields of `network.yaml`: chains, references, basket, governance, lease. */
  readonly network?: Readonly<Record<string, unknown>>;
  readonly quotes: Quotes;
  readonly truth: Readonly<Record<string, Path>>;
  readonly patches?: readonly Patch[];
  /** Gauges by name, as a function of Unix ms. */
  readonly gauges?: Readonly<Record<string, (at: number) => bigint | undefined>>;
  /** Signed by whom they name and handed to every node at their second. */
  readonly documents?: readonly { readonly at: number; readonly document: GovernanceDocument }[];
  /** No round is certified. */
  readonly down?: readonly Span[];
  readonly expected: readonly Expected[];
  /** The longest that disputed loans may wait in one stretch, from the incident's zero on: of a true move, by feed. */
  readonly longestPauseMs?: Readonly<Record<string, number>>;
  readonly loans?: readonly LoanAtStake[];
  readonly borrowers?: readonly Borrower[];
  readonly refusedConfigs?: readonly RefusedConfig[];
};
