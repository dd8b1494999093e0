import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { EVENT_LEVELS, type EventCode } from "../../node/events.ts";
import { createJournal } from "../../node/io/journal.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { QUIET_MS } from "../../node/io/quiet-taper.ts";

type Line = { readonly level: number; readonly msg: string; readonly code?: string; readonly repeats?: number };

function open() {
  const lines: Line[] = [];
  const counted: EventCode[] = [];
  const log = pino({ level: "info" }, { write: (text: string) => lines.push(JSON.parse(text) as Line) });
  return { lines, counted, journal: createJournal(log, { onEvent: (code) => counted.push(code) }) };
}

describe("events", () => {
  it("every concern says what to do, and only its 1st, 2nd, 4th, 8th repeat is a line while all are counted", () => {
    for (const [name, level] of Object.entries(EVENT_LEVELS)) {
      const code = name as EventCode;
      const { journal, lines, counted } = open();
      const fields = { round: 7, ...(code === "clock-off" ? { advice: "set this machine's clock back" } : {}) };
      for (let i = 0; i < 9; i++) journal.event({ kind: "event", level, code, fields });
      expect(counted).toHaveLength(9);
      expect(lines.map(({ repeats }) => repeats)).toEqual(level === "info" ? Array(9).fill(undefined) : [1, 2, 4, 8]);
      expect(lines[0]?.msg).toMatch(level === "info" ? new RegExp(`^${code}$`) : new RegExp(`^${code}: .{20,}`));
    }
  });
});

describe("a concern that comes again", () => {
  it("is new after a quiet hour, and a repeat before", () => {
    const lines: Line[] = [];
    const log = pino({ level: "info" }, { write: (text: string) => lines.push(JSON.parse(text) as Line) });
    let now = 0;
    const journal = createJournal(log, { onEvent: () => undefined }, () => now);
    const happen = () => journal.event({ kind: "event", level: "warn", code: "no-quorum", fields: {} });
    for (let i = 0; i < 3; i++) happen();
    now += QUIET_MS - 1;
    happen();
    now += QUIET_MS;
    happen();
    expect(lines.map(({ repeats }) => repeats)).toEqual([1, 2, 4, 1]);
  });
});

describe("a store that cannot write", () => {
  const full = () => {
    throw new OperationalError("store: the disk is full; make room", { code: "store-full" });
  };

  it("costs what it should have kept and a line, not the process", () => {
    const { journal, lines } = open();
    expect([1, 2, 3].map(() => journal.attempt(full))).toEqual([undefined, undefined, undefined]);
    expect(lines.map(({ code, msg, repeats }) => [code, msg, repeats])).toEqual([
      ["store-full", "store: the disk is full; make room", 1],
      ["store-full", "store: the disk is full; make room", 2],
    ]);
    expect(journal.attempt(() => "kept")).toBe("kept");
  });

  it("a bug is not swallowed", () => {
    const broken = () => {
      throw new TypeError("a bug");
    };
    expect(() => open().journal.attempt(broken)).toThrow("a bug");
  });
});
