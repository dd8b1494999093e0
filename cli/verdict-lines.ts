import { type BundleFeed, bundleDocumentSchema, feedDocumentSchema } from "../protocol/document.ts";
import { formatDuration } from "../protocol/reason-words.ts";
import { CARRIED_BIT, hasReason, type Report } from "../protocol/report.ts";
import { formatPermits, formatWidth, sayReason } from "./words.ts";

const LABEL_WIDTH = 12;

/** A line of a report: what it is about, then what there is to say. */
export function labelled(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text}`;
}

/**
 * What a verified document says, feed by feed: price and interval, breaker and permits, reasons. That a rule is active is signed; what
 * it measured stands in the round's body, so of a single document it is the sender's word, and is marked so.
 */
export function describeFeeds(document: unknown, reports: readonly Report[], now: number): readonly string[] {
  const bundle = bundleDocumentSchema.safeParse(document);
  const feeds: readonly BundleFeed[] = bundle.success ? bundle.data.feeds : [feedDocumentSchema.parse(document)];
  return feeds.flatMap((shown, index) => describeFeed(shown, reports[index], now));
}

function describeFeed(shown: BundleFeed, report: Report | undefined, now: number): readonly string[] {
  const { feed, price, low, high, breaker, permits, observedAt } = shown;
  const carried = report !== undefined && hasReason(report.reasons, CARRIED_BIT);
  const held = formatDuration(Math.max(0, now - breaker.since));
  return [
    labelled(feed, `${price}, between ${low} and ${high} (${formatWidth(shown) ?? "?"} bps wide)`),
    labelled("", `breaker ${breaker.state} for ${held}: ${formatPermits(permits)}`),
    ...breaker.reasons.map((reason) => labelled("", `${sayReason(reason)}, by the sender's measure`)),
    ...(carried ? [labelled("", `carried: not priced in this round, observed ${formatDuration(now - observedAt)} ago`)] : []),
  ];
}
