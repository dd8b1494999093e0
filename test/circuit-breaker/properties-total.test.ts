import fc from "fast-check";
import { expect, test } from "vitest";
import { stepBreaker } from "../../circuit-breaker/breaker.ts";
import { type BreakerMemory, decodeMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { CARRIED_BIT, hasReason, reasonNames } from "../../protocol/report.ts";
import { editMemory } from "../fuzz/targets/breaker-memory.ts";
import { createChain, ETH, networkWith, PRICE, viewAt } from "./chain.ts";

/** One feed pegged to a rate that is trusted, one chain: what a stranger's memory can hold of a leaf of each kind. */
const NETWORK = networkWith(
  { [ETH]: { preset: "staked", peg: { rate: "steth" } } },
  {
    chains: [{ chain: "ETHEREUM", blockMs: 12_000, uptimeFeed: `0x${"5e".repeat(20)}` }],
    references: [
      {
        ...{ name: "steth", chain: "ETHEREUM", market: "ETH/USD" },
        read: { kind: "exchange-rate", contract: `0x${"ae".repeat(20)}`, method: "getRate", decimals: 18 },
      },
    ],
  },
);
const GAUGES = ["fee.ETHEREUM", "head.ETHEREUM", "wait.ETHEREUM", "seq.ETHEREUM", "rate.steth"];

/** After one round in which both leaves began. */
const chain = createChain(NETWORK);
chain.step({ [ETH]: { price: PRICE } }, 0, {
  gauges: { "fee.ETHEREUM": 30n * ONE, "head.ETHEREUM": BigInt(chain.timestamp()) },
});
const BEGUN = chain.memory();

const byte = fc.nat(255);
const edits = fc.array(fc.tuple(fc.nat(1), byte, byte), { maxLength: 12 });
const value = fc.oneof(fc.constantFrom(0n, 1n, ONE, MAX_AMOUNT), fc.bigInt({ min: 0n, max: MAX_AMOUNT }));
const gauges = fc.array(fc.tuple(fc.constantFrom(...GAUGES), value, fc.nat(200_000)), { maxLength: 5 });
/** With its interval within the leaf. */
const price = fc.option(fc.bigInt({ min: 1n, max: MAX_AMOUNT / 2n }), { nil: undefined });

test("whatever is remembered and measured, a round has a memory within its bounds and leaves that hold together", () => {
  const before = { round: chain.timestamp() / 1_000, timestamp: chain.timestamp() };
  expect(BEGUN.feeds.map(({ feed }) => feed)).toEqual(["CHAIN/ETHEREUM", ETH]);
  fc.assert(
    fc.property(edits, gauges, price, fc.constantFrom(1, 2, 59, 60, 61, 10_000_000), (edited, measured, seen, passed) => {
      const timestamp = before.timestamp + passed * 1_000;
      const memory: BreakerMemory = {
        ...BEGUN,
        feeds: BEGUN.feeds.map((own, index) =>
          edited.reduce((last, [which, where, what]) => (which === index ? editMemory(last, where, what, timestamp) : last), own),
        ),
      };
      const { config, configDigest, committee } = NETWORK;
      const result = stepBreaker({
        ...{ config, configDigest, parentConfigDigest: configDigest, committee, parent: before, memory },
        ...{ round: before.round + passed, timestamp, validUntil: timestamp + config.leaseMs },
        views: new Map<FeedId, ReturnType<typeof viewAt>>(seen === undefined ? [] : [[ETH, viewAt(timestamp, seen)]]),
        gauges: new Map(measured.map(([name, amount, age]) => [name, { value: amount, asOf: timestamp - age }])),
        ...{ shadows: new Map(), documents: [] },
      });
      expect(decodeMemory(encodeMemory(result.memory))).toEqual({ ok: true, value: result.memory });
      for (const { report, reasons } of result.feeds) {
        // A stranger's carried price and interval need not fit each other; fresh ones do.
        const carried = hasReason(report.reasons, CARRIED_BIT);
        expect(carried || (report.low <= report.price && report.price <= report.high)).toBe(true);
        expect(0n <= report.low && report.high > 0n && report.high <= MAX_AMOUNT).toBe(true);
        expect(reasons.map(({ rule }) => rule)).toEqual(reasonNames(report.reasons));
        expect(reasons.every(({ measured: found }) => Number.isSafeInteger(found) && found >= 0)).toBe(true);
        expect(report.state === "closed" ? reasons : []).toEqual([]);
      }
    }),
    { numRuns: 3_000 },
  );
});
