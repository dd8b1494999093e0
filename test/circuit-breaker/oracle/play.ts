import { type BreakerInput, stepBreaker } from "../../../circuit-breaker/breaker.ts";
import { type BreakerMemory, EMPTY_MEMORY, type FeedMemory } from "../../../circuit-breaker/memory.ts";
import type { Network } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { FeedVerdict } from "../../../protocol/round.ts";
import { resolveThresholds, type Thresholds } from "../../../protocol/thresholds.ts";
import { type Coverage, cover } from "./coverage.ts";
import { createOracle, type OracleRound } from "./oracle.ts";
import { HARD, type Seen, survivesEncoding, violated } from "./properties.ts";
import type { StoryRound } from "./story.ts";
import { documentsOf } from "./words.ts";

/** What is wrong in a round: where production and oracle differ, or which property does not hold. */
export type Finding = { readonly round: number; readonly feed: string; readonly lines: readonly string[] };

export type PlayOptions = { readonly coverage?: Coverage; readonly breaker?: Breaker };
export type Breaker = typeof stepBreaker;

const PENDING = `0x${"c0".repeat(32)}` as const;

/** Plays rounds to production (or to what stands in for it) and oracle side by side. */
export function createPlay(network: Network, { coverage = new Map(), breaker = stepBreaker }: PlayOptions = {}) {
  const { config } = network;
  const oracle = createOracle(network);
  const events = new Map<string, { openings: number; softOpenMs: number }>();
  let memory: BreakerMemory = EMPTY_MEMORY;
  let verdicts: readonly FeedVerdict[] = [];
  let parent: { round: number; timestamp: number } | undefined;

  function step(told: StoryRound): Finding | undefined {
    const { round } = told;
    const timestamp = round * config.roundMs;
    const before = memory;
    const previous = verdicts;
    const dt = timestamp - (parent?.timestamp ?? timestamp);
    const result = attempt(() => breaker(inputOf(network, told, { parent, memory })));
    if (result instanceof Error) return { round, feed: "*", lines: [`production throws: ${result.stack ?? result.message}`] };
    memory = result.memory;
    verdicts = result.feeds;
    parent = { round, timestamp };
    const expected = oracle(told);
    const difference = compare(round, result, expected);
    if (difference !== undefined) return difference;
    if (!survivesEncoding(memory)) return { round, feed: "*", lines: ["the memory does not survive its encoding"] };
    for (const [index, after] of memory.feeds.entries()) {
      const verdict = verdicts[index];
      const thresholds = thresholdsOf(network, after.feed);
      if (verdict === undefined || thresholds === undefined)
        return { round, feed: after.feed, lines: ["no verdict or no thresholds"] };
      const own = before.feeds.find(({ feed }) => feed === after.feed);
      const seen: Seen = {
        before: own,
        after,
        verdict,
        previous: previous.find(({ report }) => report.feed === after.feed),
        thresholds,
        roundMs: config.roundMs,
        timestamp,
        dt,
        priced: isPriced(told, after.feed),
        event: follow(after, own, verdict, Math.min(dt, 5 * config.roundMs)),
      };
      cover(coverage, seen);
      const name = violated(seen);
      if (name !== undefined) return { round, feed: after.feed, lines: [`property: ${name}`] };
    }
    return undefined;
  }

  /** What the bound on pauses needs of the past. */
  function follow(after: FeedMemory, before: FeedMemory | undefined, { reasons }: FeedVerdict, tick: number) {
    const event = events.get(after.feed) ?? { openings: 1, softOpenMs: 0 };
    events.set(after.feed, event);
    const opened = before?.state === "closed" && after.state === "open";
    if (opened && after.openMs.every((ms) => ms === 0)) Object.assign(event, { openings: 1, softOpenMs: 0 });
    else if (opened) event.openings += 1;
    const hard = reasons.some(({ rule }) => HARD.includes(rule));
    if (before?.state === "open" && after.state === "open" && !hard) event.softOpenMs += tick;
    return event;
  }

  return { step, memory: () => memory };
}

/** A round of a story as the breaker gets it; what a config proposes waits for its time, and its shadows are due. */
export function inputOf(
  { config, configDigest, committee }: Network,
  { round, views, gauges, words, proposal }: StoryRound,
  { parent, memory }: { readonly parent: BreakerInput["parent"]; readonly memory: BreakerMemory },
): BreakerInput {
  const timestamp = round * config.roundMs;
  const feeds = proposal?.map(({ feed }) => ({ feed, agreedAt: 0, accepted: false }));
  const pending = feeds && { configDigest: PENDING, activation: timestamp + 1, feeds };
  return {
    ...{ config, configDigest, committee, parent, round, timestamp, validUntil: timestamp + config.leaseMs },
    parentConfigDigest: parent && configDigest,
    memory: { ...memory, governance: { ...memory.governance, pending } },
    views: new Map(views.map((view) => [view.feed, view])),
    gauges: new Map(Object.entries(gauges)),
    shadows: new Map(proposal?.flatMap(({ feed, shadow }) => (shadow === undefined ? [] : [[feed, shadow] as const]))),
    documents: documentsOf(words, round),
  };
}

/** A feed's, or all that a chain's leaf goes by. */
function thresholdsOf({ config: { feeds } }: Network, leaf: FeedId): Thresholds {
  const own = feeds.find(({ feed }) => feed === leaf)?.thresholds;
  const quickest = (name: "probeMs" | "resetMs") => Math.min(...feeds.map(({ thresholds }) => thresholds[name]));
  return own ?? resolveThresholds("major", { probeMs: quickest("probeMs"), resetMs: quickest("resetMs") });
}

function isPriced({ views, gauges }: StoryRound, leaf: FeedId): boolean {
  return views.some(({ feed }) => feed === leaf) || gauges[leaf.replace("CHAIN/", "fee.")] !== undefined;
}

function attempt<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function compare(
  round: number,
  { memory, feeds }: { readonly memory: BreakerMemory; readonly feeds: readonly FeedVerdict[] },
  expected: readonly OracleRound[],
): Finding | undefined {
  const ids = memory.feeds.map(({ feed }) => feed).join();
  const wanted = expected.map((item) => item.memory.feed).join();
  if (ids !== wanted) return { round, feed: "*", lines: [`feeds: production ${ids}, oracle ${wanted}`] };
  for (const [index, item] of expected.entries()) {
    const lines = [
      ...differences("memory", memory.feeds[index], item.memory),
      ...differences("report", feeds[index]?.report, item.report),
    ];
    if (lines.length > 0) return { round, feed: item.memory.feed, lines };
  }
  return undefined;
}

function differences(what: string, actual: object | undefined, expected: object): readonly string[] {
  const found = actual as Readonly<Record<string, unknown>> | undefined;
  return Object.entries(expected).flatMap(([field, value]) =>
    same(found?.[field], value) ? [] : [`${what}.${field}: production ${show(found?.[field])}, oracle ${show(value)}`],
  );
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => item === b[index]);
  return typeof b === "object" && show(a) === show(b);
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? `${item}n` : item)) ?? "undefined";
}
