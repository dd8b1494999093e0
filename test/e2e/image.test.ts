import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Image, makeImage } from "../deploy/image.ts";
import { request, within } from "./devnet.ts";
import { type FeedPlain, type Founded, found, removeFounded } from "./founded.ts";

const BUILD_MS = 240_000;
const START_MS = 60_000;
const run = promisify(execFile);

const FEEDS: readonly FeedPlain[] = [
  {
    feed: "ETH/USD",
    preset: "major",
    sources: ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"].map((venue) => ({ venue, market: "ETH/USD", weight: 1 })),
  },
];

describe("the folder that the image holds", () => {
  let image: Image;
  let founded: Founded;
  beforeAll(async () => {
    image = makeImage();
    founded = await found(FEEDS, { node: (node) => void Object.assign(node, { venues: nowhere() }) });
  }, BUILD_MS);
  afterAll(() => {
    image?.remove();
    if (founded !== undefined) removeFounded(founded);
  });

  it("has no package that is for development only, and no source", () => {
    expect(readdirSync(image.folder).sort()).toEqual(["LICENSE", "README.md", "dist", "node_modules", "package.json"]);
    for (const name of ["vitest", "typescript", "viem", "vite", "node"]) {
      expect(existsSync(join(image.folder, "node_modules", name)), name).toBe(false);
    }
    expect(readdirSync(join(image.folder, "dist", "cli"))).not.toContain("main.ts");
  });

  it("says what it can do, as the image's default command", async () => {
    const { stdout } = await run(process.execPath, [...image.entry, "--help"], { cwd: image.folder });
    for (const command of ["node", "gateway", "compose-init", "verify"])
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
  });

  it(
    "runs a node: healthy while it runs, not after, and a clean end on SIGTERM",
    async () => {
      const [node] = founded.nodes;
      if (node === undefined) throw new Error("no node was founded");
      await healthyUntilSigterm(["node", "--config", node.configFile], node.apiPort);
    },
    2 * START_MS,
  );

  it(
    "runs a gateway the same way",
    async () => {
      const [node, other] = founded.nodes;
      if (node === undefined || other === undefined) throw new Error("no node was founded");
      const configFile = join(founded.folder, "gateway.yaml");
      const api = { host: "127.0.0.1", port: node.apiPort };
      writeFileSync(configFile, stringify({ network: "network.yaml", api, follow: { http: [other.api] } }));
      await healthyUntilSigterm(["gateway", "--config", configFile], node.apiPort);
    },
    2 * START_MS,
  );

  async function healthyUntilSigterm(args: readonly string[], port: number): Promise<void> {
    const child = spawn(process.execPath, [...image.entry, ...args], { cwd: image.folder, stdio: ["ignore", "pipe", "pipe"] });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => said.push(text));
    try {
      const live = async (): Promise<boolean> => {
        if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}: ${said.join("")}`);
        return (await request(`http://127.0.0.1:${port}/health/live`).catch(() => undefined))?.status === 200;
      };
      await within(START_MS, "a process that answers", live, () => said.join(""));
      expect(await exitCodeOf(image.health(port))).toBe(0);
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
      expect(await exitCodeOf(image.health(port))).toBe(1);
    } finally {
      child.kill("SIGKILL");
    }
  }
});

/** Venues that nobody is behind: what runs here needs no market. */
function nowhere(): Readonly<Record<string, { url: string }>> {
  return Object.fromEntries((FEEDS[0]?.sources ?? []).map(({ venue }) => [venue, { url: "http://127.0.0.1:9" }]));
}

async function exitCodeOf(args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
