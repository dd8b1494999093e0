import { existsSync } from "node:fs";
import { readKeyFile } from "../node/io/keys.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import { type BackupManifest, manifestPath, readManifest, restoreBackup, writeBackup } from "../node/io/store-backup.ts";
import type { NodeConfig } from "../node/node-config.ts";
import type { Address } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { formatDuration } from "../protocol/reason-words.ts";
import { probeListen } from "./doctor/probe-ports.ts";
import { readNetworkFile, readNodeFile } from "./files.ts";
import { logTo, passwordFor, readEncryptedKey, statedAddressOf } from "./key-file.ts";
import { writeNewFiles } from "./new-files.ts";
import type { Terminal } from "./terminal.ts";

const OWNER_ONLY = 0o600;

export type BackupOptions = { readonly config: string; readonly out: string; readonly withKey?: true };

/** Prints the file's path; what is in it, and what else to keep, beside it. */
export async function backup({ config: configFile, out, withKey }: BackupOptions, terminal: Terminal): Promise<void> {
  const { config, network } = readConfigs(configFile);
  const key = await readEncryptedKey(config.key.file);
  const owner = { network, address: await addressOf(config, terminal) };
  const manifest = await writeBackup(owner, {
    ...{ store: config.storage.path, out, now: terminal.now() },
    ...(withKey === true ? { key } : {}),
  });
  terminal.out(out);
  terminal.note(`${describe(manifest)}, sha256 ${manifest.sha256}`);
  terminal.note(`Keep it with ${manifestPath(out)}; neither is of use alone.`);
  terminal.note(
    withKey === true
      ? "The key is in the manifest, encrypted: whoever has its password as well signs in your name. Keep the two apart."
      : `The key is not in it: keep ${config.key.file} and, apart from it, its password.`,
  );
}

/** Prints the store's path; from when on it signs, and what must not run meanwhile, beside it. */
export async function restore(
  file: string,
  { config: configFile }: { readonly config: string },
  terminal: Terminal,
): Promise<void> {
  const { config, network } = readConfigs(configFile);
  const manifest = await readManifest(file);
  const keyIsHere = existsSync(config.key.file);
  const address = keyIsHere ? await addressOf(config, terminal) : keptAddress(config, manifest);
  await refuseRunning(config, address);
  const now = terminal.now();
  const { floor } = await restoreBackup({ network, address }, { file, manifest, store: config.storage.path, now });
  if (!keyIsHere) writeKey(config.key.file, manifest);
  terminal.out(config.storage.path);
  terminal.note(`restored: ${describe(manifest)}, made ${formatDuration(Math.max(0, now - manifest.madeAt))} ago`);
  if (!keyIsHere) terminal.note(`wrote ${config.key.file} from the backup; its password is the one it had then`);
  const waitMs = (floor + 1) * network.config.roundMs - now;
  terminal.note(`This node signs nothing at or below round ${floor}, that is for the next ${formatDuration(waitMs)} at least.`);
  terminal.note("Be sure that the old node is off and stays off, on every machine, before you start this one:");
  terminal.note(`  breakwater node --config ${configFile}`);
}

/** A node whose files were deleted under it goes on signing, and holds no lock that anybody could see: but its key answers where it listens. */
async function refuseRunning({ listen }: NodeConfig, address: Address): Promise<void> {
  for (const multiaddr of listen) {
    if ((await probeListen(multiaddr, address)).kind !== "own") continue;
    throw new OperationalError(`${multiaddr}: a node with the key of ${address} runs there: stop it first`, {
      code: "store-locked",
    });
  }
}

function readConfigs(configFile: string): { readonly config: NodeConfig; readonly network: Network } {
  const config = readNodeFile(configFile);
  return { config, network: readNetworkFile(config.network) };
}

/** Stated by the key file; one that states none is opened with its password. */
async function addressOf({ key: { file, passwordFile } }: NodeConfig, terminal: Terminal): Promise<Address> {
  const stated = statedAddressOf(await readEncryptedKey(file));
  if (stated !== undefined) return stated;
  const password = await passwordFor(passwordFile === undefined ? {} : { passwordFile }, terminal);
  return (await readKeyFile(file, password, { log: logTo(terminal) })).address;
}

/** @throws OperationalError `unreadable` when there is no key, here or in the backup */
function keptAddress({ key: { file } }: NodeConfig, { key, address }: BackupManifest): Address {
  if (key !== undefined) return address;
  throw new OperationalError(`${file}: there is no key file, and none in the backup: put yours there first`, {
    code: "unreadable",
    details: { path: file },
  });
}

function writeKey(path: string, { key }: BackupManifest): void {
  writeNewFiles([{ path, content: `${JSON.stringify(key, null, 2)}\n`, mode: OWNER_ONLY }], () => undefined);
}

function describe({ network, address, newestSignedRound, newestRound, bytes }: BackupManifest): string {
  const signed = newestSignedRound === null ? "nothing signed yet" : `signed up to round ${newestSignedRound}`;
  const rounds = newestRound === null ? "no round" : `rounds up to ${newestRound}`;
  return `the store of ${address} in ${network}: ${rounds}, ${signed}, ${bytes} bytes`;
}
