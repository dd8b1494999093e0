import { z } from "zod";
import { clearCondition } from "../protocol/clear-condition.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import {
  bundleFeedSchema,
  type CommitteeDocument,
  countSchema,
  digestSchema,
  encodeReport,
  headerSchema,
  reportSchema,
  roundSignatureSchema,
  showReason,
  showReport,
} from "../protocol/document.ts";
import { evidenceSchema } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { RuleName } from "../protocol/report.ts";
import type { CertifiedRound, FeedVerdict, HistoryEntry, RoundBody, StoredRound } from "../protocol/round.ts";
import { PRESETS, type Thresholds } from "../protocol/thresholds.ts";

export const hexTextSchema = z.string().regex(/^0x([0-9a-f]{2})*$/, "expected lower-case hex");
export const shownSchema = bundleFeedSchema.omit({ proof: true });
export const presetSchema = z.enum(PRESETS);

/** `GET /v1/feeds`: every configured feed; what its leaf says is null until its first price. */
const feedItemSchema = z.strictObject({
  feed: z.string(),
  preset: presetSchema,
  round: countSchema.nullable(),
  validUntil: countSchema.nullable(),
  price: shownSchema.shape.price.nullable(),
  low: shownSchema.shape.low.nullable(),
  high: shownSchema.shape.high.nullable(),
  ema: shownSchema.shape.ema.nullable(),
  volatility: shownSchema.shape.volatility.nullable(),
  observedAt: countSchema.nullable(),
  breaker: shownSchema.shape.breaker.nullable(),
  permits: shownSchema.shape.permits.nullable(),
});
export const feedListSchema = z.strictObject({ network: z.string(), feeds: z.array(feedItemSchema) });

export function toFeedList({ config }: Network, round: CertifiedRound | undefined): z.infer<typeof feedListSchema> {
  const verdicts = verdictsOf(round);
  const feeds = config.feeds.map(({ feed, preset, thresholds }) => {
    const verdict = verdicts.get(feed);
    if (round === undefined || verdict === undefined) return { feed, preset, ...UNPRICED };
    const { round: number, validUntil } = round.certificate.header;
    return { preset, round: number, validUntil, ...showVerdict(verdict, thresholds) };
  });
  return { network: config.network, feeds };
}

const UNPRICED = {
  ...{ round: null, validUntil: null, price: null, low: null, high: null, ema: null, volatility: null },
  ...{ observedAt: null, breaker: null, permits: null },
};

/** `GET /v1/rounds/:round`: the certificate and every leaf. Whoever has the leaves can rebuild `reportsRoot`. */
export const roundSchema = z.strictObject({
  digest: digestSchema,
  orphan: z.boolean().describe("the round lies off the walk back from the newest certificate"),
  header: headerSchema,
  signatures: z.array(roundSignatureSchema),
  feeds: z.array(shownSchema.extend({ report: reportSchema })),
  body: z
    .strictObject({
      round: countSchema,
      parent: headerSchema.nullable().describe("the parent's header, null for the first round"),
      memory: hexTextSchema.describe("ABI encoding whose keccak is the parent's stateRoot; 0x for the first round"),
      observations: z.array(hexTextSchema).describe("signed canonical bytes in committee order"),
      documents: z.array(hexTextSchema).describe("canonical bytes of what the observations carry, by ascending digest"),
    })
    .optional(),
});

export function toRoundDocument({ certified, orphan }: StoredRound, body?: RoundBody): z.infer<typeof roundSchema> {
  const { digest, certificate, feeds } = certified;
  return {
    digest,
    orphan,
    header: { ...certificate.header },
    signatures: certificate.signatures.map((signature) => ({ ...signature })),
    feeds: feeds.map((verdict) => ({ ...showVerdict(verdict), report: encodeReport(verdict.report) })),
    ...(body === undefined ? {} : { body: showBody(body) }),
  };
}

function showBody({ round, parent, memory, observations, documents }: RoundBody) {
  return { round, parent: parent ?? null, memory, observations: [...observations], documents: [...documents] };
}

/** `GET /v1/feeds/:id/history`, oldest first. `more` says that the range holds older rounds beyond the limit. */
export const historySchema = z.strictObject({
  feed: z.string(),
  more: z.boolean().describe("older rounds of the range were left out: ask again with `to` before the first point"),
  points: z.array(
    shownSchema.omit({ feed: true }).extend({
      round: countSchema,
      timestamp: countSchema,
      digest: digestSchema.describe("of the round's header"),
    }),
  ),
});

/** `entries`, newest first, holds up to one more than `limit`: the surplus one is how it is known that there are more. */
export function toHistoryDocument(feed: FeedId, entries: readonly HistoryEntry[], limit: number): z.infer<typeof historySchema> {
  const points = entries.slice(0, limit).map(({ round, timestamp, digest, verdict }) => {
    const { feed: _, ...shown } = showVerdict(verdict);
    return { round, timestamp, digest, ...shown };
  });
  return { feed, more: entries.length > limit, points: points.reverse() };
}

/** With `withConfig` what proves the members against a genesis digest. */
export function toCommitteeDocument(
  network: Network,
  withConfig: boolean,
): Omit<CommitteeDocument, "config"> & {
  readonly config?: NetworkConfig;
} {
  const { config, configDigest, genesisConfigDigest, committee, domain } = network;
  const { name, version, salt } = domain;
  return {
    network: config.network,
    domain: { name, version, salt },
    configDigest,
    genesisConfigDigest,
    f: committee.f,
    quorum: committee.quorum,
    members: committee.members.map((member) => ({ ...member })),
    ...(withConfig ? { config } : {}),
  };
}

/** `GET /v1/evidence`: equivocations this process holds, newest first. */
export const evidenceListSchema = z.strictObject({ evidence: z.array(evidenceSchema) });

export function verdictsOf(round: CertifiedRound | undefined): ReadonlyMap<string, FeedVerdict> {
  return new Map(round?.feeds.map((verdict) => [verdict.report.feed, verdict]));
}

/** With a feed's thresholds each reason says what has to happen until it is gone; of a past round nobody asks. */
export function showVerdict({ report, reasons }: FeedVerdict, thresholds?: Thresholds): z.infer<typeof shownSchema> {
  const { breaker, ...shown } = showReport(report);
  const clears = (rule: RuleName) => (thresholds === undefined ? undefined : clearCondition(rule, thresholds));
  return { ...shown, breaker: { ...breaker, reasons: reasons.map((reason) => showReason(reason, clears(reason.rule))) } };
}
