import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { createKeyFile } from "../../node/io/keys.ts";
import { MAIN } from "../cli/session.ts";
import { testKeys } from "../support/network.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { within } from "./devnet.ts";
import { type Founded, found, removeFounded } from "./founded.ts";

/** Each says where it stands, so that a failure names what leaks. */
const SECRETS = {
  rpcPath: "rpc-path-5f1c9a7e0b",
  rpcQuery: "rpc-query-82d4e6c1f9",
  rpcUser: "rpc-user-password-77ab",
  venueUser: "venue-user-password-91c2",
  redisPassword: "redis-password-c0ffee42",
  webhookPath: "webhook-path-3b9d5e77",
  webhookSecret: "webhook-secret-64fa21",
  keyPassword: "key-password-e81f0a35",
};
const LOOKED_AT_MS = 12_000;
const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];

describe("a node whose every URL and file holds a secret, and nothing of which answers as it should", () => {
  let founded: Founded;
  let redis: TestRedis;
  let printed = "";
  let privateKey: Uint8Array;
  let code: number | null | undefined;

  beforeAll(async () => {
    redis = await startRedis({ acl: "user default reset off\n" });
    const sources = VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 }));
    founded = await found([{ feed: "BTC/USD", preset: "major", sources }]);
    const [node] = founded.nodes;
    if (node === undefined) throw new Error("no node");
    const key = testKeys(4)[0];
    if (key === undefined) throw new Error("no key");
    privateKey = key.privateKey;
    const at = (name: string, content: string) => writeFileSync(join(node.folder, name), `${content}\n`, { mode: 0o600 });
    await createKeyFile(join(node.folder, "secret.key.json"), SECRETS.keyPassword, { n: 16, privateKey });
    at("key.password", SECRETS.keyPassword);
    at("redis.password", SECRETS.redisPassword);
    at("hook.secret", SECRETS.webhookSecret);
    const refused = "127.0.0.1:1";
    const config = {
      ...(parse(readFileSync(node.configFile, "utf8")) as object),
      key: { file: "secret.key.json", passwordFile: "key.password" },
      venues: Object.fromEntries(VENUES.map((venue) => [venue, { url: `http://me:${SECRETS.venueUser}@${refused}` }])),
      rpc: {
        DEVCHAIN: [
          `http://${refused}/v3/${SECRETS.rpcPath}`,
          `http://${refused}/?apikey=${SECRETS.rpcQuery}`,
          `http://me:${SECRETS.rpcUser}@${refused}/`,
        ],
      },
      redis: { url: `redis://127.0.0.1:${redis.port}`, username: "nobody", passwordFile: "redis.password" },
      alerts: [{ url: `http://${refused}/hooks/${SECRETS.webhookPath}`, secretFile: "hook.secret" }],
      logLevel: "debug",
    };
    writeFileSync(node.configFile, stringify(config));
    ({ printed, code } = await runFor(node.configFile, LOOKED_AT_MS));
  }, 60_000);
  afterAll(async () => {
    await redis?.stop();
    if (founded !== undefined) removeFounded(founded);
  });

  it("says what is wrong with each of them", () => {
    expect(code, printed.slice(-2_000)).toBe(0);
    expect(printed).toMatch(/DEVCHAIN RPC 0 127\.0\.0\.1:1/);
    expect(printed).toMatch(/DEVCHAIN RPC 2 127\.0\.0\.1:1/);
    expect(printed).toMatch(/kraken: network/);
    expect(printed).toMatch(/Redis cannot be reached or refuses/);
  });

  it.each(Object.entries(SECRETS))("and never the %s", (_, secret) => {
    const lines = printed.split("\n");
    expect(lines.length).toBeGreaterThan(10);
    for (const form of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
      Buffer.from(`me:${secret}`).toString("base64"),
    ]) {
      expect(lines.filter((line) => line.includes(form))).toEqual([]);
    }
  });

  it("nor the private key", () => {
    const hex = Buffer.from(privateKey).toString("hex");
    expect(printed).not.toContain(hex);
    expect(printed).not.toContain(Buffer.from(privateKey).toString("base64"));
    expect(printed).not.toContain(JSON.stringify([...privateKey]));
  });

  it.each([
    ["a bad field beside the secrets", (text: string) => text.replace("logLevel: debug", "logLevel: loud")],
    ["an endpoint that is none", (text: string) => text.replace(`http://127.0.0.1:1/v3/`, "ftp://127.0.0.1:1/v3/")],
    [
      "a Redis URL with a password in it",
      (text: string) => text.replace("redis://127", `redis://me:${SECRETS.redisPassword}@127`),
    ],
    ["a webhook that is none", (text: string) => text.replace("http://127.0.0.1:1/hooks", "hooks:1")],
  ])("nor does a config that is refused repeat any: %s", async (_, spoil) => {
    const [node] = founded.nodes;
    if (node === undefined) throw new Error("no node");
    const path = join(node.folder, "spoilt.yaml");
    const text = readFileSync(node.configFile, "utf8");
    expect(spoil(text)).not.toBe(text);
    writeFileSync(path, spoil(text));
    const ended = await runFor(path, LOOKED_AT_MS);
    expect(ended.printed.length).toBeGreaterThan(0);
    for (const secret of Object.values(SECRETS)) expect(ended.printed).not.toContain(secret);
  });
});

/** Everything that the node prints until it ends by itself or is told to. */
async function runFor(configFile: string, ms: number): Promise<{ readonly printed: string; readonly code: number | null }> {
  const child = spawn(process.execPath, [MAIN, "node", "--config", configFile], { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const end = Date.now() + ms;
  await within(ms + 5_000, "the node's time to be over", async () => child.exitCode !== null || Date.now() > end);
  if (child.exitCode === null) child.kill("SIGTERM");
  return { code: await ended, printed };
}
