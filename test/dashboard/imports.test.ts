import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { scanSource } from "../architecture/scanner.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** What the page is made of besides itself. */
const PACKAGES = /^(?:preact(?:\/hooks)?|@preact\/signals|uplot(?:\/dist\/uPlot\.min\.css)?|zod)$/;
/** Whose code it may run. */
const RUN = ["dashboard", "protocol", "client"];
/** Whose types it may name. */
const NAMED = [...RUN, "gateway", "circuit-breaker"];
/** Runs in Node, when the page is built. */
const BUILD = "dashboard/build.ts";

type Import = { readonly file: string; readonly specifier: string; readonly typeOnly: boolean };

function importsOf(file: string, text: string): readonly Import[] {
  const { code, strings } = scanSource(text);
  return strings.flatMap(({ text: specifier, at }) => {
    const statement = /\b(import|export)(\s+type)?\b[^;()]*\bfrom\s*$|\bimport\s*\(?\s*$/.exec(code.slice(0, at).slice(-2_000));
    return statement === null ? [] : [{ file, specifier, typeOnly: statement[2] !== undefined }];
  });
}

function faultOf({ file, specifier, typeOnly }: Import): string | undefined {
  if (!specifier.startsWith(".")) return PACKAGES.test(specifier) ? undefined : `${file}: package ${specifier}`;
  const target = posix.join(posix.dirname(file), specifier);
  const room = target.split("/")[0] ?? "";
  if (target.split("/").includes("io") && !typeOnly) return `${file}: runs ${target}`;
  const allowed = typeOnly ? NAMED : RUN;
  return allowed.includes(room) ? undefined : `${file}: ${typeOnly ? "names" : "runs"} ${target}`;
}

describe("what the page imports", () => {
  const files = globSync("dashboard/**/*.{ts,tsx}", { cwd: ROOT, exclude: (name) => name === "dist" }).filter(
    (file) => file !== BUILD,
  );

  it("is protocol and client, packages of its own, and of gateway and breaker the types alone", () => {
    expect(files.length).toBeGreaterThan(30);
    const imports = files.flatMap((file) => importsOf(file, readFileSync(join(ROOT, file), "utf8")));
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.some(({ specifier, typeOnly }) => specifier.includes("gateway/") && typeOnly)).toBe(true);
    expect(imports.flatMap((item) => faultOf(item) ?? [])).toEqual([]);
  });

  it.each([
    ['import { x } from "../gateway/breaker.ts";', "dashboard/a.ts: runs gateway/breaker.ts"],
    ['import type { x } from "../node/store.ts";', "dashboard/a.ts: names node/store.ts"],
    ['import { x } from "../protocol/io/libsecp256k1.ts";', "dashboard/a.ts: runs protocol/io/libsecp256k1.ts"],
    ['const x = await import("../cli/words.ts");', "dashboard/a.ts: runs cli/words.ts"],
    ['import x from "axios";', "dashboard/a.ts: package axios"],
  ])("would be refused: %s", (text, fault) => {
    expect(importsOf("dashboard/a.ts", text).map(faultOf)).toEqual([fault]);
  });

  it("sets no text as markup", () => {
    for (const file of files) {
      const { code } = scanSource(readFileSync(join(ROOT, file), "utf8"));
      expect(code, file).not.toMatch(/\b(?:innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write)\b/);
    }
  });
});
