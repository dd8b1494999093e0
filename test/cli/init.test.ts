import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../cli/catalogue.ts";
import { initCommand } from "../../cli/commands/init.ts";
import { readNetworkFile, readNodeFile } from "../../cli/files.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import { PRESETS } from "../../protocol/thresholds.ts";
import { testKey } from "../support/network.ts";
import { run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-init-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAMES = ["alice", "bob", "carol", "dave"];
const addressOf = (index: number) => testKey(index).address;
const MEMBERS = NAMES.flatMap((name, index) => ["--member", `${name}=${addressOf(index)}`]);
const FOUND = ["--name", "harbour", "--me", "alice", ...MEMBERS];

let folders = 0;
function freshFolder(): string {
  folders += 1;
  return join(folder, `dir-${folders}`);
}

async function init(...args: readonly string[]) {
  const terminal = session();
  await run(initCommand(terminal), ...args);
  return terminal;
}

async function refusal(...args: readonly string[]): Promise<string> {
  const refused = await init(...args).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: "OperationalError" });
  return (refused as Error).message;
}

describe("init founds a network", () => {
  const dir = freshFolder();

  it("with files that parse to what was asked, and production defaults", async () => {
    const peer = ["--peer", "bob=/ip4/10.0.0.2/tcp/9000"];
    const terminal = await init("--dir", dir, ...FOUND, ...peer, "--api-port", "8099");
    const { config, committee, genesisConfigDigest } = readNetworkFile(join(dir, "network.yaml"));
    expect(terminal.printed()).toBe(genesisConfigDigest);
    expect(config).toMatchObject({ network: "harbour", leaseMs: 60_000, chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] });
    expect(config.feeds).toHaveLength(CATALOGUE.length);
    expect(config.basket).toHaveLength(6);
    expect(config.feeds.find(({ feed }) => feed === "ETH/USD")?.thresholds).toMatchObject({ staleMs: 60_000, probeMs: 300_000 });
    expect(committee).toMatchObject({ f: 1, quorum: 3 });
    expect(readNodeFile(join(dir, "node.yaml"))).toMatchObject({
      network: join(dir, "network.yaml"),
      key: { file: join(dir, "node.key.json") },
      listen: ["/ip4/0.0.0.0/tcp/9000"],
      peers: [{ address: addressOf(1), multiaddr: "/ip4/10.0.0.2/tcp/9000" }],
      api: { host: "127.0.0.1", port: 8099 },
    });
  });

  it("asks of every class whether the assets in it belong there, in the file and in the terminal", async () => {
    const text = readFileSync(join(dir, "network.yaml"), "utf8");
    for (const preset of PRESETS) expect(text).toMatch(new RegExp(`^#   ${preset} .*`, "m"));
    const terminal = await init("--print-digest", join(dir, "network.yaml"));
    expect(terminal.noted()).toMatch(/A stable filed as longtail.*loses its protection/);
    expect(terminal.noted()).toMatch(/longtail +CRV\/USD$/m);
    expect(terminal.noted()).toMatch(/staked +WSTETH\/ETH$/m);
  });

  it("and says what is still missing", async () => {
    const terminal = await init("--dir", freshFolder(), ...FOUND, "--peer", "carol=/ip4/10.0.0.3/tcp/9000");
    expect(terminal.noted()).toMatch(/put alice's key file at .*node\.key\.json/);
    expect(terminal.noted()).toMatch(/under peers in .*node\.yaml: bob, dave$/m);
  });

  it("takes checksummed addresses, and the digest does not depend on the order of members", async () => {
    const mixed = NAMES.map((name, index) => ["--member", `${name}=0x${addressOf(index).slice(2).toUpperCase()}`]).reverse();
    const terminal = await init("--dir", freshFolder(), "--name", "harbour", "--me", "bob", ...mixed.flat());
    expect(terminal.printed()).toBe(readNetworkFile(join(dir, "network.yaml")).genesisConfigDigest);
  });

  it("replaces neither file", async () => {
    const before = readFileSync(join(dir, "network.yaml"), "utf8");
    expect(await refusal("--dir", dir, ...FOUND)).toMatch(/network\.yaml exists already and is never overwritten/);
    expect(readFileSync(join(dir, "network.yaml"), "utf8")).toBe(before);
    const half = freshFolder();
    await init("--dir", half, ...FOUND);
    rmSync(join(half, "network.yaml"));
    expect(await refusal("--dir", half, ...FOUND)).toMatch(/node\.yaml exists already/);
    expect(readdirSync(half)).toEqual(["node.yaml"]);
  });

  it("refuses a key that is another member's", async () => {
    const key = join(folder, "bob.key.json");
    await createKeyFile(key, "password", { n: 16, privateKey: testKey(1).privateKey });
    const other = freshFolder();
    expect(await refusal("--dir", other, ...FOUND, "--key", key)).toContain(
      `it is the key of ${addressOf(1)}, but alice's address is ${addressOf(0)}`,
    );
    expect(existsSync(other)).toBe(false);
    await init("--dir", other, "--name", "harbour", "--me", "bob", ...MEMBERS, "--key", key);
    expect(readNodeFile(join(other, "node.yaml")).key.file).toBe(key);
  });
});

describe("init joins a network", () => {
  const founder = freshFolder();

  it("with a node.yaml alone, which points at the file that was sent", async () => {
    const founded = await init("--dir", founder, ...FOUND);
    const dir = freshFolder();
    const network = join(founder, "network.yaml");
    const joined = await init("--dir", dir, "--join", network, "--me", "carol", "--peer", "alice=/dns4/a.example/tcp/9000");
    expect(joined.printed()).toBe(founded.printed());
    expect(readdirSync(dir)).toEqual(["node.yaml"]);
    expect(readNodeFile(join(dir, "node.yaml"))).toMatchObject({ network, peers: [{ address: addressOf(0) }] });
  });

  it("does not mix with founding one", async () => {
    const network = join(founder, "network.yaml");
    expect(await refusal("--dir", freshFolder(), "--join", network, ...FOUND)).toMatch(/leave --name and --member away/);
    expect(await refusal("--dir", freshFolder(), "--join", join(folder, "absent.yaml"), "--me", "bob")).toMatch(/cannot read/);
  });
});

describe("init refuses in one line and leaves nothing behind:", () => {
  const without = (flag: string) => FOUND.filter((item, index) => item !== flag && FOUND[index - 1] !== flag);
  const three = FOUND.slice(0, -2);

  it.each([
    ["no name", without("--name"), /^--name: missing/],
    ["a name that is none", ["--name", "Har bour", ...without("--name")], /network\.yaml: network: expected 1 to 32 of/],
    ["three members", three, /^--member: expected 4 to \d+ of them, found 3$/],
    ["one address twice", [...three, "--member", `eve=${addressOf(0)}`], /^--member: expected every address once/],
    ["one name twice", [...three, "--member", `bob=${addressOf(7)}`], /^--member: expected every name once, found "bob" twice$/],
    ["no address", [...three, "--member", "eve=0x12"], /^--member: eve: expected an address.*found "0x12"$/],
    ["no pair", [...three, "--member", "eve"], /^--member: expected name=0xaddress, found "eve"$/],
    ["nobody as me", without("--me"), /^--me: expected one of the members \(alice, bob, carol, dave\), found nothing$/],
    ["a stranger as me", [...without("--me"), "--me", "eve"], /found "eve"$/],
    ["a stranger as peer", [...FOUND, "--peer", "eve=/ip4/1.2.3.4/tcp/1"], /^--peer: "eve" is no member/],
    ["itself as peer", [...FOUND, "--peer", "alice=/ip4/1.2.3.4/tcp/1"], /^--peer: "alice" is this node itself/],
    [
      "a peer twice",
      [...FOUND, ...["a", "b"].flatMap((x) => ["--peer", `bob=/dns4/${x}/tcp/1`])],
      /^--peer: "bob" is named twice$/,
    ],
    [
      "a peer's bad address",
      [...FOUND, "--peer", "bob=10.0.0.2:9000"],
      /node\.yaml: peers\[0\]\.multiaddr: expected a multiaddr/,
    ],
    ["a bad address to listen on", [...FOUND, "--listen", "9000"], /node\.yaml: listen\[0\]: expected a multiaddr/],
    ["a port that is none", [...FOUND, "--api-port", "80a"], /^--api-port: expected a whole number, found "80a"$/],
    ["a port out of range", [...FOUND, "--api-port", "70000"], /node\.yaml: api\.port: expected a port from 1 to 65535/],
    ["a lease too short for its chain", [...FOUND, "--lease", "30000"], /leaseMs: expected at least 4 blocks.*58000/],
    ["a chain without a time", [...FOUND, "--chain", "BASE"], /^--chain: expected NAME=milliseconds/],
  ])("%s", async (_, args, expected) => {
    const dir = freshFolder();
    const message = await refusal("--dir", dir, ...args);
    expect(message).toMatch(expected);
    expect(message).not.toContain("\n");
    expect(existsSync(dir) ? readdirSync(dir) : []).toEqual([]);
  });

  it("a folder that is a file", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "");
    expect(await refusal("--dir", path, ...FOUND)).toMatch(/cannot write the file/);
  });
});

it("a fast chain alone replaces the default one, and may have a shorter lease", async () => {
  const dir = freshFolder();
  await init("--dir", dir, ...FOUND, "--chain", "BASE=2000", "--lease", "20000");
  expect(readNetworkFile(join(dir, "network.yaml")).config).toMatchObject({
    leaseMs: 20_000,
    chains: [{ chain: "BASE", blockMs: 2_000 }],
  });
});

describe("init asks who governs, and where this node reads chains", () => {
  const keyholder = (flag: string, name: string, index: number) => [`--${flag}`, `${name}=${addressOf(index)}`];
  const governors = ["gwen", "gil", "gus"].flatMap((name, index) => keyholder("governor", name, 10 + index));
  const urls = ["a", "b", "c"].map((host) => `https://${host}.example/v3/secret-key`);
  const rpc = urls.flatMap((url) => ["--rpc", `ETHEREUM=${url}`]);

  it("governors decide by more than half unless told otherwise; the staked asset is held against its rate", async () => {
    const dir = freshFolder();
    const guardian = keyholder("guardian", "greta", 20);
    const terminal = await init("--dir", dir, ...FOUND, ...governors, ...guardian, ...rpc);
    const { config } = readNetworkFile(join(dir, "network.yaml"));
    expect(config.governance).toMatchObject({
      quorum: 2,
      guardians: [{ name: "greta", address: addressOf(20) }],
      timelockMs: 172_800_000,
    });
    expect(config.governance.governors.map(({ name }) => name)).toEqual(["gwen", "gil", "gus"]);
    expect(config.references.map(({ name }) => name)).toEqual(["wsteth-rate"]);
    expect(readNodeFile(join(dir, "node.yaml")).rpc).toEqual({ ETHEREUM: urls });
    expect(terminal.noted()).not.toMatch(/can ever be changed/);
    const all = freshFolder();
    await init("--dir", all, ...FOUND, ...governors, "--governors-quorum", "3");
    expect(readNetworkFile(join(all, "network.yaml")).config.governance.quorum).toBe(3);
  });

  it("says what it means to have no governors", async () => {
    const dir = freshFolder();
    const terminal = await init("--dir", dir, ...FOUND);
    expect(terminal.noted()).toMatch(/No --governor was named: nothing of this network can ever be changed/);
    expect(readNodeFile(join(dir, "node.yaml")).rpc).toEqual({});
  });

  const refused: readonly (readonly [name: string, args: readonly string[], message: RegExp])[] = [
    ["too small a quorum", [...governors, "--governors-quorum", "1"], /--governors-quorum.*2 to 3/],
    ["too large a quorum", [...governors, "--governors-quorum", "4"], /--governors-quorum.*2 to 3/],
    ["a governor twice", [...governors, ...keyholder("governor", "gwen", 30)], /--governor.*every name once/],
    ["no address", ["--guardian", "greta=0x12"], /--guardian.*expected an address/],
    ["no chain before the URL", ["--rpc", "https://a.example/v3/secret-key"], /--rpc/],
    ["a chain that the network lacks", ["--rpc", "BASE=https://a.example/v3/secret-key"], /--rpc.*no chain "BASE"/],
    ["two endpoints", rpc.slice(0, 4), /rpc\.ETHEREUM: expected 3 to 16 different URLs/],
  ];
  it.each(refused)("refuses %s, and repeats no key", async (_, args, message) => {
    const said = await refusal("--dir", freshFolder(), ...FOUND, ...args);
    expect(said).toMatch(message);
    expect(said).not.toContain("secret-key");
  });
});
