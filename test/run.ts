import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provideTools } from "./provide.ts";

type Summary = { readonly numPassedTests: number; readonly numFailedTests: number; readonly numPendingTests: number };

/** Provides what the tests need, runs vitest on this Node and closes with one plain line that any CI can read. Arguments go to vitest. */
const lacking = provideTools();
if (lacking.length > 0) {
  for (const line of lacking) console.error(line);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "breakwater-test-"));
const report = join(folder, "report.json");
const vitest = join(import.meta.dirname, "..", "node_modules", "vitest", "vitest.mjs");
const options = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)];

const child = spawn(process.execPath, [vitest, ...options], { stdio: "inherit" });
child.on("exit", (code) => {
  const summary = readSummary();
  rmSync(folder, { recursive: true, force: true });
  if (summary === undefined) {
    console.error("vitest ended without a report");
    process.exit(code === 0 || code === null ? 1 : code);
  }
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = summary;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exit(code ?? 1);
});

function readSummary(): Summary | undefined {
  try {
    return JSON.parse(readFileSync(report, "utf8")) as Summary;
  } catch {
    return undefined;
  }
}
