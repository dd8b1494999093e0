import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { matches, readSteps } from "./blocks.ts";
import { canHaveOwnWorld, walkThrough } from "./walkthrough.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A document of these lines, in a file of its own. */
function document(...lines: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "bw-document-"));
  folders.push(folder);
  const file = join(folder, "doc.md");
  writeFileSync(file, lines.join("\n"));
  return file;
}

const sh = (...lines: readonly string[]): readonly string[] => ["```sh", ...lines, "```"];
const text = (...lines: readonly string[]): readonly string[] => ["```text", ...lines, "```"];

describe("a walk", () => {
  test("runs every block in one session in a fresh clone, and leaves nothing behind", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "bw-left-"));
    folders.push(folder);
    const file = document(
      "# Title",
      ...sh("export WHERE=$PWD", "greet() { echo hello $1; }", "sleep 1000 &"),
      "Prose.",
      ...sh("greet you; test -f package.json; test -d node_modules/vitest", 'case "$PATH" in *node_modules*) exit 1;; esac'),
      "",
      ...text("hello …"),
      ...sh(
        'kill -0 $!; cd "$WHERE"; test -z "$(git status --porcelain -- LICENSE)"',
        `pwd >${join(folder, "where")}; seq 100000 | head -1`,
      ),
      ...text("1"),
    );
    expect(await walkThrough(file)).toMatchObject({ blocks: 3, compared: 2 });
    const where = readFileSync(join(folder, "where"), "utf8").trim();
    expect(where).toMatch(/bw-walk-.*\/breakwater$/);
    expect(existsSync(where)).toBe(false);
  });

  const cases: readonly (readonly [name: string, lines: readonly string[], said: RegExp])[] = [
    ["a command that fails", ["# A", "", ...sh("true", "false")], /doc\.md:5: exit code 1/],
    ["a failing command of a pipeline", ["# A", ...sh("(exit 3) | cat")], /doc\.md:3: exit code 3/],
    ["an unknown command in a later block", ["# A", ...sh("true"), "", ...sh("", "no-such-tool")], /doc\.md:8: exit code 127/],
    ["output that differs", ["# A", ...sh("echo two"), ...text("one")], /doc\.md:5: not what was printed[\s\S]*one[\s\S]*two/],
    ["what bash cannot read", ["# A", ...sh("if true")], /doc\.md:2: the session ended[\s\S]*syntax error/],
    ["an end of the session", ["# A", ...sh("exit 0"), ...sh("true")], /doc\.md:2: the session ended/],
  ];
  test.each(cases)("ends at %s, and names the line", { timeout: 60_000 }, async (_, lines, said) => {
    await expect(walkThrough(document(...lines))).rejects.toThrow(said);
  });

  test("without a network of its own, ends what it started as well", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "bw-left-"));
    folders.push(folder);
    const file = document("# A", ...sh(`sleep 1000 & echo $! >${join(folder, "pid")}`));
    expect(await walkThrough(file, { ownWorld: false })).toEqual({ blocks: 1, compared: 0, ownNetwork: false });
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    await expect.poll(() => existsSync(`/proc/${pid}/exe`), { timeout: 5_000 }).toBe(false);
  });

  test.skipIf(!canHaveOwnWorld())("dies with the process that walks", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "bw-left-"));
    folders.push(folder);
    const pulse = join(folder, "pulse");
    const file = document("# A", ...sh(`while :; do date +%s%N >${pulse}; sleep 0.05; done`));
    const code = `import(${JSON.stringify(join(import.meta.dirname, "walkthrough.ts"))}).then(({ walkThrough }) => walkThrough(process.argv[1]))`;
    const walker = spawn(process.execPath, ["-e", code, file], { env: { ...process.env, TMPDIR: folder }, stdio: "ignore" });
    await expect.poll(() => existsSync(pulse), { timeout: 30_000 }).toBe(true);
    walker.kill("SIGKILL");
    const beat = async (): Promise<boolean> => {
      const before = readFileSync(pulse, "utf8");
      await sleep(1_000);
      return readFileSync(pulse, "utf8") !== before;
    };
    await expect.poll(beat, { timeout: 10_000 }).toBe(false);
  });

  test("does not wait for ever", { timeout: 60_000 }, async () => {
    const file = document("# A", ...sh("sleep 1000"));
    await expect(walkThrough(file, { blockMs: 2_000 })).rejects.toThrow(/doc\.md:2: not done after 2 s/);
  });
});

describe("a document", () => {
  const refused: readonly (readonly [name: string, lines: readonly string[], said: RegExp])[] = [
    ["without commands", ["# A", "```yaml", "a: 1", "```"], /nothing to run/],
    ["with a block of no language", [...sh("true"), "```", "a", "```"], /line 4: a block without a language/],
    ["with output above no command", [...sh("true"), "Prose.", ...text("a")], /line 5: output \(text\)/],
    ["with two outputs of one command", [...sh("true"), ...text("a"), ...text("b")], /line 7: output/],
    ["with a fence that never closes", ["```sh", "true"], /line 1: a fence/],
  ];
  test.each(refused)("%s is refused", (_, lines, said) => {
    expect(() => readSteps(lines.join("\n"))).toThrow(said);
  });

  test("may hold blocks of other languages, which are not run", () => {
    expect(readSteps(["```yaml", "a: 1", "```", ...sh("true")].join("\n"))).toEqual([{ line: 4, text: "true" }]);
  });
});

test.each([
  ["text", "round …", "round 17", true],
  ["text", "round …", "round 17\nmore", false],
  ["text", "a\n…\nz", "a\nb\nc\nz\n", true],
  ["text", "a\n…\nz", "a\nz", true],
  ["text", "…\nz", "z", true],
  ["text", "a\n…\nz", "a\nb", false],
  ["text", "a  \nb", "\na\nb   \n\n", true],
  ["text", "a.c", "abc", false],
  ["text", "a b", "a  b", false],
  ["json", '{ "feed": "ETH/USD", … }', '{"feed":"ETH/USD","round":1}', true],
  ["json", '{ "feed": "ETH/USD", "price": "…" }', '{"feed":"ETH/USD","price":"1800.5"}', true],
  ["json", '{ "feed": "ETH USD" }', '{"feed":"ETHUSD"}', false],
  ["json", '{ "feed": "ETH/USD" }', '{"feed":"ETH/USD","round":1}', false],
] as const)("%s %j shows %j: %s", (language, shown, printed, expected) => {
  expect(matches(language, shown, printed)).toBe(expected);
});
