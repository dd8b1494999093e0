import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ended, runNode } from "./child.ts";
import type { Scratch } from "./scratch.ts";

/** `failed` names the first test or seed that did not put up with the code; `broken` is no verdict on it at all. */
export type CheckResult =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly by: string }
  | { readonly kind: "hung" }
  | { readonly kind: "broken"; readonly why: string };

/** A failure of the simulator also names its seed. */
export type SeedsResult =
  | Exclude<CheckResult, { readonly kind: "failed" }>
  | (CheckResult & { readonly kind: "failed"; readonly seed: number });

const TESTS_MS = 240_000;
const SEEDS_MS = 7_200_000;
/** Of a violation's words in the table. */
const MAX_VIOLATION = 120;
const SIMULATOR = "simulator/io/simulate.ts";
const VITEST = "node_modules/vitest/vitest.mjs";

type FileReport = {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
};

/** The named test files until the first failure. A file that cannot even be loaded has tested nothing: `broken`. */
export async function runTests(scratch: Scratch, files: readonly string[]): Promise<CheckResult> {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-report-"));
  try {
    const report = join(folder, "report.json");
    const options = ["--project", "unit", "--bail", "1", "--maxWorkers", "1", "--reporter", "json", "--outputFile", report];
    const ended = await runNode(join(scratch.folder, VITEST), ["run", ...options, ...files], {
      cwd: scratch.folder,
      timeoutMs: TESTS_MS,
    });
    return ended.code === undefined ? { kind: "hung" } : judgeReport(readReport(report), ended);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(path: string): readonly FileReport[] {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { readonly testResults: readonly FileReport[] }).testResults;
  } catch {
    return [];
  }
}

function judgeReport(files: readonly FileReport[], { code, text }: Ended): CheckResult {
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return { kind: "failed", by: failed.fullName };
  const unloaded = files.find(({ status }) => status === "failed");
  if (unloaded !== undefined) return { kind: "broken", why: `${unloaded.name}: ${firstLine(unloaded.message ?? "")}` };
  if (code !== 0) return { kind: "broken", why: `vitest ended with ${code}: ${firstLine(text)}` };
  return tests.length === 0 ? { kind: "broken", why: "no test ran" } : { kind: "passed" };
}

export function hasSimulator(scratch: Scratch): boolean {
  return scratch.has(SIMULATOR);
}

/** The seeds that a mutant may take, and one seed again on the code as it is. */
export const ALL_SEEDS = { from: 1, count: 2_000 };

/** The simulator's seeds until the first violation. Code 1 and the violation in its words; any other end is no verdict. */
export async function runSeeds(
  scratch: Scratch,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<SeedsResult> {
  const args = ["--seeds", String(count), "--from", String(from), "--workers", "1", "--minimise", "0", "--bail"];
  const { code, text } = await runNode(join(scratch.folder, SIMULATOR), args, { cwd: scratch.folder, timeoutMs: SEEDS_MS });
  if (code === undefined) return { kind: "hung" };
  if (code === 0) return { kind: "passed" };
  const [violation, seed] = /^seed (\d+): (?:P\d|progress|sound) violated.*/m.exec(text) ?? [];
  if (code !== 1 || violation === undefined)
    return { kind: "broken", why: `the simulator ended with ${code}: ${lastLine(text)}` };
  return { kind: "failed", by: `simulator, ${violation.slice(0, MAX_VIOLATION)}`, seed: Number(seed) };
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "no word";
}

function lastLine(text: string): string {
  return text.split("\n").findLast((line) => line.trim() !== "") ?? "no word";
}
