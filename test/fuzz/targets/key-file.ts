import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStatedAddress } from "../../../cli/key-file.ts";
import { encryptKey, keyFileSchema } from "../../../node/io/key-cipher.ts";
import { readKeyFile } from "../../../node/io/keys.ts";
import { OperationalError } from "../../../node/io/operational-error.ts";
import { testKey } from "../../support/network.ts";
import { ensure, type Target } from "../target.ts";

const PASSWORD = "testpassword";
/** What the file may ask of this process at most: half a gigabyte, and some seconds. */
const MAX_BYTES = 512 * 2 ** 20;
const MAX_PASSES = 16;
const MAX_ITERATIONS = 10_000_000;
/** A file that asks for more than this is held against the bounds above and not opened: the fuzzer has other inputs to run. */
const CHEAP_WORK = 2 ** 17;
const CHEAP_ITERATIONS = 5_000;

/** The definition's own vector, with a cost that a fuzzer can pay. */
const PBKDF2 = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 1_000,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};

/** A key file, read with a password. */
export const keyFile: Target = {
  name: "key-file",
  about: "key files of any origin: no cost beyond its bounds, no fault without a name",
  covers: ["node/io/key-cipher.ts", "node/io/keys.ts", "cli/key-file.ts"],
  shape: "json",
  maxBytes: 16 * 1024,
  batch: 1,
  limitMs: 3_000,
  maxAllocation: 64 * 2 ** 20,
  dictionary: ["scrypt", "pbkdf2", "hmac-sha256", "aes-128-ctr", "1048576", "65536", "131072", "0x", "kdfparams", "dklen"],
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-fuzz-keys-"));
    const path = join(folder, "key.json");
    const { privateKey, address } = testKey(0);
    const scrypt = await encryptKey(privateKey, { password: PASSWORD, address, n: 2 });
    const { kdfparams } = scrypt.crypto as { readonly kdfparams: object };
    const bare = { ...scrypt, crypto: { ...scrypt.crypto, kdfparams: { ...kdfparams, n: 65_536, r: 1 } } };
    return {
      seeds: [scrypt, PBKDF2, bare].map((file) => new Uint8Array(Buffer.from(JSON.stringify(file)))),
      execute: (input) => execute(path, input),
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

async function execute(path: string, input: Uint8Array): Promise<string> {
  writeFileSync(path, input, { mode: 0o600 });
  const stated = await outcomeOf(() => readStatedAddress(path));
  return `${stated} ${isCheap(input) ? await outcomeOf(() => readKeyFile(path, PASSWORD)) : "costly"}`;
}

/** Holds what the file asks for against the bounds; false when it is within them and still too much to run here. */
function isCheap(input: Uint8Array): boolean {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(input).toString("utf8"));
  } catch {
    return true;
  }
  const parsed = keyFileSchema.safeParse(content);
  if (!parsed.success) return true;
  const { crypto } = parsed.data;
  if (crypto.kdf === "pbkdf2") {
    ensure(crypto.kdfparams.c <= MAX_ITERATIONS, "a key file asks for a bounded number of iterations");
    return crypto.kdfparams.c <= CHEAP_ITERATIONS;
  }
  const { n, r, p } = crypto.kdfparams;
  ensure(128 * n * r <= MAX_BYTES && p <= MAX_PASSES, "a key file asks for bounded memory and work");
  // Beyond OpenSSL's rule noble derives, from 65 536 passes on: see readKeyFile's own tests.
  return n < 2 ** (16 * r) && n * r * p <= CHEAP_WORK;
}

async function outcomeOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return "reads";
  } catch (error) {
    if (error instanceof OperationalError) return String(error.code);
    throw error;
  }
}
