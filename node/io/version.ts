import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The package's own manifest is this many folders up at most, from the source as from the build. */
const MAX_STEPS = 5;

/** The version of this program, from its package.json; `unknown` where it was taken out of its package. */
export function readVersion(from: string = import.meta.dirname): string {
  let folder = from;
  for (let step = 0; step < MAX_STEPS; step++) {
    const version = versionIn(folder);
    if (version !== undefined) return version;
    folder = dirname(folder);
  }
  return "unknown";
}

function versionIn(folder: string): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
    return name === "breakwater" && typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
