import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { keyFileSchema } from "../../node/io/key-cipher.ts";
import { rotateKeyFile } from "../../node/io/key-rotation.ts";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import { testKey } from "../support/network.ts";

const root = mkdtempSync(join(tmpdir(), "breakwater-rotation-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const { privateKey, address } = testKey(0);
const OLD = "old password";
const NEW = "new password";
let folder: string;
let path: string;

beforeEach(async () => {
  folder = mkdtempSync(join(root, "keys-"));
  path = join(folder, "node.key.json");
  await createKeyFile(path, OLD, { n: 16, privateKey });
});

const nOf = (file: string) => {
  const { crypto } = keyFileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return crypto.kdf === "scrypt" ? crypto.kdfparams.n : undefined;
};

describe("a rotated key file", () => {
  it("holds the same key under the new password alone, owner-only, and nothing of the old one stays", async () => {
    const before = readFileSync(path, "utf8");
    chmodSync(path, 0o644);
    expect(await rotateKeyFile(path, { password: OLD, newPassword: NEW, n: 32 })).toEqual({ address, costBefore: 16, cost: 32 });
    expect((await readKeyFile(path, NEW)).privateKey).toEqual(privateKey);
    await expect(readKeyFile(path, OLD)).rejects.toMatchObject({ code: "wrong-password" });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["node.key.json"]);
    const { ciphertext, mac } = JSON.parse(before).crypto;
    for (const secret of [ciphertext, mac]) expect(readFileSync(path, "utf8")).not.toContain(secret);
  });

  it("never gets a cheaper derivation than it had, whatever its block size, and at least today's", async () => {
    await rotateKeyFile(path, { password: OLD, newPassword: NEW, n: 64 });
    await rotateKeyFile(path, { password: NEW, newPassword: NEW, n: 16 });
    expect(nOf(path)).toBe(64);
    await rotateKeyFile(path, { password: NEW, newPassword: NEW });
    expect(nOf(path)).toBe(2 ** 18);
  });

  it("is written through a link, and stays its owner's", async () => {
    const link = join(folder, "link.json");
    symlinkSync(path, link);
    await rotateKeyFile(link, { password: OLD, newPassword: NEW, n: 16 });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect((await readKeyFile(path, NEW)).address).toBe(address);
    expect(statSync(path).uid).toBe(statSync(folder).uid);
  });

  it.each([
    ["under a wrong password", { password: "wrong", newPassword: NEW }, "wrong-password"],
    ["for an empty new one", { password: OLD, newPassword: "" }, "empty-password"],
  ])("is not made %s: the old one stands as it was", async (_, passwords, code) => {
    const before = readFileSync(path);
    await expect(rotateKeyFile(path, { ...passwords, n: 16 })).rejects.toMatchObject({ code });
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(["node.key.json"]);
  });

  it("is not made of what is no key file, or is not there", async () => {
    await expect(rotateKeyFile(join(folder, "absent"), { password: OLD, newPassword: NEW })).rejects.toMatchObject({
      code: "unreadable",
    });
  });
});
