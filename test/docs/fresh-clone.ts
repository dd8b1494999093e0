import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** What `npm ci` makes in a clone besides what is under version control; linked, because making it takes minutes. */
const MADE_BY_INSTALL = ["node_modules", "dashboard/dist"];

/**
 * A clone of the repository at `root` into `folder`, as it is committed, with what is not yet committed on top of it: what a reader of
 * the document would have, had it been pushed as it stands.
 */
export function cloneFresh(root: string, folder: string): void {
  git(root, ["clone", "--quiet", "--shared", root, folder]);
  const present = list(root, ["ls-files", "-z", "--modified", "--others", "--exclude-standard"]);
  for (const file of present.filter((item) => existsSync(join(root, item)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { recursive: true, verbatimSymlinks: true });
  }
  for (const file of list(root, ["ls-files", "-z", "--deleted"])) rmSync(join(folder, file), { force: true });
  for (const made of MADE_BY_INSTALL.filter((item) => existsSync(join(root, item)))) {
    mkdirSync(dirname(join(folder, made)), { recursive: true });
    symlinkSync(join(root, made), join(folder, made));
  }
}

function list(root: string, args: readonly string[]): readonly string[] {
  return git(root, args)
    .split("\0")
    .filter((item) => item !== "");
}

function git(root: string, args: readonly string[]): string {
  return execFileSync("git", ["-C", root, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 });
}
