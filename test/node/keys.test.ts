import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, describe, expect, it } from "vitest";
import { createKeyFile, nodeKeyOf, readKeyFile, readPassword } from "../../node/io/keys.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS = "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b";
/** The two vectors of ethereum.org's "Web3 secret storage definition". */
const PBKDF2 = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};
const SCRYPT = {
  ...PBKDF2,
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
    ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 262144,
      r: 1,
      p: 8,
      salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
    },
    mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
  },
};

let files = 0;
function fileWith(content: string, mode = 0o600): string {
  files += 1;
  const path = join(folder, `file-${files}`);
  writeFileSync(path, content, { mode });
  chmodSync(path, mode);
  return path;
}

describe("a key file", () => {
  it.each([
    ["pbkdf2", PBKDF2],
    ["scrypt", SCRYPT],
  ])("decrypts the published %s vector to the key and address that viem derives", async (_, vector) => {
    const key = await readKeyFile(fileWith(JSON.stringify(vector)), "testpassword");
    expect(toHex(key.privateKey)).toBe(SECRET);
    expect(key.address).toBe(ADDRESS);
    expect(privateKeyToAccount(SECRET).address.toLowerCase()).toBe(key.address);
  });

  it("comes back from disk, owner-only, at the default cost when none is given", async () => {
    const path = join(folder, "new.json");
    const made = await createKeyFile(path, "correct horse");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, "utf8")).crypto.kdfparams).toMatchObject({ n: 2 ** 18, r: 8, p: 1 });
    const warnings: string[] = [];
    const read = await readKeyFile(path, "correct horse", { log: { warn: (_, message) => warnings.push(message) } });
    expect(read).toMatchObject({ address: made.address, privateKey: new Uint8Array(made.privateKey) });
    expect(warnings).toEqual([]);
  });

  it("is never overwritten and leaves no temporary file behind", async () => {
    const path = join(folder, "kept.json");
    const first = await createKeyFile(path, "p", { n: 2, privateKey: fromHex(SECRET) });
    await expect(createKeyFile(path, "p", { n: 2 })).rejects.toMatchObject({ code: "exists" });
    expect((await readKeyFile(path, "p")).address).toBe(first.address);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("warns when others may read it, naming the remedy", async () => {
    const warnings: string[] = [];
    const path = fileWith(JSON.stringify(PBKDF2), 0o644);
    await readKeyFile(path, "testpassword", { log: { warn: (_, message) => warnings.push(message) } });
    expect(warnings).toEqual([`${path} can be read by others (mode 644): run chmod 600 on it`]);
  });
});

describe("what is refused, and how it is said", () => {
  const changed = (change: object) => JSON.stringify({ ...SCRYPT, crypto: { ...SCRYPT.crypto, ...change } });
  const costing = (change: object) => changed({ kdfparams: { ...SCRYPT.crypto.kdfparams, ...change } });
  it.each([
    ["not JSON", "hello", "not-a-key-file", /not JSON/],
    ["another JSON", "{}", "not-a-key-file", /version/],
    ["version 1", JSON.stringify({ ...PBKDF2, version: 1 }), "not-a-key-file", /version/],
    ["an unknown kdf", changed({ kdf: "argon2id" }), "not-a-key-file", /crypto\.kdf/],
    ["an unknown cipher", changed({ cipher: "aes-128-cbc" }), "not-a-key-file", /crypto\.cipher/],
    ["a key of another length", changed({ ciphertext: "aa" }), "not-a-key-file", /crypto\.ciphertext/],
    ["an absurd n", costing({ n: 2 ** 21 }), "not-a-key-file", /kdfparams\.n/],
    ["an n that is no power of two", costing({ n: 3 }), "not-a-key-file", /power of two/],
    ["an absurd r", costing({ r: 33 }), "not-a-key-file", /kdfparams\.r/],
    ["an absurd p", costing({ p: 17 }), "not-a-key-file", /kdfparams\.p/],
    ["more memory than allowed", costing({ n: 2 ** 20, r: 8 }), "not-a-key-file", /128 · n · r/],
    [
      "an absurd iteration count",
      JSON.stringify({ ...PBKDF2, crypto: { ...PBKDF2.crypto, kdfparams: { ...PBKDF2.crypto.kdfparams, c: 10_000_001 } } }),
      "not-a-key-file",
      /kdfparams\.c/,
    ],
    ["another key's address", JSON.stringify({ ...PBKDF2, address: "11".repeat(20) }), "address-mismatch", /0x1111.*0x008a/],
    ["a file beyond the size bound", " ".repeat(16 * 1024 + 1), "unreadable", /expected at most 16384/],
  ])("%s", async (_, content, code, message) => {
    const path = fileWith(content);
    const error = await readKeyFile(path, "testpassword").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "OperationalError", code, details: { path } });
    expect(String(error)).toMatch(message);
  });

  it("a wrong password, which is not shown", async () => {
    const path = fileWith(JSON.stringify(PBKDF2));
    const error = await readKeyFile(path, "hunter2").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "wrong-password",
      message: `${path}: wrong password: the key file's mac does not match`,
    });
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });

  it("a file that is not there", async () => {
    await expect(readKeyFile(join(folder, "nowhere"), "p")).rejects.toMatchObject({ code: "unreadable" });
  });

  it("a folder that is not there to write into", async () => {
    await expect(createKeyFile(join(folder, "no", "key.json"), "p", { n: 2 })).rejects.toMatchObject({ code: "unwritable" });
  });

  it("an empty password for a new file", async () => {
    await expect(createKeyFile(join(folder, "empty.json"), "")).rejects.toMatchObject({ code: "empty-password" });
  });

  it("bytes that are no private key", () => {
    expect(() => nodeKeyOf(new Uint8Array(32))).toThrow(expect.objectContaining({ code: "not-a-key" }));
  });
});

describe("the password", () => {
  it("comes from the file, one trailing newline stripped, before the variable", async () => {
    const environment = { BREAKWATER_PASSWORD: "other" };
    expect(await readPassword({ passwordFile: fileWith(" a b \n"), environment })).toBe(" a b ");
    expect(await readPassword({ passwordFile: fileWith("x\r\n"), environment })).toBe("x");
    expect(await readPassword({ passwordFile: fileWith("x\n\n"), environment })).toBe("x\n");
    expect(await readPassword({ environment })).toBe("other");
  });

  it.each([
    ["neither is given", {}, "no-password"],
    ["the variable is empty", { BREAKWATER_PASSWORD: "" }, "no-password"],
  ])("is missing when %s", async (_, environment, code) => {
    await expect(readPassword({ environment })).rejects.toMatchObject({ code });
  });

  it("cannot be an empty or absent file", async () => {
    await expect(readPassword({ passwordFile: fileWith("\n"), environment: {} })).rejects.toMatchObject({
      code: "empty-password",
    });
    await expect(readPassword({ passwordFile: join(folder, "none"), environment: {} })).rejects.toMatchObject({
      code: "unreadable",
    });
  });
});
