import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs that the tests start for real, and the Debian packages that hold them. */
const NEEDED: Readonly<Record<string, string>> = {
  "redis-server": "redis-server",
  "redis-cli": "redis-tools",
  openssl: "openssl",
  prometheus: "prometheus",
  promtool: "prometheus",
  chromium: "chromium",
};

/**
 * Provides what the tests need besides Node, from Debian's packages where this process may install them. Services that come along are
 * not started: every test starts its own.
 *
 * @returns one line for each program that is still missing, with what to do
 */
export function provideTools(): readonly string[] {
  const missing = missingTools();
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((tool) => NEEDED[tool] ?? tool))];
  if (process.getuid?.() === 0 && isThere("apt-get")) install(packages);
  return missingTools().map(
    (tool) => `${tool} is missing: apt-get install ${NEEDED[tool]} (Debian's package), then run the tests again`,
  );
}

function install(packages: readonly string[]): void {
  console.log(`installing ${packages.join(", ")}, which the tests need`);
  // RUNLEVEL keeps invoke-rc.d from starting what is installed.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["update", "-q"], { stdio: "ignore", env });
  const done = spawnSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...packages], { encoding: "utf8", env });
  if (done.status !== 0) console.error(done.stderr);
}

function missingTools(): readonly string[] {
  return Object.keys(NEEDED).filter((tool) => !isThere(tool));
}

function isThere(tool: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
