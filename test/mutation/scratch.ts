import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A copy of the project in which one file at a time may be wrong; the tree it came from is never written to. */
export type Scratch = {
  readonly folder: string;
  readonly has: (file: string) => boolean;
  readonly read: (file: string) => string;
  readonly write: (file: string, text: string) => void;
  readonly remove: () => void;
};

/** Everything that git tracks or would track, as it stands now. Packages are shared one by one, so that tools' caches are not. */
export function createScratch(project: string): Scratch {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-mutants-"));
  const place = (file: string): string => join(folder, file);
  for (const file of listFiles(project)) {
    if (!existsSync(join(project, file))) continue;
    mkdirSync(dirname(place(file)), { recursive: true });
    cpSync(join(project, file), place(file));
  }
  mkdirSync(place("node_modules"));
  for (const name of readdirSync(join(project, "node_modules"))) {
    if (!name.startsWith(".vite")) symlinkSync(join(project, "node_modules", name), join(folder, "node_modules", name));
  }
  return {
    folder,
    has: (file) => existsSync(place(file)),
    read: (file) => readFileSync(place(file), "utf8"),
    write: (file, text) => writeFileSync(place(file), text),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

function listFiles(project: string): readonly string[] {
  const options = { cwd: project, encoding: "utf8", maxBuffer: 64 * 2 ** 20 } as const;
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], options);
  return [...new Set(listed.split("\0"))].filter((file) => file !== "");
}
