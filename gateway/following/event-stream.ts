/** One event of a stream of server-sent events (HTML standard, section 9.2.6), its data lines joined. */
export type StreamEvent = { readonly name: string; readonly data: string };

/** Splits a response's text into events; what it holds is bounded by one event. */
export type EventSplitter = {
  /** The events that a further piece completes; undefined once an event is too long: nothing after it can be trusted to begin one. */
  readonly take: (piece: string) => readonly StreamEvent[] | undefined;
};

/** Pieces without a line's end are only counted and kept, so that a long event costs its length once, however it is cut. */
export function createEventSplitter(maxChars: number): EventSplitter {
  let unfinished: string[] = [];
  let size = 0;
  let name = "";
  let data: string[] = [];

  const takeLine = (line: string): StreamEvent | undefined => {
    if (line === "") {
      const event = data.length === 0 ? undefined : { name: name === "" ? "message" : name, data: data.join("\n") };
      [name, data, size] = ["", [], 0];
      return event;
    }
    if (line.startsWith("event:")) name = fieldOf(line, "event:");
    if (line.startsWith("data:")) data.push(fieldOf(line, "data:"));
    return undefined;
  };
  return {
    take: (piece) => {
      const [first = "", ...others] = piece.split("\n");
      const events: StreamEvent[] = [];
      unfinished.push(first);
      size += first.length;
      for (const next of others) {
        if (size > maxChars) return undefined;
        const event = takeLine(unfinished.join("").replace(/\r$/, ""));
        if (event !== undefined) events.push(event);
        unfinished = [next];
        size += next.length;
      }
      return size > maxChars ? undefined : events;
    },
  };
}

function fieldOf(line: string, field: string): string {
  return line.slice(field.length + (line[field.length] === " " ? 1 : 0));
}
