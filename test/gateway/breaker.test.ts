import { describe, expect, it } from "vitest";
import { verifyText } from "../../client/verify.ts";
import { breakerLogSchema, breakerSchema, chainsSchema } from "../../gateway/breaker.ts";
import { feedListSchema } from "../../gateway/documents.ts";
import { ONE } from "../../protocol/amount.ts";
import { bundleDocumentSchema, feedDocumentSchema } from "../../protocol/document.ts";
import type { BreakerTransition, Reason } from "../../protocol/round.ts";
import { digestOf, plainSources, scheme, testNetwork } from "../support/network.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";
import { buildTestGateway, FEEDS, FIRST_ROUND } from "./support.ts";

const TIMESTAMP = FIRST_ROUND * 1_000;
const OPEN = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
const JUMP: Reason = { rule: "jump", unit: "Bps", measured: 420, limit: 300 };
const BUSY: Reason = { rule: "congestion", unit: "Points", measured: 3, limit: 2 };

const chained = testNetwork({
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  feeds: [{ feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) }],
});
const chainedRound = certify({
  network: chained,
  round: FIRST_ROUND,
  verdicts: [
    verdict("ETH/USD", TIMESTAMP),
    verdict("CHAIN/ETHEREUM", TIMESTAMP, { ...OPEN, price: 900n * ONE, ema: 30n * ONE, reasons: 32 }, [BUSY]),
  ],
});

describe("/v1/breaker", () => {
  it("gives every feed's state, with what each active rule measured, its limit, and what clears it", async () => {
    const network = networkOf([...FEEDS, "NEW/USD"]);
    const verdicts = [
      verdict("BTC/USD", TIMESTAMP),
      verdict("ETH/USD", TIMESTAMP, { ...OPEN, reasons: 1 + 8 + 2 ** 31 }, [
        JUMP,
        { rule: "thin", unit: "Groups", measured: 2, limit: 4 },
      ]),
    ];
    const { get } = await buildTestGateway({ network, rounds: [certify({ network, round: FIRST_ROUND, verdicts })] });
    const { round, feeds } = breakerSchema.parse((await get("/v1/breaker")).json());
    expect(round).toBe(FIRST_ROUND);
    expect(feeds.map(({ feed, state, carried }) => [feed, state, carried])).toEqual([
      ["BTC/USD", "closed", false],
      ["ETH/USD", "open", true],
      ["LINK/USD", null, null],
      ["NEW/USD", null, null],
    ]);
    expect(feeds[1]?.reasons).toEqual([
      {
        rule: "jump",
        measuredBps: 420,
        limitBps: 300,
        clears: "excess at most 150 bps for 30000 ms, 60000 ms of agreement, or its cap",
      },
      { rule: "thin", measuredGroups: 2, limitGroups: 4, clears: "4 groups, none above 5000 bps, for 30000 ms, or its cap" },
    ]);
    expect(feeds[1]).toMatchObject({ liquidate: "robust", borrow: false, budgetBps: 0 });
    const list = feedListSchema.parse((await get("/v1/feeds")).json());
    const [one, bundle] = [(await get("/v1/feeds/ETH-USD")).json(), (await get("/v1/bundle?feeds=BTC-USD,ETH-USD")).json()];
    for (const shown of [list.feeds[1], feedDocumentSchema.parse(one), bundleDocumentSchema.parse(bundle).feeds[1]]) {
      expect(shown?.breaker?.reasons).toEqual(feeds[1]?.reasons);
    }
  });

  it("lists the chains' leaves as well, which are proved as feeds are", async () => {
    const { get } = await buildTestGateway({ network: chained, rounds: [chainedRound] });
    const { feeds } = breakerSchema.parse((await get("/v1/breaker")).json());
    expect(feeds.map(({ feed, preset, state }) => [feed, preset, state])).toEqual([
      ["ETH/USD", "major", "closed"],
      ["CHAIN/ETHEREUM", null, "open"],
    ]);
    expect(feeds[1]?.reasons).toEqual([
      { rule: "congestion", measuredPoints: 3, limitPoints: 2, clears: "fewer than 2 points for 5 minutes" },
    ]);
    const trust = { committee: chained.committee, domain: chained.domain };
    for (const path of ["/v1/feeds/CHAIN-ETHEREUM", "/v1/bundle?feeds=ETH-USD,CHAIN-ETHEREUM"]) {
      const { status, text } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      const verification = verifyText(text, { trust, scheme });
      expect(verification.ok).toBe(true);
      expect(verification.reports.at(-1)).toMatchObject({ feed: "CHAIN/ETHEREUM", price: 900n * ONE });
    }
    expect((await get("/v1/feeds")).json().feeds).toHaveLength(1);
    expect((await get("/v1/feeds/CHAIN-BASE")).status).toBe(404);
  });

  it("/v1/chains says what is signed of each chain, null until its first leaf", async () => {
    const { get } = await buildTestGateway({ network: chained, rounds: [chainedRound] });
    const { chains, round } = chainsSchema.parse((await get("/v1/chains")).json());
    expect(round).toBe(FIRST_ROUND);
    expect(chains).toMatchObject([
      {
        ...{ chain: "ETHEREUM", feed: "CHAIN/ETHEREUM", blockMs: 12_000, baseFeeGwei: "900", averageFeeGwei: "30" },
        breaker: { state: "open" },
        permits: { liquidate: "robust" },
      },
    ]);
    const early = await buildTestGateway({ network: chained, rounds: [] });
    const first = chainsSchema.parse((await early.get("/v1/chains")).json());
    expect(first.chains).toMatchObject([{ chain: "ETHEREUM", baseFeeGwei: null, breaker: null }]);
    expect((await early.get("/v1/breaker")).json().feeds).toHaveLength(2);
  });
});

describe("/v1/breaker/log", () => {
  const entry = (round: number, feed: string, change: Partial<BreakerTransition> = {}): BreakerTransition => ({
    ...{ feed: feedId(feed), round, timestamp: round * 1_000, digest: digestOf(round % 256) },
    ...{ from: "closed", to: "open", reasons: [JUMP], observations: [digestOf(1), digestOf(2)] },
    ...change,
  });
  const open = async () => {
    const gateway = await buildTestGateway();
    gateway.memory.kept.log.push(
      entry(3, "ETH/USD", { from: null, reasons: [] }),
      entry(5, "BTC/USD"),
      entry(5, "ETH/USD"),
      entry(9, "ETH/USD", { from: "open", to: "half-open" }),
    );
    const ask = async (query: string) => breakerLogSchema.parse((await gateway.get(`/v1/breaker/log${query}`)).json());
    return { ...gateway, ask };
  };

  it("gives every change with its rules, their values and limits, and what the quorum had seen, newest first", async () => {
    const { ask } = await open();
    const { entries, more } = await ask("");
    expect(entries.map(({ round, feed, from, to }) => `${round} ${feed} ${from} ${to}`)).toEqual([
      "9 ETH/USD open half-open",
      "5 BTC/USD closed open",
      "5 ETH/USD closed open",
      "3 ETH/USD null open",
    ]);
    expect(more).toBe(false);
    expect(entries[1]).toEqual({
      ...{ feed: "BTC/USD", round: 5, timestamp: 5_000, digest: digestOf(5), from: "closed", to: "open" },
      reasons: [{ rule: "jump", measuredBps: 420, limitBps: 300 }],
      observations: [digestOf(1), digestOf(2)],
    });
  });

  it("of one feed, of a span of rounds, the newest so many, and says when there are more", async () => {
    const { ask } = await open();
    const rounds = async (query: string) => (await ask(query)).entries.map(({ round }) => round);
    expect(await rounds("?feed=ETH-USD")).toEqual([9, 5, 3]);
    expect(await rounds("?from=4&to=8")).toEqual([5, 5]);
    expect(await rounds("?feed=LINK-USD")).toEqual([]);
    expect(await ask("?limit=2")).toMatchObject({ more: true, entries: [{ round: 9 }, { feed: "BTC/USD" }] });
    expect(await ask("?limit=4")).toMatchObject({ more: false });
  });
});
