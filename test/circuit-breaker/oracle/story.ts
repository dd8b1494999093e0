import type { BreakerMemory } from "../../../circuit-breaker/memory.ts";
import type { GaugeView, QuorumView } from "../../../circuit-breaker/quorum-view.ts";
import { pegTargetOf } from "../../../circuit-breaker/rules/peg.ts";
import type { Network } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import { FIRST_ROUND } from "../chain.ts";
import { between, type Dice, oneIn, pick } from "./dice.ts";
import { calm, drawRegime, marketRegime, type Named } from "./regimes.ts";
import { drawProposal, drawSky, drawWords } from "./sky.ts";
import type { Word } from "./words.ts";

/** One round of a story: its number, what the quorum saw and measured, and what governors said. */
export type StoryRound = {
  readonly round: number;
  readonly views: readonly QuorumView[];
  readonly gauges: Readonly<Record<string, GaugeView>>;
  readonly words: readonly Word[];
  /** The feeds that a pending config changes, with their prices under it. */
  readonly proposal?: readonly { readonly feed: FeedId; readonly shadow: bigint | undefined }[] | undefined;
};

/** Rounds of calm after which a story goes on even if some feed has not closed. */
const MAX_SETTLE_ROUNDS = 160;
/** Four hundred days, and three hundred years: prices whose bands and averages have grown beyond every bound. */
const LONG_OUTAGES_MS = [400 * 86_400_000, 10 ** 13];

/**
 * Writes rounds one at a time for a chain whose memory it reads: regimes by feed and of the whole market, pauses in which everything may
 * close again, rounds missed by twos and threes, outages at and around every time that a rule waits for.
 */
export function createStory(dice: Dice, network: Network) {
  const { config } = network;
  const basket = new Set(config.basket.map(({ feed }) => feed));
  const calmFeeds = () => new Map<FeedId, Named>(config.feeds.map(({ feed }) => [feed, calm(dice)]));
  let round = oneIn(dice, 20) ? 1 : Math.floor((FIRST_ROUND * 1_000) / config.roundMs);
  // Some feeds begin later than the chain, or in the middle of something.
  let regimes = new Map(config.feeds.map(({ feed }) => [feed, oneIn(dice, 4) ? drawRegime(dice) : calm(dice)]));
  // As many as leave the lease whole.
  const mostMissed = Math.min(4, Math.floor(config.leaseMs / config.roundMs) - 1);
  let left = between(dice, 1, 8);
  let missedEach = 0;
  let settling = false;
  let sky = drawSky(dice, config, { calm: false });
  let proposal: ReturnType<typeof drawProposal> | undefined;

  function turn(memory: BreakerMemory): void {
    settling = oneIn(dice, 3);
    missedEach = settling ? mostMissed : Math.min(mostMissed, pick(dice, [0, 0, 0, 1, 2, 4]));
    left = settling ? MAX_SETTLE_ROUNDS : between(dice, 1, pick(dice, [4, 20, 90]));
    sky = drawSky(dice, config, { calm: settling });
    proposal = oneIn(dice, 5) ? drawProposal(dice, config) : undefined;
    if (settling) regimes = calmFeeds();
    else if (basket.size > 0 && oneIn(dice, 3)) {
      const market = marketRegime(dice);
      regimes = new Map(config.feeds.map(({ feed }) => [feed, market(basket.has(feed))]));
    } else {
      for (const { feed } of config.feeds) {
        // A gap that nobody ends takes a day: most of them come back.
        const torn = memory.feeds.some((own) => own.feed === feed && own.gapAt !== 0) && !oneIn(dice, 3);
        if (torn || oneIn(dice, 2)) regimes.set(feed, torn ? calm(dice) : drawRegime(dice));
      }
    }
  }

  /** So many round numbers that the next round is one of the instants that something waits for, or the one before or after it. */
  function outage(memory: BreakerMemory): number {
    const feed = pick(dice, config.feeds);
    const own = memory.feeds.find((item) => item.feed === feed.feed);
    const now = round * config.roundMs;
    const t = feed.thresholds;
    const wait = pick(dice, [
      ...[
        config.leaseMs,
        config.leaseMs,
        config.roundMs * config.committee.length,
        t.staleMs,
        t.clearMs,
        t.clearCapMs,
        t.sampleMs,
      ],
      (own?.gapAt ?? 0) > 0 ? (own?.gapAt ?? 0) + t.gapHoldMs - now : config.leaseMs,
      (own?.closedAt ?? 0) > 0 ? (own?.closedAt ?? 0) + t.resetMs - now : config.leaseMs,
      ...(oneIn(dice, 10) ? [t.gapHoldMs, ...LONG_OUTAGES_MS] : []),
    ]);
    return Math.max(1, Math.floor(wait / config.roundMs) + between(dice, -1, 1));
  }

  return (memory: BreakerMemory): { readonly told: StoryRound; readonly regimes: ReadonlyMap<FeedId, Named> } => {
    const settled = settling && memory.feeds.length > 0 && memory.feeds.every(({ state }) => state === "closed");
    if (left-- <= 0 || (settled && oneIn(dice, 2))) turn(memory);
    if (oneIn(dice, settling ? 600 : 120)) round += outage(memory);
    else round += 1 + (settling ? missedEach : between(dice, 0, missedEach));
    const timestamp = round * config.roundMs;
    const leaders = config.committee.length;
    const gauges = sky(memory, timestamp);
    const rates = { gauges: new Map(Object.entries(gauges)), timestamp, roundMs: config.roundMs };
    const views = config.feeds.flatMap((item) => {
      const { feed, thresholds } = item;
      const own = memory.feeds.find((known) => known.feed === feed);
      const target = pegTargetOf(item, rates);
      const stage = { dice, feed, thresholds, memory: own, timestamp, leader: round % leaders, leaders, target };
      return regimes.get(feed)?.regime(stage) ?? [];
    });
    const words = settling ? [] : drawWords(dice, config, memory, timestamp);
    return { told: { round, views, gauges, words, proposal: proposal?.(views) }, regimes };
  };
}
