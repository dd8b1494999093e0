import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { governanceCommand } from "../../cli/commands/governance.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { type Digest, toHex } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { Domain } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { DocumentContent } from "../../protocol/governance.ts";
import { approvedDocument } from "../../protocol/governance-codec.ts";
import { typedDataOf } from "../../protocol/governance-typed-data.ts";
import { run, type Session, session, spawnCli } from "../cli/session.ts";
import { testKey } from "../support/network.ts";
import { type Reply, request, useDevnet, within } from "./devnet.ts";
import {
  codeOf,
  configInForce,
  type Holder,
  handIn,
  holderOf,
  nonceOf,
  observationsOf,
  proposal,
  signAs,
  successor,
} from "./keyholders.ts";
import { nodeOf } from "./nodes.ts";
import { amount, type FeedView, type RoundStream } from "./stream.ts";

const MINUTE_MS = 60_000;
const PAUSE_PATH = "/v1/breaker/pause";
const WATCHED = ["ETH/USD", "LINK/USD", "UNI/USD", "BTC/USD", "DOGE/USD"];
/** What signatures and four replays are given before the timelock has to begin; a busy machine needs more. */
const COLLECTING_MS = [25_000, 50_000, 100_000];

type Governance = {
  readonly configDigest: Digest;
  readonly pending: { readonly configDigest: Digest; readonly activation: number } | null;
  readonly previous: Digest | null;
  readonly pauses: readonly { readonly feed: string }[];
  readonly transitions: readonly { readonly round: number; readonly configDigest: Digest }[];
};
type Log = { readonly entries: readonly { feed: string; round: number; to: string; reasons: { rule: string }[] }[] };
type BreakerItem = {
  readonly feed: string;
  readonly liquidate: string;
  readonly reasons: readonly { rule: string; clears: string }[];
};

const devnet = useDevnet();
let stream: RoundStream;
let inForce: { readonly config: NetworkConfig; readonly digest: Digest; readonly genesis: Digest; readonly domain: Domain };
let guardians: readonly Holder[];
let governors: readonly Holder[];
let change: Promise<Change>;

beforeAll(async () => {
  stream = devnet().stream(WATCHED);
  await stream.more(2);
  inForce = await configInForce(devnet());
  guardians = await Promise.all([0, 1, 2].map((index) => holderOf(devnet(), `guardian${index}`)));
  governors = await Promise.all([0, 1, 2].map((index) => holderOf(devnet(), `governor${index}`)));
  // Its timelock passes while guardians are at work.
  change = changeCrv();
  change.catch(() => undefined);
}, 120_000);
afterAll(() => stream?.close());

describe("a guardian", () => {
  it("pauses a feed by the command line at one node: in force at all four in the first round that hears it, shown, logged, told", async () => {
    const node = await apiOf(2);
    const guardian = nth(guardians, 0);
    const before = stream.newest();
    const words = ["--feed", "ETH/USD", "--action", "none", "--minutes", "1"];
    const ended = await spawnCli(["pause", "--node", node, ...guardian.flags, ...words]);
    expect(ended.stderr).toMatch(/^in force: pause ETH\/USD: no liquidation at all until /m);
    expect(ended.code, ended.stderr).toBe(0);
    const paused = await stream.until("ETH/USD", isManual, { what: "the pause", after: before });
    expect(paused).toMatchObject({ state: "open", liquidate: "none", borrow: false, budgetBps: 0 });
    await certifiedAtAll(paused.round);
    for (const { feeds } of await fromAll<{ feeds: readonly BreakerItem[] }>("/v1/breaker")) {
      const item = feeds.find(({ feed }) => feed === "ETH/USD");
      const clears = "the time that the pause names, or its withdrawal";
      expect(item?.liquidate).toBe("none");
      expect(item?.reasons).toContainEqual(expect.objectContaining({ rule: "manual", clears }));
    }
    const { entries } = await devnet().get<Log>("/v1/breaker/log?feed=ETH-USD&limit=1");
    expect(entries[0]).toMatchObject({ feed: "ETH/USD", round: paused.round, to: "open" });
    expect(entries[0]?.reasons.map(({ rule }) => rule)).toEqual(["manual"]);
    const told = stream.changes.filter(({ feed, round }) => feed === "ETH/USD" && round === paused.round);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ from: "closed", to: "open", reasons: [expect.objectContaining({ rule: "manual" })] });
  });

  it("withdraws it at another node, and the feed closes without further help", async () => {
    const after = stream.newest();
    const ended = await spawnCli([
      ...["pause", "--node", await apiOf(1), ...nth(guardians, 0).flags],
      ...["--feed", "ETH/USD", "--action", "withdraw"],
    ]);
    expect(ended.code, ended.stderr).toBe(0);
    const free = await stream.until("ETH/USD", (view) => !isManual(view), { what: "the withdrawal", after });
    expect(free.state).toBe("half-open");
    await stream.until("ETH/USD", ({ state }) => state === "closed", { what: "closed", after: free.round });
  });

  it("signs with a wallet: in force within two rounds of being heard, and over by itself at the time that it names", async () => {
    const { key } = nth(guardians, 1);
    const wallet = privateKeyToAccount(toHex(key.privateKey));
    const until = Date.now() + 8_000;
    const content = { kind: "pause", feed: "LINK/USD" as FeedId, action: "robust", until } as const;
    const { domain, types, primaryType, message } = typedDataOf(content, { keyholder: key.address, nonce: 1 }, inForce.domain);
    const signature = await wallet.signTypedData({ domain, types, primaryType, message } as Parameters<
      typeof wallet.signTypedData
    >[0]);
    const { bytes } = approvedDocument(content, [{ keyholder: key.address, nonce: 1, signature }]);
    const reply = await handIn(await apiOf(3), bytes, PAUSE_PATH);
    const handedIn = Math.floor(Date.now() / 1_000);
    expect([reply.status, codeOf(reply)], reply.text).toEqual([202, "carried"]);
    const paused = await stream.until("LINK/USD", isManual, { what: "the pause", after: handedIn - 1 });
    expect(paused).toMatchObject({ state: "open", liquidate: "robust" });
    await heardAtOnce(3, { handedIn, inForceIn: paused.round });
    const over = await stream.until("LINK/USD", ({ timestamp }) => timestamp >= until, { what: "its end", after: paused.round });
    expect(isManual(over)).toBe(false);
    const during = stream.of("LINK/USD", paused.round - 1).filter(({ timestamp }) => timestamp < until);
    expect(during.every(isManual)).toBe(true);
  });
});

describe("refused, each with its code", () => {
  const pauseOf = (feed: string, forMs: number, action: "none" | "robust" = "robust"): DocumentContent => ({
    kind: "pause",
    feed: feed as FeedId,
    action,
    until: Date.now() + forMs,
  });
  const hand = async (holders: readonly Holder[], content: DocumentContent, nonce = 9): Promise<Reply> =>
    handIn(await apiOf(0), signAs(holders, content, inForce.domain, nonce).bytes);

  it("an unknown key, and one byte of a message altered", async () => {
    const stranger = { name: "stranger", flags: [], key: testKey(7) as unknown as Holder["key"] };
    const strange = await hand([stranger], pauseOf("DOGE/USD", MINUTE_MS));
    expect([strange.status, codeOf(strange)]).toEqual([422, "malformed"]);
    expect(strange.text).toContain(`${stranger.key.address} is neither a governor nor a guardian`);
    const { bytes } = signAs([nth(guardians, 2)], pauseOf("DOGE/USD", MINUTE_MS), inForce.domain, 9);
    for (const at of [5, bytes.length - 70, bytes.length - 10]) {
      const altered = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      const reply = await handIn(await apiOf(0), altered);
      expect([reply.status, codeOf(reply)], `byte ${at}: ${reply.text}`).toEqual([422, "malformed"]);
    }
  });

  it("what was said before", async () => {
    const { documents } = await devnet().get<{ documents: { digest: Digest; kind: string }[] }>("/v1/governance/documents");
    const pauses = documents.filter(({ kind }) => kind === "pause");
    expect(pauses.length).toBeGreaterThanOrEqual(3);
    for (const { digest } of pauses) {
      const { document } = await devnet().get<{ document: `0x${string}` }>(`/v1/governance/documents/${digest}`);
      const reply = await handIn(await apiOf(1), Buffer.from(document.slice(2), "hex"));
      expect([reply.status, codeOf(reply)], reply.text).toEqual([409, "replayed"]);
    }
  });

  it("too few: one guardian for none of everything, two governors for a roll-back or a config", async () => {
    const next = successor(inForce.config, () => undefined);
    const late = proposal(next, { replaces: inForce.digest, activation: Date.now() + 600_000 });
    const rollback: DocumentContent = { kind: "rollback", from: inForce.digest, to: inForce.genesis };
    const [one, two, three] = [
      await hand(guardians.slice(2), pauseOf("*", MINUTE_MS, "none")),
      await hand(governors.slice(0, 2), rollback),
      await hand(governors.slice(0, 2), late, 0),
    ];
    for (const reply of [one, two, three]) expect([reply.status, codeOf(reply)], reply.text).toEqual([409, "too-few"]);
  });

  it("too long, and beyond the allowance", async () => {
    const guardian = guardians.slice(2);
    const long = await hand(guardian, pauseOf("DOGE/USD", 31 * MINUTE_MS));
    expect([long.status, codeOf(long)], long.text).toEqual([409, "too-long"]);
    const { key } = nth(guardians, 2);
    for (const nonce of [10, 11]) {
      const reply = await hand(guardian, pauseOf("DOGE/USD", 29 * MINUTE_MS), nonce);
      expect([reply.status, codeOf(reply)], reply.text).toEqual([202, "carried"]);
      await within(30_000, `nonce ${nonce} taken in`, async () => (await nonceOf(devnet(), key.address)) === nonce);
    }
    const reply = await hand(guardian, pauseOf("DOGE/USD", 5 * MINUTE_MS), 12);
    expect([reply.status, codeOf(reply)], reply.text).toEqual([409, "allowance"]);
  });

  it("a config that activates before the timelock is over", async () => {
    const next = successor(inForce.config, () => undefined);
    const soon = proposal(next, { replaces: inForce.digest, activation: Date.now() + 20_000 });
    const reply = await hand(governors, soon, 0);
    expect([reply.status, codeOf(reply)], reply.text).toEqual([409, "too-soon"]);
  });

  it.each([
    [0, /feeds\[\d+\]\.thresholds\.jumpBps: expected a whole number from 10 to 10000/],
    [1_000_000_000, /feeds\[\d+\]\.thresholds\.jumpBps: expected a whole number from 10 to 10000/],
    [4_000, /feeds\[CRV\/USD\]\.thresholds\.jumpBps: expected at most a factor of two from 1000, found 4000/],
  ])("a threshold of %s", async (jumpBps, message) => {
    const file = yamlWith("refused", (feeds) => {
      for (const feed of feeds) if (feed.feed === "CRV/USD") feed.thresholds = { jumpBps };
    });
    await expect(governance("propose", file, "--out", `${file}.json`)).rejects.toThrow(message);
  });

  it("a conversion leg left out, when the config is parsed: the path does not lead to the feed", async () => {
    const file = yamlWith("leg", (feeds) => {
      for (const { feed, sources } of feeds) {
        if (feed !== "WSTETH/ETH") continue;
        for (const source of sources as { convert?: object[] }[]) source.convert = [{ multiply: "USDT/USD" }];
      }
    });
    await expect(governance("propose", file, "--out", `${file}.json`)).rejects.toThrow(/feeds\[WSTETH\/ETH\]\.sources\[0\]/);
  });
});

describe("a sound change of thresholds", () => {
  it("activates after its timelock at all four nodes in one round, and everybody follows", async () => {
    const { digest, activation } = await change;
    await within(90_000, "the transition at every node", async () =>
      (await governanceOfAll()).every(({ transitions }) => transitions.length === 1),
    );
    const seen = await governanceOfAll();
    const [round = 0, ...others] = seen.map(({ transitions }) => transitions[0]?.round);
    expect(others).toEqual([round, round, round]);
    expect(seen.map(({ configDigest }) => configDigest)).toEqual([digest, digest, digest, digest]);
    expect(round * 1_000).toBeGreaterThan(activation);
    await stream.until("BTC/USD", (view) => view.round > round, { what: "a round after it" });
    for (const { header } of stream.rounds) {
      expect(header.configDigest, `round ${header.round}`).toBe(header.round < round ? inForce.digest : digest);
    }
    const committee = await configInForce(devnet());
    expect([committee.digest, committee.genesis]).toEqual([digest, inForce.genesis]);
    expect(committee.config.feeds.find(({ feed }) => feed === "CRV/USD")?.thresholds.jumpBps).toBe(1_500);
    const verified = await spawnCli(["verify", `${devnet().api}/v1/feeds/CRV-USD`, "--genesis", inForce.genesis]);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

  it("is rolled back at once by three governors, by the command line", async () => {
    const file = join(devnet().folder, "back.json");
    const [first, second, third] = governors.map(({ flags }) => flags);
    await governance("rollback", ...(first ?? []), "--out", file);
    await governance("rollback", ...(second ?? []), "--with", file, "--out", file);
    const ended = await governance("rollback", ...(third ?? []), "--with", file, "--wait", "60000");
    expect(ended.noted()).toMatch(/^in force: roll back from config /m);
    await within(60_000, "the roll-back at every node", async () =>
      (await governanceOfAll()).every(
        ({ configDigest, transitions }) => configDigest === inForce.digest && transitions.length === 2,
      ),
    );
    const rounds = (await governanceOfAll()).map(({ transitions }) => transitions[1]?.round);
    expect(new Set(rounds).size).toBe(1);
  });
});

describe("a config that the replay refuses", () => {
  it.each([
    ["a cap that stands 2.85 % below the market", 9_715n, 10_000n],
    ["a cap of other decimals, 1/1900 of the market", 1n, 1_900n],
  ])("%s: governors are told why, and three signatures do not bring it past the nodes", async (name, part, whole) => {
    const value = formatAmount(((await wstethInTether()) * part) / whole);
    const cap = { value, growthBps: 0, at: 0 };
    const capped = (feeds: readonly { feed: string; [field: string]: unknown }[]): void => {
      for (const feed of feeds) {
        if (feed.feed === "WSTETH/ETH") feed.sources = (feed.sources as object[]).map((source) => ({ ...source, cap }));
      }
    };
    const file = yamlWith(name.replaceAll(/\W/g, "-"), capped);
    await expect(governance("replay", file)).rejects.toThrow(
      /the replay refuses this config: WSTETH\/ETH: its price differs by more than 30 bps in \d+ of \d+ rounds/,
    );
    const { digest: replaces, config } = await configInForce(devnet());
    const next = successor(config, ({ feeds }) => capped(feeds));
    const { digest: replay, report } = await replayOf(next);
    expect(report.refusals).toHaveLength(1);
    const content = proposal(next, { replaces, activation: Date.now() + 300_000, replayTo: report.to, replay });
    const { bytes } = signAs(governors, content, inForce.domain, 0);
    for (const index of [0, 1, 2, 3]) {
      const api = await apiOf(index);
      await within(60_000, `node${index} comes to refuse it`, async () => codeOf(await handIn(api, bytes)) === "waits");
      expect((await handIn(api, bytes)).text).toContain(
        "this node came to another replay report than the document names, or to refusals",
      );
    }
    await stream.more(3);
    expect((await governanceOfAll()).map(({ pending }) => pending)).toEqual([null, null, null, null]);
  });
});

/** The command line in this process, against the network's one address. */
async function governance(...args: readonly string[]): Promise<Session> {
  const terminal = session();
  await run(governanceCommand(terminal), ...args, "--node", devnet().api);
  return terminal;
}

type Change = { readonly digest: Digest; readonly activation: number };

/**
 * CRV/USD's limit half as far again, as three governors would bring it in: whoever has chosen too near a time, because the nodes still
 * replayed when their timelock had to begin, proposes it again for a later one.
 */
async function changeCrv(): Promise<Change> {
  for (const collectingMs of COLLECTING_MS) {
    const proposed = await proposeCrv(collectingMs).catch((error: unknown) => error);
    if (proposed instanceof Error) {
      if (!/expected at least the timelock|it activates at/.test(proposed.message)) throw proposed;
      continue;
    }
    const { digest, activation } = proposed as Change;
    const lastTaken = activation - inForce.config.governance.timelockMs + 2_000;
    const isPending = async () => (await devnet().get<Governance>("/v1/governance")).pending?.configDigest === digest;
    await within(2 * collectingMs, "pending, or too late", async () => (await isPending()) || Date.now() > lastTaken);
    if (await isPending()) return { digest, activation };
  }
  throw new Error("no proposal became pending in time");
}

async function proposeCrv(collectingMs: number): Promise<Change> {
  const file = yamlWith("sound", (feeds) => {
    for (const feed of feeds) if (feed.feed === "CRV/USD") feed.thresholds = { jumpBps: 1_500 };
  });
  const out = join(devnet().folder, `proposal-${collectingMs}.json`);
  const activation = Date.now() + inForce.config.governance.timelockMs + collectingMs;
  await governance("propose", file, "--out", out, "--activation", String(activation));
  for (const { flags } of governors) await governance("sign", out, ...flags);
  await governance("submit", out);
  const { content } = JSON.parse(readFileSync(out, "utf8")) as { content: { configDigest: Digest } };
  return { digest: content.configDigest, activation };
}

/** The network's own network.yaml with edits, in a file of this name. */
function yamlWith(name: string, edit: (feeds: { feed: string; [field: string]: unknown }[]) => void): string {
  const network = parse(readFileSync(join(devnet().folder, "network.yaml"), "utf8")) as { feeds: Parameters<typeof edit>[0] };
  edit(network.feeds);
  const file = join(devnet().folder, `${name}.yaml`);
  writeFileSync(file, stringify(network));
  return file;
}

async function replayOf(config: NetworkConfig) {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ config }) };
  const { json } = await request(`${devnet().api}/v1/governance/replay`, init);
  return json as { readonly digest: Digest; readonly report: { readonly to: number; readonly refusals: readonly string[] } };
}

/** What the venues quote for WSTETH/USDT, from the certified prices. */
async function wstethInTether(): Promise<bigint> {
  const priceOf = async (slug: string) => amount((await devnet().get<{ price: string }>(`/v1/feeds/${slug}`)).price);
  const [ratio, ether, tether] = await Promise.all(["WSTETH-ETH", "ETH-USD", "USDT-USD"].map(priceOf));
  return ((ratio ?? 0n) * (ether ?? 0n)) / (tether ?? 1n);
}

async function apiOf(index: number): Promise<string> {
  return (await nodeOf(devnet(), index)).api;
}

/** The same of each node. */
async function fromAll<T>(path: string): Promise<readonly T[]> {
  const nodes = await devnet().nodes();
  return Promise.all(nodes.map(async ({ api }) => (await request(`${api}${path}`)).json as T));
}

function governanceOfAll(): Promise<readonly Governance[]> {
  return fromAll("/v1/governance");
}

/** All four have the very certificate of this round. */
async function certifiedAtAll(round: number): Promise<void> {
  const digests = async () => new Set((await fromAll<{ digest?: Digest }>(`/v1/rounds/${round}`)).map(({ digest }) => digest));
  await within(30_000, `round ${round} at every node`, async () => !(await digests()).has(undefined));
  expect((await digests()).size).toBe(1);
}

/**
 * A node says a document from its next observation on, and whoever hears it says it too: so it is in force in the first certificate after
 * that which includes this node's observation, if not before. Which observations come into a round is its leader's choice.
 */
async function heardAtOnce(
  index: number,
  { handedIn, inForceIn }: { readonly handedIn: number; readonly inForceIn: number },
): Promise<void> {
  const { address, api } = await nodeOf(devnet(), index);
  const earlier = stream.rounds.filter(({ round }) => round > handedIn && round < inForceIn);
  for (const { round } of earlier) {
    const heard = (await observationsOf(api, round, inForce.domain)).map(({ observer }) => observer);
    expect(heard, `round ${round} heard node${index} without the pause`).not.toContain(address);
  }
}

function isManual({ reasons }: FeedView): boolean {
  return reasons.includes("manual");
}

function nth(holders: readonly Holder[], index: number): Holder {
  const holder = holders[index];
  if (holder === undefined) throw new Error(`no keyholder ${index}`);
  return holder;
}
