import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { copyOf, stagesOf } from "./dockerfile.ts";
import { pathOf, ROOT, textOf } from "./files.ts";

/** The folder that the image's last stage would hold under its WORKDIR, made without Docker, by the Dockerfile's own COPY lines. */
export type Image = {
  readonly folder: string;
  /** The entry point's arguments for node, before a command's own. */
  readonly entry: readonly string[];
  /** The health check's, for an API on another port than the container's. */
  readonly health: (port: number) => readonly string[];
  readonly remove: () => void;
};

const WORKDIR = "/opt/breakwater/";

export function makeImage(): Image {
  const work = mkdtempSync(join(tmpdir(), "breakwater-image-"));
  const folder = join(work, "image");
  const remove = (): void => rmSync(work, { recursive: true, force: true });
  try {
    const built = join(work, "build");
    buildIn(built);
    mkdirSync(folder);
    const last = stagesOf(textOf("Dockerfile")).stages.at(-1)?.instructions ?? [];
    for (const { stage, sources, target } of last.filter(({ name }) => name === "COPY").map(copyOf)) {
      for (const source of sources) {
        const path = source.replace(WORKDIR, "");
        if (stage === "dependencies") copyProductionPackages(join(folder, target));
        else
          cpSync(join(stage === undefined ? ROOT : built, path), join(folder, stage === undefined ? path : target), {
            recursive: true,
          });
      }
    }
    const instructionOf = (name: string): string => last.findLast((instruction) => instruction.name === name)?.value ?? "";
    const [, ...entry] = JSON.parse(instructionOf("ENTRYPOINT")) as readonly string[];
    const [, ...check] = JSON.parse(instructionOf("HEALTHCHECK").replace(/^.*?CMD\s+/, "")) as readonly string[];
    return { folder, entry, health: (port) => check.map((text) => text.replace(":8080/", `:${port}/`)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** `npm run build` over the files that .dockerignore lets into the build, with this checkout's packages. */
function buildIn(folder: string): void {
  const lines = textOf(".dockerignore").split("\n");
  mkdirSync(folder);
  for (const path of lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1))) {
    if (!existsSync(pathOf(path))) continue;
    cpSync(pathOf(path), join(folder, path), {
      recursive: true,
      filter: (source) => !lines.includes(source.slice(ROOT.length + 1)),
    });
  }
  symlinkSync(pathOf("node_modules"), join(folder, "node_modules"));
  const environment = { ...process.env, npm_config_update_notifier: "false" };
  const done = spawnSync("npm", ["run", "build"], { cwd: folder, encoding: "utf8", env: environment });
  if (done.status !== 0) throw new Error(`npm run build: ${done.stdout}${done.stderr}`);
}

type Lock = {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly devOptional?: boolean; readonly optional?: boolean }>
  >;
};

/** What `npm ci --omit=dev` leaves: the lock's packages that are not for development, copied so that none of the others is found beside. */
function copyProductionPackages(folder: string): void {
  const { packages } = JSON.parse(textOf("package-lock.json")) as Lock;
  for (const [path, { dev, devOptional, optional }] of Object.entries(packages)) {
    if (path === "" || dev === true || devOptional === true) continue;
    if (!existsSync(pathOf(path))) {
      if (optional === true) continue;
      throw new Error(`${path} stands in package-lock.json and is not installed: run npm ci`);
    }
    const target = join(dirname(folder), path);
    cpSync(pathOf(path), target, {
      recursive: true,
      filter: (source) => !source.slice(pathOf(path).length).startsWith("/node_modules"),
    });
  }
}
