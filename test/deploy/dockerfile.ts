import { existsSync } from "node:fs";
import { pathOf } from "./files.ts";

export type Instruction = { readonly name: string; readonly value: string };
export type Stage = { readonly from: string; readonly name: string; readonly instructions: readonly Instruction[] };

/** A Dockerfile's stages; continued lines are joined and comments left out. What stands before the first FROM is in the first's `args`. */
export function stagesOf(text: string): { readonly args: Readonly<Record<string, string>>; readonly stages: readonly Stage[] } {
  const lines = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const instructions = lines.map((line): Instruction => {
    const [, name = "", value = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name: name.toUpperCase(), value };
  });
  const first = instructions.findIndex(({ name }) => name === "FROM");
  const args = Object.fromEntries(
    instructions.slice(0, first).map(({ value }) => [value.split("=")[0], value.split("=")[1] ?? ""]),
  );
  const stages: Stage[] = [];
  for (const instruction of instructions.slice(first)) {
    if (instruction.name === "FROM") {
      const [, image = "", name = ""] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(instruction.value) ?? [];
      const from = image.replace(/^\$\{(\w+)\}$/, (_, variable: string) => args[variable] ?? "");
      stages.push({ from, name, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage !== undefined) stages[stages.length - 1] = { ...stage, instructions: [...stage.instructions, instruction] };
    }
  }
  return { args, stages };
}

export type Copy = { readonly stage: string | undefined; readonly sources: readonly string[]; readonly target: string };

export function copyOf({ value }: Instruction): Copy {
  const [, stage, paths = ""] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(value) ?? [];
  const parts = paths.split(/\s+/);
  return { stage, sources: parts.slice(0, -1), target: parts.at(-1) ?? "" };
}

/** What this house asks of an image, beyond the linter's rules; each fault by what it concerns. */
export function faultsOfDockerfile(text: string): readonly string[] {
  const { stages } = stagesOf(text);
  const last = stages.at(-1)?.instructions ?? [];
  const all = stages.flatMap(({ instructions }) => instructions);
  const one = (name: string): string => last.findLast((instruction) => instruction.name === name)?.value ?? "";
  const own = all.filter(({ name }) => name === "COPY").map(copyOf);
  const missing = own
    .filter(({ stage }) => stage === undefined)
    .flatMap(({ sources }) => sources.filter((path) => !existsSync(pathOf(path))));
  const checks: readonly (readonly [string, boolean])[] = [
    ["FROM: no version", stages.every(({ from }) => /^[a-z/]+:\d+\.\d+\.\d+(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$/.test(from))],
    ["USER: the last is root or none", /^[1-9]\d*:[1-9]\d*$/.test(one("USER"))],
    [
      "USER: something follows it that root would do",
      last.findIndex(({ name }) => name === "USER") > last.findLastIndex(({ name }) => name === "RUN" || name === "COPY"),
    ],
    ["ENTRYPOINT: not in exec form", isExecForm(one("ENTRYPOINT"))],
    ["CMD: not in exec form", isExecForm(one("CMD"))],
    ["RUN: the image's stage runs a shell", last.every(({ name }) => name !== "RUN")],
    ["HEALTHCHECK: none, or not in exec form", isExecForm(one("HEALTHCHECK").replace(/^.*?CMD\s+/, ""))],
    ["HEALTHCHECK: it needs curl or wget", !/curl|wget/.test(one("HEALTHCHECK"))],
    ["STOPSIGNAL: not SIGTERM", one("STOPSIGNAL") === "SIGTERM"],
    ["ADD: fetches and unpacks what nobody looked at", all.every(({ name }) => name !== "ADD")],
    [`COPY: not in the repository: ${missing.join(", ")}`, missing.length === 0],
    [
      "LABEL: title, version, revision and licence",
      ["title", "version", "revision", "licenses"].every((label) => one("LABEL").includes(`org.opencontainers.image.${label}=`)),
    ],
    [
      "RUN: a package's scripts are run",
      all.filter(({ value }) => value.includes('"ci"')).every(({ value }) => value.includes('"--ignore-scripts"')),
    ],
  ];
  return checks.filter(([, holds]) => !holds).map(([fault]) => fault);
}

function isExecForm(value: string): boolean {
  try {
    return Array.isArray(JSON.parse(value));
  } catch {
    return false;
  }
}
