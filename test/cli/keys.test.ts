import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { keysCommand } from "../../cli/commands/keys.ts";
import { readNetworkConfig } from "../../cli/files.ts";
import { accessSchema, createAccess } from "../../gateway/access.ts";
import { createKeyFile, readKeyFile } from "../../node/io/keys.ts";
import { toHex } from "../../protocol/bytes.ts";
import { checkChange } from "../../protocol/config-change.ts";
import { testKey } from "../support/network.ts";
import { serveGovernance } from "./governed.ts";
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

describe("keys rotate", () => {
  it("puts the key under the new password and says what that does not undo", async () => {
    const key = join(folder, "rotated.key.json");
    await createKeyFile(key, PASSWORD, { n: 16, privateKey });
    const terminal = session(withPassword);
    const next = write("next-password", "better horse\n");
    await run(keysCommand(terminal), "rotate", "--key", key, "--new-password-file", next);
    expect(terminal.printed()).toBe(address);
    expect((await readKeyFile(key, "better horse")).address).toBe(address);
    await expect(readKeyFile(key, PASSWORD)).rejects.toThrow(/wrong password/);
    expect(terminal.noted()).toMatch(/a guess of it costs scrypt n = 262144 now, before 16$/m);
    expect(terminal.noted()).toMatch(/backups of the old file still open with the old password/);
    expect(terminal.noted()).not.toContain("horse");
  });

  it("needs both passwords", async () => {
    const rotate = ["rotate", "--key", cheapKey];
    await expect(run(keysCommand(session(withPassword)), ...rotate)).rejects.toThrow(
      "no new password: give --new-password-file <file> or set the variable BREAKWATER_NEW_PASSWORD",
    );
    const environment = { BREAKWATER_NEW_PASSWORD: "better horse" };
    await expect(run(keysCommand(session({ environment })), ...rotate)).rejects.toThrow(/no password for the key/);
    expect((await readKeyFile(cheapKey, PASSWORD)).address).toBe(address);
  });
});

describe("keys replace", () => {
  const gateway = serveGovernance();
  afterAll(async () => (await gateway).close());
  const replace = async (...args: readonly string[]) => {
    const terminal = session(withPassword);
    await run(keysCommand(terminal), "replace", "--node", (await gateway).address, ...args);
    return terminal;
  };

  it("makes a key, writes the config that governors can propose, and says what to do when", async () => {
    const [out, configOut] = [join(folder, "replacing.key.json"), join(folder, "next.yaml")];
    const terminal = await replace("--member", "node1", "--out", out, "--config-out", configOut);
    const made = await readKeyFile(out, PASSWORD);
    expect(terminal.printed()).toBe(made.address);
    const { config } = (await gateway).network;
    const next = readNetworkConfig(configOut);
    expect(checkChange(config, next)).toEqual([]);
    expect(next.version).toBe(config.version + 1);
    const before = config.committee.find(({ name }) => name === "node1");
    const kept = config.committee.filter((member) => member !== before);
    const committee = expect.arrayContaining([...kept, { name: "node1", address: made.address }]);
    expect(next).toEqual({ ...config, version: 2, committee });
    expect(next.committee).toHaveLength(4);
    expect(terminal.noted()).toContain(`breakwater governance propose ${configOut} --node ${(await gateway).address}`);
    expect(terminal.noted()).toContain(`never start the old key (${before?.address}) again`);
    expect(terminal.noted()).not.toMatch(/warning/);
  });

  it("makes nothing for who is no member, or over a file that is there", async () => {
    const out = join(folder, "not-made.key.json");
    const taken = write("taken.yaml", "");
    await expect(replace("--member", "eve", "--out", out)).rejects.toThrow(
      /--member: expected one of node0, node1, node2, node3/,
    );
    await expect(replace("--member", "node1", "--out", out, "--config-out", taken)).rejects.toThrow(/taken.yaml exists already/);
    expect(() => statSync(out)).toThrow();
  });
});

describe("keys api", () => {
  it("prints a key that its entry lets in, and shows it nowhere else", async () => {
    const terminal = session();
    await run(keysCommand(terminal), "api", "--name", "harbour", "--requests-per-minute", "6000", "--streams", "3");
    const key = terminal.printed();
    const entry = JSON.parse(terminal.noted().slice(terminal.noted().indexOf("{")));
    expect(entry).toMatchObject({ name: "harbour", requestsPerMinute: 6_000, streams: 3 });
    expect(terminal.noted()).not.toContain(key);
    const access = createAccess(accessSchema.parse({ required: true, keys: [entry] }));
    expect(access({ "x-api-key": key }, "10.0.0.1")).toMatchObject({ kind: "key", id: "key:harbour" });
    expect(access({ "x-api-key": key.replace(/.$/, key.endsWith("A") ? "B" : "A") }, "10.0.0.1").kind).toBe("refused");
  });

  it("makes another one each time", async () => {
    const [one, two] = [session(), session()];
    for (const terminal of [one, two]) await run(keysCommand(terminal), "api");
    expect(one.printed()).not.toBe(two.printed());
  });

  it.each([
    ["--name", "No Name", /^--name: expected a name of 1 to 32/],
    ["--requests-per-minute", "0", /^--requests-per-minute: /],
    ["--requests-per-minute", "many", /^--requests-per-minute: expected a whole number/],
    ["--streams", "100001", /^--streams: /],
  ])("refuses %s %s", async (flag, value, expected) => {
    const terminal = session();
    await expect(run(keysCommand(terminal), "api", flag, value)).rejects.toThrow(expected);
    expect(terminal.printed()).toBe("");
  });
});
