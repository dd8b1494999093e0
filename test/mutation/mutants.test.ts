import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mutate, PROMISES } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { placeTable, tableOf } from "./table.ts";

const PROJECT = join(import.meta.dirname, "..", "..");

describe("the guards that `npm run mutate` breaks", () => {
  it("are many, each named once, and every promise stands behind some of them", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(35);
    expect(new Set(MUTANTS.map(({ promise }) => promise))).toEqual(new Set(PROMISES));
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s stands in its file once, parses when broken, and has its tests",
    (_, mutant) => {
      const mutated = mutate(readFileSync(join(PROJECT, mutant.file), "utf8"), mutant);
      expect(mutated, `${mutant.file} does not hold this text exactly once: ${mutant.find}`).toBeDefined();
      expect(() => stripTypeScriptTypes(mutated ?? "")).not.toThrow();
      expect(mutant.tests.filter((file) => !existsSync(join(PROJECT, file)))).toEqual([]);
    },
  );
});

describe("a text that is to be replaced", () => {
  it.each([
    ["once", "a + b", "b", "a + c"],
    ["nowhere", "a + b", "x", undefined],
    ["twice", "b + b", "b", undefined],
  ])("%s", (_, source, find, mutated) => {
    expect(mutate(source, { find, replace: "c" })).toBe(mutated);
  });
});

describe("the table", () => {
  const mutant = { name: "quorum", promise: "P2", file: "a.ts", find: "x", replace: "", tests: [] } as const;
  const table = tableOf([
    { mutant, kind: "caught", by: "a | b\n c", seconds: 1.26 },
    { mutant, kind: "survived", by: "nobody", seconds: 2 },
  ]);

  it("has a row a mutant, safe in a Markdown cell", () => {
    expect(table.split("\n").slice(2)).toEqual([
      "| quorum (a.ts) | P2 | a \\| b c | 1.3 |",
      "| quorum (a.ts) | P2 | **survived**: nobody | 2.0 |",
    ]);
  });

  it("goes between its markers and nowhere else", () => {
    expect(placeTable("x\n<!-- mutants -->\nold\n<!-- /mutants -->\ny", "new")).toBe(
      "x\n<!-- mutants -->\nnew\n<!-- /mutants -->\ny",
    );
    expect(placeTable("no markers", "new")).toBeUndefined();
    expect(placeTable("<!-- /mutants --><!-- mutants -->", "new")).toBeUndefined();
  });
});
