/** One server-sent event; `event` is "message" where the stream names none. */
export type SseEvent = { readonly event: string; readonly id: string | undefined; readonly data: string };

/** Characters of one event; a bundle of a hundred feeds stays well below. */
const MAX_EVENT_CHARS = 2 ** 20;

export type SseReader = {
  /** Text as it arrives, cut anywhere → the events that it completes. */
  readonly push: (text: string) => readonly SseEvent[];
};

/**
 * Reads `text/event-stream` (WHATWG HTML, 9.2.6). Comments are what keeps the line alive and give no event.
 *
 * @throws when one event is larger than any that belongs here
 */
export function createSseReader(): SseReader {
  let rest = "";
  return {
    push: (text) => {
      rest += text;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      if (rest.length > MAX_EVENT_CHARS) throw new Error(`an event of more than ${MAX_EVENT_CHARS} characters`);
      return blocks.flatMap((block) => readBlock(block) ?? []);
    },
  };
}

function readBlock(block: string): SseEvent | undefined {
  const fields = new Map<string, string[]>();
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return { event: fields.get("event")?.at(-1) ?? "message", id: fields.get("id")?.at(-1), data: data.join("\n") };
}
