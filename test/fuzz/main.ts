import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { openCoverage } from "./coverage.ts";
import { type Finding, fuzz, type Outcome } from "./engine.ts";
import { measure } from "./measure.ts";
import { isText } from "./minimise.ts";
import type { Target } from "./target.ts";
import { warmUp } from "./warm.ts";
import { startWatchdog } from "./watchdog.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PROGRESS_MS = 5_000;
const MAX_SHOWN = 200;
/** A longer input does not belong on a command line: it is written to a file. */
const MAX_HEX = 1_000;

type Flags = {
  readonly target?: string;
  readonly all?: boolean;
  readonly seconds: string;
  readonly seed: string;
  readonly input?: string;
  readonly coverage: boolean;
};

const program = new Command("fuzz")
  .description("Throws inputs at every boundary that a stranger's bytes cross; exit code 1 when an invariant broke")
  .option("--target <names>", "targets, with commas between them; without it, or with --all, every one")
  .option("--all", "every target")
  .option("--seconds <n>", "for each target", "60")
  .option("--seed <n>", "the same seed draws the same mutations", "1")
  .option("--input <hex|@file>", "run this one input on the target instead")
  .option("--no-coverage", "keep inputs for new outcomes only: faster, and blind")
  .action(run);

async function run({ target, seconds, seed, input, coverage: guided }: Flags): Promise<void> {
  warmUp();
  const session = guided ? await openCoverage(ROOT) : undefined;
  // Only modules loaded after the counters started have their blocks counted.
  const { TARGETS } = await import("./table.ts");
  const chosen = choose(TARGETS, target);
  if (input !== undefined) {
    const bytes = input.startsWith("@") ? readFileSync(input.slice(1)) : Buffer.from(input, "hex");
    for (const item of chosen) await runOne(item, new Uint8Array(bytes));
    return;
  }
  const watchdog = startWatchdog();
  for (const item of chosen) {
    const harness = await item.open();
    const startedAt = performance.now();
    let shownAt = startedAt;
    const outcome = await fuzz(item, harness, {
      seed: Number(seed),
      isOver: () => performance.now() - startedAt > Number(seconds) * 1_000,
      ...(session === undefined ? {} : { coverage: session.of(item.covers) }),
      onInput: watchdog.onInput,
      onBatch: ({ outcome: progress }) => {
        if (performance.now() - shownAt < PROGRESS_MS) return;
        shownAt = performance.now();
        console.log(lineOf(progress(), shownAt - startedAt));
      },
    });
    await harness.close();
    console.log(`${lineOf(outcome, performance.now() - startedAt)}, done`);
    console.log(`  slowest ${shown(outcome.slowest.input)}`);
    for (const finding of outcome.findings) tell(finding, seed);
    if (outcome.findings.length > 0) process.exitCode = 1;
  }
  await watchdog.stop();
  await session?.close();
}

function choose(targets: readonly Target[], names: string | undefined): readonly Target[] {
  if (names === undefined) return targets;
  return names.split(",").map((name) => {
    const target = targets.find((item) => item.name === name);
    if (target === undefined) throw new Error(`no target "${name}": expected ${targets.map((item) => item.name).join(", ")}`);
    return target;
  });
}

async function runOne(target: Target, input: Uint8Array): Promise<void> {
  const harness = await target.open();
  const { signature, ms, allocated, fault } = await measure(target, harness, input);
  await harness.close();
  const what = fault === undefined ? `holds: ${signature}` : `${fault.kind}: ${fault.what}`;
  console.log(`${target.name}: ${what} (${ms.toFixed(1)} ms, ${allocated} bytes)`);
  if (fault !== undefined) process.exitCode = 1;
}

function lineOf({ target, executions, corpus, outcomes, blocks, slowest, greediest, findings }: Outcome, ms: number): string {
  const rate = Math.round((executions * 1_000) / ms);
  const most = `slowest ${slowest.ms.toFixed(1)} ms, most ${(greediest.bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${target.padEnd(10)} ${executions} executions, ${rate}/s, corpus ${corpus}, outcomes ${outcomes}, blocks ${blocks}, ${most}, findings ${findings.length}`;
}

function tell({ target, kind, what, execution, input, minimised }: Finding, seed: string): void {
  console.log(`FINDING ${target}: ${kind}: ${what}`);
  console.log(
    `  seed ${seed}, execution ${execution}, ${input.length} bytes, minimised to ${minimised.length}: ${shown(minimised)}`,
  );
  console.log(`  rerun: npm run fuzz -- --target ${target} --input ${argumentOf(target, minimised)}`);
}

function argumentOf(target: string, input: Uint8Array): string {
  const hex = Buffer.from(input).toString("hex");
  if (hex.length <= MAX_HEX) return hex;
  const folder = join(tmpdir(), "breakwater-fuzz");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${target}-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`);
  writeFileSync(file, input);
  return `@${file}`;
}

function shown(input: Uint8Array): string {
  const text = isText(input) ? JSON.stringify(Buffer.from(input).toString("latin1")) : Buffer.from(input).toString("hex");
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${input.length} bytes)` : text;
}

await program.parseAsync();
