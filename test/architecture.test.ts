import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findViolations, formatViolation, RELATIONS, RULES, type RuleName } from "./architecture/law.ts";
import { scanSource } from "./architecture/scanner.ts";

const ROOT = join(import.meta.dirname, "..");

/** Folders that hold no TypeScript of the house. */
const ELSEWHERE = /^(?:node_modules|dist|contracts|coverage)$|^\./;

function readTree(): ReadonlyMap<string, string> {
  const files = globSync("*/**/*.{ts,tsx}", { cwd: ROOT, exclude: (name) => ELSEWHERE.test(name) });
  return new Map(files.sort().map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
}

/** What package.json starts: its bin, from the build back to the source, and every file that a script hands to node; and what the page loads. */
function readEntryPoints(): readonly string[] {
  const { bin, scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    bin: Record<string, string>;
    scripts: Record<string, string>;
  };
  const built = Object.values(bin).map((file) => file.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts"));
  const started = Object.values(scripts).flatMap((script) => script.match(/[\w./-]+\.ts\b/g) ?? []);
  const page = readFileSync(join(ROOT, "dashboard", "index.html"), "utf8").match(/[\w]+\.tsx\b/g) ?? [];
  return [...new Set([...built, ...started, ...page.map((file) => `dashboard/${file}`)])];
}

test("the tree keeps the law of the house", () => {
  const tree = readTree();
  expect(tree.size, "the tree was found").toBeGreaterThan(50);
  const violations = findViolations(tree, { entryPoints: readEntryPoints() });
  expect(violations.map(formatViolation)).toEqual([]);
});

/** A tree without a fault; each case below plants one into it. */
const CLEAN: Readonly<Record<string, string>> = {
  "protocol/amount.ts":
    'import { sha256 } from "@noble/hashes/sha2.js";\nimport { z } from "zod";\nexport const one = sha256(z);',
  "protocol/io/native.ts":
    'import { createRequire } from "node:module";\nimport { one } from "../amount.ts";\nexport const native = one;',
  "node/round.ts": 'import type { one } from "../protocol/amount.ts";\nexport type Round = typeof one;',
  "node/io/run.ts":
    'import axios from "axios";\nimport { native } from "../../protocol/io/native.ts";\nimport "../round.ts";\nexport const at = Date.now();',
  "client/verify.ts": 'import { one } from "../protocol/amount.ts";\nexport const verify = one;',
  "simulator/world.ts": 'import type { Round } from "../node/round.ts";\nexport type World = Round;',
  "simulator/io/wire.ts": "export const wire = 1;",
  "simulator/io/server.ts": 'import "./wire.ts";\nimport type { World } from "../world.ts";\nexport type Server = World;',
  "cli/main.ts":
    'import "../node/io/run.ts";\nimport "../client/verify.ts";\nimport "../simulator/io/server.ts";\nconsole.log(1);',
  "test/amount.test.ts": 'import { one } from "../protocol/amount.ts";\nimport { test } from "vitest";\ntest(one);',
};

type Plant = {
  readonly name: string;
  readonly rule: RuleName;
  readonly at: string;
  readonly files: Readonly<Record<string, string>>;
};

/** One file of a case, imported by the command line so that it is not dead as well. */
function plant(name: string, rule: RuleName, file: string, text: string, line = 1): Plant {
  const main = `${CLEAN["cli/main.ts"]}\nimport "../${file}";`;
  return { name, rule, at: `${file}:${line}`, files: { "cli/main.ts": main, [file]: text } };
}

const GLOBALS: readonly (readonly [name: string, text: string])[] = [
  ["Date.now", "export const a = Date.now();"],
  ["Date.now as a value", "export const a = Date.now;"],
  ["new Date()", "export const a = new Date();"],
  ["new Date", "export const a = new Date;"],
  ["new Date of a text, which may read the time zone", 'export const a = new Date("2020-01-01 10:00");'],
  ["toLocaleString", "export const a = b.toLocaleString();"],
  ["Date called", "export const a = Date();"],
  ["Math.random", "export const a = Math.random();"],
  ["setTimeout", "setTimeout(a, 1);"],
  ["setInterval", "setInterval(a, 1);"],
  ["setImmediate", "const a = setImmediate;"],
  ["queueMicrotask", "queueMicrotask(a);"],
  ["process", "export const a = process.env;"],
  ["process listener", "process.once(a, b);"],
  ["console", "console.log(1);"],
  ["fetch", "export const a = fetch(b);"],
  ["parseFloat", "export const a = parseFloat(b);"],
  ["Number.parseFloat", "export const a = Number.parseFloat(b);"],
  ["localeCompare", "export const a = b.localeCompare(c);"],
  ["performance", "export const a = performance.now();"],
  ["crypto", "export const a = crypto.getRandomValues(b);"],
  ["globalThis", "export const a = globalThis;"],
  ["inside a template", "export const a = `the time $" + "{Date.now()} now`;"],
  ["after a regular expression with a quote", 'export const a = b.replace(/"/g, c) + Date.now();'],
];

const PLANTS: readonly Plant[] = [
  ...GLOBALS.map(([name, text]) => plant(`pure file: ${name}`, "pure-global", "protocol/bad.ts", text)),
  plant("pure file: the line is named", "pure-global", "node/bad.ts", "// a\n/* b\n c */\nexport const a = Date.now();", 4),
  plant("protocol imports node", "relation", "protocol/bad.ts", 'import "../node/round.ts";'),
  plant("adapters import client", "relation", "adapters/bad.ts", 'import "../client/verify.ts";'),
  plant("circuit-breaker imports node", "relation", "circuit-breaker/bad.ts", 'import "../node/round.ts";'),
  plant("aggregator imports node", "relation", "aggregator/bad.ts", 'import "../node/round.ts";'),
  plant("node imports client", "relation", "node/bad.ts", 'import "../client/verify.ts";'),
  plant("gateway imports node by type", "relation", "gateway/bad.ts", 'import type { Round } from "../node/round.ts";'),
  plant("client imports node dynamically", "relation", "client/bad.ts", 'const a = await import("../node/round.ts");'),
  plant(
    "engine imports node over several lines",
    "relation",
    "engine/bad.ts",
    'import {\n  type Round,\n} from "../node/round.ts";',
    3,
  ),
  plant("dashboard imports node by type", "relation", "dashboard/bad.ts", 'import type { Round } from "../node/round.ts";'),
  plant("simulator imports cli", "relation", "simulator/bad.ts", 'import "../cli/main.ts";'),
  plant("node imports a test", "relation", "node/bad.ts", 'import "../test/amount.test.ts";'),
  plant("io is not above the table", "relation", "gateway/io/bad.ts", 'import "../../node/round.ts";'),
  plant("pure file imports its own io", "io", "protocol/bad.ts", 'import "./io/native.ts";'),
  plant("pure file re-exports io by type", "io", "node/bad.ts", 'export type { A } from "../protocol/io/native.ts";'),
  plant("simulator/io imports another's io", "io", "simulator/io/bad.ts", 'import "../../protocol/io/native.ts";'),
  plant("pure file imports a builtin", "pure-import", "protocol/bad.ts", 'import { readFileSync } from "node:fs";'),
  plant("pure file imports a builtin without prefix", "pure-import", "protocol/bad.ts", 'import fs from "fs";'),
  plant("pure file imports a package", "pure-import", "gateway/bad.ts", 'import { fastify } from "fastify";'),
  plant("pure file imports a name like zod", "pure-import", "gateway/bad.ts", 'import "zodiac";'),
  plant("pure file imports a package dynamically", "pure-import", "client/bad.ts", "const a = import('axios');"),
  plant("default export", "default-export", "node/bad.ts", "export default 5;"),
  plant("default export by name", "default-export", "node/bad.ts", "const a = 5;\nexport { a as default };", 2),
  plant("barrel of everything", "barrel", "node/bad.ts", 'export * from "./round.ts";'),
  plant("barrel of one name", "barrel", "node/io/bad.ts", 'const a = 1;\nexport { at } from "./run.ts";', 2),
  plant("import of a file that is not there", "missing-import", "node/bad.ts", 'import "./gone.ts";'),
  plant("a room that the design does not know", "unknown-folder", "lib/bad.ts", "export const a = 1;"),
  {
    name: "folders that import each other",
    rule: "folder-cycle",
    at: "gateway/a.ts:1",
    files: {
      "gateway/a.ts": 'import "../node/b.ts";',
      "node/b.ts": 'import "../gateway/a.ts";',
    },
  },
  { name: "a file that nobody imports", rule: "dead-file", at: "node/bad.ts:1", files: { "node/bad.ts": "export const a = 1;" } },
  {
    name: "a file that only imports itself",
    rule: "dead-file",
    at: "node/bad.ts:1",
    files: { "node/bad.ts": 'import "./bad.ts";\nexport const a = 1;' },
  },
];

describe("the law catches what is planted", () => {
  const check = (files: Readonly<Record<string, string>>) =>
    findViolations(new Map(Object.entries({ ...CLEAN, ...files })), { entryPoints: ["cli/main.ts"] });

  test("the clean tree has no fault", () => {
    expect(check({}).map(formatViolation)).toEqual([]);
  });

  test.each(PLANTS)("$rule: $name", ({ rule, at, files }) => {
    const found = check(files).map(({ file, line, rule: name }) => `${file}:${line} ${name}`);
    // A cycle is named at one of its imports.
    if (rule === "folder-cycle") expect(found.some((text) => text.endsWith(rule))).toBe(true);
    else expect(found).toContain(`${at} ${rule}`);
  });

  test("every rule and every restricted folder has a planted case", () => {
    expect(RULES.filter((rule) => !PLANTS.some((item) => item.rule === rule))).toEqual([]);
    const restricted = Object.keys(RELATIONS).filter((folder) => RELATIONS[folder] !== "anything");
    const planted = PLANTS.filter((item) => item.rule === "relation").map((item) => item.at.split("/")[0]);
    expect(restricted.filter((folder) => !planted.includes(folder))).toEqual([]);
  });
});

describe("what the law leaves alone", () => {
  const allowed: readonly (readonly [name: string, file: string, text: string])[] = [
    ["banned words in comments and strings", "protocol/fine.ts", '// Date.now()\n/* fetch( */ export const a = "process.env";'],
    [
      "imports in comments and strings",
      "protocol/fine.ts",
      '// import "../node/round.ts"\nexport const a = "import x from axios";',
    ],
    ["members that share a name", "node/fine.ts", "export const a = b.fetch(c) + d.process.e + f.setTimeout;"],
    ["an instant that is given", "node/fine.ts", "export const a = new Date(b).toISOString();"],
    ["a random process of the market", "simulator/fine.ts", "export const a = process.drift;"],
    ["a name that merely begins alike", "node/fine.ts", "export const a = processed.b + consoleLike.c + updateDate(d);"],
    ["clocks in io", "node/io/fine.ts", 'import { hostname } from "node:os";\nexport const a = Date.now();'],
    ["anything in the command line", "cli/fine.ts", 'import "../protocol/io/native.ts";\nexport const a = process.env;'],
    ["a default taken from a package", "node/io/fine.ts", 'import axios from "axios";\nexport const a = axios;'],
  ];
  test.each(allowed)("%s", (_, file, text) => {
    const { files } = plant("", "relation", file, text);
    const tree = new Map(Object.entries({ ...CLEAN, ...files }));
    expect(findViolations(tree, { entryPoints: ["cli/main.ts"] }).map(formatViolation)).toEqual([]);
  });

  test.each(['new URL("./child.ts", import.meta.url)', 'join(import.meta.dirname, "child.ts")'])(
    "a file started by %s is alive",
    (start) => {
      const main = `${CLEAN["cli/main.ts"]}\nconst child = ${start};`;
      const tree = new Map(Object.entries({ ...CLEAN, "cli/main.ts": main, "cli/child.ts": "console.log(2);" }));
      expect(findViolations(tree, { entryPoints: ["cli/main.ts"] })).toEqual([]);
    },
  );
});

describe("the scanner", () => {
  test.each([
    ["const a = 'x'; // y", "const a =    ;     "],
    ["a = b / c / d", "a = b / c / d"],
    ["a = /[/'\"]/.test(b)", "a =          .test(b)"],
    ["return /x/g", "return    g"],
    ["`a$" + "{b}c$" + "{`d$" + "{e}`}f` + g", "    b       e       + g".replace("b       e ", "b       e")],
  ])("%s", (source, code) => {
    const scanned = scanSource(source);
    expect(scanned.code.length).toBe(source.length);
    expect(scanned.code.replace(/\s+/g, " ").trim()).toBe(code.replace(/\s+/g, " ").trim());
  });
});
