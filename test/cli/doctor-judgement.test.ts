import { describe, expect, it } from "vitest";
import { judgeRuntime } from "../../cli/doctor/diagnose.ts";
import { judgeSources } from "../../cli/doctor/examine-gateway.ts";
import { type Finding, failure, fine, formatFindings, summarize, type Verdict, warning } from "../../cli/doctor/finding.ts";
import { type EndpointOutcome, judgeChain } from "../../cli/doctor/judge-chains.ts";
import { judgeClock, medianOffset, offsetRange } from "../../cli/doctor/judge-clock.ts";
import { judgeKey, judgeSecretFile, type KeyFacts } from "../../cli/doctor/judge-files.ts";
import { judgePeers, type PeerOutcome } from "../../cli/doctor/judge-peers.ts";
import { judgeApi, judgePort } from "../../cli/doctor/judge-ports.ts";
import { judgeRedis } from "../../cli/doctor/judge-redis.ts";
import { expectedBytes, judgeDisk, judgeReplica, judgeStore, type StoreFacts } from "../../cli/doctor/judge-store.ts";
import { judgeVenues, type MarketOutcome } from "../../cli/doctor/judge-venues.ts";
import { digestOf, testKeys, testNetwork } from "../support/network.ts";

const GIB = 1024 ** 3;

function expectFinding(finding: Finding | undefined, verdict: Verdict, text: RegExp): void {
  expect(finding).toMatchObject({ verdict });
  const [line = ""] = formatFindings(finding === undefined ? [] : [finding]);
  expect(line).toMatch(text);
  expect(finding?.advice !== undefined, "a line that is not ok says what to do").toBe(verdict !== "ok");
}

describe("what is printed", () => {
  const findings = [fine("runtime", "Node 24"), warning("clock", "90 ms behind", "set it"), failure("key", "none", "make one")];

  it("one line a check, in columns, and a sum", () => {
    expect(formatFindings(findings)).toEqual([
      "ok    runtime  Node 24",
      "warn  clock    90 ms behind → set it",
      "FAIL  key      none → make one",
    ]);
    expect(summarize(findings)).toBe("3 checks: 1 ok, 1 warning, 1 failure");
    expect(summarize([])).toBe("0 checks: 0 ok, 0 warnings, 0 failures");
  });
});

describe("the runtime", () => {
  it.each([
    ["24.0.0", "ok"],
    ["25.1.0", "ok"],
    ["22.19.0", "fail"],
  ] as const)("Node %s: %s", (version, verdict) => expectFinding(judgeRuntime(version), verdict, new RegExp(`Node ${version}`)));
});

describe("the clock", () => {
  const at = (phase: number, tripMs = 20, offsetMs = 0) => {
    const sentAt = 1_000_000 + phase;
    const serverAt = sentAt + tripMs / 2 + offsetMs;
    return { dateAt: Math.floor(serverAt / 1_000) * 1_000, sentAt, receivedAt: sentAt + tripMs };
  };
  const spread = (offsetMs: number) => offsetRange([0, 170, 340, 510, 680, 850].map((phase) => at(phase, 20, offsetMs)));

  it.each([0, 3, -80, 240, 1_900, -70_000])("answers over a second hold %i ms between them, within a few steps", (offsetMs) => {
    const { low = 0, high = 0 } = spread(offsetMs) ?? {};
    expect(low).toBeLessThanOrEqual(offsetMs);
    expect(high).toBeGreaterThanOrEqual(offsetMs);
    expect(high - low).toBeLessThanOrEqual(200);
  });

  it("one answer alone says little, and answers that contradict each other nothing", () => {
    const one = offsetRange([at(0)]);
    expect((one?.high ?? 0) - (one?.low ?? 0)).toBe(1_020);
    expect(offsetRange([at(0), at(170, 20, 5_000)])).toBeUndefined();
    expect(offsetRange([])).toBeUndefined();
  });

  it("the median host counts: a liar moves nothing", () => {
    const range = (middle: number) => ({ low: middle - 50, high: middle + 50 });
    expect(medianOffset([range(10), range(-99_000), range(20)])).toEqual({ offsetMs: 10, withinMs: 50 });
  });

  const three = (offsetMs: number, withinMs: number) => Array(3).fill({ low: offsetMs - withinMs, high: offsetMs + withinMs });
  it.each([
    ["none states its time", [], "warn", /no host stated/],
    ["within half", three(125, 60), "ok", /125 ms behind the median of 3 hosts, give or take 60 ms$/],
    ["beyond half", three(126, 60), "warn", /126 ms behind.*set it forward/],
    ["beyond half, the other way", three(-126, 60), "warn", /126 ms ahead.*set it back/],
    ["surely beyond the limit", three(311, 60), "fail", /FAIL.*311 ms behind.*within 250 ms of its peers/],
    ["perhaps beyond it", three(310, 60), "warn", /310 ms behind/],
    ["too slow a way", three(0, 251), "warn", /too slow to tell more/],
    ["two hosts", three(0, 60).slice(1), "warn", /so few cannot outvote/],
  ] as const)("%s", (_, ranges, verdict, text) => expectFinding(judgeClock(ranges, 250), verdict, text));
});

describe("files and the key", () => {
  const facts = { ok: true, mode: 0o100600, owner: 1000, self: 1000 } as const;
  it.each([
    ["owner-only", facts, "ok", /mode 0600$/],
    ["read-only for the owner", { ...facts, mode: 0o100400 }, "ok", /mode 0400$/],
    ["readable by the group", { ...facts, mode: 0o100640 }, "warn", /mode 0640.*chmod 600 \/k$/],
    ["somebody else's", { ...facts, owner: 7 }, "warn", /owned by user 7.*this is user 1000/],
    ["away", { ok: false, reason: "ENOENT" }, "fail", /\/k: ENOENT/],
  ] as const)("a secret file that is %s", (_, file, verdict, text) =>
    expectFinding(judgeSecretFile("key file", "/k", file), verdict, text),
  );

  const members = testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address }));
  const mine: KeyFacts = { ok: true, address: members[0]?.address ?? "0x" };
  const stranger: KeyFacts = {
    ok: true,
    address: testKeys(5).find(({ address }) => members.every((m) => m.address !== address))?.address ?? "0x",
  };
  it.each([
    ["a member's", mine, false, "ok", /is node0$/],
    ["a stranger's", stranger, false, "fail", /not in the committee.*joining: true/],
    ["one that is yet to join", stranger, true, "ok", /yet to join$/],
    ["a member's that says it joins", mine, true, "warn", /a member already.*take `joining` out/],
    [
      "not to be opened",
      { ok: false, code: "wrong-password", reason: "wrong password" },
      false,
      "fail",
      /wrong password.*--verify/,
    ],
    ["without a password", { ok: false, code: "no-password", reason: "no password" }, false, "fail", /as the node gets it/],
  ] as const)("a key that is %s", (_, key, joining, verdict, text) =>
    expectFinding(judgeKey(key, { members, joining }), verdict, text),
  );
});

describe("venues", () => {
  const { config } = testNetwork();
  const answers = (outcomes: readonly MarketOutcome["outcome"][]) =>
    outcomes.map((outcome, index) => ({ venue: `venue${index}`, markets: [{ market: "ETH/USD", outcome }] }));
  const lineOf = (outcome: MarketOutcome["outcome"]) => judgeVenues(answers([outcome]), config)[0];

  it.each([
    ["quoted", "ok", "ok", /1 of 1 markets quoted$/],
    ["silent", "silent", "warn", /0 of 1 markets quoted: no answer in time.*DNS, firewall/],
    ["delisted", { code: "unknown-market", detail: "no such" }, "warn", /unknown-market: no such.*delisted/],
    ["blocked", { code: "http-status", detail: "status 451" }, "warn", /status 451.*blocked/],
    ["asked too often", { code: "rate-limited", detail: "429" }, "warn", /addressSharedBy/],
    ["halted", { code: "crossed", detail: "bid 2 ask 1" }, "warn", /nothing to do unless it lasts/],
  ] as const)("%s", (_, outcome, verdict, text) => expectFinding(lineOf(outcome), verdict, text));

  it("names those that fail, and the fault that is worst", () => {
    const markets = ["A", "B", "C", "D", "E", "F"].map((name, index): MarketOutcome => {
      const code = index === 4 ? ("timeout" as const) : ("unknown-market" as const);
      return { market: `${name}/USD`, outcome: index === 5 ? "ok" : { code, detail: "x" } };
    });
    expectFinding(
      judgeVenues([{ venue: "kraken", markets }], config)[0],
      "warn",
      /1 of 6 markets quoted; A\/USD, B\/USD, C\/USD, D\/USD and 1 more: timeout: x/,
    );
  });

  it.each([
    ["enough", 6, "ok", /enough sources for all 1$/],
    ["thin", 3, "warn", /few sources for ETH\/USD.*thin/],
    ["too few", 2, "fail", /too few sources for ETH\/USD/],
  ] as const)("for a feed they are %s", (_, count, verdict, text) => {
    const outcomes = Array.from({ length: 6 }, (__, index) => (index < count ? ("ok" as const) : ("silent" as const)));
    expectFinding(judgeVenues(answers(outcomes), config).at(-1), verdict, text);
  });

  it("several venues of one group are one", () => {
    const sources = Array.from({ length: 7 }, (_, index) => ({
      ...{ venue: `venue${index}`, market: "ETH/USD", weight: 1 },
      ...(index < 3 ? { group: "one" } : {}),
    }));
    const grouped = testNetwork({ feeds: [{ feed: "ETH/USD", preset: "major", sources }] }).config;
    const outcomes = sources.map((_, index) => (index < 3 ? ("ok" as const) : ("silent" as const)));
    expectFinding(judgeVenues(answers(outcomes), grouped).at(-1), "fail", /too few sources/);
  });
});

describe("chains", () => {
  const NOW = 1_800_000_000_000;
  const chain = testNetwork({ chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] }).config.chains[0];
  if (chain === undefined) throw new Error("no chain");
  const said = (place: number, number: number, { chainId = 1n, ageMs = 5_000 } = {}): EndpointOutcome => ({
    ...{ label: `${place} rpc.example`, ok: true, chainId, head: { number, at: NOW - ageMs } },
  });
  const silent: EndpointOutcome = { label: "9 rpc.example", ok: false, reason: "timeout: no answer" };
  const judge = (...endpoints: readonly EndpointOutcome[]) => judgeChain(chain, endpoints, NOW);

  it("no endpoint is no fault", () => expectFinding(judge()[0], "ok", /no rpc/));
  it("three that agree", () => {
    const lines = judge(said(0, 100), said(1, 101), said(2, 100));
    expect(lines.map(({ verdict }) => verdict)).toEqual(["ok", "ok", "ok", "ok"]);
    expectFinding(lines[3], "ok", /3 of 3 endpoints agree on chain id 1, head 5 s old$/);
  });
  it.each([
    ["behind", said(2, 90), /block 90, 10 blocks behind the median/],
    ["ahead", said(2, 110), /block 110, 10 blocks ahead of the median/],
    ["on another chain", said(2, 100, { chainId: 5n }), /chain id 5, the others 1/],
    ["silent", silent, /timeout: no answer/],
  ])("one that is %s is named and the others count", (_, odd, text) => {
    const lines = judge(said(0, 100), said(1, 100), odd);
    expectFinding(lines[2], "warn", text);
    expectFinding(lines[3], "ok", /2 of 3 endpoints agree/);
  });
  it("half is not enough", () => expectFinding(judge(said(0, 100), said(1, 100), silent, silent).at(-1), "fail", /2 of 4/));
  it("a chain that stands still", () => {
    const old = { ageMs: 121_000 };
    expectFinding(judge(said(0, 100, old), said(1, 100, old), said(2, 100, old)).at(-1), "warn", /head 121 s old.*stands still/);
  });
});

describe("peers", () => {
  const { committee } = testNetwork();
  const [, ...others] = committee.members;
  const peerOf = (index: number, answer: PeerOutcome["answer"]): PeerOutcome => {
    const member = others[index];
    if (member === undefined) throw new Error(`no member ${index}`);
    return { ...member, ...(answer === undefined ? {} : { multiaddr: "/ip4/10.0.0.1/tcp/9000" }), answer };
  };
  const proven = (index: number) => peerOf(index, { ok: true, address: others[index]?.address });
  const judge = (...peers: readonly PeerOutcome[]) => judgePeers(peers, committee);

  it("two of three proven are enough for f = 1", () => {
    const lines = judge(proven(0), proven(1), peerOf(2, { ok: false, reason: "ECONNREFUSED" }));
    expectFinding(lines[0], "ok", /proven 0x/);
    expectFinding(lines[2], "warn", /10\.0\.0\.1.*ECONNREFUSED.*is its node up/);
    expectFinding(lines[3], "ok", /2 of 3 other members/);
  });
  it("one is not", () =>
    expectFinding(judge(proven(0), peerOf(1, undefined), peerOf(2, undefined)).at(-1), "fail", /1 of 3.*at least 2/));
  it("without an address", () =>
    expectFinding(judge(peerOf(0, undefined))[0], "warn", /no address in node.yaml.*add it under peers/));
  it("another member, or a stranger, where one was expected", () => {
    expectFinding(
      judge(peerOf(0, { ok: true, address: others[1]?.address }))[0],
      "fail",
      new RegExp(`${others[1]?.name} answers there, not ${others[0]?.name}`),
    );
    expectFinding(judge(peerOf(0, { ok: true, address: undefined }))[0], "fail", /a key of another kind answers there/);
  });
});

describe("ports, and what others' APIs say", () => {
  it.each([
    [{ kind: "free" }, "ok", /free; the node is not running$/],
    [{ kind: "own" }, "ok", /held by this node/],
    [{ kind: "taken" }, "fail", /something else listens there/],
    [{ kind: "refused", reason: "EACCES" }, "fail", /EACCES/],
  ] as const)("%o", (state, verdict, text) => expectFinding(judgePort("api", "127.0.0.1:8080", state), verdict, text));

  const [genesis, other] = [digestOf(1), digestOf(2)];
  const api = { ok: true, network: "test", genesisConfigDigest: genesis, configDigest: genesis } as const;
  it.each([
    ["the same", api, genesis, "ok", /the same genesis 0x0101.*, the same config in force$/],
    ["the same, this node not running", api, undefined, "ok", /the same genesis 0x(01)+$/],
    ["another genesis", { ...api, genesisConfigDigest: other }, genesis, "fail", /genesis 0x0202.*this network.yaml is 0x0101/],
    ["another config in force", { ...api, configDigest: other }, genesis, "warn", /one of the two is behind/],
    ["nobody", { ok: false, reason: "nothing listens there" }, genesis, "warn", /nothing was compared/],
  ] as const)("digest: %s", (_, outcome, inForce, verdict, text) =>
    expectFinding(judgeApi("digest bob", outcome, { genesis, inForce }), verdict, text),
  );

  it.each([
    [0, "fail"],
    [1, "warn"],
    [2, "ok"],
  ] as const)("a gateway that hears %i sources", (answering, verdict) =>
    expectFinding(judgeSources(answering, 2), verdict, /of 2 answer/),
  );
});

describe("store and disk", () => {
  const NOW = 1_000_000_000;
  const store: StoreFacts = {
    bytes: 3 * 1024 ** 2,
    integrity: "ok",
    rounds: 900,
    bodies: 900,
    newestRound: 999_999,
    guard: 1_000_000,
  };
  const judge = (facts: StoreFacts | undefined) => judgeStore("s.db", facts, { now: NOW, roundMs: 1_000 });

  it("none yet, intact, and damaged", () => {
    expectFinding(judge(undefined)[0], "ok", /none yet/);
    expectFinding(judge(store)[0], "ok", /intact, 3 MiB, 900 rounds$/);
    expect(judge({ ...store, integrity: "row 3 missing" })).toHaveLength(1);
    expectFinding(judge({ ...store, integrity: "row 3 missing" })[0], "fail", /damaged: row 3 missing.*move the file away/);
    expectFinding(judgeReplica("s.db", undefined), "ok", /none yet/);
    expectFinding(judgeReplica("s.db", store), "ok", /intact/);
    expectFinding(judgeReplica("s.db", { ...store, integrity: "x" }), "fail", /filled again/);
  });

  it.each([
    ["nothing signed", undefined, "ok", /nothing signed yet/],
    ["now", 1_000_005, "ok", /signed up to round 1000005$/],
    ["ahead of the clock", 1_000_006, "warn", /round 1000006 is 6 s ahead of this clock: nothing is signed until then/],
  ] as const)("guard: %s", (_, guard, verdict, text) => expectFinding(judge({ ...store, guard })[1], verdict, text));

  const growth = { store: undefined, keeps: { rounds: 604_800, bodies: 172_800 }, feeds: 15, members: 4 };
  it("what a store may grow to is estimated, or taken from what its rounds have taken", () => {
    expect(expectedBytes({ ...growth, keeps: { rounds: 1_000, bodies: 100 }, feeds: 10 })).toBe(4_240_000);
    const measured = { ...store, bytes: 2 * 600 * (15 * 400 + 15 * 4 * 60), rounds: 600, bodies: 600 };
    expect(expectedBytes({ ...growth, store: measured })).toBe(2 * expectedBytes(growth));
    expect(expectedBytes({ ...growth, store: { ...measured, rounds: 599 } })).toBe(expectedBytes(growth));
  });
  it.each([
    [100 * GIB, "ok", /100\.0 GiB free/],
    [4 * GIB, "warn", /4\.0 GiB free at s\.db.*make room/],
    [GIB / 8, "fail", /a node whose disk is full signs nothing/],
  ] as const)("%i bytes free", (freeBytes, verdict, text) =>
    expectFinding(judgeDisk("s.db", { ...growth, freeBytes }), verdict, text),
  );
});

describe("Redis", () => {
  const allowed = { what: "append rounds", code: "ok", reason: "" };
  it.each([
    ["away", { ok: false, reason: "ECONNREFUSED" }, "fail", /ECONNREFUSED.*redis\.url/],
    ["all right", { ok: true, attempts: [allowed] }, "ok", /lets this user append rounds$/],
    [
      "forbidding",
      { ok: true, attempts: [allowed, { what: "append papers", code: "NOPERM", reason: "" }] },
      "fail",
      /forbids this user to append papers.*ACL file/,
    ],
    [
      "broken",
      { ok: true, attempts: [{ what: "append rounds", code: "OOM", reason: "OOM command" }] },
      "fail",
      /cannot append rounds: OOM command/,
    ],
  ] as const)("that is %s", (_, outcome, verdict, text) => expectFinding(judgeRedis(outcome), verdict, text));
});
