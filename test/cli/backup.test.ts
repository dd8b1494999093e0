import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { backupCommand, restoreCommand } from "../../cli/commands/backup.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import { openStore } from "../../node/io/store.ts";
import { startTransport } from "../../node/io/transport.ts";
import { type FoundedNode, found, PASSWORD, removeFounded } from "../e2e/founded.ts";
import { digestOf } from "../node/store-fixtures.ts";
import { testKeys } from "../support/network.ts";
import { run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-backup-"));
const FEED = {
  feed: "BTC/USD",
  preset: "major",
  sources: ["kraken", "coinbase", "bitstamp", "gemini", "okx"].map((venue) => ({ venue, market: "BTC/USD", weight: 1 })),
};
const founded = await found([FEED]);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  removeFounded(founded);
});
const network = readNetworkFile(founded.networkFile);
const nodeOf = (index: number): FoundedNode => {
  const node = founded.nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
};
const NOW = 1_800_000_000_000;
const ROUND = NOW / 1_000;
let copies = 0;
let out: string;

beforeEach(() => {
  copies += 1;
  out = join(folder, `copy-${copies}.sqlite`);
  const { store } = nodeOf(0);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(store + suffix, { force: true });
  const opened = openStore({ path: store, domain: network.domain });
  opened.recordSigned({ kind: "round", round: ROUND - 60, configDigest: network.configDigest, digest: digestOf("x") });
  opened.close();
});

const backup = async (...args: readonly string[]) => {
  const terminal = session({ now: () => NOW - 60_000 });
  await run(backupCommand(terminal), "--config", nodeOf(0).configFile, "--out", out, ...args);
  return terminal;
};
const restore = async (node = nodeOf(0)) => {
  const terminal = session({ now: () => NOW });
  await run(restoreCommand(terminal), "--config", node.configFile, out);
  return terminal;
};
const loseDisk = () => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(nodeOf(0).store + suffix, { force: true });
};

describe("backup and restore", () => {
  it("say what was copied, and from when on the restored node signs", async () => {
    const made = await backup();
    expect(made.printed()).toBe(out);
    expect(made.noted()).toMatch(
      new RegExp(
        `the store of ${nodeOf(0).address} in founded: no round, signed up to round ${ROUND - 60}, \\d+ bytes, sha256 [0-9a-f]{64}`,
      ),
    );
    expect(made.noted()).toMatch(/The key is not in it: keep .*key\.json/);
    loseDisk();
    const back = await restore();
    expect(back.printed()).toBe(nodeOf(0).store);
    expect(back.noted()).toMatch(/made 1 min ago$/m);
    expect(back.noted()).toMatch(
      new RegExp(`signs nothing at or below round ${ROUND + 11}, that is for the next 12\\.0 s at least`),
    );
    expect(back.noted()).toMatch(/Be sure that the old node is off/);
    const opened = openStore({ path: nodeOf(0).store, domain: network.domain });
    expect(opened.newestSignedRound()).toBe(ROUND + 11);
    opened.close();
  });

  it("keep the key only when they are told to, encrypted, and put it back where there is none", async () => {
    await backup();
    expect(readFileSync(`${out}.manifest.json`, "utf8")).not.toContain("ciphertext");
    rmSync(out);
    rmSync(`${out}.manifest.json`);
    const { keyFile, address } = nodeOf(0);
    expect((await backup("--with-key")).noted()).toMatch(/encrypted: whoever has its password as well signs in your name/);
    const before = readFileSync(keyFile);
    loseDisk();
    rmSync(keyFile);
    expect((await restore()).noted()).toMatch(/wrote .*key\.json from the backup/);
    expect((await readKeyFile(keyFile, PASSWORD)).address).toBe(address);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    writeFileSync(keyFile, before);
  });

  it("refuse without any key", async () => {
    await backup();
    const { keyFile } = nodeOf(0);
    const before = readFileSync(keyFile);
    loseDisk();
    rmSync(keyFile);
    await expect(restore()).rejects.toThrow(/there is no key file, and none in the backup: put yours there first/);
    expect(existsSync(nodeOf(0).store)).toBe(false);
    writeFileSync(keyFile, before, { mode: 0o600 });
  });

  it("open a key file that states no address", async () => {
    const { keyFile } = nodeOf(0);
    const before = readFileSync(keyFile, "utf8");
    const { address: _, ...rest } = JSON.parse(before);
    writeFileSync(keyFile, JSON.stringify(rest));
    await backup();
    expect(JSON.parse(readFileSync(`${out}.manifest.json`, "utf8")).address).toBe(nodeOf(0).address);
    writeFileSync(keyFile, before);
  });

  it("refuse another member's store, and leave nothing where it would be", async () => {
    await backup();
    const other = nodeOf(1);
    await expect(restore(other)).rejects.toThrow(
      `it is the store of ${nodeOf(0).address}, this node's key is that of ${other.address}`,
    );
    expect(readdirSync(other.folder).filter((name) => name.includes("store"))).toEqual([]);
  });

  it("refuse a backup whose key was exchanged since", async () => {
    await backup();
    loseDisk();
    const { keyFile } = nodeOf(0);
    const before = readFileSync(keyFile, "utf8");
    rmSync(keyFile);
    await createKeyFile(keyFile, PASSWORD, { n: 16, privateKey: testKeys(6)[5]?.privateKey ?? new Uint8Array(32) });
    await expect(restore()).rejects.toMatchObject({ code: "backup-foreign" });
    writeFileSync(keyFile, before);
  });

  it("refuse while the node runs on a store that was deleted under it", async () => {
    await backup();
    loseDisk();
    const node = nodeOf(0);
    const key = testKeys(4).find(({ address }) => address === node.address);
    if (key === undefined) throw new Error("no key");
    const nothing = () => undefined;
    const running = await startTransport({
      ...{ key, committee: [key.address], peers: [], topics: [], listen: [`/ip4/127.0.0.1/tcp/${node.p2pPort}`] },
      ...{ onGossip: () => "ignore" as const, onRequest: nothing, log: { info: nothing, warn: nothing } },
      metrics: { onGossip: nothing, onRequest: nothing, onLink: nothing, onRefused: nothing },
    });
    await expect(restore()).rejects.toThrow(/a node with the key of 0x[0-9a-f]{40} runs there: stop it first/);
    expect(existsSync(node.store)).toBe(false);
    await running.stop();
    expect((await restore()).printed()).toBe(node.store);
  });

  it("refuse a running node's store, and over what is there", async () => {
    await backup();
    const running = openStore({ path: nodeOf(0).store, domain: network.domain });
    await expect(restore()).rejects.toThrow(/another process holds the store: stop it first/);
    running.close();
    await expect(restore()).rejects.toThrow(/exists already and is never overwritten/);
    await expect(backup()).rejects.toThrow(/exists already and is never overwritten: choose another --out/);
  });
});
