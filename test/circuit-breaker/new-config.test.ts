import { describe, expect, test } from "vitest";
import { decodeMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import { ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { closedChain, createChain, ETH, type FeedSetup, networkWith, PRICE } from "./chain.ts";

const MAJOR: FeedSetup = { preset: "major" };
const SOL = "SOL/USD" as FeedId;
const LEAF = "CHAIN/ETHEREUM" as FeedId;
const ETHEREUM = { chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] };

/** The first round under another config. */
describe("a new config", () => {
  test("forgets the feeds that it no longer has, and begins new ones with their first price", () => {
    const chain = closedChain(networkWith({ "AAA/USD": MAJOR, [ETH]: MAJOR, "XRP/USD": MAJOR }));
    const before = chain.memoryOf();
    chain.change(networkWith({ "BBB/USD": MAJOR, [ETH]: MAJOR, [SOL]: MAJOR }));
    const feeds = chain.step({ "BBB/USD": { price: PRICE }, [ETH]: { price: PRICE } });
    expect(feeds.map(({ report }) => [report.feed, report.state])).toEqual([
      ["BBB/USD", "open"],
      [ETH, "closed"],
    ]);
    expect(chain.memoryOf("BBB/USD" as FeedId)).toMatchObject({ rounds: 1, firstAt: chain.timestamp() });
    expect(chain.memoryOf()).toMatchObject({ firstAt: before.firstAt, closedAt: before.closedAt, anchor: before.anchor });
    expect(chain.step({ [SOL]: { price: PRICE } }).map(({ report }) => report.feed)).toEqual(["BBB/USD", ETH, SOL]);
    expect(decodeMemory(encodeMemory(chain.memory())).ok).toBe(true);
  });

  test("forgets chains, and begins them again from nothing", () => {
    const chain = createChain(networkWith({ "AAA/USD": MAJOR, [ETH]: MAJOR }, ETHEREUM));
    const scene = { "AAA/USD": { price: PRICE }, [ETH]: { price: PRICE } };
    const gauges = () => ({ "fee.ETHEREUM": 30n * ONE, "head.ETHEREUM": BigInt(chain.timestamp()) });
    chain.step(scene, 0, { gauges: gauges() });
    const { firstAt } = chain.memoryOf(LEAF);
    expect(chain.memory().feeds.map(({ feed }) => feed)).toEqual(["AAA/USD", LEAF, ETH]);
    chain.change(networkWith({ "AAA/USD": MAJOR, [ETH]: MAJOR }));
    chain.step(scene, 0, { gauges: gauges() });
    expect(chain.memory().feeds.map(({ feed }) => feed)).toEqual(["AAA/USD", ETH]);
    chain.change(networkWith({ "AAA/USD": MAJOR, [ETH]: MAJOR }, ETHEREUM));
    chain.step(scene, 0, { gauges: gauges() });
    expect(chain.memoryOf(LEAF).firstAt).toBe(firstAt + 2_000);
    expect(decodeMemory(encodeMemory(chain.memory())).ok).toBe(true);
  });

  test("takes a feed out of the basket, and its slow average with it", () => {
    const feeds = { "AAA/USD": MAJOR, "BBB/USD": MAJOR, [ETH]: MAJOR, [SOL]: MAJOR };
    const basketOf = (...names: readonly string[]) => ({ basket: names.map((feed) => ({ feed, weight: 1 })) });
    const chain = closedChain(networkWith(feeds, basketOf("AAA/USD", "BBB/USD", ETH)));
    expect(chain.memoryOf().sysEma).toBe(PRICE);
    const scene = Object.fromEntries(Object.keys(feeds).map((feed) => [feed, { price: PRICE }]));
    chain.change(networkWith(feeds, basketOf("AAA/USD", "BBB/USD", SOL)));
    chain.step(scene);
    expect([chain.memoryOf().sysEma, chain.memoryOf(SOL).sysEma]).toEqual([0n, PRICE]);
  });

  test("counts no leader of the old committee towards holding a rule", () => {
    const split = { price: PRICE, outsideBps: 9_000 };
    const fired = (next: ReturnType<typeof networkWith> | undefined) => {
      const chain = closedChain(networkWith({ [ETH]: MAJOR }));
      chain.eth(split);
      if (next !== undefined) chain.change(next);
      chain.eth(split);
      return { ...chain.memoryOf(), held: chain.memoryOf().fired[2] === chain.timestamp() };
    };
    expect(fired(undefined)).toMatchObject({ recent: [0n, 0b11n, 0n], held: true });
    expect(fired(networkWith({ [ETH]: MAJOR }, { version: 2 }))).toMatchObject({ recent: [0n, 1n, 0n], held: false });
  });
});
