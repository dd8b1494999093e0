import { z } from "zod";
import { formatAmount } from "../protocol/amount.ts";
import { countSchema } from "../protocol/document.ts";
import type { SourceOutcomeView, SourcesView } from "./ports.ts";

const amountTextSchema = z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/, "expected a decimal amount");

const sourceSchema = z.strictObject({
  venue: z.string(),
  market: z.string().describe("the market in this network's terms, BASE/QUOTE"),
  group: z.string().describe("provenance group"),
  weight: countSchema.describe("as configured"),
  convert: z.string().describe("the path from the market to the feed, as WSTETH/USDT × USDT/USD ÷ ETH/USD"),
  status: z.enum(["used", "dropped"]),
  code: z.string().optional().describe("why it was dropped"),
  detail: z.string().optional(),
  raw: amountTextSchema.optional().describe("as the venue quotes it"),
  price: amountTextSchema.optional().describe("in terms of the feed"),
  asOf: countSchema.optional(),
  ageMs: z.int().optional().describe("at the instant of the sample"),
  weightBps: countSchema.optional().describe("share of the present weight after the group cap"),
});

/** `GET /v1/feeds/:id/sources`: how this node got its own price. It is one node's account, not the network's, and unsigned. */
export const sourcesSchema = z.strictObject({
  feed: z.string(),
  at: countSchema.describe("Unix ms of the sample"),
  price: amountTextSchema.nullable(),
  low: amountTextSchema.nullable(),
  high: amountTextSchema.nullable(),
  asOf: countSchema.nullable(),
  groups: countSchema.nullable().describe("provenance groups among the used sources"),
  topBps: countSchema.nullable().describe("the heaviest group's share of the used weight"),
  outsideBps: countSchema.nullable().describe("share of the present weight outside tolerance of the price"),
  refusal: z.string().nullable().describe("why this node has no price"),
  sources: z.array(sourceSchema),
});

export function toSourcesDocument({ at, price: { feed, entry, refusal, sources } }: SourcesView): z.infer<typeof sourcesSchema> {
  const priced =
    entry === undefined
      ? { price: null, low: null, high: null, asOf: null, groups: null, topBps: null, outsideBps: null }
      : {
          price: formatAmount(entry.price),
          low: formatAmount(entry.low),
          high: formatAmount(entry.high),
          asOf: entry.asOf,
          groups: entry.groups,
          topBps: entry.topBps,
          outsideBps: entry.outsideBps,
        };
  return { feed, at, ...priced, refusal: refusal ?? null, sources: sources.map((outcome) => toSource(outcome, at)) };
}

function toSource({ source, drop, raw, price, asOf, weightBps }: SourceOutcomeView, at: number): z.infer<typeof sourceSchema> {
  const { venue, market, group, weight } = source;
  return {
    venue,
    market,
    group,
    weight,
    convert: pathText(source),
    ...(drop === undefined ? { status: "used" as const } : { status: "dropped" as const, ...drop }),
    ...(raw === undefined ? {} : { raw: formatAmount(raw) }),
    ...(price === undefined ? {} : { price: formatAmount(price) }),
    ...(asOf === undefined ? {} : { asOf, ageMs: at - asOf }),
    ...(weightBps === undefined ? {} : { weightBps }),
  };
}

/** @example pathText({ market: "ETH/USDT", convert: [{ multiply: "USDT/USD" }] }); // "ETH/USDT × USDT/USD" */
function pathText({ market, convert }: Pick<SourceOutcomeView["source"], "market" | "convert">): string {
  return [market, ...convert.map((leg) => ("multiply" in leg ? `× ${leg.multiply}` : `÷ ${leg.divide}`))].join(" ");
}
