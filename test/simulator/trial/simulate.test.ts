import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type SimulatePorts, simulate } from "../../../simulator/io/simulate-command.ts";
import type { CreateChecker } from "../../../simulator/promises/checker.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";
import { createGrounds, runTrial } from "../../../simulator/trial/trial.ts";
import { carryOut, type Laboratory, type Order, type OrderOf, type ReplyTo } from "../../../simulator/trial/work.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-simulate-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const grounds = createGrounds();

/** A short trial: crashes of node 2 in every odd seed, and things that do not matter. */
function shortPlan(seed: number): Plan {
  const crash = { at: 9_000, until: 12_000, fault: { kind: "crash", node: 2 } } as const;
  const loss = { at: 5_000, until: 9_000, fault: { kind: "loss", percent: 5 } } as const;
  const frozen = { at: 6_000, until: 8_000, fault: { kind: "venue-freeze", venue: 1 } } as const;
  return {
    seed,
    n: 4,
    setting: "one-feed",
    byzantine: [],
    skewsMs: [0, 5, -5, 10],
    delayMs: [2, 20],
    startsMs: [0, 100, 200, 300],
    faults: seed % 2 === 1 ? [loss, frozen, crash] : [loss, frozen],
    acts: [],
    safetyMs: 14_000,
    healsByzantine: true,
    downAfterHeal: [],
    healMs: 6_000,
  };
}

/** Reports these promises when a node crashes: as if a checker had seen something. */
function blaming(...promises: readonly ("P1" | "P2")[]): CreateChecker {
  return (_, report) => ({
    witness: (occurrence) => {
      if (occurrence.kind !== "fault" || occurrence.phase !== "begins" || occurrence.planned.fault.kind !== "crash") return;
      for (const promise of promises) report({ promise, at: occurrence.at, what: "a node crashed" });
    },
    finish: () => undefined,
  });
}

function laboratoryOf(checkers: CreateChecker): Laboratory {
  return {
    draw: (seed) => shortPlan(seed),
    network: ({ setting, n }) => grounds.settings.network(setting, n),
    run: (plan, { witness }) => runTrial(plan, { grounds, witness, checkers }),
  };
}

/** The command with everything around it in memory; trials run here and not in threads. */
async function run(args: readonly string[], { checkers = blaming(), interrupted = new AbortController() } = {}) {
  const lines: string[] = [];
  const notes: string[] = [];
  const written = new Map<string, string>();
  let clock = 0;
  const laboratory = laboratoryOf(checkers);
  const ports: SimulatePorts = {
    createCrew: (size) => ({
      size,
      ask: async <K extends Order["kind"]>(order: OrderOf<K>) => {
        clock += 4_000;
        return interrupted.signal.aborted ? undefined : (carryOut(order, laboratory, () => 0) as ReplyTo<K>);
      },
      end: async () => undefined,
    }),
    out: (line) => lines.push(line),
    stderr: { isTTY: false, write: (text) => void notes.push(text) },
    now: () => clock,
    cores: 2,
    commit: () => "abc123",
    interrupted: interrupted.signal,
    readText: (file) => readFileSync(file, "utf8"),
    writeText: (file, text) => void written.set(file, text),
    keepPlan: (name, text) => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    },
  };
  const code = await simulate(args, ports);
  return { code, text: lines.join("\n"), notes: notes.join(""), written };
}

describe("npm run simulate", () => {
  test("without a violation ends with 0 and says what ran", async () => {
    const { code, text, notes, written } = await run(["--seeds", "8", "--from", "3", "--workers", "1", "--json", "out.json"]);
    expect(code).toBe(0);
    expect(text).toContain("npm run simulate -- --seeds 8 --from 3 --workers 1 --json out.json at commit abc123");
    expect(text).toMatch(/^8 seeds in 8 s by 1 worker \(1\.0 seeds\/s\), \d+ rounds certified: 0 violations\.$/m);
    expect(text).toMatch(/^ {2}fault kinds that began: 3 of 30$/m);
    expect(text).toContain("crash 4");
    expect(notes).toBe("");
    expect(JSON.parse(written.get("out.json") ?? "")).toMatchObject({ trials: 8, failures: 0, commit: "abc123" });
  });

  test("with one ends with 1, prints seed and promise, and the minimised story with the command that reruns it", async () => {
    const { code, text } = await run(["--seeds", "4", "--workers", "1"], { checkers: blaming("P2") });
    expect(code).toBe(1);
    expect(text).toContain("seed 1: P2 violated +9.000 s into the trial: a node crashed");
    expect(text).toContain("seed 3: P2 violated");
    expect(text).toMatch(/^P2 of seed 1, minimised in \d+ trials: 1 faults, .* of 3 faults, /m);
    expect(text).toMatch(/^\+9\.000 s .* fault: crash node2$/m);
    expect(text).toMatch(/^\+9\.000 s .* VIOLATION P2: a node crashed$/m);
    expect(text).not.toContain("venue-freeze venue1");
    expect(text).toContain("violated: P2; seeds 1, 3");
    const file = text.match(/commit abc123; again: npm run simulate -- --plan (\S+)/)?.[1] ?? "";
    const again = await run(["--plan", file], { checkers: blaming("P2") });
    expect(again.code).toBe(1);
    expect(again.text).toContain("VIOLATION P2: a node crashed");
  });

  test("--bail ends at the first violation, --minimise 0 leaves it as it is", async () => {
    const { code, text } = await run(["--seeds", "400", "--workers", "1", "--bail", "--minimise", "0"], {
      checkers: blaming("P1"),
    });
    expect(code).toBe(1);
    expect(text).toMatch(/^4 seeds in /m);
    expect(text).not.toContain("minimised");
  });

  test.each([
    [["P1", "P2"], 0, "the checkers reported broken promises P1 and P2, as they must"],
    [["P2"], 1, "no violation of P1 was reported"],
    [[], 1, "no violation of P1 or P2 was reported"],
  ] as const)("beyond f %j is seen: exit %i", async (promises, expected, words) => {
    const args = ["--mode", "beyond", "--seeds", "2", "--workers", "1", "--minimise", "0"];
    const { code, text } = await run(args, { checkers: blaming(...promises) });
    expect(code).toBe(expected);
    expect(text).toContain(words);
  });

  test("one seed prints its story and what it reached", async () => {
    const { code, text } = await run(["--seed", "5"]);
    expect(code).toBe(0);
    expect(text).toMatch(/^seed 5: n = 4, f = 1, q = 3, network "one-feed"/);
    expect(text).toMatch(/fault: crash node2$/m);
    expect(text).toMatch(/^\d+ rounds certified, 0 violations, trace [0-9a-f]+$/m);
    expect(text).not.toContain("clog");
  });

  test("writes the coverage between the markers of a document", async () => {
    const file = join(folder, "document.md");
    writeFileSync(file, "# A\n<!-- coverage -->\n<!-- /coverage -->\n");
    const { code, written } = await run(["--seeds", "4", "--workers", "1", "--markdown", file]);
    expect(code).toBe(0);
    expect(written.get(file)).toMatch(
      /^# A\n<!-- coverage -->\n`npm run simulate -- --seeds 4 .*` at commit abc123: 4 seeds in /,
    );
  });

  test("shows its progress, one line every ten seconds where a line cannot be rewritten", async () => {
    const { notes } = await run(["--seeds", "40", "--workers", "1"]);
    expect(notes.split("\n").filter((line) => line !== "")).toHaveLength(3);
    expect(notes).toMatch(/^12 of 40 seeds, 1\.0 seeds\/s, \d+ rounds certified, 0 violations, 28 s left$/m);
  });

  test("interrupted says what had run until then, and does not pass for a success", async () => {
    const interrupted = new AbortController();
    interrupted.abort();
    const { code, text } = await run(["--seeds", "40"], { interrupted });
    expect(code).toBe(130);
    expect(text).toMatch(/^0 seeds in /m);
    expect(text).toContain("interrupted: the seeds above are all that ran");
  });

  const badPlan = join(folder, "bad.json");
  writeFileSync(badPlan, JSON.stringify({ ...shortPlan(1), n: 5 }));
  test.each([
    [["--seeds", "many"], "whole number"],
    [["--mode", "sideways"], "within, beyond"],
    [["--seed", "1", "--plan", "a.json"], "cannot be used with"],
    [["--plan", join(folder, "absent.json")], "cannot read"],
    [["--plan", badPlan], "bad.json: n: "],
    [["--markdown", badPlan], "has no place between"],
    [["--what"], "unknown option"],
    [["7"], "too many arguments"],
  ])("%j is a mistake: exit 2", async (args, words) => {
    const { code, notes } = await run(args);
    expect(code).toBe(2);
    expect(notes).toContain(words);
  });
});

const nothing = { witness: () => undefined };

describe("the same seed is the same trial", () => {
  const run = (seed: number) => runTrial(shortPlan(seed), { grounds, ...nothing }).traceHash;

  test("twice in one process, on other grounds, and another seed is another one", () => {
    const hashes = [1, 2, 3, 4].map(run);
    expect([1, 2, 3, 4].map(run)).toEqual(hashes);
    expect(runTrial(shortPlan(3), { grounds: createGrounds(), ...nothing }).traceHash).toBe(hashes[2]);
    expect(new Set(hashes).size).toBe(4);
  });

  test("in another process and thread, by the command itself", async () => {
    const plan = join(folder, "plan.json");
    const outcome = join(folder, "outcome.json");
    writeFileSync(plan, JSON.stringify(shortPlan(3)));
    const script = join(import.meta.dirname, "../../../simulator/io/simulate.ts");
    const child = spawn(process.execPath, [script, "--plan", plan, "--json", outcome], { stdio: ["ignore", "pipe", "inherit"] });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(outcome, "utf8"))).toMatchObject({ traceHash: run(3), violations: [] });
  });
});
