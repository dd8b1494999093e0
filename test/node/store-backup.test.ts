import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { openStore } from "../../node/io/store.ts";
import { type BackupManifest, manifestPath, readManifest, restoreBackup, writeBackup } from "../../node/io/store-backup.ts";
import { RESTORE_MARGIN_MS, restoreFloor } from "../../node/restore-floor.ts";
import { startState } from "../../node/start-state.ts";
import { EVIDENCE_KINDS } from "../../protocol/evidence.ts";
import { testNetwork } from "../support/network.ts";
import { certifyChain } from "../support/rounds.ts";
import { AT, codesOf, createNode, FIRST_ROUND, keyOf, leaveQuarantine, network, only } from "./one-node.ts";
import { digestOf } from "./store-fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-backup-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (name = "node.sqlite"): string => {
  files += 1;
  return join(folder, `${files}`, name);
};

const owner = { network, address: keyOf(0).address };
const ROUND = AT / 1_000;
const FLOOR = ROUND + RESTORE_MARGIN_MS / 1_000 + 1;

function openAt(path: string, retention = {}) {
  return openStore({ path, domain: network.domain, retention });
}

/** A store that signed and saved the rounds up to this one. */
function storeUpTo(last: number, path = newPath()): string {
  const store = openAt(path);
  for (const certified of certifyChain(network, ["ETH/USD"], last - 4, 5)) {
    const { round } = certified.certificate.header;
    for (const kind of EVIDENCE_KINDS)
      store.recordSigned({ kind, round, configDigest: network.configDigest, digest: digestOf(`${kind} ${round}`) });
    store.saveRound({ certified });
  }
  store.close();
  return path;
}

async function backupOf(store: string): Promise<{ readonly file: string; readonly manifest: BackupManifest }> {
  const file = newPath("copy.sqlite");
  openAt(join(dirname(file), "makes-the-folder.sqlite")).close();
  return { file, manifest: await writeBackup(owner, { store, out: file, now: AT }) };
}

async function restoredAt(now: number, newest = ROUND - 100): Promise<string> {
  const backup = await backupOf(storeUpTo(newest));
  const store = newPath();
  await restoreBackup(owner, { ...backup, store, now });
  return store;
}

describe("a backup", () => {
  it("is made beside the node that writes the store, of one moment, for its owner only", async () => {
    const path = storeUpTo(ROUND - 100);
    const running = openAt(path);
    const { file, manifest } = await backupOf(path);
    running.recordSigned({ kind: "round", round: ROUND, configDigest: network.configDigest, digest: digestOf("later") });
    running.close();
    expect(manifest).toMatchObject({
      ...{ network: "test", genesisConfigDigest: network.genesisConfigDigest, address: owner.address, madeAt: AT },
      ...{ newestSignedRound: ROUND - 100, newestRound: ROUND - 100, bytes: statSync(file).size },
    });
    expect(await readManifest(file)).toEqual(manifest);
    for (const written of [file, manifestPath(file)]) expect(statSync(written).mode & 0o777).toBe(0o600);
    const copy = openAt(file);
    expect(copy.newestSignedRound()).toBe(ROUND - 100);
    expect(copy.range({ from: 0, to: ROUND })).toHaveLength(5);
    copy.close();
  });

  it("of a store that never signed says so", async () => {
    const path = newPath();
    openAt(path).close();
    expect((await backupOf(path)).manifest).toMatchObject({ newestSignedRound: null, newestRound: null });
  });

  it("replaces nothing, and leaves nothing behind when it cannot be made", async () => {
    const store = storeUpTo(ROUND - 100);
    const { file } = await backupOf(store);
    const before = readFileSync(file);
    await expect(writeBackup(owner, { store, out: file, now: AT })).rejects.toThrow(/exists already and is never overwritten/);
    expect(readFileSync(file)).toEqual(before);
    const out = join(dirname(file), "other.sqlite");
    const entries = readdirSync(dirname(file));
    await expect(writeBackup(owner, { store: newPath(), out, now: AT })).rejects.toMatchObject({ code: "store-missing" });
    const other = { ...owner, network: testNetwork({ network: "other" }) };
    await expect(writeBackup(other, { store, out, now: AT })).rejects.toThrow(/rounds are those of another network/);
    expect(readdirSync(dirname(file))).toEqual(entries);
  });
});

describe("a restored store", () => {
  it("signs nothing at or below the highest round that its key could have signed since, of any kind", async () => {
    const store = openAt(await restoredAt(AT));
    for (const kind of EVIDENCE_KINDS) {
      for (const round of [ROUND - 99, ROUND, FLOOR - 1, FLOOR]) {
        const signing = { kind, round, configDigest: network.configDigest, digest: digestOf("anything") };
        expect(store.recordSigned(signing), `${kind} ${round}`).toBe("conflict");
      }
      expect(store.recordSigned({ kind, round: FLOOR + 1, configDigest: network.configDigest, digest: digestOf("next") })).toBe(
        "recorded",
      );
    }
    expect(store.range({ from: 0, to: ROUND })).toHaveLength(5);
    store.close();
  });

  it("and keeps to it when old records are dropped later, and after the next start", async () => {
    const path = await restoredAt(AT);
    const store = openAt(path, { signed: 10 });
    for (let round = FLOOR + 1; round <= FLOOR + 280; round++) {
      store.recordSigned({ kind: "round", round, configDigest: network.configDigest, digest: digestOf(`${round}`) });
    }
    store.close();
    const again = openAt(path);
    const signing = { kind: "proposal", round: FLOOR, configDigest: network.configDigest, digest: digestOf("x") } as const;
    expect(again.recordSigned(signing)).toBe("conflict");
    again.close();
  });

  it("and a drop that reaches fewer rounds than the floor does not lower it while the node runs", async () => {
    const old = storeUpTo(ROUND - 100);
    const before = openAt(old);
    for (let round = ROUND - 600; round < ROUND - 200; round++) {
      before.recordSigned({ kind: "round", round, configDigest: network.configDigest, digest: digestOf(`${round}`) });
    }
    before.close();
    const path = newPath();
    await restoreBackup(owner, { ...(await backupOf(old)), store: path, now: AT });
    const store = openAt(path, { signed: 100 });
    const signing = { kind: "round", configDigest: network.configDigest, digest: digestOf("x") } as const;
    expect(store.recordSigned({ ...signing, round: FLOOR + 1 })).toBe("recorded");
    expect(store.signedAt("round", ROUND - 600), "the oldest went").toBeUndefined();
    expect(store.signedAt("round", ROUND - 100), "the newest of before are kept").toBeDefined();
    expect(store.recordSigned({ ...signing, round: FLOOR - 1 })).toBe("conflict");
    store.close();
  });

  it("tells the machine, which begins above it: it is not refused by its own guard, and does not halt", async () => {
    const store = openAt(await restoredAt(AT));
    const machine = createNode(0, startState(store));
    leaveQuarantine(machine, 0);
    expect(machine.status()).toMatchObject({ phase: "running", firstRound: FLOOR + 1 });
    const asked: number[] = [];
    for (let at = AT; at <= AT + 20_000; at += 100) {
      const outputs = machine.handle({ kind: "tick" }, at);
      expect(codesOf(outputs)).not.toContain("guard-refused");
      for (const { round } of only(outputs, "sample")) {
        asked.push(round);
        const sampled = machine.handle({ kind: "sampled", round, entries: [], gauges: [], shadows: [] }, at);
        for (const { record } of only(sampled, "persist")) expect(store.recordSigned(record)).toBe("recorded");
      }
    }
    expect(asked[0]).toBe(FLOOR + 1);
    expect(asked.length).toBeGreaterThan(3);
    store.close();
  });

  it("while a plain copy put back would have signed the very rounds of before: only its quarantine stands in the way", async () => {
    const { file } = await backupOf(storeUpTo(ROUND - 100));
    const path = newPath();
    openAt(join(dirname(path), "makes-the-folder.sqlite")).close();
    copyFileSync(file, path);
    const store = openAt(path);
    const machine = createNode(0, startState(store));
    leaveQuarantine(machine, 0);
    expect(machine.status().firstRound).toBe(FIRST_ROUND);
    const signing = { kind: "round", round: FIRST_ROUND, configDigest: network.configDigest, digest: digestOf("again") } as const;
    expect(store.recordSigned(signing)).toBe("recorded");
    store.close();
  });

  it("has its name only when the floor is on it, and nothing else is left in the folder", async () => {
    const path = await restoredAt(AT);
    expect(readdirSync(dirname(path)).sort()).toEqual(["node.sqlite", "node.sqlite.lock"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("a backup that another version made", () => {
  /** The backup with its content changed and its manifest made to fit. */
  async function altered(sql: string): Promise<{ readonly file: string; readonly manifest: BackupManifest }> {
    const { file, manifest } = await backupOf(storeUpTo(ROUND - 100));
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    return { file, manifest: { ...manifest, bytes: statSync(file).size, sha256 } };
  }

  it("is brought up to date when it is older, floor and all", async () => {
    const older = await altered(
      "DROP TABLE breaker_log; DROP TABLE documents; DROP TABLE transitions; ALTER TABLE rounds DROP COLUMN observations; PRAGMA user_version = 1",
    );
    const path = newPath();
    expect(await restoreBackup(owner, { ...older, store: path, now: AT })).toEqual({ floor: FLOOR });
    const store = openAt(path);
    expect(store.newestSignedRound()).toBe(FLOOR);
    expect(store.range({ from: 0, to: ROUND })).toHaveLength(5);
    expect(store.transitions()).toEqual([]);
    store.close();
  });

  it("is refused when it is newer", async () => {
    const newer = await altered("PRAGMA user_version = 99");
    const path = newPath();
    await expect(restoreBackup(owner, { ...newer, store: path, now: AT })).rejects.toMatchObject({ code: "store-newer" });
    expect(readdirSync(dirname(path))).toEqual(["node.sqlite.lock"]);
  });
});

describe("a restore is refused", () => {
  it("while a node runs on that store, and over anything that is there", async () => {
    const backup = await backupOf(storeUpTo(ROUND - 100));
    const store = storeUpTo(ROUND);
    const running = openAt(store);
    await expect(restoreBackup(owner, { ...backup, store, now: AT })).rejects.toMatchObject({ code: "store-locked" });
    running.close();
    await expect(restoreBackup(owner, { ...backup, store, now: AT })).rejects.toMatchObject({ code: "exists" });
    const wal = newPath();
    openAt(`${wal}-wal`).close();
    await expect(restoreBackup(owner, { ...backup, store: wal, now: AT })).rejects.toThrow(/-wal exists already/);
    expect(existsSync(wal)).toBe(false);
  });

  type Backup = Awaited<ReturnType<typeof backupOf>>;
  const refusals: readonly (readonly [what: string, expected: RegExp, (backup: Backup) => Promise<unknown>])[] = [
    [
      "another network's",
      /it is of network test \(genesis 0x[0-9a-f]{64}\), this node is of other/,
      (backup) =>
        restoreBackup({ ...owner, network: testNetwork({ network: "other" }) }, { ...backup, store: newPath(), now: AT }),
    ],
    [
      "another key's",
      /it is the store of 0x[0-9a-f]{40}, this node's key is that of 0x/,
      (backup) => restoreBackup({ ...owner, address: keyOf(1).address }, { ...backup, store: newPath(), now: AT }),
    ],
    [
      "one whose manifest claims another network than its rounds are of",
      /its rounds are those of another network/,
      ({ file, manifest }) => {
        const other = testNetwork({ network: "other" });
        const claimed = { ...manifest, network: "other", genesisConfigDigest: other.genesisConfigDigest };
        return restoreBackup({ ...owner, network: other }, { file, manifest: claimed, store: newPath(), now: AT });
      },
    ],
    [
      "a damaged one",
      /not what its manifest says/,
      ({ file, manifest }) => {
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        writeFileSync(file, bytes);
        return restoreBackup(owner, { file, manifest, store: newPath(), now: AT });
      },
    ],
    [
      "under a clock that is behind its signings",
      /clock is 80 s behind the newest signing/,
      (backup) => restoreBackup(owner, { ...backup, store: newPath(), now: (ROUND - 180) * 1_000 }),
    ],
    [
      "one without its manifest",
      /cannot read the manifest: ENOENT.*a backup is two files/,
      ({ file }) => {
        rmSync(manifestPath(file));
        return readManifest(file);
      },
    ],
    [
      "one whose manifest is something else",
      /not a backup's manifest: format: expected "breakwater-backup-1"/,
      ({ file, manifest }) => {
        writeFileSync(manifestPath(file), JSON.stringify({ ...manifest, format: "2" }));
        return readManifest(file);
      },
    ],
  ];
  it.each(refusals)("%s", async (_, expected, attempt) => {
    const backup = await backupOf(storeUpTo(ROUND - 100));
    const error = await attempt(backup).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "OperationalError", message: expect.stringMatching(expected) });
    const last = join(folder, `${files}`);
    expect(existsSync(join(last, "node.sqlite")), "nothing is left where the store would be").toBe(false);
  });
});

it("the floor is the last round whose window may have opened by now, and a margin", () => {
  const config = { roundMs: 1_000, maxSkewMs: 250 };
  expect(restoreFloor({ now: 1_000_000, newestSigned: 900 }, config)).toEqual({ ok: true, value: 1_011 });
  expect(restoreFloor({ now: 1_000_749, newestSigned: undefined }, config)).toEqual({ ok: true, value: 1_011 });
  expect(restoreFloor({ now: 1_000_750, newestSigned: undefined }, config)).toEqual({ ok: true, value: 1_012 });
  expect(restoreFloor({ now: 1_000_000, newestSigned: 1_010 }, config)).toEqual({ ok: true, value: 1_011 });
  expect(restoreFloor({ now: 1_000_000, newestSigned: 1_011 }, config)).toEqual({ ok: false, error: { behindMs: 11_000 } });
  expect(restoreFloor({ now: 1_000_000, newestSigned: 100 }, { roundMs: 7_000, maxSkewMs: 250 })).toEqual({
    ok: true,
    value: 145,
  });
});
