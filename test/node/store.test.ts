import { execFile, spawn } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { openStore, readStore } from "../../node/io/store.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import { nodeStoreContract, type OpenStore, roundStoreContract } from "./store.contract.ts";
import { bodyOf, changingRound, DOMAIN, digestOf, documentOf, evidenceOf, roundOf, transitionOf } from "./store-fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function newPath(): string {
  files += 1;
  return join(folder, `${files}`, "node.sqlite");
}

const openSqlite: OpenStore = (options) => openStore({ ...options, path: newPath() });
nodeStoreContract("memory", createMemoryStore);
roundStoreContract("memory", createMemoryStore);
nodeStoreContract("SQLite", openSqlite);
roundStoreContract("SQLite", openSqlite);

const WRITER = join(import.meta.dirname, "store-writer.ts");

/** A file that the program wrote before it knew documents, transitions and the breaker log: three rounds, their signings, one evidence. */
function olderStore(): string {
  const path = newPath();
  const packed = readFileSync(join(import.meta.dirname, "fixtures", "store-schema-1.sqlite.zst"));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, zstdDecompressSync(packed));
  return path;
}

function filledStore(): string {
  const path = newPath();
  const store = openStore({ path, domain: DOMAIN });
  for (let round = 1; round <= 50; round++) {
    store.recordSigned({ kind: "round", round, configDigest: digestOf("config"), digest: digestOf(`${round}`) });
    store.saveRound({ certified: roundOf(round), body: bodyOf(roundOf(round)) });
  }
  store.close();
  return path;
}

describe("the SQLite store on disk", () => {
  it("gives after reopening what it was given, floor included", () => {
    const path = filledStore();
    const options = { path, domain: DOMAIN, retention: { signed: 10 } };
    const first = openStore(options);
    for (let round = 51; round <= 600; round++) {
      first.recordSigned({ kind: "round", round, configDigest: digestOf("config"), digest: digestOf("x") });
    }
    first.close();
    const second = openStore(options);
    expect(second.latest()).toEqual({ certified: roundOf(50), orphan: false });
    expect(second.bodyOf(digestOf("round 50"))).toEqual(bodyOf(roundOf(50)));
    expect(second.newestSignedRound()).toBe(600);
    const again = { kind: "round", configDigest: digestOf("config"), digest: digestOf("1") } as const;
    expect(second.recordSigned({ ...again, round: 1 })).toBe("conflict");
    second.close();
  });

  it("is write-ahead logged and fully synced", () => {
    const path = filledStore();
    const db = new DatabaseSync(path);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(db.prepare("PRAGMA auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
    db.close();
  });

  it("lets one writer in, and readers beside it", () => {
    const path = filledStore();
    const store = openStore({ path, domain: DOMAIN });
    expect(() => openStore({ path, domain: DOMAIN })).toThrow(expect.objectContaining({ code: "store-locked" }));
    const reader = new DatabaseSync(path, { readOnly: true });
    expect(reader.prepare("SELECT count(*) AS n FROM rounds").get()).toEqual({ n: 50 });
    store.saveRound({ certified: roundOf(51) });
    expect(reader.prepare("SELECT count(*) AS n FROM rounds").get()).toEqual({ n: 51 });
    reader.close();
    store.close();
    openStore({ path, domain: DOMAIN }).close();
  });

  it.each([
    ["garbage", (path: string) => writeFileSync(path, "x".repeat(9000)), "store-corrupt"],
    ["a cut off file", (path: string) => truncateSync(path, 4096 * 3), "store-corrupt"],
    [
      "a damaged page",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, 4096 * 2, 4096 * 9);
        writeFileSync(path, bytes);
      },
      "store-corrupt",
    ],
    [
      "a damaged page that opening does not read",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, bytes.length - 4096);
        writeFileSync(path, bytes);
      },
      "store-corrupt",
    ],
    [
      "a newer program's file",
      (path: string) => {
        const db = new DatabaseSync(path);
        db.exec("PRAGMA user_version = 99");
        db.close();
      },
      "store-newer",
    ],
    [
      "somebody else's database",
      (path: string) => {
        rmSync(path);
        const db = new DatabaseSync(path);
        db.exec("CREATE TABLE other (a)");
        db.close();
      },
      "store-foreign",
    ],
  ])("refuses %s by name, and leaves nothing locked", (_, damage, code) => {
    const path = filledStore();
    const whole = `${path}.copy`;
    copyFileSync(path, whole);
    damage(path);
    const attempt = () => openStore({ path, domain: DOMAIN });
    expect(attempt).toThrow(
      expect.objectContaining({ name: "OperationalError", code, details: expect.objectContaining({ path }) }),
    );
    copyFileSync(whole, path);
    openStore({ path, domain: DOMAIN }).close();
  });

  it("refuses a place it cannot write", () => {
    writeFileSync(join(folder, "a-file"), "");
    expect(() => openStore({ path: join(folder, "a-file", "node.sqlite"), domain: DOMAIN })).toThrow(
      expect.objectContaining({ code: "store-unopenable" }),
    );
    expect(() => openStore({ path: "/proc/breakwater.sqlite", domain: DOMAIN })).toThrow(
      expect.objectContaining({ name: "OperationalError" }),
    );
  });

  it("takes an empty file for a new one", () => {
    const path = join(folder, "empty.sqlite");
    appendFileSync(path, "");
    const store = openStore({ path, domain: DOMAIN });
    expect(store.latest()).toBeUndefined();
    store.close();
  });

  it("of an older program is brought up to date, with its guard, its rounds and their bodies", () => {
    const path = olderStore();
    expect(() => readStore({ path, domain: DOMAIN })).toThrow(expect.objectContaining({ code: "store-older" }));
    for (const life of [1, 2]) {
      const store = openStore({ path, domain: DOMAIN, now: () => 1_795_300_000_000 });
      const signing = { kind: "round", round: 3, configDigest: digestOf("config") } as const;
      expect(store.recordSigned({ ...signing, digest: digestOf("3") })).toBe("same");
      expect(store.recordSigned({ ...signing, digest: digestOf("other") })).toBe("conflict");
      expect(store.byRound(2)).toEqual({ certified: roundOf(2), orphan: false });
      expect(store.bodyOf(digestOf("round 3"))).toEqual(bodyOf(roundOf(3)));
      expect(store.evidence({ limit: 10 })).toEqual([evidenceOf(1, 2)]);
      expect(store.saveRound(changingRound(4, { "BTC/USD": ["closed", "open"] }))).toBe(life === 1 ? "saved" : "known");
      expect(store.breakerLog({ limit: 10 })).toMatchObject([{ feed: "BTC/USD", from: "closed", to: "open", round: 4 }]);
      expect(store.saveDocument(documentOf("pause"))).toBe(life === 1 ? "saved" : "known");
      store.saveTransition(transitionOf(4));
      expect(store.transitions()).toEqual([transitionOf(4)]);
      store.close();
    }
  });

  it("can be read beside its writer, who alone writes", () => {
    const path = filledStore();
    const writer = openStore({ path, domain: DOMAIN });
    const reader = readStore({ path, domain: DOMAIN });
    writer.saveRound(changingRound(51, { "BTC/USD": ["closed", "open"] }));
    expect(reader.latest()).toEqual(writer.latest());
    expect(reader.byRound(50)).toEqual({ certified: roundOf(50), orphan: false });
    expect(reader.bodyOf(digestOf("round 50"))).toEqual(bodyOf(roundOf(50)));
    expect(reader.range({ from: 49, to: 50 })).toHaveLength(2);
    expect(reader.breakerLog({ limit: 10 })).toEqual(writer.breakerLog({ limit: 10 }));
    expect(reader.transitions()).toEqual([]);
    expect(reader.firstBody()).toBe(1);
    expect(Object.keys(reader).filter((name) => /^(save|record)/.test(name))).toEqual([]);
    reader.close();
    writer.close();
    expect(() => readStore({ path: join(folder, "nowhere"), domain: DOMAIN })).toThrow(
      expect.objectContaining({ code: "store-missing" }),
    );
  });

  it("keeps its size once retention is reached", () => {
    const path = newPath();
    const store = openStore({ path, domain: DOMAIN, retention: { rounds: 20, bodies: 5 } });
    const feeds = [...Array(100).keys()].map((i) => `F${String(i).padStart(3, "0")}/USD`);
    const sizes = [200, 400].map((upTo) => {
      for (let round = upTo - 199; round <= upTo; round++) store.saveRound({ certified: roundOf(round, { feeds }) });
      return statSync(path).size;
    });
    store.close();
    expect(sizes[1]).toBeLessThan(1.2 * (sizes[0] ?? 0));
  });
});

describe("a process that dies while it writes", () => {
  it("has lost nothing it acknowledged, three times in a row", { timeout: 60_000 }, async () => {
    const path = newPath();
    let acknowledged = 0;
    for (let life = 0; life < 3; life++) {
      const child = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      await new Promise<void>((resolve) => {
        child.stdout.on("data", (chunk: Buffer) => {
          text += chunk.toString();
          if (text.split("\n").length > 40) child.kill("SIGKILL");
        });
        child.on("close", () => resolve());
      });
      const last = Number(text.split("\n").at(-2));
      expect(last).toBeGreaterThan(acknowledged);
      acknowledged = last;
      const store = openStore({ path, domain: DOMAIN });
      for (let round = 1; round <= acknowledged; round++) {
        expect(store.signedAt("round", round)?.digest, `signing of round ${round}`).toBe(digestOf(`signed ${round}`));
        expect(store.byRound(round)?.certified, `round ${round}`).toEqual(roundOf(round));
        expect(store.bodyOf(digestOf(`round ${round}`)), `body of ${round}`).toEqual(bodyOf(roundOf(round)));
      }
      store.close();
    }
  });

  it("surfaces a disk that takes no more instead of acknowledging", async () => {
    const command = `ulimit -f 512; exec "${process.execPath}" "${WRITER}" "${newPath()}"`;
    const outcome = await promisify(execFile)("bash", ["-c", command]).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: 3, stderr: expect.stringMatching(/^store-(io|full) /) });
  });
});
