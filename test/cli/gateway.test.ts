import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { apiKeyDigest, formatApiKey } from "../../gateway/access.ts";
import { until } from "../support/redis.ts";
import { closedPort, serve, writeNetwork } from "./served.ts";
import { MAIN, spawnCli } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-gateway-"));
const { path: network, network: genesis } = writeNetwork(folder, "harbour");
const taken = createServer();
beforeAll(() => new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: object): string {
  return writeText(name, stringify(content));
}

function writeText(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const KEY = formatApiKey(new Uint8Array(32));

describe("breakwater gateway", () => {
  const follow = { http: ["http://127.0.0.1:1"] };
  const api = { port: 1 };

  it.each<[what: string, content: () => object, line: RegExp]>([
    [
      "nothing to follow",
      () => ({ network, api, follow: {} }),
      /^breakwater: .*gateway\.yaml: follow: expected redis, or at least one URL/,
    ],
    ["no such genesis", () => ({ network: "nowhere.yaml", api, follow }), /^breakwater: .*nowhere\.yaml: cannot read the file/],
    [
      "keys that are none",
      () => ({
        network,
        api,
        follow,
        keysFile: write("keys.yaml", { keys: [{ name: "a", sha256: "short", requestsPerMinute: 1, streams: 1 }] }),
      }),
      /^breakwater: .*keys\.yaml: keys\[0\]\.sha256: expected 64 lower-case hex digits/,
    ],
    [
      "a password in the URL of Redis",
      () => ({ network, api, follow: { redis: { url: "redis://me:secret@127.0.0.1:1" } } }),
      /^breakwater: (?!.*secret).*passwordFile/,
    ],
    [
      "an API key that is not there",
      () => ({ network, api, follow: { http: [{ url: "http://127.0.0.1:1", keyFile: "nowhere.key" }] } }),
      /^breakwater: .*nowhere\.key: cannot read the API key: ENOENT/,
    ],
    [
      "a file of something else than an API key",
      () => ({ network, api, follow, forward: [{ url: "http://127.0.0.1:1", keyFile: "harbour.yaml" }] }),
      /^breakwater: .*harbour\.yaml: expected one API key/,
    ],
    [
      "a file of two keys",
      () => ({
        network,
        api,
        follow,
        forward: [{ url: "http://127.0.0.1:1", keyFile: writeText("two.key", `${KEY}\n${KEY}\n`) }],
      }),
      /^breakwater: (?!.*bw_A).*two\.key: expected one API key/,
    ],
    [
      "a port that is taken",
      () => ({ network, api: { port: (taken.address() as AddressInfo).port }, follow }),
      /^breakwater: port \d+ on 127\.0\.0\.1 is taken/,
    ],
  ])("%s is one line and exit code 1", async (_, content, line) => {
    const { code, stderr } = await spawnCli(["gateway", "--config", write("gateway.yaml", content())]);
    expect(code, stderr).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(line)]);
  });

  it("follows and asks a gateway that requires keys with the one that it was given, and keeps it to itself", async () => {
    const holder = { name: "edge", sha256: apiKeyDigest(KEY), requestsPerMinute: 1_000, streams: 2 };
    const first = await serve(genesis, [], 0, { access: { required: true, keys: [holder] } });
    const upstream = { url: first.address, keyFile: "edge.key" };
    chmodSync(writeText("edge.key", `${KEY}\n`), 0o644);
    const port = await closedPort();
    const config = write("edge.yaml", { network, api: { port }, follow: { http: [upstream] }, forward: [upstream] });
    const second = spawn(process.execPath, [MAIN, "gateway", "--config", config], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    const ended = once(second, "exit");
    let log = "";
    for (const out of [second.stdout, second.stderr]) out?.on("data", (text) => (log += String(text)));
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const { host } = new URL(first.address);
    await until("it follows", async () => {
      const metrics = await (await ask("/metrics").catch(() => undefined))?.text();
      return metrics?.includes(`breakwater_follower_source_up{source="${host}"} 1`) === true;
    });
    const reply = await ask("/v1/feeds/ETH-USD/sources");
    expect(reply.headers.get("x-breakwater-upstream")).toBe(host);
    expect((await reply.json()) as object).toMatchObject({ type: "urn:breakwater:problem:no-sources" });
    second.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(log).toMatch(/edge\.key holds an API key and can be read by others: chmod 600/);
    expect(log).not.toContain(KEY);
    await first.close();
  });
});
