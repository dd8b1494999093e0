import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { backtestCommand } from "../../cli/commands/backtest.ts";
import { calm, csvOf, minuteBars, START } from "../simulator/backtest/recordings.ts";
import { run, type Session, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-backtest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Stderr = { readonly isTTY: boolean; readonly write: (text: string) => void };
const silent: Stderr = { isTTY: false, write: () => undefined };
let files = 0;

/** A market that moves by up to 40 bps a minute: nothing to good thresholds. */
function restless(minutes: number, price: number): readonly number[] {
  return calm(minutes, price).map((close, index) => close * (1 + 0.002 * Math.sin(1.7 * index)));
}

function file(name: string, text: string): string {
  files += 1;
  const path = join(mkdtempSync(join(folder, `${files}-`)), name);
  writeFileSync(path, text);
  return path;
}

const history = file("kraken-BTCUSD-1m.csv", csvOf(minuteBars([...calm(200), ...restless(200, 18_000)])));
const bad = file("bad.yaml", "thresholds: { jumpBps: 10, dispersionBps: 10 }\n");

async function backtest(args: readonly string[], overrides: Partial<Session> = {}, stderr = silent): Promise<Session> {
  const terminal = session(overrides);
  await run(backtestCommand(terminal, stderr), ...args);
  return terminal;
}

async function refusal(...args: readonly string[]): Promise<string> {
  const failed = await backtest(args).catch((error: unknown) => error);
  if (!(failed instanceof Error)) throw new Error("expected a refusal");
  return failed.message;
}

describe("breakwater backtest", () => {
  it("prints tables, differences and assumptions, and writes JSON and HTML", async () => {
    const [json, html] = [join(folder, "out.json"), join(folder, "out.html")];
    const labels = file("labels.csv", `from_ms,to_ms,kind,name\n${START},${START + 100 * 60_000},false,quiet hours\n`);
    const gas = file("gas.csv", `timestamp_ms,base_fee_gwei\n${START},25\n`);
    const inputs = ["--history", history, "--compare", bad, "--labels", labels, "--gas", gas];
    const { printed, noted } = await backtest([...inputs, "--json", json, "--html", html]);
    expect(printed()).toMatch(/default presets\nfeed\s+preset\s+pauses/);
    expect(printed()).toMatch(/BTC\/USD\s+major\s+1 /);
    expect(printed()).toContain("bad.yaml");
    expect(printed()).toContain("difference");
    expect(printed()).toContain('"quiet hours": 0 pauses');
    expect(printed()).toContain("Missing bars hold the last close");
    expect(noted()).toMatch(/\d+ rounds in .* rounds\/s/);
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report).toMatchObject({ format: "breakwater-backtest/1", runs: [{ name: "default presets" }, { name: "bad.yaml" }] });
    expect(report.runs[0].feeds.map(({ feed }: { readonly feed: string }) => feed)).toContain("BTC/USD");
    expect(readFileSync(html, "utf8")).toMatch(/^<!doctype html>/);
    expect(existsSync(`${json}.checkpoint`)).toBe(false);
  });

  it("reads a folder, and takes a feed's name from a flag", async () => {
    const odd = file("kraken-XBTZUSD-1m.csv", csvOf(minuteBars(calm(30))));
    const { printed } = await backtest(["--history", join(odd, ".."), "--feed", "kraken-XBTZUSD-1m.csv=SOL/USD"]);
    expect(printed()).toMatch(/SOL\/USD\s+large/);
  });

  it.each([
    [
      "a line of a history file",
      () => ["--history", file("kraken-BTCUSD-1m.csv", csvOf(minuteBars(calm(3))).replace(/,1\n$/, ",x\n"))],
      "line 4: volume",
    ],
    ["a missing file", () => ["--history", join(folder, "none.csv")], "none.csv: cannot read"],
    ["an empty folder", () => ["--history", mkdtempSync(join(folder, "empty-"))], "holds no .csv file"],
    [
      "a name that says no market",
      () => ["--history", file("prices.csv", csvOf(minuteBars(calm(3))))],
      "--feed prices.csv=BASE/QUOTE",
    ],
    [
      "a feed of no file",
      () => ["--history", history, "--feed", "other.csv=ETH/USD"],
      '"other.csv" is none of the history files',
    ],
    ["a feed that is none", () => ["--history", history, "--feed", "kraken-BTCUSD-1m.csv=ETH"], "expected FILE=BASE/QUOTE"],
    [
      "a threshold out of bounds",
      () => ["--history", history, "--thresholds", file("t.yaml", "thresholds: { jumpBps: 0 }")],
      "t.yaml: thresholds.jumpBps",
    ],
    [
      "thresholds at odds",
      () => ["--history", history, "--thresholds", file("t.yaml", "thresholds: { jumpBps: 2000 }")],
      "feeds[BTC/USD].thresholds.jumpBps: expected less than gapBps",
    ],
    ["no YAML", () => ["--history", history, "--compare", file("t.yaml", "a: [")], "t.yaml: not YAML"],
    [
      "a label",
      () => ["--history", history, "--labels", file("l.csv", "from_ms,to_ms,kind,name\n1,2,no,x")],
      "l.csv: line 2: kind",
    ],
    ["a gas row", () => ["--history", history, "--gas", file("g.csv", "timestamp_ms,base_fee_gwei\n1,x")], "g.csv: line 2"],
    ["a time without a zone", () => ["--history", history, "--from", "2024-01-01T10:00"], "--from: expected 2023-03-10"],
    ["a window beside the record", () => ["--history", history, "--from", "2030-01-01"], "the window holds nothing"],
    ["a rate", () => ["--history", history, "--trips", "0"], "--trips: expected 1 to 8000"],
    ["a number", () => ["--history", history, "--hold", "1h"], '--hold: expected a whole number, found "1h"'],
    [
      "a file that cannot be written",
      () => ["--history", history, "--html", join(folder, "no", "such", "place.html")],
      "cannot write the file",
    ],
  ] as const)("refuses %s", async (_, args, why) => {
    expect(await refusal(...args())).toContain(why);
  });

  it("draws its progress on a terminal", async () => {
    const written: string[] = [];
    let clock = 0;
    const now = () => {
      clock += 150;
      return clock;
    };
    await backtest(["--history", history], { now }, { isTTY: true, write: (text: string) => written.push(text) });
    expect(written.join("")).toMatch(/█+·+ {2}\d+ % {2}\d+ of 1600 rounds {2}\d+\/s/);
  });
});

describe("a run that is stopped", () => {
  const wholeOf = async (): Promise<{ readonly json: string; readonly html: string }> => {
    const [json, html] = [join(folder, "whole.json"), join(folder, "whole.html")];
    await backtest(["--history", history, "--compare", bad, "--json", json, "--html", html]);
    return { json: readFileSync(json, "utf8"), html: readFileSync(html, "utf8") };
  };

  it("by the person goes on where it was and ends in the same bytes", async () => {
    const whole = await wholeOf();
    const [json, html] = [join(folder, "stopped.json"), join(folder, "stopped.html")];
    const args = ["--history", history, "--compare", bad, "--json", json, "--html", html];
    // Each start is interrupted at once, so it does one slice of 500 rounds: 3 200 rounds are seven starts and an end.
    const interrupted = () => AbortSignal.abort();
    let starts = 0;
    for (;;) {
      const failed = await backtest(args, { interrupted }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) break;
      starts += 1;
      expect(String(failed)).toContain("run the same command again to go on");
      expect(existsSync(`${json}.checkpoint`)).toBe(true);
    }
    expect(starts).toBe(8);
    expect(readFileSync(json, "utf8")).toBe(whole.json);
    expect(readFileSync(html, "utf8")).toBe(whole.html);
    expect(existsSync(`${json}.checkpoint`)).toBe(false);
  });

  it("by a kill goes on from its last checkpoint and ends in the same bytes", async () => {
    // Long enough that the kill comes before the end: 24 checkpoints.
    const long = file("kraken-BTCUSD-1m.csv", csvOf(minuteBars([...calm(2_000), ...restless(1_000, 18_000)])));
    const [whole, killed, checkpoint] = ["long.json", "killed.json", "killed.state"].map((name) => join(folder, name));
    await backtest(["--history", long, "--json", `${whole}`]);
    const args = ["--history", long, "--json", `${killed}`, "--checkpoint", `${checkpoint}`, "--checkpoint-every", "0"];
    await killAtCheckpoint(args, `${checkpoint}`);
    expect(existsSync(`${killed}`)).toBe(false);
    const { noted } = await backtest(args);
    expect(noted()).toContain(`going on from ${checkpoint}`);
    expect(readFileSync(`${killed}`, "utf8")).toBe(readFileSync(`${whole}`, "utf8"));
  });

  it("is not gone on with under other thresholds", async () => {
    const checkpoint = join(folder, "other.state");
    const interrupted = () => AbortSignal.abort();
    await backtest(["--history", history, "--checkpoint", checkpoint], { interrupted }).catch(() => undefined);
    expect(await refusal("--history", history, "--checkpoint", checkpoint, "--thresholds", bad)).toContain(
      "made from other files",
    );
    expect(await refusal("--history", history, "--checkpoint", checkpoint, "--hold", "5")).toContain("made from other files");
  });
});

/** The command in a process of its own, which is killed as soon as it has written a checkpoint. */
function killAtCheckpoint(args: readonly string[], checkpoint: string): Promise<void> {
  const command = new URL("../../cli/commands/backtest.ts", import.meta.url);
  const script = `
    import { watchFile } from "node:fs";
    const { backtestCommand } = await import(${JSON.stringify(command.href)});
    await backtestCommand().parseAsync(${JSON.stringify(args)}, { from: "user" });`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    const poll = setInterval(() => {
      if (existsSync(checkpoint)) child.kill("SIGKILL");
    }, 1);
    child.once("error", reject);
    child.once("exit", (_, signal) => {
      clearInterval(poll);
      if (signal === "SIGKILL") resolve();
      else reject(new Error("it ended before it could be killed"));
    });
  });
}
