import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readNodeFile } from "../../cli/files.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function refusalOf(text: string): string {
  const path = join(folder, "node.yaml");
  writeFileSync(path, text);
  try {
    readNodeFile(path);
  } catch (error) {
    return (error as Error).message.slice(path.length + 2);
  }
  return "none";
}

it("a key named twice is refused, also when it is written in another way", () => {
  expect(refusalOf("logLevel: info\nlogLevel: warn\n")).toMatch(/^not YAML: Map keys must be unique/);
  expect(refusalOf('logLevel: info\n"logLevel": warn\n')).toMatch(/^not YAML: Map keys must be unique/);
});

/** Measured while fuzzing: 8 000 keys took a second and the time grew with their square, up to a file of 8 MiB. */
it("a map of more keys than can be told apart in bounded work is refused", () => {
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: 1`).join("\n");
  expect(refusalOf(keys(4_000))).toMatch(/^not YAML: a map of too many keys/);
  expect(refusalOf(keys(1_000))).toMatch(/^network: missing/);
});
