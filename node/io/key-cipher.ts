import { createCipheriv, createDecipheriv, pbkdf2, randomBytes, randomUUID, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { scryptAsync as nobleScrypt } from "@noble/hashes/scrypt.js";
import { z } from "zod";
import { concat, fromHex, keccak, toHex } from "../../protocol/bytes.ts";
import { OperationalError } from "./operational-error.ts";

/** Default cost of a new file: 256 MB and about a second, what geth calls the standard scrypt. */
export const SCRYPT_N = 2 ** 18;
export const SCRYPT_R = 8;
export const SCRYPT_P = 1;

/** A file is input: its parameters may not make this process allocate or compute without bound. */
const MAX_SCRYPT_N = 2 ** 20;
const MAX_SCRYPT_R = 32;
const MAX_SCRYPT_P = 16;
export const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;
const MAX_PBKDF2_ITERATIONS = 10_000_000;
const MAX_SALT_BYTES = 64;

const KEY_BYTES = 32;
const DERIVED_BYTES = 32;
const IV_BYTES = 16;
const SALT_BYTES = 32;

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`), `expected ${2 * bytes} hex digits without 0x`);
const saltSchema = z
  .string()
  .regex(/^([0-9a-fA-F]{2})*$/, "expected hex digits without 0x")
  .max(2 * MAX_SALT_BYTES, `expected at most ${MAX_SALT_BYTES} bytes`);
const derivedLength = z.literal(DERIVED_BYTES, `expected ${DERIVED_BYTES}`);

const scryptSchema = z
  .object({
    dklen: derivedLength,
    n: z
      .int()
      .min(2)
      .max(MAX_SCRYPT_N)
      .refine((n) => Number.isInteger(Math.log2(n)), "expected a power of two"),
    r: z.int().min(1).max(MAX_SCRYPT_R),
    p: z.int().min(1).max(MAX_SCRYPT_P),
    salt: saltSchema,
  })
  .refine(({ n, r }) => 128 * n * r <= MAX_SCRYPT_BYTES, `expected 128 · n · r of at most ${MAX_SCRYPT_BYTES} bytes`);

const pbkdf2Schema = z.object({
  dklen: derivedLength,
  c: z.int().min(1).max(MAX_PBKDF2_ITERATIONS),
  prf: z.literal("hmac-sha256"),
  salt: saltSchema,
});

const cipherFields = {
  cipher: z.literal("aes-128-ctr"),
  cipherparams: z.object({ iv: hex(IV_BYTES) }),
  ciphertext: hex(KEY_BYTES),
  mac: hex(32),
};

/** Unknown fields are ignored: wallets add their own. */
export const keyFileSchema = z.object({
  version: z.literal(3),
  address: z
    .string()
    .regex(/^(0x)?[0-9a-fA-F]{40}$/)
    .optional(),
  crypto: z.discriminatedUnion("kdf", [
    z.object({ kdf: z.literal("scrypt"), kdfparams: scryptSchema, ...cipherFields }),
    z.object({ kdf: z.literal("pbkdf2"), kdfparams: pbkdf2Schema, ...cipherFields }),
  ]),
});

export type KeyFile = z.infer<typeof keyFileSchema>;

/**
 * Encrypts a 32-byte private key as web3 secret storage, version 3 (scrypt, aes-128-ctr, keccak mac).
 * Source: ethereum.org, "Web3 secret storage definition".
 */
export async function encryptKey(
  privateKey: Uint8Array,
  { password, address, n }: { readonly password: string; readonly address: string; readonly n: number },
): Promise<KeyFile & { readonly id: string }> {
  const iv = randomBytes(IV_BYTES);
  const kdfparams = { dklen: DERIVED_BYTES, n, r: SCRYPT_R, p: SCRYPT_P, salt: digits(randomBytes(SALT_BYTES)) } as const;
  const derived = await derive({ kdf: "scrypt", kdfparams }, password);
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const ciphertext = concat(cipher.update(privateKey), cipher.final());
  return {
    version: 3,
    id: randomUUID(),
    address: address.slice(2),
    crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: digits(iv) },
      ciphertext: digits(ciphertext),
      kdf: "scrypt",
      kdfparams,
      mac: digits(macOf(derived, ciphertext)),
    },
  };
}

/** @throws OperationalError `wrong-password` when the mac does not match. */
export async function decryptKey({ crypto }: KeyFile, password: string): Promise<Uint8Array> {
  const derived = await derive(crypto, password);
  const ciphertext = bytesOf(crypto.ciphertext);
  if (!timingSafeEqual(macOf(derived, ciphertext), bytesOf(crypto.mac))) {
    throw new OperationalError("wrong password: the key file's mac does not match", { code: "wrong-password" });
  }
  const decipher = createDecipheriv("aes-128-ctr", derived.subarray(0, 16), bytesOf(crypto.cipherparams.iv));
  return concat(decipher.update(ciphertext), decipher.final());
}

type Derivation =
  | { readonly kdf: "scrypt"; readonly kdfparams: z.infer<typeof scryptSchema> }
  | { readonly kdf: "pbkdf2"; readonly kdfparams: z.infer<typeof pbkdf2Schema> };

const opensslScrypt = promisify(
  (
    password: string,
    options: { readonly salt: Uint8Array; readonly cost: { N: number; r: number; p: number; maxmem: number } },
    done: (error: Error | null, derived: Buffer) => void,
  ) => scrypt(password, options.salt, DERIVED_BYTES, options.cost, done),
);
const pbkdf2Async = promisify(pbkdf2);

async function derive({ kdf, kdfparams }: Derivation, password: string): Promise<Uint8Array> {
  const salt = bytesOf(kdfparams.salt);
  if (kdf === "pbkdf2") return pbkdf2Async(password, salt, kdfparams.c, DERIVED_BYTES, "sha256");
  const { n, r, p } = kdfparams;
  // RFC 7914 wants n < 2^(16·r), which the definition's own vector breaks (n = 2^18, r = 1): OpenSSL refuses it, noble does not.
  if (n >= 2 ** (16 * r)) return nobleScrypt(password, salt, { N: n, r, p, dkLen: DERIVED_BYTES });
  // OpenSSL counts its working blocks as well; twice the table covers them within the bound above.
  return opensslScrypt(password, { salt, cost: { N: n, r, p, maxmem: 256 * n * r + 1024 * r * p } });
}

function macOf(derived: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return keccak(concat(derived.subarray(16, 32), ciphertext));
}

function digits(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}

function bytesOf(text: string): Uint8Array {
  return fromHex(`0x${text}`);
}
