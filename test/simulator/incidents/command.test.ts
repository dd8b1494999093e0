import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { incidentsCommand } from "../../../cli/commands/incidents.ts";
import { run, session } from "../../cli/session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-incidents-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function incidents(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const terminal = session({ environment });
  const error = await run(incidentsCommand(terminal), ...args).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  return { printed: terminal.printed(), noted: terminal.noted(), error };
}

describe("breakwater incidents", () => {
  test("one incident as a table, and what was not asked for stays unsaid", async () => {
    const { printed, noted, error } = await incidents(["--only", "crash"]);
    expect(error).toBeUndefined();
    expect(printed.split("\n")).toEqual([
      "incident  outcome  late  none  robust  probing  waited  what happened",
      expect.stringMatching(/^crash {5}caught {6}0 {3}0\.0 +0\.5 +7\.1 +0\.1 {2}A true −80 %, then \+66 %$/),
      "",
      "1 of 1 as expected",
    ]);
    expect(noted).toBe("crash: caught");
  });

  test("as JSON", async () => {
    const { printed } = await incidents(["--only", "crash", "--json"]);
    expect(JSON.parse(printed)).toMatchObject({
      results: [{ name: "crash", outcome: "caught", asExpected: true, roundsLate: 0, feeds: [{ feed: "SUI/USD", noneMs: 0 }] }],
      notPlayed: [],
    });
  });

  test("bad thresholds: the fault is printed and the command fails", async () => {
    const thresholds = write("bad.yaml", "presets:\n  large: { jumpBps: 2500, gapBps: 2600 }\n");
    const { printed, error } = await incidents(["--only", "crash", "--thresholds", thresholds]);
    expect(error?.message).toBe("not as expected: crash");
    expect(printed).toMatch(/^crash {5}(missed|false pause)/m);
    expect(printed).toMatch(/^crash: SUI\/USD at \d+ s: expected /m);
    expect(printed).toContain("0 of 1 as expected");
  });

  test.each<readonly [what: string, args: (name: string) => readonly string[], fault: RegExp]>([
    ["an unknown name", () => ["--only", "ftx"], /^--only: expected one of skrw-2019, .*, found "ftx"$/],
    [
      "a threshold out of bounds",
      () => ["--thresholds", write("zero.yaml", "thresholds: { jumpBps: 0 }")],
      /thresholds\.jumpBps: /,
    ],
    ["an unknown preset", () => ["--thresholds", write("preset.yaml", "presets: { tiny: {} }")], /presets/],
    ["no YAML", () => ["--thresholds", write("broken.yaml", "a: [")], /not YAML/],
    ["no such file", () => ["--thresholds", join(folder, "gone.yaml")], /cannot read the file/],
    ["a recorded one without data", () => ["--only", "usdc-2023"], /usdc-2023: needs recorded prices \(--data\)/],
  ])("%s is refused", async (_, args, fault) => {
    const { error } = await incidents(args(""));
    expect(error?.message).toMatch(fault);
  });

  test("an empty data folder, by flag or by variable: what is missing is named and fails", async () => {
    const byFlag = await incidents(["--only", "black-thursday", "--data", folder]);
    expect(byFlag.printed).toMatch(/^black-thursday: not played: history\/2020-03-12-black-thursday\/.* not found$/m);
    expect(byFlag.error?.message).toBe("not as expected: black-thursday");
    const byVariable = await incidents(["--only", "black-thursday"], { BREAKWATER_DATA: folder });
    expect(byVariable.error?.message).toBe("not as expected: black-thursday");
  });
});
