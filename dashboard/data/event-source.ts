import { createSseReader, type SseEvent } from "./sse.ts";

export type EventsOptions = {
  readonly lastEventId: number | undefined;
  /** Anything at all arrived, a comment too. */
  readonly onHeard?: () => void;
  readonly onEvent: (event: SseEvent) => void;
  readonly signal: AbortSignal;
};

/**
 * Reads a stream of this gateway until it ends, which it does with an error. Over `fetch` and not `EventSource`, which hides both the
 * comments that show that a line is alive and the status of a refusal, and cannot resume after a round of one's choice.
 *
 * @throws Error why it ended, for a person
 */
export async function readEvents(path: string, { lastEventId, onHeard, onEvent, signal }: EventsOptions): Promise<never> {
  const response = await fetch(new URL(path, document.baseURI), {
    headers: { accept: "text/event-stream", ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }) },
    cache: "no-store",
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(`the gateway answered with status ${response.status}`);
  const events = createSseReader();
  const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await text.read();
    if (done) throw new Error("the gateway closed the stream");
    onHeard?.();
    for (const event of events.push(value)) onEvent(event);
  }
}
