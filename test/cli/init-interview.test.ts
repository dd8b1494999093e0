import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { initCommand } from "../../cli/commands/init.ts";
import { readGatewayFile, readNetworkFile, readNodeFile } from "../../cli/files.ts";
import { testKey } from "../support/network.ts";
import { personWho, run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-interview-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const freshFolder = (): string => {
  folders += 1;
  return join(folder, `dir-${folders}`);
};

const NAMES = ["alice", "bob", "carol", "dave"];
const addressOf = (index: number) => testKey(index).address;
const MEMBERS = NAMES.map((name, index) => `${name}=${addressOf(index)}`);
const RPC = ["a", "b", "c"].map((host) => `https://${host}.example/v3/secret-key`);

/** Everything that a founder is asked, in order: its answer, and the flag that says the same. */
const FOUNDING: readonly (readonly [answer: string, ...flags: string[]])[] = [
  ["found"],
  ["harbour", "--name", "harbour"],
  ...MEMBERS.map((member) => [member, "--member", member] as const),
  [""],
  [`gwen=${addressOf(10)}`, "--governor", `gwen=${addressOf(10)}`],
  [`gil=${addressOf(11)}`, "--governor", `gil=${addressOf(11)}`],
  [""],
  [`greta=${addressOf(12)}`, "--guardian", `greta=${addressOf(12)}`],
  [""],
  [""],
  [""],
  [""],
  ["alice", "--me", "alice"],
  [""],
  ["alice.password", "--password-file", "alice.password"],
  [""],
  ["/ip4/10.0.0.2/tcp/9000", "--peer", "bob=/ip4/10.0.0.2/tcp/9000"],
  [""],
  [""],
  [""],
  ["8099", "--api-port", "8099"],
  ...RPC.map((url) => [url, "--rpc", `ETHEREUM=${url}`] as const),
  [""],
  ["rediss://redis.example:6380", "--redis", "rediss://redis.example:6380"],
  ["alice", "--redis-username", "alice"],
  ["redis.password", "--redis-password-file", "redis.password"],
  ["hook.secret=https://hooks.example/T0/secret-hook", "--alert", "hook.secret=https://hooks.example/T0/secret-hook"],
  [""],
];
const ANSWERS = FOUNDING.map(([answer]) => answer);
const FLAGS = FOUNDING.flatMap(([, ...flags]) => flags);

async function ask(answers: readonly string[], ...args: readonly string[]) {
  const person = personWho(answers);
  const terminal = session({ dialogue: person.dialogue });
  const error = await run(initCommand(terminal), ...args).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  return { terminal, person, error };
}

describe("a founder is asked", () => {
  it("for everything, and gets the very files that the flags give", async () => {
    const [dir, same] = [freshFolder(), freshFolder()];
    const { terminal, person, error } = await ask(ANSWERS, "--dir", dir);
    expect(error).toBeUndefined();
    expect(person.left()).toEqual([]);
    await run(initCommand(session()), "--dir", same, "--no-interview", ...FLAGS);
    for (const file of ["network.yaml", "node.yaml"]) {
      expect(readFileSync(join(dir, file), "utf8").replaceAll(dir, ""), file).toBe(
        readFileSync(join(same, file), "utf8").replaceAll(same, ""),
      );
    }
    expect(terminal.printed()).toBe(readNetworkFile(join(same, "network.yaml")).genesisConfigDigest);
    const node = readNodeFile(join(dir, "node.yaml"));
    expect(node.redis).toMatchObject({ url: "rediss://redis.example:6380", username: "alice" });
    expect(node.alerts).toMatchObject([{ url: "https://hooks.example/T0/secret-hook" }]);
  });

  it("is told why each is asked, and sees the command at the end, without what may be a key", async () => {
    const dir = freshFolder();
    const { terminal } = await ask(ANSWERS, "--dir", dir);
    const noted = terminal.noted();
    expect(noted).toMatch(
      /Never? ?.*nothing of the network can ever\n {2}be changed|Without any, nothing of the network can ever/,
    );
    const shown = noted.slice(noted.indexOf("The same without questions:"));
    for (const part of [
      "--name harbour",
      `--member ${MEMBERS[0]}`,
      "--api-port 8099",
      '--rpc "ETHEREUM=$RPC_URL_1"',
      '--alert "hook.secret=$ALERT_URL_1"',
    ]) {
      expect(shown).toContain(part);
    }
    expect(noted).not.toMatch(/secret-key|secret-hook|redis\.example/);
    expect(shown).not.toMatch(/--lease|--listen|--api-host|--interview|undefined/);
  });

  it("and an answer that the flag would be refused for is explained and asked again", async () => {
    const wrong: Readonly<Record<string, readonly [answer: string, why: RegExp]>> = {
      harbour: ["Har bour", /not that: --name: expected 1 to 32 of/],
      [MEMBERS[1] ?? ""]: ["bob=0x12", /not that: --member: bob: expected an address/],
      alice: ["eve", /not that: --me: expected one of the members/],
      "/ip4/10.0.0.2/tcp/9000": ["10.0.0.2:9000", /not that: --peer: expected a multiaddr/],
      "8099": ["80990", /not that: --api-port: expected a port from 1 to 65535/],
      "rediss://redis.example:6380": [
        "redis://me:secret@redis.example",
        /not that: --redis: expected no user or password in url/,
      ],
      "hook.secret=https://hooks.example/T0/secret-hook": [
        "https://hooks.example",
        /not that: --alert: expected secret-file=url/,
      ],
    };
    const answers = ANSWERS.flatMap((answer) => (wrong[answer] === undefined ? [answer] : [wrong[answer][0], answer]));
    const { terminal, person, error } = await ask(answers, "--dir", freshFolder());
    expect(error).toBeUndefined();
    expect(person.left()).toEqual([]);
    for (const [, why] of Object.values(wrong)) expect(terminal.noted()).toMatch(why);
    expect(terminal.noted()).not.toContain("secret@");
  });

  it("again when a list ends too early, and when nothing is answered where something is needed", async () => {
    const early = [...ANSWERS.slice(0, 4), "", ...ANSWERS.slice(4)];
    const { terminal, error } = await ask([...early.slice(0, 1), "", ...early.slice(1)], "--dir", freshFolder());
    expect(error).toBeUndefined();
    expect(terminal.noted()).toMatch(/not that: --member: expected 4 to \d+ of them, found 2/);
    expect(terminal.noted()).toMatch(/an answer is needed here/);
  });

  it("and may stop at any question: nothing is written", async () => {
    for (const count of ANSWERS.keys()) {
      const dir = freshFolder();
      const { error } = await ask(ANSWERS.slice(0, count), "--dir", dir);
      expect(error, `after ${count} answers`).toMatchObject({ code: "interrupted" });
      expect(existsSync(dir)).toBe(false);
    }
  });

  it("twenty wrong answers, and no more", async () => {
    const { error, person } = await ask(["found", ...Array<string>(30).fill("NOT A NAME")], "--dir", freshFolder());
    expect(error).toMatchObject({ code: "interrupted" });
    expect(person.asked).toHaveLength(21);
  });

  it("not at all where the flags suffice, where nobody sits there, or where it is not wanted", async () => {
    const enough = await ask([], "--dir", freshFolder(), ...FLAGS);
    expect(enough.error).toBeUndefined();
    expect(enough.person.asked).toEqual([]);
    expect(enough.terminal.noted()).not.toMatch(/without questions/);
    const unwanted = await ask(ANSWERS, "--dir", freshFolder(), "--no-interview");
    expect(unwanted.error?.message).toMatch(/^--name: missing/);
    await expect(run(initCommand(session()), "--dir", freshFolder())).rejects.toThrow(/^--name: missing/);
  });

  it("only for what no flag says", async () => {
    const { person, error } = await ask(ANSWERS.slice(7), "--dir", freshFolder(), ...FLAGS.slice(0, 10));
    expect(error).toBeUndefined();
    expect(person.asked.join("\n")).not.toMatch(/found, join|name of the new network|member, as/);
  });
});

describe("who joins is asked", () => {
  const network = async () => {
    const dir = freshFolder();
    await ask(ANSWERS, "--dir", dir);
    return join(dir, "network.yaml");
  };

  it("for the genesis file and his own side of it", async () => {
    const [genesis, dir] = [await network(), freshFolder()];
    const answers = [
      "join",
      join(folder, "absent.yaml"),
      genesis,
      "bob",
      "",
      "",
      "",
      "/ip4/10.0.0.1/tcp/9000",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
    ];
    const { terminal, person, error } = await ask(answers, "--dir", dir);
    expect(error).toBeUndefined();
    expect(person.left()).toEqual([]);
    expect(terminal.noted()).toMatch(/not that: .*absent\.yaml: cannot read the file/);
    expect(readdirSync(dir)).toEqual(["node.yaml"]);
    const node = readNodeFile(join(dir, "node.yaml"));
    const first = readNetworkFile(genesis).committee.members.find(({ name }) => name !== "bob");
    expect(node).toMatchObject({
      network: genesis,
      peers: [{ address: first?.address, multiaddr: "/ip4/10.0.0.1/tcp/9000" }],
      rpc: {},
      alerts: [],
    });
    expect(node.redis).toBeUndefined();
  });

  it("and who runs a gateway for what it follows", async () => {
    const [genesis, dir] = [await network(), freshFolder()];
    const answers = ["gateway", genesis, "", "", "not a url", "http://10.0.0.1:8080", "http://10.0.0.2:8080", "", "", "8088"];
    const { terminal, person, error } = await ask(answers, "--dir", dir);
    expect(error).toBeUndefined();
    expect(person.left()).toEqual([]);
    expect(terminal.noted()).toMatch(/not that: --follow: expected at least one/);
    expect(terminal.noted()).toMatch(/not that: --follow: expected an http or https URL/);
    expect(readGatewayFile(join(dir, "gateway.yaml"))).toMatchObject({
      network: genesis,
      api: { host: "127.0.0.1", port: 8088 },
      follow: { http: [{ url: "http://10.0.0.1:8080" }, { url: "http://10.0.0.2:8080" }] },
    });
  });
});

describe("init --gateway", () => {
  it("writes what follows Redis with shared limits, a store and readers' keys, relative to itself", async () => {
    const [home, dir] = [freshFolder(), freshFolder()];
    await ask(ANSWERS, "--dir", home);
    const genesis = join(home, "network.yaml");
    const at = (name: string) => join(dir, name);
    const redis = ["--redis", "redis://10.0.0.9", "--redis-username", "edge", "--redis-password-file", at("redis.password")];
    const more = ["--forward", "http://10.0.0.1:8080", "--keys-file", at("keys.yaml"), "--storage", at("rounds.db")];
    const { terminal, error } = await ask([], "--gateway", "--dir", dir, "--join", genesis, ...redis, ...more);
    expect(error).toBeUndefined();
    expect(terminal.printed()).toBe(readNetworkFile(genesis).genesisConfigDigest);
    expect(readFileSync(at("gateway.yaml"), "utf8")).toMatch(/passwordFile: redis\.password$/m);
    expect(readGatewayFile(at("gateway.yaml"))).toMatchObject({
      follow: { redis: { url: "redis://10.0.0.9", username: "edge", passwordFile: at("redis.password") }, http: [] },
      forward: [{ url: "http://10.0.0.1:8080" }],
      storage: { path: at("rounds.db"), rounds: 604_800 },
      keysFile: at("keys.yaml"),
      limits: { redis: true },
    });
  });

  const follow = ["--follow", "http://10.0.0.1:8080"];
  it.each([
    ["a node's flags", ["--me", "alice", ...follow], /--gateway: a gateway has no --me/],
    ["a key", ["--key", "k", ...follow], /--gateway: a gateway has no --key/],
    ["nothing to follow", [], /--follow: expected at least one, or --redis/],
    [
      "a user without a password",
      ["--redis", "redis://a", "--redis-username", "edge"],
      /--redis-username: expected --redis-password-file/,
    ],
    [
      "a password without a Redis",
      ["--redis-password-file", "f", ...follow],
      /--redis-password-file: expected --redis <url> beside it/,
    ],
    ["a URL with a query", ["--follow", "http://10.0.0.1:8080/?key=1"], /follow\.http\[0\]: expected a base/],
  ])("refuses %s", async (_, args, expected) => {
    const [home, dir] = [freshFolder(), freshFolder()];
    await ask(ANSWERS, "--dir", home);
    const { error } = await ask([], "--no-interview", "--gateway", "--dir", dir, "--join", join(home, "network.yaml"), ...args);
    expect(error?.message).toMatch(expected);
    expect(existsSync(dir) ? readdirSync(dir) : []).toEqual([]);
  });

  it("and a node takes none of a gateway's flags", async () => {
    const { error } = await ask([], "--dir", freshFolder(), ...FLAGS, ...follow);
    expect(error?.message).toBe("--follow: a gateway's, expected --gateway beside it");
  });
});
