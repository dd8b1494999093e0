import type { Digest } from "../../../protocol/bytes.ts";
import type { FeedConfig } from "../../../protocol/config.ts";
import type { Report } from "../../../protocol/report.ts";
import type { Occurrence, OccurrenceKind } from "../../../simulator/cluster/occurrence.ts";
import type { TrialFacts, Violation } from "../../../simulator/promises/checker.ts";
import { type CheckerName, createCheckers } from "../../../simulator/promises/index.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";
import { createGrounds, runTrial } from "../../../simulator/trial/trial.ts";

export type Stream = readonly Occurrence[];
export type Recording = { readonly facts: TrialFacts; readonly stream: Stream };
export type Of<K extends OccurrenceKind> = Extract<Occurrence, { readonly kind: K }>;

const grounds = createGrounds();
/** The nodes' keys, in committee order. */
export const keys = grounds.keys.slice(0, 4);

export const CALM: Plan = {
  seed: 11,
  n: 4,
  setting: "one-feed",
  byzantine: [],
  skewsMs: [-20, 0, 10, 25],
  delayMs: [2, 20],
  startsMs: [0, 40, 80, 120],
  faults: [],
  acts: [],
  safetyMs: 40_000,
  healsByzantine: true,
  downAfterHeal: [],
  healMs: 102_000,
};

/** A trial as it really went, and what was true of it. */
export function record(plan: Plan): Recording {
  const stream: Occurrence[] = [];
  let facts: TrialFacts | undefined;
  runTrial(plan, {
    grounds,
    witness: (occurrence) => stream.push(occurrence),
    checkers: (known) => {
      facts = known;
      return { witness: () => undefined, finish: () => undefined };
    },
  });
  if (facts === undefined) throw new Error("a trial has facts");
  return { facts, stream };
}

/** Nothing happens but a market. */
export const calm = record(CALM);

/** A jump of 9 % that stays, and an outage longer than the lease. */
export const stormy = record({
  ...CALM,
  faults: [
    { at: 40_000, until: 41_000, fault: { kind: "market-jump", feed: "ETH/USD", bps: 900 } },
    { at: 74_000, until: 100_000, fault: { kind: "outage" } },
  ],
  safetyMs: 101_000,
});

/** One of four nodes says two things. */
export const lying = record({ ...CALM, byzantine: [{ node: 1, behaviour: "two-observations" }], healsByzantine: false });

/** What these judges say of a stream. */
export function judge(names: readonly CheckerName[] | "all", { facts, stream }: Recording): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (violation: Violation) => violations.push(violation);
  const checker = names === "all" ? createCheckers(facts, report) : createCheckers(facts, report, names);
  for (const occurrence of stream) checker.witness(occurrence);
  checker.finish(facts.endAt);
  return violations;
}

export function committedIn(stream: Stream): readonly Of<"committed">[] {
  return stream.filter((occurrence): occurrence is Of<"committed"> => occurrence.kind === "committed");
}

/** The digests of the certified rounds, by round. */
export function digestsOf(stream: Stream): readonly Digest[] {
  const rounds = new Map(committedIn(stream).map(({ certified }) => [certified.certificate.header.round, certified.digest]));
  return [...rounds].sort(([a], [b]) => a - b).map(([, digest]) => digest);
}

/** The stream with every commit of this digest changed, on every node alike. */
export function changeRound(
  { facts, stream }: Recording,
  digest: Digest | undefined,
  change: (committed: Of<"committed">) => Of<"committed">,
): Recording {
  if (digest === undefined) throw new Error("no such round");
  return {
    facts,
    stream: stream.map((occurrence) =>
      occurrence.kind === "committed" && occurrence.certified.digest === digest ? change(occurrence) : occurrence,
    ),
  };
}

/** One leaf of one round, forged. */
export function changeLeaf(
  recording: Recording,
  digest: Digest | undefined,
  change: Partial<Report> | ((report: Report) => Partial<Report>),
): Recording {
  return changeRound(recording, digest, (committed) => ({
    ...committed,
    certified: {
      ...committed.certified,
      feeds: committed.certified.feeds.map(({ report, reasons }) => ({
        report: { ...report, ...(typeof change === "function" ? change(report) : change) },
        reasons,
      })),
    },
  }));
}

/** The first round whose only feed's leaf is like this, by digest. */
export function findRound({ stream }: Recording, like: (report: Report, committed: Of<"committed">) => boolean): Digest {
  const found = committedIn(stream).find((committed) =>
    committed.certified.feeds.some(({ report }) => report.feed === "ETH/USD" && like(report, committed)),
  );
  if (found === undefined) throw new Error("the recording has no such round");
  return found.certified.digest;
}

/** The same stream under other limits: what was allowed then is forbidden now. */
export function withThresholds({ facts, stream }: Recording, thresholds: Partial<FeedConfig["thresholds"]>): Recording {
  const { config } = facts.network;
  const feeds = config.feeds.map((feed) => ({ ...feed, thresholds: { ...feed.thresholds, ...thresholds } }));
  return { facts: { ...facts, network: { ...facts.network, config: { ...config, feeds } } }, stream };
}

export function withFacts({ facts, stream }: Recording, changes: Partial<TrialFacts>): Recording {
  return { facts: { ...facts, ...changes }, stream };
}

/** Something more happens, right after the first occurrence that is like this. */
export function insertAfter(
  { facts, stream }: Recording,
  isPlace: (occurrence: Occurrence) => boolean,
  extra: (place: Occurrence) => readonly Occurrence[],
): Recording {
  const index = stream.findIndex(isPlace);
  const place = stream[index];
  if (place === undefined) throw new Error("the recording has no such place");
  return { facts, stream: [...stream.slice(0, index + 1), ...extra(place), ...stream.slice(index + 1)] };
}

export function without({ facts, stream }: Recording, isGone: (occurrence: Occurrence) => boolean): Recording {
  const kept = stream.filter((occurrence) => !isGone(occurrence));
  if (kept.length === stream.length) throw new Error("nothing to leave out");
  return { facts, stream: kept };
}
