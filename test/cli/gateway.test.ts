import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { writeNetwork } from "./served.ts";
import { spawnCli } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-gateway-"));
const { path: network } = writeNetwork(folder, "harbour");
const taken = createServer();
beforeAll(() => new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, stringify(content));
  return path;
}

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
      "a port that is taken",
      () => ({ network, api: { port: (taken.address() as AddressInfo).port }, follow }),
      /^breakwater: port \d+ on 127\.0\.0\.1 is taken/,
    ],
  ])("%s is one line and exit code 1", async (_, content, line) => {
    const { code, stderr } = await spawnCli(["gateway", "--config", write("gateway.yaml", content())]);
    expect(code, stderr).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(line)]);
  });
});
