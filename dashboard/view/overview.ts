import { compareText } from "../../protocol/feed.ts";
import type { BreakerInfo, ChainItem, FeedItem, FeedList, Permits, Reason, State } from "../data/api.ts";
import { formatChange, formatPrice, formatWidth } from "./format.ts";
import { RULE_WORDS, STATE_ORDER, STATE_WORDS } from "./words.ts";

/** One line of the overview: a feed, or a chain whose price is its base fee. */
export type Row = {
  readonly feed: string;
  readonly slug: string;
  readonly kind: "feed" | "chain";
  readonly preset: string | undefined;
  readonly price: string | undefined;
  readonly change: ReturnType<typeof formatChange>;
  readonly widthBps: string | undefined;
  readonly observedAt: number | undefined;
  readonly state: State | undefined;
  readonly since: number | undefined;
  readonly reasons: readonly Reason[];
  readonly permits: Permits | undefined;
};

/** What a list speaks of, until the stream has said more: its newest round, by the time of its newest price. */
export function spokenBy({
  feeds,
}: Pick<FeedList, "feeds">): { readonly round: number; readonly timestamp: number; readonly validUntil: number } | undefined {
  const priced = feeds.flatMap(({ round, validUntil, observedAt }) =>
    round === null || validUntil === null || observedAt === null ? [] : [{ round, validUntil, timestamp: observedAt }],
  );
  const [first] = priced;
  return first === undefined ? undefined : { ...first, timestamp: Math.max(...priced.map(({ timestamp }) => timestamp)) };
}

export const STATE_FILTERS = ["all", "open", "half-open", "closed"] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

export function feedRow({ feed, preset, price, low, high, ema, observedAt, breaker, permits }: FeedItem): Row {
  const width = price === null || low === null || high === null ? undefined : formatWidth({ price, low, high });
  return {
    ...{ feed, slug: slugOf(feed), kind: "feed", preset },
    price: price === null ? undefined : formatPrice(price),
    change: price === null || ema === null ? undefined : formatChange(price, ema),
    widthBps: width,
    observedAt: observedAt ?? undefined,
    ...verdictOf(breaker, permits),
  };
}

export function chainRow({ feed, baseFeeGwei, averageFeeGwei, observedAt, breaker, permits }: ChainItem): Row {
  return {
    ...{ feed, slug: slugOf(feed), kind: "chain", preset: undefined },
    price: baseFeeGwei === null ? undefined : `${formatPrice(baseFeeGwei)} gwei`,
    change: baseFeeGwei === null || averageFeeGwei === null ? undefined : formatChange(baseFeeGwei, averageFeeGwei),
    widthBps: undefined,
    observedAt: observedAt ?? undefined,
    ...verdictOf(breaker, permits),
  };
}

function verdictOf(breaker: BreakerInfo | null, permits: Permits | null) {
  const { state, since, reasons = [] } = breaker ?? {};
  return { state, since, reasons, permits: permits ?? undefined };
}

/** Paused first, then probing, then what has no price yet, then the rest; within each by name. */
export function sortRows(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => rankOf(a) - rankOf(b) || compareText(a.feed, b.feed));
}

function rankOf({ state }: Row): number {
  return state === undefined ? 1.5 : STATE_ORDER[state];
}

/** Every word must be somewhere in the row: in its name, preset, state, or the rules that are active. */
export function filterRows(
  rows: readonly Row[],
  { state, text }: { readonly state: StateFilter; readonly text: string },
): readonly Row[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return rows.filter((row) => (state === "all" || row.state === state) && words.every((word) => haystackOf(row).includes(word)));
}

function haystackOf({ feed, preset = "", state, reasons }: Row): string {
  const rules = reasons.map(({ rule }) => `${rule} ${RULE_WORDS[rule].title}`);
  const words = state === undefined ? "no price" : `${state} ${STATE_WORDS[state].word}`;
  return [feed, preset, words, ...rules].join(" ").toLowerCase();
}

export function countStates(rows: readonly Row[]): Readonly<Record<StateFilter, number>> {
  const of = (state: State): number => rows.filter((row) => row.state === state).length;
  return { all: rows.length, open: of("open"), "half-open": of("half-open"), closed: of("closed") };
}

export function slugOf(feed: string): string {
  return feed.replace("/", "-");
}
