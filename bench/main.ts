import { availableParallelism, cpus, loadavg } from "node:os";
import { formatTable } from "../cli/table.ts";
import { benchHttp } from "./http.ts";
import { benchLatency } from "./latency.ts";
import type { Benchmark, Row } from "./measure.ts";
import { benchNextRound } from "./next-round.ts";
import { benchReplay } from "./replay.ts";
import { benchSignatures } from "./signatures.ts";
import { benchVerifyRound } from "./verify-round.ts";

const BENCHMARKS: readonly Benchmark[] = [
  { name: "verify-round", title: "verifying 1 000 prices", run: benchVerifyRound },
  { name: "next-round", title: "the fold", run: benchNextRound },
  { name: "signatures", title: "secp256k1", run: benchSignatures },
  { name: "replay", title: "replay", run: benchReplay },
  { name: "http", title: "GET /v1/feeds/:id", run: benchHttp },
  { name: "latency", title: "quote in, certificate out", run: benchLatency },
];

const COLUMNS = [
  { title: "what", align: "left" },
  { title: "ours", align: "right" },
  { title: "other", align: "right" },
  { title: "ratio", align: "right" },
  { title: "aim", align: "right" },
  { title: "", align: "left" },
] as const;

/** All benchmarks, or those named on the command line. Figures are ratios within one run: none of them fails a build. */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) {
    console.error(`no benchmark "${unknown}": expected one of ${BENCHMARKS.map(({ name }) => name).join(", ")}`);
    process.exitCode = 1;
    return;
  }
  console.log(describeMachine());
  for (const benchmark of BENCHMARKS) {
    if (names.length === 0 || names.includes(benchmark.name)) await runOne(benchmark);
  }
}

async function runOne({ name, title, run }: Benchmark): Promise<void> {
  const startedAt = performance.now();
  try {
    const { rows, notes } = await run();
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    console.log(`\n${name}: ${title} (${seconds} s)`);
    if (rows.length > 0) console.log(formatTable(COLUMNS, rows.map(cellsOf)).join("\n"));
    for (const note of notes) console.log(`  ${note}`);
  } catch (error) {
    console.log(`\n${name}: ${title}: not measured: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

function cellsOf({ what, ours, other, ratio, aim }: Row) {
  const verdict = aim === undefined ? "" : aim.met ? "met" : "NOT MET";
  return [what, ours, other, ratio, aim?.text ?? "", verdict].map((text) => ({ text }));
}

function describeMachine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  return `${availableParallelism()} cores (${model}), Node ${process.version}, ${process.platform}/${process.arch}, load ${load}`;
}

await main(process.argv.slice(2));
