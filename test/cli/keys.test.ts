import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { keysCommand } from "../../cli/commands/keys.ts";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import { toHex } from "../../protocol/bytes.ts";
import { testKey } from "../support/network.ts";
import { run, session, stdinOf } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { privateKey, address } = testKey(0);
const HEX = toHex(privateKey).slice(2);
const PASSWORD = "correct horse";
const withPassword = { environment: { BREAKWATER_PASSWORD: PASSWORD } };

const passwordFile = write("password", `${PASSWORD}\n`, 0o600);
const cheapKey = join(folder, "cheap.key.json");
await createKeyFile(cheapKey, PASSWORD, { n: 16, privateKey });

function write(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  return path;
}

describe("keys new", () => {
  it("writes an owner-only file that its password opens, and prints the address alone on standard output", async () => {
    const terminal = session();
    const out = join(folder, "new.key.json");
    await run(keysCommand(terminal), "new", "--out", out, "--password-file", passwordFile);
    const key = await readKeyFile(out, PASSWORD);
    expect(terminal.printed()).toBe(key.address);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(terminal.noted() + readFileSync(out, "utf8")).not.toContain(toHex(key.privateKey).slice(2));
  });

  it("never replaces a key", async () => {
    const before = readFileSync(cheapKey, "utf8");
    await expect(run(keysCommand(session(withPassword)), "new", "--out", cheapKey)).rejects.toThrow(/never overwritten/);
    expect(readFileSync(cheapKey, "utf8")).toBe(before);
  });

  it("names its own flag when there is no password, and writes nothing", async () => {
    const out = join(folder, "none.key.json");
    await expect(run(keysCommand(session()), "new", "--out", out)).rejects.toThrow(
      "no password for the key: give --password-file <file> or set the variable BREAKWATER_PASSWORD",
    );
    expect(() => statSync(out)).toThrow();
  });

  it("warns of a password file that others may read", async () => {
    const terminal = session();
    const open = write("open-password", PASSWORD, 0o644);
    await run(keysCommand(terminal), "show", cheapKey, "--verify", "--password-file", open);
    expect(terminal.noted()).toContain("run chmod 600 on it");
  });
});

describe("keys show", () => {
  it("prints the address that the file states, without a password", async () => {
    const terminal = session();
    await run(keysCommand(terminal), "show", cheapKey);
    expect(terminal.printed()).toBe(address);
  });

  it("opens a file that states none", async () => {
    const { address: _, ...rest } = JSON.parse(readFileSync(cheapKey, "utf8"));
    const path = write("unnamed.key.json", JSON.stringify(rest));
    await expect(run(keysCommand(session()), "show", path)).rejects.toThrow(/no password/);
    const terminal = session(withPassword);
    await run(keysCommand(terminal), "show", path);
    expect(terminal.printed()).toBe(address);
  });

  it("finds with --verify what a stated address hides", async () => {
    const other = testKey(1).address.slice(2);
    const path = write("lying.key.json", readFileSync(cheapKey, "utf8").replace(address.slice(2), other));
    await expect(run(keysCommand(session(withPassword)), "show", path, "--verify")).rejects.toThrow(
      `it names address 0x${other} but holds the key of ${address}`,
    );
  });

  it.each([
    ["a wrong password", () => [cheapKey, "--verify"], /cheap.key.json: wrong password/],
    ["a missing file", () => [join(folder, "absent")], /absent: cannot read the file: ENOENT/],
    ["a file that is not JSON", () => [write("text", "hello")], /text: not a key file: not JSON/],
    ["another JSON", () => [write("other.json", "{}")], /other.json: not a key file: expected web3 secret storage, version 3/],
    ["a huge file", () => [write("huge", "x".repeat(20_000))], /huge: expected at most 16384 bytes/],
    ["a folder", () => [folder], /cannot read the file: EISDIR/],
  ])("refuses %s in one line", async (_, args, expected) => {
    const terminal = session({ environment: { BREAKWATER_PASSWORD: "wrong" } });
    const refused = await run(keysCommand(terminal), "show", ...args()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "OperationalError", message: expect.stringMatching(expected) });
    expect((refused as Error).message).not.toContain("\n");
    expect(terminal.printed()).toBe("");
  });
});

describe("keys import", () => {
  it.each([
    ["standard input", HEX, []],
    ["standard input with 0x, capitals and a line end", `0x${HEX.toUpperCase()}\n`, []],
    ["a file", "", ["--from", write("key.hex", `${HEX}\n`)]],
  ])("keeps the key from %s", async (name, stdin, args) => {
    const terminal = session({ ...withPassword, stdin: stdinOf(stdin) });
    const out = join(folder, `imported ${name}.json`);
    await run(keysCommand(terminal), "import", "--out", out, ...args);
    expect(terminal.printed()).toBe(address);
    expect((await readKeyFile(out, PASSWORD)).address).toBe(address);
  });

  it.each([
    ["no hex", `${HEX.slice(1)}z`],
    ["too short", HEX.slice(2)],
    ["too long", `${HEX}00`],
    ["endless", HEX.repeat(100)],
    ["empty", ""],
    ["zero", "0".repeat(64)],
  ])("refuses what is %s, repeats none of it and writes nothing", async (name, stdin) => {
    const terminal = session({ ...withPassword, stdin: stdinOf(stdin) });
    const out = join(folder, `refused ${name}.json`);
    const refused = await run(keysCommand(terminal), "import", "--out", out).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "OperationalError" });
    expect((refused as Error).message + terminal.noted()).not.toContain(HEX.slice(2, 60));
    expect(() => statSync(out)).toThrow();
  });
});
