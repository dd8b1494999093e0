import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { verifyCommand } from "../../cli/commands/verify.ts";
import { toFeedDocument } from "../../protocol/document.ts";
import { formatInstant } from "../../protocol/instant.ts";
import { certify, feedId, verdict } from "../support/rounds.ts";
import { writeNetwork } from "./served.ts";
import { run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-time-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a signed time beyond the calendar", () => {
  it.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"],
    [8_640_000_000_000_001, "8640000000000001 ms after 1970, beyond the calendar"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991 ms after 1970, beyond the calendar"],
  ])("%i is %s", (ms, expected) => expect(formatInstant(ms)).toBe(expected));

  /** Found by the fuzzer's target `documents`: a host that vouches for a committee of its own may sign any time it likes. */
  it("is said in a line of `breakwater verify`, which threw a RangeError at it", async () => {
    const { path, network } = writeNetwork(folder, "harbour");
    const timestamp = 8_640_000_000_001 * 1_000;
    const round = certify({ network, round: timestamp / 1_000, verdicts: [verdict("ETH/USD", 1_763_800_000_000)] });
    const file = join(folder, "far.json");
    writeFileSync(file, JSON.stringify(toFeedDocument({ round, feed: feedId("ETH/USD") })));
    const terminal = session({ now: () => 1_763_800_000_000 });
    await run(verifyCommand(terminal), file, "--committee", path);
    expect(terminal.printed()).toContain(`round        8640000000001, of ${timestamp} ms after 1970, beyond the calendar, `);
  });
});
