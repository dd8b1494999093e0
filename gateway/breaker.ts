import { z } from "zod";
import { clearCondition } from "../protocol/clear-condition.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import { type ClearsOf, countSchema, digestSchema, reasonSchema, showReason } from "../protocol/document.ts";
import { chainLeaf, type FeedId } from "../protocol/feed.ts";
import { CARRIED_BIT, hasReason } from "../protocol/report.ts";
import type { BreakerTransition, CertifiedRound, FeedVerdict } from "../protocol/round.ts";
import { resolveThresholds, type Thresholds } from "../protocol/thresholds.ts";
import { presetSchema, shownSchema, showVerdict, verdictsOf } from "./documents.ts";

const stateSchema = shownSchema.shape.breaker.shape.state;

/** `GET /v1/breaker`: every configured feed's and chain's state with its reasons: what was measured, its limit, what clears it. */
const breakerItemSchema = z.strictObject({
  feed: z.string(),
  preset: presetSchema.nullable().describe("null for a chain's leaf, CHAIN/…"),
  state: stateSchema.nullable(),
  since: countSchema.nullable(),
  carried: z.boolean().nullable().describe("the price is an earlier certified one: too few nodes priced the feed in this round"),
  reasons: z.array(reasonSchema),
  liquidate: shownSchema.shape.permits.shape.liquidate.nullable(),
  borrow: z.boolean().nullable(),
  budgetBps: countSchema.nullable(),
});
export const breakerSchema = z.strictObject({
  round: countSchema.nullable(),
  timestamp: countSchema.nullable(),
  validUntil: countSchema.nullable(),
  feeds: z.array(breakerItemSchema),
});

export function toBreakerDocument({ config }: Network, round: CertifiedRound | undefined): z.infer<typeof breakerSchema> {
  const verdicts = verdictsOf(round);
  const leaves = [...config.feeds, ...config.chains.map((chain) => chainTerms(chain.chain))];
  const feeds = leaves.map(({ feed, preset, thresholds }) => {
    const verdict = verdicts.get(feed);
    if (verdict === undefined) return { feed, preset, ...NO_STATE };
    const { breaker, permits } = showVerdict(verdict, thresholds);
    return { feed, preset, ...breaker, carried: hasReason(verdict.report.reasons, CARRIED_BIT), ...permits };
  });
  const { round: number = null, timestamp = null, validUntil = null } = round?.certificate.header ?? {};
  return { round: number, timestamp, validUntil, feeds };
}

const NO_STATE = { state: null, since: null, carried: null, reasons: [], liquidate: null, borrow: null, budgetBps: null };

/** A chain's rules name no threshold when they say what clears them; any preset's will do. */
const CHAIN_THRESHOLDS: Thresholds = resolveThresholds("major");

function chainTerms(chain: string) {
  return { feed: chainLeaf(chain), preset: null, thresholds: CHAIN_THRESHOLDS };
}

/** What clears each rule of each feed under this config. */
export function clearsIn({ feeds }: NetworkConfig): ClearsOf {
  let thresholds: ReadonlyMap<FeedId, Thresholds> | undefined;
  return (feed, rule) => {
    thresholds ??= new Map(feeds.map((item) => [item.feed, item.thresholds]));
    return clearCondition(rule, thresholds.get(feed) ?? CHAIN_THRESHOLDS);
  };
}

/** `GET /v1/chains`: what is signed of every configured chain, null until its first leaf. */
const chainItemSchema = z.strictObject({
  chain: z.string(),
  feed: z.string().describe("the chain's leaf: /v1/feeds/CHAIN-… proves it"),
  blockMs: countSchema,
  baseFeeGwei: shownSchema.shape.price.nullable(),
  averageFeeGwei: shownSchema.shape.ema
    .nullable()
    .describe("over 24 hours, standing still while the fee counts as a sign of congestion"),
  observedAt: countSchema.nullable(),
  breaker: shownSchema.shape.breaker.nullable(),
  permits: shownSchema.shape.permits.nullable(),
});
export const chainsSchema = z.strictObject({
  round: countSchema.nullable(),
  validUntil: countSchema.nullable(),
  chains: z.array(chainItemSchema),
});

export function toChainsDocument({ config }: Network, round: CertifiedRound | undefined): z.infer<typeof chainsSchema> {
  const verdicts = verdictsOf(round);
  const chains = config.chains.map((chain) => showChain(chain, verdicts.get(chainLeaf(chain.chain))));
  const { round: number = null, validUntil = null } = round?.certificate.header ?? {};
  return { round: number, validUntil, chains };
}

function showChain({ chain, blockMs }: NetworkConfig["chains"][number], verdict: FeedVerdict | undefined) {
  const { feed, thresholds } = chainTerms(chain);
  if (verdict === undefined) return { chain, feed, blockMs, ...NO_LEAF };
  const { price, ema, observedAt, breaker, permits } = showVerdict(verdict, thresholds);
  return { chain, feed, blockMs, baseFeeGwei: price, averageFeeGwei: ema, observedAt, breaker, permits };
}

const NO_LEAF = { baseFeeGwei: null, averageFeeGwei: null, observedAt: null, breaker: null, permits: null };

/** One breaker's change of state: an entry of `GET /v1/breaker/log`, and the data of the stream's `breaker` events. */
export const breakerTransitionSchema = z.strictObject({
  feed: z.string(),
  round: countSchema,
  timestamp: countSchema.describe("of the round, Unix ms"),
  digest: digestSchema.describe("of the round's header"),
  from: stateSchema.nullable().describe("null in a feed's first round"),
  to: stateSchema,
  reasons: z.array(reasonSchema).describe("the rules that are active in this round, with what they measured and their limits"),
  observations: z.array(digestSchema).describe("what the quorum had seen, by EIP-712 digest in committee order"),
});
export const breakerLogSchema = z.strictObject({
  more: z.boolean().describe("older entries of the range were left out: ask again with `to` at the last entry's round"),
  entries: z.array(breakerTransitionSchema),
});

export function showTransition({ reasons, observations, ...entry }: BreakerTransition): z.infer<typeof breakerTransitionSchema> {
  return { ...entry, reasons: reasons.map((reason) => showReason(reason)), observations: [...observations] };
}

/** `entries` hold up to one more than `limit`: the surplus one is how it is known that there are more. */
export function toBreakerLog(entries: readonly BreakerTransition[], limit: number): z.infer<typeof breakerLogSchema> {
  return { more: entries.length > limit, entries: entries.slice(0, limit).map(showTransition) };
}
