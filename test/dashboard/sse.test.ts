import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseReader, type SseEvent } from "../../dashboard/data/sse.ts";

const STREAM = 'retry: 1000\n\nid: 5\ndata: {"round":5}\n\n: heartbeat\n\nid: 6\nevent: breaker\ndata: a\ndata:b\n\n';
const EVENTS: readonly SseEvent[] = [
  { event: "message", id: "5", data: '{"round":5}' },
  { event: "breaker", id: "6", data: "a\nb" },
];

describe("the reader of events", () => {
  it("reads the same events wherever the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: STREAM.length }), { maxLength: 8 }), (cuts) => {
        const reader = createSseReader();
        const ends = [...cuts.sort((a, b) => a - b), STREAM.length];
        const found = ends.flatMap((end, index) => reader.push(STREAM.slice(ends[index - 1] ?? 0, end)));
        expect(found).toEqual(EVENTS);
      }),
    );
  });

  it("reads lines that end as Windows ends them", () => {
    expect(createSseReader().push(STREAM.replaceAll("\n", "\r\n"))).toEqual(EVENTS);
  });

  it("keeps an unfinished event back, and refuses one that never ends", () => {
    const reader = createSseReader();
    expect(reader.push("data: half")).toEqual([]);
    expect(() => reader.push("x".repeat(2 ** 20))).toThrow(/more than/);
  });
});
