import type { ChainConfig, FeedConfig } from "../protocol/config.ts";
import { chainLeaf } from "../protocol/feed.ts";
import { CARRIED_BIT } from "../protocol/report.ts";
import type { Thresholds } from "../protocol/thresholds.ts";
import type { Activity } from "./activity.ts";
import type { RoundClock } from "./clock.ts";
import type { FeedOutcome } from "./feed-step.ts";
import { genesisMemory } from "./genesis.ts";
import { CERTIFIED_ROUNDS } from "./governance-memory.ts";
import { countBits, DAY_MS, ema, saturateAmount } from "./integers.ts";
import type { FeedMemory } from "./memory.ts";
import type { GaugeView } from "./quorum-view.ts";
import { type CongestionPoints, countPoints } from "./rules/congestion.ts";
import { countRound } from "./rules/restart.ts";
import { BIT, lastFired } from "./rules/rule.ts";
import { readChainRules, reasonsOf } from "./rules.ts";
import { nextState } from "./state-machine.ts";
import { permit } from "./verdict.ts";

/** Congestion has ended when it has not fired for so long (B13); no trip doubles it. */
const CLEAR_MS = 300_000;
/** The least a leaf's price may be: a chain whose blocks are free has a base fee all the same. */
const MIN_FEE = 1n;

/** What the quorum measured of one chain in one round; undefined where no quorum did. */
export type ChainView = {
  /** Base fee, gwei of 10⁻¹⁸. */
  readonly fee: bigint | undefined;
  /** Unix ms of the newest block. */
  readonly headAt: number | undefined;
  readonly waitMs: number | undefined;
  /** Only on chains that have a sequencer. */
  readonly sequencerDown: boolean;
};

/** What the state machine and the permits of a chain's leaf go by. */
export type ChainTerms = Pick<Thresholds, "probeMs" | "resetMs" | "seasonMs" | "liquidateNone">;

export type ChainRound = {
  readonly clock: RoundClock;
  readonly config: ChainConfig;
  readonly terms: ChainTerms;
  /** The parent's, or the genesis of a leaf that begins in this round; its pause is this round's. */
  readonly memory: FeedMemory;
  readonly view: ChainView;
  /** Bit k says that round r − k was certified, for the last 60. */
  readonly certified: bigint;
};

export function viewChain(
  { chain, uptimeFeed }: Pick<ChainConfig, "chain" | "uptimeFeed">,
  gauges: ReadonlyMap<string, GaugeView>,
  timestamp: number,
): ChainView {
  const value = (name: string): bigint | undefined => gauges.get(`${name}.${chain}`)?.value;
  const [fee, head, wait] = [value("fee"), value("head"), value("wait")];
  return {
    fee: fee === undefined ? undefined : fee > MIN_FEE ? saturateAmount(fee) : MIN_FEE,
    headAt: head === undefined ? undefined : Math.min(Number(head), timestamp),
    waitMs: wait === undefined ? undefined : Number(wait),
    sequencerDown: uptimeFeed !== undefined && value("seq") !== undefined && value("seq") !== 0n,
  };
}

/** A leaf begins with the first round that shows both base fee and head. */
export function chainGenesis(chain: string, { fee, headAt }: ChainView, timestamp: number): FeedMemory | undefined {
  if (fee === undefined || headAt === undefined) return undefined;
  const view = { feed: chainLeaf(chain), price: fee, rawLow: fee, rawHigh: fee, observedAt: headAt };
  return genesisMemory(view, { timestamp, thresholds: { volPriorBps: 0 } });
}

/**
 * A chain has no thresholds of its own: it is probed, and its trips are forgotten, as soon as those of the quickest feed, so that no
 * leaf is probed for longer than every feed that depends on it, and a development network's short times are its chains' as well.
 * Nothing is borrowed against a base fee, so there is no season to wait for.
 */
export function chainTerms(feeds: readonly Pick<FeedConfig, "thresholds">[], { liquidateNone }: ChainConfig): ChainTerms {
  return {
    probeMs: Math.min(...feeds.map(({ thresholds }) => thresholds.probeMs)),
    resetMs: Math.min(...feeds.map(({ thresholds }) => thresholds.resetMs)),
    seasonMs: 0,
    liquidateNone: liquidateNone ? ["congestion"] : [],
  };
}

/**
 * One round of a chain's leaf (B13); pure and total. Its price is the base fee, its observedAt the newest block's instant: where a gauge
 * is missing the last value stands, so that silence ages into congestion by itself, and a carried fee permits no more than any carried
 * price (B9). Its rules are congestion, restart and manual.
 */
export function stepChain(round: ChainRound): FeedOutcome {
  const { clock, terms, view } = round;
  const { timestamp, restartRounds } = clock;
  const priced = view.fee !== undefined;
  const seen = takeView(countRound(round.memory, clock), view, timestamp);
  const points = pointsOf(seen, round);
  const readings = readChainRules({ timestamp, restartRounds, memory: seen, facts: seen, points });
  const { memory: judged, activity } = judgeChain(seen, readings.fires, timestamp);
  const decided = nextState(judged, activity, { clock, thresholds: terms });
  const memory = priced ? learnFee(decided, points, clock.dtMs) : decided;
  const { feed, price, observedAt, state, since } = memory;
  return {
    memory,
    verdict: {
      report: {
        ...{ feed, price, low: price, high: price, ema: memory.ema, volatility: 0n, observedAt, state },
        ...permit(memory, activity, { timestamp, priced, thresholds: terms }),
        ...{ reasons: activity.active + (priced ? 0 : 2 ** CARRIED_BIT), since },
      },
      reasons: reasonsOf(activity.active, readings),
    },
  };
}

function takeView(memory: FeedMemory, { fee, headAt }: ChainView, timestamp: number): FeedMemory {
  const seen = headAt === undefined ? memory : { ...memory, observedAt: headAt };
  return fee === undefined ? seen : { ...seen, price: fee, pricedAt: timestamp, rawLow: fee, rawHigh: fee };
}

function pointsOf(memory: FeedMemory, { clock: { timestamp }, config, view, certified }: ChainRound): CongestionPoints {
  return countPoints(
    {
      fee: memory.price,
      feeEma: memory.ema,
      headAgeMs: Math.max(0, timestamp - memory.observedAt),
      waitMs: view.waitMs,
      sequencerDown: view.sequencerDown,
      missedRounds: CERTIFIED_ROUNDS - countBits(certified),
    },
    config,
  );
}

/** Hard rules stand while they fire, congestion for its clear time besides. */
function judgeChain(
  memory: FeedMemory,
  fires: number,
  timestamp: number,
): { readonly memory: FeedMemory; readonly activity: Activity } {
  const fired = memory.fired.map((at, index) => (((fires >> index) & 1) === 1 ? timestamp : at));
  const next = fires === 0 ? memory : { ...memory, fired };
  const congestedAt = lastFired(next, "congestion");
  const lasting = congestedAt !== 0 && timestamp - congestedAt <= CLEAR_MS ? BIT.congestion : 0;
  return { memory: next, activity: { fires, active: fires | lasting, passing: 0, byFew: 0 } };
}

/** The 24 h average stands still while the fee point is up: a wave of fees must not become its own measure. */
function learnFee(memory: FeedMemory, { fee }: CongestionPoints, dtMs: number): FeedMemory {
  return fee === 1 ? memory : { ...memory, ema: ema(memory.ema, memory.price, { dtMs, tauMs: DAY_MS }) };
}
