import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import type { RoundSnapshot } from "./snapshots.ts";

/** How long a browser waits before it connects again. */
const RETRY_MS = 1_000;

export const STREAM_OPENING = `retry: ${RETRY_MS}\n\n`;

/** A comment: it keeps proxies from closing an idle stream and says nothing to the reader's program. */
export function commentEvent(text: string): string {
  return `: ${text}\n\n`;
}

/**
 * What a reader is sent of a round: one `breaker` event for each chosen feed whose breaker changed in it, then the chosen feeds that have
 * a leaf as one bundle under one header; undefined when none has. All carry the round as their id, and the changes come first: a reader
 * cut off between them and who resumes after this round has missed a bundle that the next one supersedes, but no change.
 */
export function roundEvents(snapshot: RoundSnapshot, chosen: readonly FeedId[]): string | undefined {
  const { round } = snapshot;
  const priced = pricedOf(round, chosen);
  if (priced.length === 0) return undefined;
  const bundle = snapshot.bundle(priced);
  if (bundle === undefined) return undefined;
  const id = `id: ${round.certificate.header.round}\n`;
  const changes = snapshot.transitions().filter(({ feed }) => priced.includes(feed));
  return `${changes.map(({ text }) => `${id}event: breaker\ndata: ${text}\n\n`).join("")}${id}data: ${bundle}\n\n`;
}

/**
 * The round after which a reader's stream begins. Without a last event that is the one before the newest, so that the newest comes at
 * once; what lies further back than `maxReplay` rounds, or ahead by as much, is not a place to resume from.
 */
export function resumeAfter(
  lastEventId: number | undefined,
  { newest, maxReplay }: { readonly newest: number | undefined; readonly maxReplay: number },
): { readonly after: number; readonly skipped: boolean } {
  if (newest === undefined) return { after: lastEventId ?? -1, skipped: false };
  if (lastEventId === undefined || lastEventId > newest + maxReplay) return { after: newest - 1, skipped: false };
  const oldest = newest - maxReplay;
  return lastEventId < oldest ? { after: oldest, skipped: true } : { after: lastEventId, skipped: false };
}

/** `Last-Event-ID` → round number; undefined when it is no round number. */
export function parseLastEventId(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,15})$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : undefined;
}

function pricedOf(round: CertifiedRound, chosen: readonly FeedId[]): readonly FeedId[] {
  const priced = new Set(round.feeds.map(({ report }) => report.feed));
  return chosen.filter((feed) => priced.has(feed));
}
