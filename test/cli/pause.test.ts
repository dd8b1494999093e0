import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { pauseCommand } from "../../cli/commands/pause.ts";
import { KEYS, NOW, PASSWORD, serveGovernance, writeKeys } from "./governed.ts";
import { closedPort } from "./served.ts";
import { run, session } from "./session.ts";

const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-pause-"));
const keyOf = await writeKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let node: Awaited<ReturnType<typeof serveGovernance>>;
beforeEach(async () => {
  node = await serveGovernance();
});
afterEach(() => node.close());

async function pause(who: string, ...flags: readonly string[]) {
  const terminal = session({ environment: { BREAKWATER_PASSWORD: PASSWORD }, now: () => NOW });
  await run(pauseCommand(terminal), "--node", node.address, "--key", keyOf(who), "--wait", "0", ...flags);
  return terminal;
}

const ETH_NONE = ["--feed", "ETH/USD", "--action", "none", "--minutes", "20"];
const ALL_NONE = ["--feed", "*", "--action", "none", "--minutes", "60"];

describe("pause", () => {
  it("is signed, handed in and in force, and says so", async () => {
    const terminal = await pause("alice", ...ETH_NONE);
    expect(node.memory().pauses).toEqual([
      {
        ...{ feed: "ETH/USD", action: "none", until: NOW + 20 * MINUTE, power: "guardian" },
        ...{ refundUntil: NOW + 20 * MINUTE, keyholders: [KEYS.alice?.address] },
      },
    ]);
    expect(terminal.printed()).toBe(node.documents()[0]?.digest);
    expect(terminal.noted()).toContain(
      "harbour: pause ETH/USD: no liquidation at all until 2027-01-15T08:20:00.000Z (in 20 min)",
    );
    expect(terminal.noted()).toContain("signed by alice (guardian); that is enough");
    expect(terminal.noted()).toContain("in force: pause ETH/USD");
  });

  it("takes the keyholder's next nonce each time, and feeds as they stand in URLs", async () => {
    await pause("alice", "--feed", "ETH-USD", "--action", "robust", "--minutes", "1");
    await pause("alice", "--feed", "CHAIN/ETHEREUM", "--action", "none", "--minutes", "1");
    expect(node.documents().map(({ document }) => document.approvals[0]?.nonce)).toEqual([1, 2]);
    expect(node.memory().pauses.map(({ feed, action }) => [feed, action])).toEqual([
      ["ETH/USD", "robust"],
      ["CHAIN/ETHEREUM", "none"],
    ]);
  });

  it("is withdrawn", async () => {
    await pause("alice", ...ETH_NONE);
    const terminal = await pause("alice", "--feed", "ETH/USD", "--action", "withdraw");
    expect(node.memory().pauses).toEqual([]);
    expect(terminal.noted()).toContain("in force: withdraw the pause of ETH/USD");
  });

  it("of everything goes from one guardian to the next", async () => {
    const file = join(folder, "stop.json");
    const first = await pause("alice", ...ALL_NONE, "--out", file);
    expect(first.printed()).toBe(file);
    expect(first.noted()).toContain("signed by alice (guardian); 1 more guardian, or 2 more governors to go");
    expect(node.documents()).toEqual([]);
    const second = await pause("bob", "--with", file);
    expect(second.noted()).toContain("signed by alice (guardian), bob (guardian); that is enough");
    expect(node.memory().pauses).toMatchObject([{ feed: "*", action: "none", power: "guardians", until: NOW + 60 * MINUTE }]);
  });

  it("may be written over the file that it was begun in, and over no other", async () => {
    const file = join(folder, "begun.json");
    await pause("alice", ...ALL_NONE, "--out", file);
    await expect(pause("bob", ...ALL_NONE, "--out", file)).rejects.toThrow(`${file} exists already`);
    await pause("bob", "--with", file, "--out", file);
    expect(JSON.parse(readFileSync(file, "utf8")).approvals).toHaveLength(2);
    expect(existsSync(`${file}.part`)).toBe(false);
  });
});

describe("pause refuses in one line", () => {
  it.each([
    ["no feed", ["--action", "none", "--minutes", "1"], "--feed: expected a feed as ETH/USD"],
    ["a feed that is none", ["--feed", "ETH", "--action", "none", "--minutes", "1"], "--feed: expected a feed as ETH/USD"],
    ["no action", ["--feed", "*", "--minutes", "1"], "--action: expected withdraw, robust, none"],
    ["another action", ["--feed", "*", "--action", "stop", "--minutes", "1"], "--action: expected withdraw, robust, none"],
    ["no minutes", ["--feed", "*", "--action", "none"], "--minutes: expected a whole number"],
    ["minutes that are none", ["--feed", "*", "--action", "none", "--minutes", "12abc"], "--minutes: expected a whole number"],
    ["no time at all", ["--feed", "*", "--action", "none", "--minutes", "0"], "--minutes: expected 1 to 1440"],
    ["more than a day", ["--feed", "*", "--action", "none", "--minutes", "1441"], "--minutes: expected 1 to 1440"],
    [
      "a withdrawal with a length",
      ["--feed", "*", "--action", "withdraw", "--minutes", "1"],
      "--minutes: a withdrawal counts at once",
    ],
    ["a file and its own words", ["--with", "stop.json", "--feed", "*"], "--with: the file says what is signed"],
    ["another genesis", [...ETH_NONE, "--genesis", `0x${"77".repeat(32)}`], "its genesis digest is 0x"],
    ["a genesis that is no digest", [...ETH_NONE, "--genesis", "0x77"], "--genesis: expected 0x and 64"],
  ])("%s", async (_, flags, message) => {
    await expect(pause("alice", ...flags)).rejects.toThrow(message);
    expect(node.documents()).toEqual([]);
  });

  it("a key that is no keyholder's", async () => {
    await expect(pause("stranger", ...ETH_NONE)).rejects.toThrow(
      `${KEYS.stranger?.address} is no governor or guardian of harbour`,
    );
  });

  it("what the network refuses, with its reason", async () => {
    await expect(pause("alice", ...ALL_NONE)).rejects.toThrow(
      /\/v1\/breaker\/pause: answered 409 .*0 governors and 1 guardian signed; it takes two guardians or 2 governors/,
    );
    await expect(pause("alice", "--feed", "ETH/USD", "--action", "none", "--minutes", "31")).rejects.toThrow(
      /at most 30 min ahead/,
    );
  });

  it("a second signature of the same keyholder, and what is no document of theirs", async () => {
    const file = join(folder, "twice.json");
    await pause("alice", ...ALL_NONE, "--out", file);
    await expect(pause("alice", "--with", file)).rejects.toThrow(/^alice \(0x[0-9a-f]{40}\) has signed this document already$/);
    const draft = JSON.parse(readFileSync(file, "utf8"));
    const altered = join(folder, "altered.json");
    writeFileSync(altered, JSON.stringify({ ...draft, content: { ...draft.content, until: NOW + 61 * MINUTE } }));
    await expect(pause("bob", "--with", altered)).rejects.toThrow(/has not signed this document/);
    const strange = join(folder, "strange.json");
    writeFileSync(
      strange,
      JSON.stringify({ ...draft, approvals: [{ ...draft.approvals[0], keyholder: KEYS.stranger?.address }] }),
    );
    await expect(pause("bob", "--with", strange)).rejects.toThrow(/is no governor or guardian of harbour/);
    const rollback = join(folder, "rollback.json");
    writeFileSync(
      rollback,
      JSON.stringify({ content: { kind: "rollback", from: `0x${"01".repeat(32)}`, to: `0x${"02".repeat(32)}` }, approvals: [] }),
    );
    await expect(pause("bob", "--with", rollback)).rejects.toThrow("--with: expected a pause, found a rollback");
    writeFileSync(join(folder, "none.json"), "{}");
    await expect(pause("bob", "--with", join(folder, "none.json"))).rejects.toThrow(
      /none.json: not a document of guardians or governors: content: /,
    );
  });

  it("a node that does not answer", async () => {
    const terminal = session({ environment: { BREAKWATER_PASSWORD: PASSWORD } });
    const nobody = `http://127.0.0.1:${await closedPort()}`;
    await expect(run(pauseCommand(terminal), "--node", nobody, "--key", keyOf("alice"), ...ETH_NONE)).rejects.toThrow(
      /nothing listens there/,
    );
  });

  it("silence of the network after the node has taken it", async () => {
    const silent = await serveGovernance({ takes: false });
    const terminal = session({ environment: { BREAKWATER_PASSWORD: PASSWORD }, now: () => NOW });
    const flags = ["--node", silent.address, "--key", keyOf("alice"), "--wait", "10", ...ETH_NONE];
    await expect(run(pauseCommand(terminal), ...flags)).rejects.toThrow(/no round has taken it in within 10 ms/);
    await silent.close();
  });
});
