import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wantsPage } from "../../gateway/io/static.ts";
import { buildTestGateway } from "../gateway/support.ts";

const BUILD = join(import.meta.dirname, "..", "..", "dashboard", "build.ts");
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const MAX_FIRST_LOAD = 200_000;

const folder = mkdtempSync(join(tmpdir(), "breakwater-dashboard-"));
const dist = join(folder, "dist");
beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [BUILD, relative(join(BUILD, ".."), dist)], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const asset = (pattern: RegExp): string => `assets/${readdirSync(join(dist, "assets")).find((name) => pattern.test(name))}`;

async function ask(url: string, headers: Record<string, string>, dashboard: string | null = dist) {
  const { app, logged } = await buildTestGateway(dashboard === null ? {} : { dashboard });
  const reply = await app.inject({ method: "GET", url, headers });
  await app.close();
  return { reply, logged };
}

describe("the built page", () => {
  it("loads first with less than 200 kB", () => {
    const html = readFileSync(join(dist, "index.html"), "utf8");
    const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThanOrEqual(4);
    const sizes = ["index.html", ...named].map((name) => statSync(join(dist, `${name}.br`)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_FIRST_LOAD);
  });

  it("has its compressed copies beside every file, and nothing inline that its policy would refuse", () => {
    const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => /\.(?:html|js|css|svg)$/.test(name));
    expect(files.length).toBeGreaterThan(6);
    for (const name of files) {
      const bytes = readFileSync(join(dist, name));
      expect(brotliDecompressSync(readFileSync(join(dist, `${name}.br`))).equals(bytes), name).toBe(true);
      expect(gunzipSync(readFileSync(join(dist, `${name}.gz`))).equals(bytes), name).toBe(true);
    }
    const html = readFileSync(join(dist, "index.html"), "utf8");
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/);
  });
});

describe("a gateway with the page", () => {
  it("gives it to browsers, and the index of routes to programs", async () => {
    const { reply: page } = await ask("/", { accept: BROWSER });
    expect([page.statusCode, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.body).toContain('<div id="app">');
    for (const accept of ["application/json", "*/*", undefined]) {
      const { reply } = await ask("/", accept === undefined ? {} : { accept });
      expect(reply.json()).toMatchObject({ name: "Breakwater", network: "test" });
      expect(reply.headers.vary).toMatch(/accept/);
    }
    expect(page.headers.vary).toMatch(/\baccept(?:,|$)/);
  });

  it("sends what was compressed when it was built", async () => {
    for (const [accepted, encoding] of [
      ["br, gzip", "br"],
      ["gzip", "gzip"],
      ["identity", undefined],
    ] as const) {
      const { reply } = await ask(`/${asset(/\.js$/)}`, { "accept-encoding": accepted });
      expect([reply.statusCode, reply.headers["content-encoding"]]).toEqual([200, encoding]);
      expect(reply.headers.vary).toContain("accept-encoding");
    }
  });

  it("lets what carries its digest be kept for ever, and nothing else unasked", async () => {
    const cache = async (url: string) => (await ask(url, { accept: BROWSER })).reply.headers["cache-control"];
    expect(await cache(`/${asset(/\.css$/)}`)).toContain("immutable");
    for (const url of ["/", "/theme.js", "/icon.svg"]) expect(await cache(url), url).toBe("no-cache");
  });

  it("allows the page its own files and no one else's", async () => {
    for (const url of ["/", "/theme.js", `/${asset(/\.js$/)}`]) {
      const { headers } = (await ask(url, { accept: BROWSER })).reply;
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
    }
  });

  it.each(["/assets/nothing.js", "/assets/../../package.json", "/assets/..%2f..%2fpackage.json", "/index.html.br", "/assets/"])(
    "answers %s with a problem",
    async (url) => {
      const { reply } = await ask(url, { accept: BROWSER });
      expect(reply.statusCode).toBeGreaterThanOrEqual(400);
      expect(reply.headers["content-type"]).toContain("application/problem+json");
    },
  );

  it("does not list the page among the routes", async () => {
    const { reply } = await ask("/", {});
    expect(Object.keys(reply.json().routes).filter((route) => !/^\/(?:v1|health|metrics)/.test(route))).toEqual([]);
  });
});

describe("a gateway without the page", () => {
  it("answers everybody with the index, and tells the operator what to do when it should have one", async () => {
    const bare = await ask("/", { accept: BROWSER }, null);
    expect([bare.reply.json().name, bare.logged]).toEqual(["Breakwater", []]);
    const missing = await ask("/", { accept: BROWSER }, join(folder, "nowhere"));
    expect(missing.reply.json().name).toBe("Breakwater");
    expect(missing.logged.map(({ message }) => message)).toEqual([expect.stringContaining("npm run dashboard")]);
  });
});

it.each([
  [BROWSER, true],
  ["text/html", true],
  ["application/json, text/html;q=0.5", true],
  ["*/*", false],
  ["application/json", false],
  ["text/html;q=0, application/json", false],
  ["text/htmlx", false],
  [undefined, false],
])("accept: %s", (accept, page) => expect(wantsPage(accept)).toBe(page));
