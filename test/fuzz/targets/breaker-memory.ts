import type { FeedMemory } from "../../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import type { FeedEntry } from "../../../protocol/observation.ts";
import { BREAKER_STATES } from "../../../protocol/report.ts";
import { feedId } from "../../support/rounds.ts";

const SAFE = Number.MAX_SAFE_INTEGER;
const DAY_MS = 86_400_000;

const AMOUNTS: readonly bigint[] = [1n, 2n, 10n ** 9n, 10n ** 18n, 1_000n * 10n ** 18n, 2n ** 127n, MAX_AMOUNT - 1n, MAX_AMOUNT];
const TIMERS: readonly bigint[] = [0n, 1n, 6_000_000n, 10n ** 15n, 2n ** 64n, 2n ** 127n - 1n];
const COUNTS: readonly number[] = [0, 1, 2, 4, 100, 10_000, 2 ** 31, 2 ** 32 - 1];

/** Fields of a memory that one number edits, each with its values; instants are drawn around the round by the caller. */
const AMOUNT_FIELDS = ["price", "rawLow", "rawHigh", "ema", "anchor", "v", "sampleP", "sysEma"] as const;
const INSTANT_FIELDS = [
  "pricedAt",
  "observedAt",
  "sampleAt",
  "since",
  "agree",
  "closedAt",
  "gapAt",
  "restartAt",
  "firstAt",
] as const;
const TIMER_FIELDS = ["corrob", "pegHeld", "spent"] as const;
const COUNT_FIELDS = ["stepMax", "trips", "rounds"] as const;

/** Any memory within the bounds that its decoder pins; `where` and `what` are any bytes. */
export function editMemory(memory: FeedMemory, where: number, what: number, now: number): FeedMemory {
  const edits: readonly (() => Partial<FeedMemory>)[] = [
    ...AMOUNT_FIELDS.map((field) => () => ({ [field]: drawn(AMOUNTS, what) })),
    ...INSTANT_FIELDS.map((field) => () => ({ [field]: instant(what, now) })),
    ...TIMER_FIELDS.map((field) => () => ({ [field]: drawn(TIMERS, what) })),
    ...COUNT_FIELDS.map((field) => () => ({ [field]: drawn(COUNTS, what) })),
    () => ({ state: drawn(BREAKER_STATES, what) }),
    () => ({ fired: memory.fired.map((at, index) => (index === what % 11 ? instant(what >> 4, now) : at)) }),
    () => ({ openMs: memory.openMs.map((ms, index) => (index === what % 11 ? instant(what >> 4, now) : ms)) }),
    () => ({ recent: [BigInt(what), 2n ** 128n - 1n, 2n ** 64n] as const }),
    () => ({ waived: what % 2 ** 11, dir: (what % 3) - 1 }),
    () => ({ waived: 2 ** 11 - 1 }),
    () => ({ dir: (what % 3) - 1 }),
    () => ({ manual: { action: what % 3, until: instant(what >> 2, now) } }),
  ];
  return { ...memory, ...edits[where % edits.length]?.() };
}

/** Any entry of an observation; what is out of bounds voids it (BREAKER.md B1). */
export function editEntry(entry: FeedEntry, where: number, what: number, now: number): FeedEntry {
  const edits: readonly (() => Partial<FeedEntry>)[] = [
    ...(["price", "low", "high"] as const).map((field) => () => ({ [field]: what % 9 === 8 ? 0n : drawn(AMOUNTS, what) })),
    () => ({ price: drawn(AMOUNTS, what), low: drawn(AMOUNTS, what), high: drawn(AMOUNTS, what) }),
    () => ({ low: 1n, high: MAX_AMOUNT }),
    () => ({ asOf: instant(what, now) }),
    () => ({ groups: what }),
    () => ({ topBps: what * 257 }),
    () => ({ outsideBps: what * 257 }),
    () => ({ feed: feedId(what % 2 === 0 ? "ZZZ/USD" : "AAA/USD") }),
  ];
  return { ...entry, ...edits[where % edits.length]?.() };
}

/** Instants where something turns: never, now, one round off, a lease off, days off, and the ends of the range. */
export function instant(what: number, now: number): number {
  const around = [0, 1, -1, 1_000, -1_000, -60_000, -60_001, 59_999, -5_000, -300_000, DAY_MS, -DAY_MS].map((by) => now + by);
  return drawn([...around, 0, 1, SAFE - 1, SAFE], what);
}

function drawn<T>(items: readonly T[], what: number): T {
  const item = items[what % items.length];
  if (item === undefined) throw new Error("a list of values is not empty");
  return item;
}
