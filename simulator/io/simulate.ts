import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createCrew } from "./crew.ts";
import { simulate } from "./simulate-command.ts";

const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
process.once("SIGTERM", () => interrupt.abort());

let folder: string | undefined;

process.exitCode = await simulate(process.argv.slice(2), {
  createCrew,
  out: (line) => console.log(line),
  stderr: { isTTY: process.stderr.isTTY === true, write: (text) => void process.stderr.write(text) },
  now: () => performance.now(),
  cores: availableParallelism(),
  commit: readCommit,
  interrupted: interrupt.signal,
  readText: (file) => readFileSync(file, "utf8"),
  writeText: (file, text) => writeFileSync(file, text),
  keepPlan: (name, text) => {
    folder ??= mkdtempSync(join(tmpdir(), "breakwater-simulate-"));
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  },
});

/** The commit that the trials are of, with a mark when the checkout was changed since. */
function readCommit(): string {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    };
    const commit = execFileSync("git", ["rev-parse", "--short=12", "HEAD"], options).trim();
    const changed = execFileSync("git", ["status", "--porcelain", "--untracked-files=no"], options).trim() !== "";
    return changed ? `${commit} with changes` : commit;
  } catch {
    return "unknown";
  }
}
