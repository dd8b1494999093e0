import type { BreakerMemory } from "../../../circuit-breaker/memory.ts";
import { MAX_AMOUNT, ONE } from "../../../protocol/amount.ts";
import type { ChainConfig, FeedConfig, NetworkConfig } from "../../../protocol/config.ts";
import type { FeedScope } from "../../../protocol/governance.ts";
import { between, type Dice, oneIn, pick } from "./dice.ts";
import { movedBy } from "./regimes.ts";
import type { StoryRound } from "./story.ts";
import type { Word } from "./words.ts";

/** All that a round has besides what the quorum saw of its feeds. */
type Gauges = StoryRound["gauges"];
type Sky = (memory: BreakerMemory, timestamp: number) => Gauges;

const GWEI = ONE;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Everything about a chain is as it should be: one block old at most, the fee near its average. */
function calmChain(dice: Dice, { chain, blockMs }: ChainConfig): Sky {
  return (memory, timestamp) => {
    const ema = memory.feeds.find(({ feed }) => feed === `CHAIN/${chain}`)?.ema ?? 30n * GWEI;
    return {
      [`fee.${chain}`]: gauge(movedBy(ema, dice.below(200), { up: oneIn(dice, 2), units: 0 }), timestamp),
      [`head.${chain}`]: gauge(BigInt(Math.max(0, timestamp - dice.below(blockMs))), timestamp),
      [`seq.${chain}`]: gauge(0n, timestamp),
    };
  };
}

/** Each of B13's signals at its limit, to the unit; a gauge may be missing. */
function stormyChain(dice: Dice, config: ChainConfig): Sky {
  const { chain, blockMs, feeFloorGwei } = config;
  const calm = calmChain(dice, config);
  const floor = feeFloorGwei === "20" ? 20n * GWEI : GWEI / 2n;
  const feeKind = pick(dice, ["calm", "edge", "edge", "floor", "wild"] as const);
  const headKind = pick(dice, ["calm", "calm", "late", "halted", "future"] as const);
  const waitKind = pick(dice, ["none", "none", "edge", "long"] as const);
  const down = oneIn(dice, 5);
  const silent = oneIn(dice, 5) ? pick(dice, ["fee", "head", "all"] as const) : undefined;
  return (memory, timestamp) => {
    const ema = memory.feeds.find(({ feed }) => feed === `CHAIN/${chain}`)?.ema ?? 30n * GWEI;
    const unit = BigInt(between(dice, -1, 1));
    const halted = Math.max(10 * blockMs, MINUTE_MS);
    const ages = { calm: 0, late: 3 * blockMs + 6_000, halted, future: -5_000 };
    const fees = { calm: ema, edge: 3n * ema + unit, floor: floor + unit, wild: pick(dice, [0n, 1n, ema * 20n, MAX_AMOUNT]) };
    const wait = BigInt(3 * blockMs) + (waitKind === "edge" ? unit : 90_000n);
    const all = {
      ...calm(memory, timestamp),
      [`fee.${chain}`]: gauge(fees[feeKind] < MAX_AMOUNT && fees[feeKind] >= 0n ? fees[feeKind] : MAX_AMOUNT, timestamp),
      [`head.${chain}`]: gauge(BigInt(Math.max(0, timestamp - ages[headKind] - Number(unit))), timestamp),
      ...(waitKind === "none" ? {} : { [`wait.${chain}`]: gauge(wait > 0n ? wait : 0n, timestamp) }),
      [`seq.${chain}`]: gauge(down ? 1n : 0n, timestamp),
    };
    const missing = silent === "all" ? Object.keys(all) : [`${silent}.${chain}`];
    return Object.fromEntries(Object.entries(all).filter(([name]) => !missing.includes(name)));
  };
}

/** An exchange rate: near the price, standing still, at the end of its time, or not there at all. */
function rate(dice: Dice, { feed, peg, thresholds }: FeedConfig, { roundMs }: NetworkConfig): Sky {
  if (peg === undefined || !("rate" in peg)) return () => ({});
  const name = `rate.${peg.rate}`;
  const kind = pick(dice, ["near", "still", "still", "old", "missing", "wild"] as const);
  const oldest = thresholds.quoteMs + roundMs;
  let still: bigint | undefined;
  return (memory, timestamp) => {
    const price = memory.feeds.find((own) => own.feed === feed)?.price ?? 100n * ONE;
    still ??= price;
    if (kind === "missing") return {};
    if (kind === "near") return { [name]: gauge(movedBy(price, dice.below(20), { up: oneIn(dice, 2), units: 0 }), timestamp) };
    const asOf = kind === "old" ? timestamp - oldest + between(dice, -1, 1) : timestamp;
    return { [name]: gauge(kind === "wild" ? pick(dice, [0n, 1n, still * 2n, MAX_AMOUNT]) : still, Math.max(0, asOf)) };
  };
}

const gauge = (value: bigint, asOf: number) => ({ value: value < MAX_AMOUNT ? value : MAX_AMOUNT, asOf });

/** The chains and rates of a network for some rounds. */
export function drawSky(dice: Dice, config: NetworkConfig, { calm }: { readonly calm: boolean }): Sky {
  const parts = [
    ...config.chains.map((chain) => (calm || oneIn(dice, 2) ? calmChain(dice, chain) : stormyChain(dice, chain))),
    ...config.feeds.map((feed) => rate(dice, feed, config)),
  ];
  return (memory, timestamp) => Object.assign({}, ...parts.map((part) => part(memory, timestamp)));
}

/** Now and then governors pause, withdraw, or accept a gap: the one there is, or one there is not. */
export function drawWords(
  dice: Dice,
  { feeds, chains, roundMs }: NetworkConfig,
  memory: BreakerMemory,
  timestamp: number,
): readonly Word[] {
  const scopes: readonly FeedScope[] = [
    ...feeds.map(({ feed }) => feed),
    ...chains.map(({ chain }) => `CHAIN/${chain}` as FeedScope),
    "*",
  ];
  const words: Word[] = [];
  if (oneIn(dice, 70)) {
    const action = pick(dice, ["robust", "none"] as const);
    const forMs = pick(dice, [1, roundMs, 5 * roundMs, 30 * roundMs, oneIn(dice, 10) ? DAY_MS : 20 * roundMs]);
    words.push({ kind: "pause", scope: pick(dice, scopes), action, until: timestamp + forMs });
  }
  if (oneIn(dice, 150)) words.push({ kind: "withdraw", scope: pick(dice, scopes) });
  const torn = memory.feeds.filter(({ gapAt }) => gapAt !== 0);
  if (torn.length > 0 && oneIn(dice, 25)) {
    const { feed, gapAt } = pick(dice, torn);
    words.push({ kind: "accept", feed, gapAt: oneIn(dice, 5) ? gapAt + 1 : gapAt });
  }
  return words;
}

/** The prices that a pending config would give to the feeds it changes, around configBps from the served ones. */
export function drawProposal(dice: Dice, { feeds }: NetworkConfig): (views: StoryRound["views"]) => StoryRound["proposal"] {
  const changed = feeds.filter(() => oneIn(dice, 2));
  const kind = pick(dice, ["same", "edge", "edge", "missing"] as const);
  return (views) =>
    changed.map(({ feed, thresholds }) => {
      const price = views.find((view) => view.feed === feed)?.price;
      if (price === undefined || kind === "missing") return { feed, shadow: undefined };
      const bps = kind === "same" ? 0 : thresholds.configBps + between(dice, -1, 1);
      return { feed, shadow: movedBy(price, bps, { up: oneIn(dice, 2), units: between(dice, -1, 1) }) };
    });
}
