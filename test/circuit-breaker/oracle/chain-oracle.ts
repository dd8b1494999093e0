import type { ChainConfig } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { RuleName } from "../../../protocol/report.ts";
import { type Preset, resolveThresholds } from "../../../protocol/thresholds.ts";
import { average, DAY, greatest, LARGEST_AMOUNT, least, WHOLE } from "./arithmetic.ts";
import type { OracleRound } from "./oracle.ts";
import { begin, createPast, type Moment, type Pause, roundsSinceRestart, stateOf, summed, type World } from "./past.ts";
import { judge } from "./settle.ts";
import { moveState } from "./transitions.ts";

/** A gauge's value by its name before the dot, undefined where no quorum had it. */
export type ReadGauge = (name: "fee" | "head" | "wait" | "seq") => bigint | undefined;

export type ChainNow = {
  readonly now: Moment;
  readonly read: ReadGauge;
  readonly pause: Pause;
  /** Of the sixty round numbers up to this one, how many have no certified round. */
  readonly missed: number;
};

/** Any: a leaf goes by none of a preset's thresholds. */
const PRESET: Preset = "major";

/** B13: a chain's leaf, from the text. */
export function createChainOracle(
  { chain, blockMs, feeFloorGwei, uptimeFeed, liquidateNone }: ChainConfig,
  world: World,
  quickest: { readonly probeMs: number; readonly resetMs: number },
) {
  const terms = resolveThresholds(PRESET, quickest);
  const raised: readonly RuleName[] = liquidateNone ? ["congestion"] : [];
  const past = createPast(`CHAIN/${chain}` as FeedId, { ...terms, seasonMs: 0, liquidateNone: raised }, world);
  const [whole = "", decimals = ""] = feeFloorGwei.split(".");
  const floor = BigInt(whole) * WHOLE + BigInt(decimals.padEnd(18, "0"));
  const block = BigInt(blockMs);

  /** fee 1, inclusion 1, head 1 or 2, oracle 1, sequencer 2. */
  function count({ now, read, missed }: ChainNow): { readonly points: number; readonly feeIsUp: boolean } {
    const feeIsUp = past.price > 3n * past.ema && past.price >= floor;
    const wait = read("wait");
    const age = now.ts - past.observedAt;
    const signals = [
      feeIsUp,
      wait !== undefined && wait > 3n * block,
      age > 3n * block + 6_000n || age > greatest(10n * block, 60_000n),
      age > greatest(10n * block, 60_000n),
      missed * 100 > 20 * 60,
      ...(uptimeFeed !== undefined && read("seq") === 1n ? [true, true] : []),
    ];
    return { points: signals.filter((signal) => signal).length, feeIsUp };
  }

  return ({ now: moment, read, pause, missed }: ChainNow): OracleRound | undefined => {
    const [fee, head] = [read("fee"), read("head")];
    const genesis = past.firstAt === undefined;
    if (genesis && (fee === undefined || head === undefined)) return undefined;
    const now = genesis ? { ...moment, dt: 0n, outage: false } : moment;
    const price = fee === undefined ? past.price : least(LARGEST_AMOUNT, greatest(1n, fee));
    if (genesis) begin(past, now, { price });
    // Nothing samples a fee's volatility.
    past.v = 0n;
    if (fee !== undefined) Object.assign(past, { price, rawLow: price, rawHigh: price, pricedAt: now.ts });
    if (head !== undefined) past.observedAt = least(head, now.ts);
    if (now.outage) past.restarts.push(now.ts);
    past.certified.push(now.ts);
    past.pause = pause;

    const { points, feeIsUp } = count({ now, read, pause, missed });
    const fires = new Set<RuleName>();
    if (points >= 2) fires.add("congestion");
    if (roundsSinceRestart(past) <= world.restartRounds || past.observedAt < (past.restarts.at(-1) ?? 0n)) fires.add("restart");
    if (pause !== undefined && now.ts < pause.until) fires.add("manual");
    for (const rule of fires) past.firings.get(rule)?.push({ round: now.round, at: now.ts, holds: true });
    const congested = past.firings.get("congestion")?.at(-1)?.at;
    const lasts = congested !== undefined && now.ts - congested <= 300_000n;
    const active = new Set<RuleName>([...fires, ...(lasts ? (["congestion"] as const) : [])]);
    const standing = { fires, active, few: new Set<RuleName>(), onlyPassing: new Set<RuleName>() };
    moveState(past, { now, tick: least(now.dt, 5n * world.roundMs) }, standing);
    if (fee !== undefined && !feeIsUp) past.ema = average(past.ema, past.price, now.dt, DAY);
    const { feed, ema, observedAt, states } = past;
    return {
      memory: summed(past, now.round),
      report: {
        ...{ feed, price: past.price, low: past.price, high: past.price, ema, volatility: 0n },
        ...{ observedAt: Number(observedAt), state: stateOf(past), since: Number(states.at(-1)?.at) },
        ...judge(past, now, { ...standing, priced: fee !== undefined, refuses: false }),
      },
    };
  };
}
