import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { EMPTY_GOVERNANCE } from "../../circuit-breaker/governance-memory.ts";
import { governanceCommand } from "../../cli/commands/governance.ts";
import { pauseCommand } from "../../cli/commands/pause.ts";
import { configDigest } from "../../protocol/config.ts";
import { digestOf, KEYS, NOW, PASSWORD, parsed, RAW, REPORT, serveGovernance, writeKeys } from "./governed.ts";
import { run, session } from "./session.ts";

const HOUR = 3_600_000;
const OTHER = `0x${"77".repeat(32)}` as const;
const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-governance-"));
const keyOf = await writeKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let node: Awaited<ReturnType<typeof serveGovernance>>;
let files = 0;
beforeEach(async () => {
  node = await serveGovernance();
});
afterEach(() => node.close());

const terminalOf = () => session({ environment: { BREAKWATER_PASSWORD: PASSWORD }, now: () => NOW });

async function governance(name: string, ...flags: readonly string[]) {
  const terminal = terminalOf();
  await run(governanceCommand(terminal), name, "--node", node.address, ...flags);
  return terminal;
}

function path(kind: string): string {
  files += 1;
  return join(folder, `${files}.${kind}`);
}

/** A network.yaml with something changed. */
function yaml(changes: Readonly<Record<string, unknown>>): string {
  const file = path("yaml");
  writeFileSync(file, stringify({ ...RAW, ...changes }));
  return file;
}

const [btc, eth] = RAW.feeds;
/** ETH/USD loses a source and gets a wider jump limit. */
const NEXT = { feeds: [btc, { ...eth, sources: eth?.sources.slice(0, 5), thresholds: { jumpBps: 400 } }] };

async function proposed(changes: Readonly<Record<string, unknown>> = NEXT): Promise<string> {
  const file = path("json");
  await governance("propose", yaml(changes), "--out", file);
  return file;
}

describe("governance propose", () => {
  it("writes a proposal that names what it replaces and its replay, and says what it changes", async () => {
    const file = path("json");
    const terminal = await governance("propose", yaml(NEXT), "--out", file);
    const { content, approvals } = JSON.parse(readFileSync(file, "utf8"));
    const next = parsed({ ...RAW, ...NEXT, version: 2 });
    expect(approvals).toEqual([]);
    expect(content).toMatchObject({
      ...{ kind: "config", version: 2, replaces: node.network.configDigest, configDigest: configDigest(next) },
      ...{ activation: NOW + 72 * HOUR, replayTo: REPORT.to },
    });
    expect(configDigest(parsed(content.config))).toBe(content.configDigest);
    expect(node.replayed()).toEqual({ config: next, to: undefined });
    const noted = terminal.noted();
    expect(noted).toContain("version: 1 becomes 2");
    expect(noted).toContain("feeds[ETH/USD].thresholds.jumpBps: 300 becomes 400");
    expect(noted).toContain("feeds[ETH/USD].sources[gemini ETH/USD]: gone");
    expect(noted).toContain("to agree for 600000 ms before it activates: ETH/USD");
    expect(noted).toContain(`replay ${content.replay}: 1001 rounds`);
    expect(noted).toMatch(/^ETH\/USD +price +1 > 2 +1 min +0\.0 s +12 bps \(0 of 1001 beyond\)$/m);
    expect(noted).toContain("nothing speaks against it");
    expect(terminal.printed()).toBe(file);
  });

  it("takes an activation time, and a version that is given", async () => {
    const file = path("json");
    await governance("propose", yaml({ version: 7 }), "--out", file, "--activation", "2027-02-01T00:00Z");
    expect(JSON.parse(readFileSync(file, "utf8")).content).toMatchObject({ version: 7, activation: Date.UTC(2027, 1, 1) });
  });

  it.each([
    [
      "a step that is too far",
      { leaseMs: 15_000, chains: [] },
      "leaseMs: expected at most a factor of two from 60000, found 15000",
    ],
    ["another network", { network: "other" }, "network: expected harbour, which never changes"],
    ["the version in force", { version: 1 }, "version: expected more than 1, found 1"],
    ["a threshold of zero", { thresholds: { jumpBps: 0 } }, "thresholds.jumpBps: expected a whole number from 10"],
    [
      "a venue without an adapter",
      { feeds: [{ ...btc, sources: [...(btc?.sources ?? []), { venue: "nowhere", market: "BTC/USD", weight: 1 }] }] },
      'found "nowhere"',
    ],
  ])("refuses %s", async (_, changes, message) => {
    const file = path("json");
    await expect(governance("propose", yaml(changes), "--out", file)).rejects.toThrow(message);
    expect(() => readFileSync(file)).toThrow();
  });

  it.each([
    ["tomorrow", "--activation: expected Unix ms or a date"],
    ["2027-02-30T99:00Z", "--activation: expected Unix ms or a date"],
    [String(NOW + 47 * HOUR), "--activation: expected at least the timelock of 2 d from now"],
  ])("refuses to activate %s", async (when, message) => {
    await expect(governance("propose", yaml(NEXT), "--out", path("json"), "--activation", when)).rejects.toThrow(message);
  });

  it("refuses what the replay refuses, and writes nothing", async () => {
    node.refuse(
      "ETH/USD: its price differs by more than 100 bps in 1001 of 1001 rounds, by up to 18990000 bps",
      "incident capo: missed",
    );
    const file = path("json");
    await expect(governance("propose", yaml(NEXT), "--out", file)).rejects.toThrow(
      "the replay refuses this config: ETH/USD: its price differs by more than 100 bps in 1001 of 1001 rounds, by up to 18990000 bps, and 1 more",
    );
    expect(() => readFileSync(file)).toThrow();
  });
});

describe("governance sign and submit", () => {
  it("collects signatures in the file, hands it in, and the config is pending", async () => {
    const file = await proposed();
    const first = await governance("sign", file, "--key", keyOf("dora"));
    expect(first.noted()).toContain("signed by dora (governor); 1 more governor to go");
    expect(first.noted()).toContain(`signed: config ${digestOf({ ...RAW, ...NEXT, version: 2 })}, version 2, in place of`);
    expect(node.replayed()).toMatchObject({ to: REPORT.to });
    const second = await governance("sign", file, "--key", keyOf("emil"));
    expect(second.noted()).toContain("signed by dora (governor), emil (governor); that is enough");
    const handed = await governance("submit", file);
    expect(handed.printed()).toBe(node.documents()[0]?.digest);
    expect(handed.noted()).toContain("the nodes recompute its replay");
    expect(node.memory().pending).toMatchObject({
      configDigest: digestOf({ ...RAW, ...NEXT, version: 2 }),
      activation: NOW + 72 * HOUR,
    });
    const shown = (await governance("show", handed.printed())).printed();
    expect(shown).toMatch(/^activation +\d+, 2027-01-18T08:00:00\.000Z$/m);
    expect(shown).toMatch(/^changes +feeds\[ETH\/USD\]\.thresholds\.jumpBps: 300 becomes 400$/m);
  });

  it("refuses to sign when the node comes to another replay", async () => {
    const file = await proposed();
    node.report({ ...REPORT, rounds: 1_000 });
    await expect(governance("sign", file, "--key", keyOf("dora"))).rejects.toThrow(
      /names the replay 0x.*the node comes to 0x.*do not sign/,
    );
    expect(JSON.parse(readFileSync(file, "utf8")).approvals).toEqual([]);
  });

  it("refuses to sign when the replay speaks against it", async () => {
    const file = await proposed();
    node.refuse("incident capo: missed");
    await expect(governance("sign", file, "--key", keyOf("dora"))).rejects.toThrow(
      "the replay refuses this config: incident capo: missed",
    );
  });

  it("refuses a proposal that was altered, or is of another config in force", async () => {
    const draft = JSON.parse(readFileSync(await proposed(), "utf8"));
    const signAltered = async (content: object) => {
      const file = path("json");
      writeFileSync(file, JSON.stringify({ ...draft, content: { ...draft.content, ...content } }));
      await governance("sign", file, "--key", keyOf("dora"));
    };
    await expect(signAltered({ configDigest: OTHER })).rejects.toThrow("its config is not the one of its configDigest");
    await expect(signAltered({ version: 9 })).rejects.toThrow("its config has another version");
    await expect(signAltered({ replaces: OTHER })).rejects.toThrow(/it replaces 0x77.* is in force: propose it again/);
    await expect(signAltered({ config: {} })).rejects.toThrow(/not a document of guardians or governors: content\.config/);
  });

  it("refuses to submit what nobody signed, or too few, or what was altered since", async () => {
    const file = await proposed();
    await expect(governance("submit", file)).rejects.toThrow(`${file}: nobody has signed it yet`);
    await governance("sign", file, "--key", keyOf("dora"));
    await expect(governance("submit", file)).rejects.toThrow(
      /answered 409 .*1 governor and 0 guardians signed; it takes 2 governors/,
    );
    const draft = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...draft, content: { ...draft.content, activation: NOW + 60 * HOUR } }));
    await expect(governance("submit", file)).rejects.toThrow(/answered 422 .*not signed by 0x/);
  });
});

describe("governance replay", () => {
  it("shows what a network.yaml would have done", async () => {
    const terminal = await governance("replay", yaml(NEXT));
    expect(terminal.noted()).toContain("luna: as expected, both ways");
    expect(terminal.printed()).toMatch(/^0x[0-9a-f]{64}$/);
  });

  it("says whether a proposal's replay is what the node comes to", async () => {
    const file = await proposed();
    await governance("replay", file);
    expect(node.replayed()).toMatchObject({ to: REPORT.to });
    node.report({ ...REPORT, from: 1 });
    await expect(governance("replay", file)).rejects.toThrow(/do not sign/);
  });
});

describe("what governors decide at once", () => {
  /** dora begins a document, emil signs it and hands it in. */
  async function decide(name: string, ...words: readonly string[]) {
    const file = path("json");
    await governance(name, "--key", keyOf("dora"), ...words, "--out", file);
    return governance(name, "--key", keyOf("emil"), "--with", file, "--wait", "0");
  }

  it("rolls back to the config before", async () => {
    await expect(decide("rollback")).rejects.toThrow("no config was in force before this one");
    node.remember({ previous: OTHER });
    const terminal = await decide("rollback");
    expect(terminal.noted()).toContain(`in force: roll back from config ${node.network.configDigest} to ${OTHER}`);
    expect(node.memory().next).toBe(OTHER);
  });

  it("drops the pending config", async () => {
    await expect(decide("rollback", "--pending")).rejects.toThrow("no config is pending");
    node.remember({ pending: { configDigest: OTHER, activation: NOW + HOUR, feeds: [] } });
    await decide("rollback", "--pending");
    expect(node.memory()).toMatchObject({ pending: undefined, next: EMPTY_GOVERNANCE.next });
  });

  it("accepts a price of the pending config", async () => {
    const feeds = [{ feed: "ETH/USD" as never, agreedAt: 0, accepted: false }];
    node.remember({ pending: { configDigest: OTHER, activation: NOW + HOUR, feeds } });
    const terminal = await decide("accept", "--feed", "ETH/USD", "--config", OTHER);
    expect(terminal.noted()).toContain(`in force: accept the price of ETH/USD under the pending config ${OTHER}`);
    expect(node.memory().pending?.feeds[0]?.accepted).toBe(true);
  });

  it("accepts a gap by its beginning", async () => {
    await expect(decide("accept", "--feed", "ETH/USD", "--gap", String(NOW))).rejects.toThrow(/ETH\/USD has no gap/);
  });

  it("removes a guardian by name", async () => {
    const terminal = await decide("remove-guardian", "--guardian", "alice");
    expect(terminal.noted()).toContain(`remove guardian alice (${KEYS.alice?.address})`);
    const paused = run(
      pauseCommand(terminalOf()),
      ...["--node", node.address, "--key", keyOf("alice"), "--feed", "*", "--action", "robust", "--minutes", "1"],
    );
    await expect(paused).rejects.toThrow(/alice .* was removed and can sign nothing any more/);
  });

  it.each([
    ["remove-guardian", ["--guardian", "zoe"], "--guardian: expected one of alice, bob"],
    ["accept", ["--feed", "ETH/USD"], "--config: expected either --config or --gap"],
    ["accept", ["--feed", "ETH/USD", "--config", OTHER, "--gap", "1"], "--config: expected either --config or --gap"],
    ["accept", ["--feed", "x", "--config", OTHER], "--feed: expected a feed as ETH/USD"],
    ["accept", ["--feed", "ETH/USD", "--config", "0x1"], "--config: expected 0x and 64"],
    ["rollback", ["--pending", "--with", "x.json"], "--with: the file says what is signed"],
  ])("%s refuses %j", async (name, words, message) => {
    await expect((async () => governance(name, "--key", keyOf("dora"), ...words))()).rejects.toThrow(message);
  });
});

describe("governance list and show", () => {
  it("say who may do what, and what is in force", async () => {
    const quiet = (await governance("list")).printed();
    expect(quiet).toContain("pending      nothing");
    expect(quiet).toContain("pauses       none");
    expect(quiet).toContain("nothing to roll back to");
    const flags = [
      "--node",
      node.address,
      "--key",
      keyOf("alice"),
      "--wait",
      "0",
      "--feed",
      "ETH/USD",
      "--action",
      "none",
      "--minutes",
      "20",
    ];
    await run(pauseCommand(terminalOf()), ...flags);
    node.remember({
      previous: OTHER,
      pending: {
        ...{ configDigest: OTHER, activation: NOW + HOUR },
        feeds: [
          { feed: "BTC/USD" as never, agreedAt: NOW - 60_000, accepted: false },
          { feed: "ETH/USD" as never, agreedAt: 0, accepted: true },
        ],
      },
    });
    const printed = (await governance("list")).printed();
    expect(printed).toContain(`in force     config ${node.network.configDigest}, version 1`);
    expect(printed).toContain(`before it    config ${OTHER}`);
    expect(printed).toContain(`pending      config ${OTHER}, from 2027-01-15T09:00:00.000Z (in 1 h) on`);
    expect(printed).toContain("BTC/USD: agrees for 1 min");
    expect(printed).toContain("ETH/USD: accepted by governors");
    expect(printed).toMatch(/pauses +ETH\/USD: none until 2027-01-15T08:20:00.000Z \(in 20 min\), by alice \(0x/);
    expect(printed).toMatch(/governor +dora \(0x[0-9a-f]+\): nonce 0; 2 together decide/);
    expect(printed).toMatch(/guardian +alice \(0x[0-9a-f]+\): nonce 1, 20 min of 1 h in seven days used/);
    const [document] = node.documents();
    expect(printed).toContain(`document     ${document?.digest} pause by alice`);
    const shown = (await governance("show", document?.digest ?? "")).printed();
    expect(shown).toContain("kind         pause");
    expect(shown).toContain(`until        ${NOW + 1_200_000}, 2027-01-15T08:20:00.000Z`);
    expect(shown).toMatch(/signed by +alice \(0x[0-9a-f]+\), nonce 1/);
  });

  it("name a document that the node does not hold", async () => {
    await expect(governance("show", OTHER)).rejects.toThrow(/answered 404 .*no such document/);
    await expect((async () => governance("show", "0x12"))()).rejects.toThrow("<digest>: expected 0x and 64");
  });
});
