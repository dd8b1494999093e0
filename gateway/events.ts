import type { FeedId } from "../protocol/feed.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import type { RoundSnapshot } from "./snapshots.ts";

/** How long a browser waits before it connects again. */
const RETRY_MS = 1_000;

export const STREAM_OPENING = retryEvent(RETRY_MS);

/** How a stream is carried: as server-sent events, or as text messages over a WebSocket. */
export type StreamForm = "sse" | "websocket";

/** One thing that a reader is told of a round: a chosen breaker's change, or the chosen feeds as a bundle; `text` is its JSON. */
export type StreamPart = { readonly kind: "breaker" | "round"; readonly round: number; readonly text: string };

/**
 * What a reader is told of a round: one `breaker` part for each chosen feed whose breaker changed in it, then the chosen feeds that have a
 * leaf as one bundle under one header; nothing when none has. The changes come first: a reader cut off between them and who resumes after
 * this round has missed a bundle that the next one supersedes, but no change. Of a round whose lease has ended only the changes are told:
 * they are what happened, while its bundle would be read as what holds (P3).
 */
export function partsOf(
  snapshot: RoundSnapshot,
  chosen: readonly FeedId[],
  { ended }: { readonly ended: boolean },
): readonly StreamPart[] {
  const { round } = snapshot.round.certificate.header;
  const priced = pricedOf(snapshot.round, chosen);
  const bundle = ended || priced.length === 0 ? undefined : snapshot.bundle(priced);
  const changes = snapshot.transitions().filter(({ feed }) => priced.includes(feed));
  const parts = changes.map(({ text }): StreamPart => ({ kind: "breaker", round, text }));
  return bundle === undefined ? parts : [...parts, { kind: "round", round, text: bundle }];
}

/**
 * A round's parts as they are written: one text of server-sent events, all with the round as their id and `breaker` as the name of a
 * change's; or one message a part.
 *
 * @example
 * framesOf("websocket", [{ kind: "round", round: 7, text: "{…}" }]); // ['{"type":"round","id":7,"data":{…}}']
 */
export function framesOf(form: StreamForm, parts: readonly StreamPart[]): readonly string[] {
  if (form === "websocket") return parts.map(({ kind, round, text }) => `{"type":"${kind}","id":${round},"data":${text}}`);
  const events = parts.map(({ kind, round, text }) => {
    return `id: ${round}\n${kind === "breaker" ? "event: breaker\n" : ""}data: ${text}\n\n`;
  });
  return events.length === 0 ? [] : [events.join("")];
}

/** Why a reader is told nothing for now, or not all; a program over server-sent events sees nothing of it, a person who looks does. */
export type Notice = { readonly code: "lease-ended" | "skipped" | "draining"; readonly detail: string };

export function noticeOf(form: StreamForm, { code, detail }: Notice): string {
  return form === "sse" ? commentEvent(detail) : JSON.stringify({ type: "status", code, detail });
}

/** A comment: it keeps proxies from closing an idle stream and says nothing to the reader's program. */
export function commentEvent(text: string): string {
  return `: ${text}\n\n`;
}

/** How long a reader waits before it connects again. */
export function retryEvent(retryMs: number): string {
  return `retry: ${retryMs}\n\n`;
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
