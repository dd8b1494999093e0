import { createHash } from "node:crypto";
import { constants, createReadStream, existsSync, statSync } from "node:fs";
import { chmod, copyFile, readFile, unlink } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { Address } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { addressSchema, countSchema, digestSchema } from "../../protocol/document.ts";
import { type Domain, roundDigest } from "../../protocol/eip712.ts";
import { restoreFloor } from "../restore-floor.ts";
import { nameBeside, OWNER_ONLY, placeNewFile, syncPath, writeOwnerOnly } from "./durable-file.ts";
import { keyFileSchema } from "./key-cipher.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";
import { advised, certificateOf, lockStore, openStoreFile, readStoreFile } from "./store-file.ts";
import { raiseGuardFloor } from "./store-guard.ts";

const FORMAT = "breakwater-backup-1";
/** An encrypted key is half a kilobyte. */
const MAX_MANIFEST_BYTES = 64 * 1024;
/** What SQLite may leave beside a database. */
const COMPANIONS = ["", "-wal", "-shm", "-journal"] as const;

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT, `expected "${FORMAT}"`),
  network: z.string().min(1).max(32),
  genesisConfigDigest: digestSchema,
  /** Whose signings the store records. */
  address: addressSchema,
  /** Unix ms. */
  madeAt: countSchema,
  /** Null for a store that never signed, and that never saved a round. */
  newestSignedRound: countSchema.nullable(),
  newestRound: countSchema.nullable(),
  bytes: countSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits"),
  /** The key file, encrypted as it was. */
  key: keyFileSchema.loose().optional(),
});

/** What a backup says of itself, in a file of its own beside it. */
export type BackupManifest = z.infer<typeof manifestSchema>;

export function manifestPath(file: string): string {
  return `${file}.manifest.json`;
}

type Owner = { readonly network: Network; readonly address: Address };

/**
 * Copies a store, whether its node runs or not: one snapshot, on the disk when it returns, and its manifest after it. The node that
 * writes the store is not held up.
 *
 * @param options.key content of the encrypted key file, to be kept with it
 * @throws OperationalError `exists`, `unwritable`, `backup-foreign`, or as {@link readStoreFile}
 */
export async function writeBackup(
  { network, address }: Owner,
  options: { readonly store: string; readonly out: string; readonly now: number; readonly key?: object },
): Promise<BackupManifest> {
  const { store, out, now, key } = options;
  for (const path of [out, manifestPath(out)]) refuseExisting(path, "choose another --out");
  const temporary = nameBeside(out);
  try {
    await writing(out, () => writeOwnerOnly(temporary, ""));
    copyStore(store, temporary);
    await writing(out, () => syncPath(temporary));
    const facts = factsOf(temporary, { network, from: store });
    const manifest: BackupManifest = manifestSchema.parse({
      ...{ format: FORMAT, network: network.config.network, genesisConfigDigest: network.genesisConfigDigest, address },
      ...{ madeAt: now, ...facts, bytes: statSync(temporary).size, sha256: await hashOf(temporary) },
      ...(key === undefined ? {} : { key }),
    });
    await writing(out, () => placeNewFile(temporary, out));
    await writing(out, () => writeNewText(manifestPath(out), `${JSON.stringify(manifest, null, 2)}\n`));
    return manifest;
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/**
 * What a backup says of itself.
 *
 * @throws OperationalError `unreadable`, `not-a-backup`
 */
export async function readManifest(file: string): Promise<BackupManifest> {
  const path = manifestPath(file);
  let content: unknown;
  try {
    const { size } = statSync(path);
    if (size > MAX_MANIFEST_BYTES) throw new Error(`${size} bytes, expected at most ${MAX_MANIFEST_BYTES}`);
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const advice = "a backup is two files, and this one is written last: without it the other may be half of one";
    throw new OperationalError(`${path}: cannot read the manifest: ${reasonOf(error)}; ${advice}`, {
      code: "unreadable",
      details: { path },
      cause: error,
    });
  }
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw notABackup(path, `${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "unknown form"}`);
}

/**
 * Puts a backup where no store is, so that its node signs nothing at or below the round that it gives back: the highest that the key
 * could have signed since the backup was made, with a margin. The store has its name only after that is on the disk. What a clock
 * that is wrong leaves open, the start-up quarantine covers.
 *
 * @throws OperationalError `store-locked` while a node runs on that store, `exists`, `backup-foreign`, `backup-damaged`, `clock-behind`,
 * `unwritable`, or as {@link openStoreFile}
 */
export async function restoreBackup(
  owner: Owner,
  { file, manifest, store, now }: { file: string; manifest: BackupManifest; store: string; now: number },
): Promise<{ readonly floor: number }> {
  refuseForeign(file, manifest, owner);
  const unlock = lockStore(store);
  const temporary = nameBeside(store);
  try {
    for (const suffix of COMPANIONS)
      refuseExisting(store + suffix, "move it away first, to a place where no node will look for it");
    await writing(store, () => copyFile(file, temporary, constants.COPYFILE_EXCL));
    await writing(store, () => chmod(temporary, OWNER_ONLY));
    if ((await hashOf(temporary)) !== manifest.sha256) {
      throw new OperationalError(`${file}: its content is not what its manifest says: it was changed or damaged`, {
        code: "backup-damaged",
        details: { path: file },
      });
    }
    const { newestSignedRound } = factsOf(temporary, { network: owner.network, from: file });
    const floor = floorFor(owner.network, newestSignedRound, now);
    markFloor(temporary, { floor, now });
    await writing(store, () => syncPath(temporary));
    await writing(store, () => placeNewFile(temporary, store));
    return { floor };
  } finally {
    for (const suffix of [...COMPANIONS, ".lock"]) await unlink(temporary + suffix).catch(() => undefined);
    unlock();
  }
}

/** One read transaction: what the node writes meanwhile is not in it. `VACUUM INTO` fills a file that is there and empty. */
function copyStore(store: string, to: string): void {
  const { db, close } = readStoreFile(store);
  try {
    advised(store, () => db.prepare("VACUUM INTO ?").run(to));
  } finally {
    close();
  }
}

/** Of the copy, so that manifest and content are of one moment. */
function factsOf(
  path: string,
  { network, from }: { readonly network: Network; readonly from: string },
): Pick<BackupManifest, "newestSignedRound" | "newestRound"> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return advised(from, () => {
      const newest = db.prepare("SELECT round, digest, certificate FROM rounds ORDER BY round DESC LIMIT 1").get();
      if (newest !== undefined) refuseOtherDomain(newest, network.domain, from);
      return {
        newestSignedRound: wholeOf(db.prepare("SELECT max(round) AS round FROM signed").get()?.round),
        newestRound: wholeOf(newest?.round),
      };
    });
  } finally {
    db.close();
  }
}

function wholeOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** A round's digest is taken under its network's domain: what hashes to something else is of another network. */
function refuseOtherDomain(row: Readonly<Record<string, unknown>>, domain: Domain, from: string): void {
  const { header } = certificateOf(row.certificate as Uint8Array);
  const stored = Buffer.from(row.digest as Uint8Array).toString("hex");
  if (roundDigest(domain, header) === `0x${stored}`) return;
  throw foreign(from, "its rounds are those of another network than network.yaml founds");
}

function refuseForeign(file: string, manifest: BackupManifest, { network, address }: Owner): void {
  const { network: name, genesisConfigDigest } = manifest;
  if (genesisConfigDigest !== network.genesisConfigDigest) {
    const own = `${network.config.network} (genesis ${network.genesisConfigDigest})`;
    throw foreign(file, `it is of network ${name} (genesis ${genesisConfigDigest}), this node is of ${own}`);
  }
  if (manifest.address === address) return;
  throw foreign(file, `it is the store of ${manifest.address}, this node's key is that of ${address}`);
}

function floorFor({ config }: Network, newestSigned: number | null, now: number): number {
  const floor = restoreFloor({ now, newestSigned: newestSigned ?? undefined }, config);
  if (floor.ok) return floor.value;
  const seconds = Math.ceil(floor.error.behindMs / 1_000);
  const what = `this machine's clock is ${seconds} s behind the newest signing of the backup`;
  throw new OperationalError(`${what}: set it (chrony, ntpd) before restoring, or what was signed since cannot be told`, {
    code: "clock-behind",
    details: { seconds },
  });
}

/** Through the store's own way of opening: it checks the file, brings an older schema up to date and syncs every commit. */
function markFloor(path: string, { floor, now }: { readonly floor: number; readonly now: number }): void {
  const { db, close } = openStoreFile(path);
  try {
    advised(path, () => raiseGuardFloor(db, { round: floor, now }));
  } finally {
    close();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function writeNewText(path: string, content: string): Promise<void> {
  const temporary = nameBeside(path);
  try {
    await writeOwnerOnly(temporary, content);
    await placeNewFile(temporary, path);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

function refuseExisting(path: string, advice: string): void {
  if (!existsSync(path)) return;
  throw new OperationalError(`${path} exists already and is never overwritten: ${advice}`, { code: "exists", details: { path } });
}

async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new OperationalError(`${path}: cannot write it: ${reasonOf(error)}`, {
      code: "unwritable",
      details: { path },
      cause: error,
    });
  }
}

function foreign(path: string, what: string): OperationalError {
  return new OperationalError(`${path}: ${what}`, { code: "backup-foreign", details: { path } });
}

function notABackup(path: string, what: string): OperationalError {
  return new OperationalError(`${path}: not a backup's manifest: ${what}`, { code: "not-a-backup", details: { path } });
}
