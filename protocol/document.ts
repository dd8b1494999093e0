import { z } from "zod";
import { formatAmount, MAX_AMOUNT } from "./amount.ts";
import { fromHex, toHex } from "./bytes.ts";
import { MIN_COMMITTEE } from "./committee.ts";
import type { RoundHeader } from "./eip712.ts";
import { bytes32ToFeed, FEED_ID, type FeedId, MAX_FEED_ID_BYTES } from "./feed.ts";
import { buildMerkleTree, type MerkleTree } from "./merkle.ts";
import { MAX_MEMBERS } from "./proposal.ts";
import { BREAKER_STATES, LIQUIDATE_LEVELS, leafHash, type Report, RULES, type RuleName, reportTuple } from "./report.ts";
import { fail, ok, type Result } from "./result.ts";
import type { CertifiedRound, FeedVerdict, MeasureUnit, Reason } from "./round.ts";

/** A tree of 2³² leaves is no deeper; a longer path is refused before it is hashed. */
const MAX_PATH = 32;
/** Feeds in one bundle; a network has no more. */
const MAX_BUNDLE_FEEDS = 2_048;
/** Of a network or a member. */
const MAX_NAME = 32;
/** Of a clear condition in words. */
const MAX_CLEARS = 160;
/** int192 has 58 digits and a sign. */
const MAX_INTEGER_TEXT = 59;
/** int192 in units: 40 digits, a point, 18 decimals. */
const MAX_AMOUNT_TEXT = 59;

const INTEGER = /^(0|-?[1-9][0-9]*)$/;
/** The one shortest text of an amount ≥ 0, as formatAmount writes it. */
const AMOUNT = /^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/;

/** Lower-case hex of exactly `bytes` bytes: documents are compared and hashed in this form only. */
function hexSchema(bytes: number) {
  const digits = z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
  return z.templateLiteral(["0x", digits], `expected 0x and ${2 * bytes} lower-case hex digits`);
}

export const addressSchema = hexSchema(20);
export const digestSchema = hexSchema(32);
export const signatureSchema = hexSchema(65);
export const countSchema = z.int("expected a whole number from 0").min(0, "expected a whole number from 0");
const amountSchema = z.string().max(MAX_AMOUNT_TEXT).regex(AMOUNT, "expected a decimal amount in its shortest form");
const integerSchema = z.string().max(MAX_INTEGER_TEXT).regex(INTEGER, "expected an integer in decimal digits");

/** `GET /v1/committee`; with `?config=1` the config in force stands beside it, which the genesis digest proves. */
export const committeeDocumentSchema = z.strictObject({
  network: z.string().max(MAX_NAME),
  domain: z.strictObject({ name: z.literal("Breakwater"), version: z.literal("1"), salt: digestSchema }),
  configDigest: digestSchema,
  genesisConfigDigest: digestSchema,
  f: countSchema,
  quorum: countSchema,
  members: z
    .array(z.strictObject({ name: z.string().max(MAX_NAME), address: addressSchema }))
    .min(MIN_COMMITTEE)
    .max(MAX_MEMBERS),
  config: z.record(z.string(), z.unknown()).optional(),
});
export type CommitteeDocument = z.infer<typeof committeeDocumentSchema>;

/** The signed header, as `/v1` shows it. */
export const headerSchema = z.strictObject({
  round: countSchema,
  timestamp: countSchema,
  validUntil: countSchema,
  parent: digestSchema,
  reportsRoot: digestSchema,
  stateRoot: digestSchema,
  inputsRoot: digestSchema,
  configDigest: digestSchema,
}) satisfies z.ZodType<RoundHeader>;

export const roundSignatureSchema = z.strictObject({ signer: addressSchema, signature: signatureSchema });

/** The leaf tuple in order: the feed as bytes32, then twelve integers as decimal texts (a bool is 0 or 1). */
export const reportSchema = z.tuple([
  digestSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
  integerSchema,
]);
export type ReportDocument = z.infer<typeof reportSchema>;

const ruleSchema = z.enum(RULES);
const clearsSchema = z
  .string()
  .max(MAX_CLEARS)
  .regex(/^[ -~]+$/, "expected printable ASCII");

/** What a rule measured against its limit, the unit in the fields' names. */
export const reasonSchema = z.union([
  z.strictObject({ rule: ruleSchema, measuredBps: countSchema, limitBps: countSchema, clears: clearsSchema.optional() }),
  z.strictObject({ rule: ruleSchema, measuredMs: countSchema, limitMs: countSchema, clears: clearsSchema.optional() }),
  z.strictObject({ rule: ruleSchema, measuredRounds: countSchema, limitRounds: countSchema, clears: clearsSchema.optional() }),
  z.strictObject({ rule: ruleSchema, measuredGroups: countSchema, limitGroups: countSchema, clears: clearsSchema.optional() }),
  z.strictObject({ rule: ruleSchema, measuredPoints: countSchema, limitPoints: countSchema, clears: clearsSchema.optional() }),
]);
export type ReasonDocument = z.infer<typeof reasonSchema>;

const shownFields = {
  feed: z.string().max(MAX_FEED_ID_BYTES).regex(FEED_ID, "expected BASE/QUOTE"),
  price: amountSchema,
  low: amountSchema,
  high: amountSchema,
  ema: amountSchema,
  volatility: amountSchema,
  observedAt: countSchema,
  breaker: z.strictObject({
    state: z.enum(BREAKER_STATES),
    since: countSchema,
    reasons: z.array(reasonSchema).max(RULES.length),
  }),
  permits: z.strictObject({ liquidate: z.enum(LIQUIDATE_LEVELS), borrow: z.boolean(), budgetBps: countSchema }),
};
const windowFields = { round: countSchema, timestamp: countSchema, validUntil: countSchema };
const leafFields = { report: reportSchema, path: z.array(digestSchema).max(MAX_PATH) };
const certificateFields = { header: headerSchema, signatures: z.array(roundSignatureSchema).max(MAX_MEMBERS) };

/** One feed of one round with all that proves it: `GET /v1/feeds/ETH-USD`. */
export const feedDocumentSchema = z.strictObject({
  ...windowFields,
  ...shownFields,
  proof: z.strictObject({ ...leafFields, ...certificateFields }),
});
export type FeedDocument = z.infer<typeof feedDocumentSchema>;

/** A feed inside a bundle: what its leaf says and the leaf's path; the round is said once, by the bundle. */
export const bundleFeedSchema = z.strictObject({ ...shownFields, proof: z.strictObject(leafFields) });
export type BundleFeed = z.infer<typeof bundleFeedSchema>;

/** Several feeds of one round under one header: one decision, one header. */
export const bundleDocumentSchema = z.strictObject({
  ...windowFields,
  ...certificateFields,
  feeds: z.array(bundleFeedSchema).max(MAX_BUNDLE_FEEDS),
});
export type BundleDocument = z.infer<typeof bundleDocumentSchema>;

/** The tree over a round's leaves. Build it once a round and pass it on: one tree serves every feed's document. */
export function reportTree(feeds: readonly FeedVerdict[]): MerkleTree {
  return buildMerkleTree(feeds.map(({ report }) => leafHash(reportTuple(report))));
}

/** What has to happen until a rule of a feed is not active any more (protocol/clear-condition.ts); undefined says nothing of it. */
export type ClearsOf = (feed: FeedId, rule: RuleName) => string | undefined;

type DocumentParts = {
  readonly round: CertifiedRound;
  /** The round's own {@link reportTree}, built when it is not given. */
  readonly tree?: MerkleTree;
  readonly clears?: ClearsOf;
};

/** The document of one feed; undefined when the round has no leaf for it (it was never priced). */
export function toFeedDocument({
  round,
  feed,
  tree = reportTree(round.feeds),
  clears = () => undefined,
}: DocumentParts & { readonly feed: FeedId }): FeedDocument | undefined {
  const verdict = round.feeds.find(({ report }) => report.feed === feed);
  if (verdict === undefined) return undefined;
  const { proof, ...shown } = toBundleFeed(verdict, tree, clears);
  return { ...windowOf(round), ...shown, proof: { ...proof, ...certificateOf(round) } };
}

/**
 * The document of several feeds of one round, in the order asked for; undefined when the round has no leaf for one of them: a
 * consumer that decides on a loan needs all its legs or none.
 */
export function toBundleDocument({
  round,
  feeds,
  tree = reportTree(round.feeds),
  clears = () => undefined,
}: DocumentParts & { readonly feeds: readonly FeedId[] }): BundleDocument | undefined {
  const verdicts = new Map(round.feeds.map((verdict) => [verdict.report.feed, verdict]));
  const documents: BundleFeed[] = [];
  for (const feed of feeds) {
    const verdict = verdicts.get(feed);
    if (verdict === undefined) return undefined;
    documents.push(toBundleFeed(verdict, tree, clears));
  }
  return { ...windowOf(round), ...certificateOf(round), feeds: documents };
}

/** What a document shows of a leaf, reasons apart: a verifier compares these fields with those of the signed leaf. */
export function showReport(report: Report) {
  return {
    feed: report.feed as string,
    price: formatAmount(report.price),
    low: formatAmount(report.low),
    high: formatAmount(report.high),
    ema: formatAmount(report.ema),
    volatility: formatAmount(report.volatility),
    observedAt: report.observedAt,
    breaker: { state: report.state, since: report.since },
    permits: { liquidate: report.liquidate, borrow: report.borrow, budgetBps: report.budgetBps },
  };
}

/**
 * @example
 * showReason({ rule: "jump", unit: "Bps", measured: 420, limit: 300 }, "…");
 * // { rule: "jump", measuredBps: 420, limitBps: 300, clears: "…" }
 */
export function showReason({ rule, unit, measured, limit }: Reason, clearCondition?: string): ReasonDocument {
  const clears = clearCondition === undefined ? {} : { clears: clearCondition };
  const shown = {
    Bps: { rule, measuredBps: measured, limitBps: limit, ...clears },
    Ms: { rule, measuredMs: measured, limitMs: limit, ...clears },
    Rounds: { rule, measuredRounds: measured, limitRounds: limit, ...clears },
    Groups: { rule, measuredGroups: measured, limitGroups: limit, ...clears },
    Points: { rule, measuredPoints: measured, limitPoints: limit, ...clears },
  } satisfies Record<MeasureUnit, ReasonDocument>;
  return shown[unit];
}

/** The leaf tuple as texts, the form of `proof.report`. */
export function encodeReport(report: Report): ReportDocument {
  const [feed, ...integers] = reportTuple(report);
  return [toHex(feed), ...integers.map(String)] as ReportDocument;
}

/**
 * The leaf that `proof.report` spells, already of the schema's shape. One report has one spelling, so `encodeReport` gives back the
 * same texts. The fault names the field: each must fit its Solidity type, amounts be ≥ 0, and enumerations be known.
 */
export function decodeReport(texts: ReportDocument): Result<Report, string> {
  const [feedText, ...integerTexts] = texts;
  const feed = bytes32ToFeed(fromHex(feedText));
  if (!feed.ok) return fail(`feed: ${feed.error}`);
  const integers = integerTexts.map(BigInt);
  for (const [index, [field, max]] of LEAF_INTEGERS.entries()) {
    const value = integers[index] ?? -1n;
    if (value < 0n || value > max) return fail(`${field}: expected an integer from 0 to ${max}, found ${value}`);
  }
  const [price = 0n, low = 0n, high = 0n, ema = 0n, volatility = 0n, ...rest] = integers;
  const [observedAt = 0, state = 0, liquidate = 0, borrow = 0, budgetBps = 0, reasons = 0, since = 0] = rest.map(Number);
  return ok({
    feed: feed.value,
    price,
    low,
    high,
    ema,
    volatility,
    observedAt,
    state: BREAKER_STATES[state] ?? "open",
    liquidate: LIQUIDATE_LEVELS[liquidate] ?? "none",
    borrow: borrow === 1,
    budgetBps,
    reasons,
    since,
  });
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The integers of a leaf after the feed, each with its greatest value; times end at 2⁵³ − 1, where JSON numbers do. */
const LEAF_INTEGERS: readonly (readonly [field: keyof Report, max: bigint])[] = [
  ["price", MAX_AMOUNT],
  ["low", MAX_AMOUNT],
  ["high", MAX_AMOUNT],
  ["ema", MAX_AMOUNT],
  ["volatility", 2n ** 64n - 1n],
  ["observedAt", SAFE],
  ["state", BigInt(BREAKER_STATES.length - 1)],
  ["liquidate", BigInt(LIQUIDATE_LEVELS.length - 1)],
  ["borrow", 1n],
  ["budgetBps", 2n ** 16n - 1n],
  ["reasons", 2n ** 32n - 1n],
  ["since", SAFE],
];

function toBundleFeed({ report, reasons }: FeedVerdict, tree: MerkleTree, clears: ClearsOf): BundleFeed {
  const { breaker, ...shown } = showReport(report);
  return {
    ...shown,
    breaker: { ...breaker, reasons: reasons.map((reason) => showReason(reason, clears(report.feed, reason.rule))) },
    proof: { report: encodeReport(report), path: [...tree.proof(leafHash(reportTuple(report)))] },
  };
}

function windowOf({ certificate: { header } }: CertifiedRound) {
  return { round: header.round, timestamp: header.timestamp, validUntil: header.validUntil };
}

function certificateOf({ certificate: { header, signatures } }: CertifiedRound) {
  return { header: { ...header }, signatures: signatures.map((signature) => ({ ...signature })) };
}
