import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventSplitter } from "../../gateway/following/event-stream.ts";
import { decodeEvent, encodeEvent } from "../../gateway/io/follow-wire.ts";
import type { LogEntry, LogKind } from "../../gateway/log.ts";
import { MAX_BODY_BYTES } from "../../protocol/round-codec.ts";
import { digestOf } from "../support/network.ts";

const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });
const entries: fc.Arbitrary<LogEntry> = fc.oneof(
  fc.record({ kind: fc.constant("round" as const), digest: fc.constant(digestOf(7)), certificate: bytes, body: bytes }),
  fc.record({ kind: fc.constantFrom("transition" as const, "evidence" as const), bytes }),
);

const pack = (content: Uint8Array) => zstdCompressSync(content).toString("base64");

describe("an entry on its way", () => {
  test("is what it was, however the text is cut on its way", () => {
    fc.assert(
      fc.property(
        fc.array(entries, { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
        (sent, cuts) => {
          const text = sent
            .map((entry, index) => `${index % 2 === 0 ? ": heartbeat\n\n" : ""}${encodeEvent(entry, index)}`)
            .join("");
          const splitter = createEventSplitter(10_000);
          const events = [];
          for (let at = 0; at < text.length; ) {
            const length = Number(cuts.next().value);
            events.push(...(splitter.take(text.slice(at, at + length)) ?? []));
            at += length;
          }
          const received = events.map(({ name, data }) => decodeEvent(name as LogKind, data));
          const plain = (entry: LogEntry) =>
            JSON.stringify(entry, (_, value) => (value instanceof Uint8Array ? [...value] : value));
          expect(received.map((entry) => (entry.ok ? plain({ ...entry.value, ...toBytes(entry.value) }) : entry.error))).toEqual(
            sent.map(plain),
          );
        },
      ),
    );
  });

  test("has an id only where a reader may resume after it", () => {
    const entry: LogEntry = { kind: "evidence", bytes: new Uint8Array([1]) };
    expect(encodeEvent(entry, 9)).toMatch(/^id: 9\nevent: evidence\ndata: \{.*\}\n\n$/);
    expect(encodeEvent(entry)).toMatch(/^event: evidence\n/);
  });

  test.each<[what: string, kind: LogKind, data: string]>([
    ["no JSON", "round", "{"],
    ["another shape", "round", "[]"],
    ["a digest that is none", "round", JSON.stringify({ digest: "0x12", certificate: "AA==", body: pack(new Uint8Array(3)) })],
    ["no base64", "evidence", JSON.stringify({ bytes: "ü" })],
    ["no Zstandard", "transition", JSON.stringify({ bytes: "AAAA" })],
    ["more than a body can be", "evidence", JSON.stringify({ bytes: pack(new Uint8Array(MAX_BODY_BYTES + 1)) })],
  ])("is refused when it is %s", (_, kind, data) => {
    expect(decodeEvent(kind, data).ok).toBe(false);
  });
});

describe("a stream of events", () => {
  test("with carriage returns, comments, fields that nobody knows and several data lines", () => {
    const splitter = createEventSplitter(1_000);
    expect(
      splitter.take(": hello\r\nretry: 5\r\n\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\ndata: 3\n\nevent: nothing\n\n"),
    ).toEqual([
      { name: "a", data: "1\n2" },
      { name: "message", data: "3" },
    ]);
  });

  test("ends at an event that is too long, with or without an end of its line", () => {
    expect(createEventSplitter(100).take(`data: ${"x".repeat(200)}`)).toBe(undefined);
    expect(createEventSplitter(100).take(`${"data: 12345\n".repeat(20)}\n`)).toBe(undefined);
    const long = createEventSplitter(100);
    expect(long.take(`data: ${"x".repeat(60)}`)).toEqual([]);
    expect(long.take("x".repeat(60))).toBe(undefined);
  });

  test("counts each event by itself", () => {
    const splitter = createEventSplitter(100);
    for (let count = 0; count < 50; count++) expect(splitter.take(`data: ${"x".repeat(60)}\n\n`)).toHaveLength(1);
  });
});

/** What is read are Buffers; a Uint8Array of the same bytes compares. */
function toBytes(entry: LogEntry): object {
  if (entry.kind === "round") return { certificate: Uint8Array.from(entry.certificate), body: Uint8Array.from(entry.body) };
  return { bytes: Uint8Array.from(entry.bytes) };
}
