import { EventEmitter } from "node:events";
import { posix } from "node:path";
import { lineOf, scanSource } from "./scanner.ts";

/** What each folder may import besides itself; DESIGN section 10. */
export const RELATIONS: Readonly<Record<string, readonly string[] | "anything">> = {
  protocol: [],
  adapters: ["protocol"],
  "circuit-breaker": ["protocol"],
  aggregator: ["protocol", "circuit-breaker"],
  node: ["protocol", "adapters", "aggregator", "circuit-breaker"],
  gateway: ["protocol"],
  client: ["protocol"],
  engine: ["protocol", "client"],
  simulator: ["protocol", "adapters", "aggregator", "circuit-breaker", "node", "gateway", "client", "engine"],
  dashboard: ["protocol", "client", "gateway", "circuit-breaker"],
  cli: "anything",
  bench: "anything",
  test: "anything",
};

/** A path that a string names, to be started as a process of its own. */
const NAMED_FILE = /^[\w./-]+\.ts$/;

/** Folders outside the purity law. */
const OUTSIDE = new Set(["cli", "bench", "test", "dashboard"]);

/** What a pure file may import from npm. */
const PURE_PACKAGES = /^(?:@noble\/|zod(?:\/|$))/;

/** Members of Node's process object: what tells it from a local that is named after a random process. */
const PROCESS_MEMBERS = [process, Object.getPrototypeOf(process), EventEmitter.prototype]
  .flatMap((owner) => Object.getOwnPropertyNames(owner))
  .filter((name) => name !== "constructor")
  .join("|");

/** What a pure file may not say: each is a clock, randomness, a timer, the process, a log, the network or a float. */
const BANNED: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Date.now", /\bDate\s*\.\s*now\b/g],
  ["new Date()", /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/g],
  ["Date()", /(?<![.\w])(?<!new\s+)Date\s*\(/g],
  ["Math.random", /\bMath\s*\.\s*random\b/g],
  ["setTimeout", /(?<![.\w])setTimeout\b/g],
  ["setInterval", /(?<![.\w])setInterval\b/g],
  ["setImmediate", /(?<![.\w])setImmediate\b/g],
  ["queueMicrotask", /(?<![.\w])queueMicrotask\b/g],
  ["process", new RegExp(`(?<![.\\w])process\\s*\\??\\.\\s*(?:${PROCESS_MEMBERS})\\b`, "g")],
  ["console", /(?<![.\w])console\s*\./g],
  ["fetch", /(?<![.\w])(?<!function\s+)fetch\s*\(/g],
  ["parseFloat", /\bparseFloat\b/g],
  ["localeCompare", /\blocaleCompare\b/g],
  ["toLocale…", /\.\s*toLocale\w*/g],
  ["performance", /(?<![.\w])performance\s*\./g],
  ["crypto", /(?<![.\w])crypto\s*\./g],
  ["globalThis", /\bglobalThis\b/g],
];

export const RULES = [
  "unknown-folder",
  "relation",
  "io",
  "pure-import",
  "pure-global",
  "folder-cycle",
  "default-export",
  "barrel",
  "missing-import",
  "dead-file",
] as const;
export type RuleName = (typeof RULES)[number];

export type Violation = { readonly file: string; readonly line: number; readonly rule: RuleName; readonly what: string };

type Import = {
  readonly specifier: string;
  readonly line: number;
  readonly reexport: boolean;
  readonly target: string | undefined;
};
type Source = {
  readonly file: string;
  readonly folder: string;
  readonly io: boolean;
  readonly text: string;
  readonly code: string;
  readonly imports: readonly Import[];
  /** Files named by a string alone, relative to this one, as `new URL("./child.ts", import.meta.url)` does. */
  readonly mentions: readonly string[];
};

/**
 * The house's law over a tree of files (path from the root → text): imports, purity, cycles, exports, dead files. `entryPoints` are
 * the files that something outside the tree starts.
 */
export function findViolations(
  tree: ReadonlyMap<string, string>,
  { entryPoints }: { readonly entryPoints: readonly string[] },
): readonly Violation[] {
  const sources = [...tree].map(([file, text]) => readSource(file, text));
  return [
    ...sources.flatMap((source) => [
      ...folderFaults(source),
      ...source.imports.flatMap((item) => importFaults(source, item, tree)),
      ...globalFaults(source),
      ...exportFaults(source),
    ]),
    ...cycleFaults(sources),
    ...deadFaults(sources, entryPoints),
  ];
}

export function formatViolation({ file, line, rule, what }: Violation): string {
  return `${file}:${line} [${rule}] ${what}`;
}

function readSource(file: string, text: string): Source {
  const { code, strings } = scanSource(text);
  const imports = strings.flatMap(({ text: specifier, at }): Import[] => {
    const before = code.slice(0, at);
    const statement = /\b(import|export)\b[^;()]*\bfrom\s*$|\b(import)\s*\(?\s*$/.exec(before.slice(-4_000));
    if (statement === null) return [];
    const keyword = statement[0].lastIndexOf("export") > statement[0].lastIndexOf("import") ? "export" : "import";
    return [{ specifier, line: lineOf(text, at), reexport: keyword === "export", target: resolve(file, specifier) }];
  });
  const mentions = strings.flatMap(({ text: name }) => (NAMED_FILE.test(name) ? [posix.join(posix.dirname(file), name)] : []));
  return { file, folder: file.split("/")[0] ?? "", io: isIo(file), text, code, imports, mentions };
}

function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(from), specifier)) : undefined;
}

function isIo(file: string): boolean {
  return file.split("/").slice(0, -1).includes("io");
}

function isPure(source: Source): boolean {
  return !source.io && !OUTSIDE.has(source.folder);
}

function folderFaults({ file, folder }: Source): readonly Violation[] {
  if (folder in RELATIONS) return [];
  return [{ file, line: 1, rule: "unknown-folder", what: `"${folder}" is no room of the house; DESIGN section 10 lists them` }];
}

function importFaults(source: Source, item: Import, tree: ReadonlyMap<string, string>): readonly Violation[] {
  const at = { file: source.file, line: item.line };
  if (item.target === undefined) {
    if (!isPure(source) || PURE_PACKAGES.test(item.specifier)) return [];
    return [{ ...at, rule: "pure-import", what: `a pure file imports "${item.specifier}"; it may import @noble/* and zod` }];
  }
  if (!tree.has(item.target)) {
    return item.target.endsWith(".ts") ? [{ ...at, rule: "missing-import", what: `there is no ${item.target}` }] : [];
  }
  return [...relationFaults(source, item.target, at), ...ioFaults(source, item.target, at)];
}

function relationFaults(source: Source, target: string, at: { file: string; line: number }): readonly Violation[] {
  const folder = target.split("/")[0] ?? "";
  const allowed = RELATIONS[source.folder];
  if (allowed === undefined || allowed === "anything" || folder === source.folder || allowed.includes(folder)) return [];
  const may = allowed.length === 0 ? "nothing else" : allowed.join(", ");
  return [{ ...at, rule: "relation", what: `${source.folder}/ imports ${target}; it may import ${may}` }];
}

function ioFaults(source: Source, target: string, at: { file: string; line: number }): readonly Violation[] {
  if (!isIo(target) || OUTSIDE.has(source.folder)) return [];
  if (!source.io) return [{ ...at, rule: "io", what: `a pure file imports ${target}; only io/, cli, bench and test may` }];
  if (source.folder !== "simulator" || target.startsWith("simulator/")) return [];
  return [{ ...at, rule: "io", what: `simulator/io imports ${target}; of io it may import its own` }];
}

function globalFaults(source: Source): readonly Violation[] {
  if (!isPure(source)) return [];
  return BANNED.flatMap(([name, pattern]) =>
    [...source.code.matchAll(pattern)].map(
      (match): Violation => ({
        file: source.file,
        line: lineOf(source.text, match.index),
        rule: "pure-global",
        what: `a pure file says ${name}; time, chance and the world come in as arguments`,
      }),
    ),
  );
}

function exportFaults(source: Source): readonly Violation[] {
  const defaults = [...source.code.matchAll(/\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g)].map(
    (match): Violation => ({
      file: source.file,
      line: lineOf(source.text, match.index),
      rule: "default-export",
      what: "exports are named",
    }),
  );
  const barrels = source.imports.filter((item) => item.reexport);
  return [
    ...defaults,
    ...barrels.map(
      ({ line, specifier }): Violation => ({
        file: source.file,
        line,
        rule: "barrel",
        what: `re-exports "${specifier}"; import from the file that defines it`,
      }),
    ),
  ];
}

/** A cycle between folders, named once, by its first import. */
function cycleFaults(sources: readonly Source[]): readonly Violation[] {
  const edges = new Map<string, Map<string, { readonly file: string; readonly line: number }>>();
  for (const { file, folder, imports } of sources) {
    for (const { target, line } of imports) {
      const to = target?.split("/")[0];
      if (to === undefined || to === folder) continue;
      const out = edges.get(folder) ?? new Map();
      if (!out.has(to)) out.set(to, { file, line });
      edges.set(folder, out);
    }
  }
  const faults: Violation[] = [];
  const done = new Set<string>();
  const visit = (folder: string, trail: readonly string[]): void => {
    for (const [to, at] of edges.get(folder) ?? []) {
      const start = trail.indexOf(to);
      if (start >= 0) faults.push({ ...at, rule: "folder-cycle", what: [...trail.slice(start), to].join(" → ") });
      else if (!done.has(to)) visit(to, [...trail, to]);
    }
    done.add(folder);
  };
  for (const folder of edges.keys()) if (!done.has(folder)) visit(folder, [folder]);
  return faults;
}

/** A file is alive when another file imports or names it, when it is a test, or when something outside the tree starts it. */
function deadFaults(sources: readonly Source[], entryPoints: readonly string[]): readonly Violation[] {
  const alive = new Set(entryPoints);
  for (const { file, imports, mentions } of sources) {
    for (const target of [...imports.map((item) => item.target), ...mentions]) {
      if (target !== undefined && target !== file) alive.add(target);
    }
  }
  return sources
    .filter(({ file }) => !alive.has(file) && !file.endsWith(".test.ts"))
    .map(({ file }): Violation => ({ file, line: 1, rule: "dead-file", what: "nobody imports it and it is no entry point" }));
}
