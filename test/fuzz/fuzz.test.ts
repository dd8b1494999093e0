import { describe, expect, it } from "vitest";
import { fuzz, type Outcome } from "./engine.ts";
import { TARGETS } from "./table.ts";
import { ALLOCATION_A_BYTE, type Target } from "./target.ts";
import { fragile } from "./toy.ts";

const SEED = 7;
/** So many that all targets together take well under half a minute; `npm run fuzz` runs longer, and guided by coverage. */
const EXECUTIONS: Readonly<Record<string, number>> = {
  gossip: 2_000,
  wire: 2_000,
  recover: 1_500,
  fold: 250,
  governance: 3_000,
  machine: 150,
  documents: 300,
  texts: 4_000,
  adapters: 3_000,
  "chain-rpc": 1_200,
  changes: 60,
  backtest: 3_000,
  "venue-http": 120,
  "venue-frames": 3_000,
  gateway: 800,
  control: 800,
  config: 150,
  "key-file": 300,
  following: 300,
};

async function run(target: Target, executions: number, seed = SEED): Promise<Outcome> {
  const harness = await target.open();
  const outcome = await fuzz(target, harness, { seed, isOver: (done) => done >= executions });
  await harness.close();
  return outcome;
}

function told({ findings }: Outcome): readonly string[] {
  return findings.map(({ kind, what, minimised }) => `${kind}: ${what}: ${Buffer.from(minimised).toString("hex")}`);
}

describe("every boundary", () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))("%s holds", async (name, target) => {
    const executions = EXECUTIONS[name] ?? 0;
    expect(executions, "a target has its share of executions here").toBeGreaterThan(0);
    const outcome = await run(target, executions);
    expect(told(outcome)).toEqual([]);
    expect(outcome.executions).toBeGreaterThanOrEqual(executions);
    expect(outcome.outcomes, "mutations reach more than one outcome").toBeGreaterThan(1);
  });
});

describe("the fuzzer itself", () => {
  it("finds what is planted, each by its shortest input: a length believed, a tag not handled, a second encoding", async () => {
    const { findings } = await run(fragile, 20_000);
    const found = new Map(findings.map(({ kind, what, minimised }) => [`${kind} ${what.replace(/ \(.*/, "")}`, minimised]));
    expect([...found.keys()].sort()).toEqual([
      "allocation more than its input accounts for",
      "thrown BrokenInvariant: a value has one encoding",
      "thrown RangeError: an unknown tag",
    ]);
    expect([...(found.get("thrown RangeError: an unknown tag") ?? [])]).toEqual([0x54, 0x7f]);
    expect([...(found.get("thrown BrokenInvariant: a value has one encoding") ?? [])].slice(0, 2)).toEqual([0x56, 0]);
  });

  it("says which input is slow", async () => {
    const slow: Target = {
      ...fragile,
      limitMs: 5,
      open: async () => ({
        seeds: [Uint8Array.of(1)],
        execute: (input) => {
          const startedAt = process.threadCpuUsage();
          while ((input[0] ?? 0) >= 0x80 && process.threadCpuUsage(startedAt).user < 15_000);
          return "done";
        },
        close: async () => undefined,
      }),
    };
    const { findings, slowest } = await run(slow, 20);
    expect(findings.map(({ kind }) => kind)).toEqual(["slow"]);
    expect(slowest.input[0]).toBeGreaterThanOrEqual(0x80);
  });

  it("allows an input what its own length accounts for, and no more", async () => {
    const greedy = (bytesFor: (length: number) => number): Target => ({
      ...fragile,
      maxAllocation: 1_000_000,
      open: async () => ({
        seeds: [new Uint8Array(40)],
        execute: (input) => String(new Uint8Array(bytesFor(input.length)).length > 0),
        close: async () => undefined,
      }),
    });
    expect(
      (
        await run(
          greedy((length) => (ALLOCATION_A_BYTE * length) >> 1),
          50,
        )
      ).findings,
    ).toEqual([]);
    expect(
      (
        await run(
          greedy(() => 64_000_000),
          1,
        )
      ).findings.map(({ kind }) => kind),
    ).toEqual(["allocation"]);
  });

  it("the same seed gives the same executions, another one others", async () => {
    const [first, second, other] = [await run(fragile, 1_000), await run(fragile, 1_000), await run(fragile, 1_000, SEED + 1)];
    expect(second.trace).toBe(first.trace);
    expect(second.corpus).toBe(first.corpus);
    expect(other.trace).not.toBe(first.trace);
  });
});
