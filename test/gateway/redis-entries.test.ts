import { describe, expect, it } from "vitest";
import { compareIds, ENTRY_FAULTS, entryFields, FIRST_ID, LAST_ID, readEntry } from "../../gateway/redis-entries.ts";
import { createPace } from "../../gateway/redis-pace.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { entryOf, paperOf } from "./redis-logs.ts";

const partsOf = (fields: readonly (string | Uint8Array)[]) =>
  fields.map((field) => (typeof field === "string" ? utf8(field) : field));
const round = partsOf(entryFields(entryOf(1)).fields);
const paper = partsOf(entryFields(paperOf("{}")).fields);

/** With one part replaced. */
const but = (parts: readonly Uint8Array[], index: number, part: Uint8Array) =>
  parts.map((own, at) => (at === index ? part : own));

describe("an entry of a stream", () => {
  it.each([entryOf(7), paperOf("{}"), { kind: "transition", bytes: utf8("x") } as const])(
    "comes back as it was: $kind",
    (entry) => {
      const { stream, fields } = entryFields(entry);
      expect(readEntry(stream, partsOf(fields))).toEqual({ ok: true, value: entry });
    },
  );

  const FAULTS = [
    ["nothing", "rounds", [], "malformed"],
    ["a paper among the rounds", "rounds", paper, "malformed"],
    ["a round among the papers", "papers", round, "malformed"],
    ["a part too many", "rounds", [...round, utf8("x")], "malformed"],
    ["other names", "rounds", but(round, 2, utf8("C")), "malformed"],
    ["a digest that is none", "rounds", but(round, 1, utf8("0x12")), "malformed"],
    ["a digest in capitals", "rounds", but(round, 1, utf8(`0x${"AB".repeat(32)}`)), "malformed"],
    ["a certificate of no network's size", "rounds", but(round, 3, new Uint8Array(8_193)), "too-large"],
    ["a paper of no kind", "papers", but(paper, 1, utf8("round")), "malformed"],
    ["evidence of a book's size", "papers", but(paper, 3, new Uint8Array(8_193)), "too-large"],
  ] as const;
  it.each(FAULTS)("%s is none", (_, stream, parts, fault) => {
    expect(readEntry(stream, parts)).toEqual({ ok: false, error: fault });
  });

  it("every fault has a case", () => {
    expect(new Set(FAULTS.map(([, , , fault]) => fault))).toEqual(new Set(ENTRY_FAULTS));
  });
});

describe("a stream's ids", () => {
  it.each([
    [FIRST_ID, "1-0", -1],
    ["9-0", "10-0", -1],
    ["1795300123000-2", "1795300123000-10", -1],
    ["5-5", "5-5", 0],
    [LAST_ID, "18446744073709551615-18446744073709551614", 1],
    ["no id", FIRST_ID, 0],
  ])("%s against %s", (a, b, order) => {
    expect(compareIds(a, b)).toBe(order);
    expect(compareIds(b, a)).toBe(0 - order);
  });
});

describe("a writer's share", () => {
  const limits = { entries: 10, entriesPerSecond: 5, bytes: 1_000, bytesPerSecond: 100 };

  it("rests as long as what it overdrew takes to come back", () => {
    const pace = createPace(limits, 0);
    pace.spend({ entries: 12, bytes: 0 }, 0);
    expect(pace.restMs(0)).toBe(400);
    expect(pace.restMs(300)).toBe(100);
    expect(pace.restMs(400)).toBe(0);
  });

  it("is of bytes as well, and never fills beyond its bound", () => {
    const pace = createPace(limits, 0);
    pace.spend({ entries: 1, bytes: 1_500 }, 1_000_000);
    expect(pace.restMs(1_000_000)).toBe(5_000);
  });

  it("does not fill while a clock goes back", () => {
    const pace = createPace(limits, 10_000);
    pace.spend({ entries: 15, bytes: 0 }, 10_000);
    expect(pace.restMs(0)).toBe(1_000);
  });
});
