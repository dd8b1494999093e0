import { describe, expect, it, test } from "vitest";
import type { ChainItem, FeedItem } from "../../dashboard/data/api.ts";
import { parseRoute, titleOf } from "../../dashboard/router.ts";
import { chainRow, countStates, feedRow, filterRows, sortRows, spokenBy } from "../../dashboard/view/overview.ts";

const feed = (name: string, state: "open" | "half-open" | "closed" | undefined, rule?: "jump"): FeedItem =>
  ({
    ...{ feed: name, preset: "major", round: 1, validUntil: 2, observedAt: 1, volatility: "1" },
    ...(state === undefined
      ? { price: null, low: null, high: null, ema: null, breaker: null, permits: null }
      : {
          ...{ price: "101", low: "100", high: "102", ema: "100" },
          breaker: { state, since: 0, reasons: rule === undefined ? [] : [{ rule, measuredBps: 420, limitBps: 300 }] },
          permits: { liquidate: "any", borrow: true, budgetBps: 10_000 },
        }),
  }) as FeedItem;

const ROWS = [
  feed("ZZZ/USD", "open", "jump"),
  feed("ETH/USD", "closed"),
  feed("AAA/USD", "half-open"),
  feed("NEW/USD", undefined),
  feed("BTC/USD", "closed"),
].map(feedRow);
const names = (rows: readonly { readonly feed: string }[]) => rows.map((row) => row.feed);

describe("the overview", () => {
  it("puts what is paused first, then what probes, then what has no price", () => {
    expect(names(sortRows(ROWS))).toEqual(["ZZZ/USD", "AAA/USD", "NEW/USD", "BTC/USD", "ETH/USD"]);
  });

  it("says of a feed what its list says, and nothing of one without a price", () => {
    expect(ROWS[1]).toMatchObject({
      price: "101.00",
      widthBps: "198.0",
      change: { text: "+1.00 %" },
      state: "closed",
      slug: "ETH-USD",
    });
    expect(ROWS[3]).toMatchObject({ price: undefined, widthBps: undefined, state: undefined, permits: undefined, reasons: [] });
  });

  it("knows what round a list speaks of, before the stream has brought one", () => {
    const item = { ...feed("ETH/USD", "closed"), round: 7, validUntil: 20_000, observedAt: 4_000 };
    expect(spokenBy({ feeds: [feed("NEW/USD", undefined), item, { ...item, observedAt: 4_500 }] })).toMatchObject({
      ...{ round: expect.any(Number), timestamp: 4_500 },
    });
    expect(spokenBy({ feeds: [item] })).toEqual({ round: 7, timestamp: 4_000, validUntil: 20_000 });
    expect(
      spokenBy({ feeds: [{ ...feed("NEW/USD", undefined), round: null, validUntil: null, observedAt: null }] }),
    ).toBeUndefined();
  });

  it("shows a chain by its fee", () => {
    const chain = {
      ...{ chain: "ETHEREUM", feed: "CHAIN/ETHEREUM", blockMs: 12_000, baseFeeGwei: "60", averageFeeGwei: "30", observedAt: 5 },
      ...{ breaker: { state: "closed", since: 0, reasons: [] }, permits: { liquidate: "any", borrow: true, budgetBps: 10_000 } },
    } as unknown as ChainItem;
    expect(chainRow(chain)).toMatchObject({ kind: "chain", price: "60.00 gwei", change: { text: "+100.00 %" } });
    expect(chainRow({ ...chain, baseFeeGwei: null, breaker: null })).toMatchObject({ price: undefined, state: undefined });
  });

  test.each([
    ["open", "", ["ZZZ/USD"]],
    ["all", "eth", ["ETH/USD"]],
    ["all", "moved off", ["ZZZ/USD"]],
    ["all", "jump zzz", ["ZZZ/USD"]],
    ["all", "no price", ["NEW/USD"]],
    ["all", "probing", ["AAA/USD"]],
    ["closed", "zzz", []],
  ] as const)("%s and “%s” leaves %o", (state, text, left) => expect(names(filterRows(ROWS, { state, text }))).toEqual(left));

  it("counts", () => expect(countStates(ROWS)).toEqual({ all: 5, open: 1, "half-open": 1, closed: 2 }));
});

describe("addresses", () => {
  test.each([
    ["", { page: "overview" }],
    ["#/", { page: "overview" }],
    ["#/feeds/ETH-USD", { page: "feed", feed: "ETH/USD", slug: "ETH-USD" }],
    ["#/feeds/CHAIN-ETHEREUM/", { page: "feed", feed: "CHAIN/ETHEREUM", slug: "CHAIN-ETHEREUM" }],
    ["#/feeds/<b>", { page: "unknown", path: "feeds/<b>" }],
    ["#/feeds/ETH-USD/more", { page: "unknown", path: "feeds/ETH-USD/more" }],
    ["#/committee", { page: "committee" }],
    ["#/governance", { page: "governance" }],
    ["#/governance/x", { page: "unknown", path: "governance/x" }],
    ["#/verify", { page: "verify", slug: undefined }],
    ["#/verify/ETH-USD", { page: "verify", slug: "ETH-USD" }],
    ["#/nothing", { page: "unknown", path: "nothing" }],
  ])("%s", (hash, route) => expect(parseRoute(hash)).toEqual(route));

  it("every page has a title of its own", () => {
    const hashes = ["#/", "#/feeds/ETH-USD", "#/committee", "#/governance", "#/verify", "#/nothing"];
    expect(new Set(hashes.map((hash) => titleOf(parseRoute(hash), "devnet"))).size).toBe(hashes.length);
    expect(titleOf(parseRoute("#/feeds/ETH-USD"), "devnet")).toBe("ETH/USD · devnet · Breakwater");
    expect(titleOf(parseRoute("#/"), undefined)).toBe("Overview · Breakwater");
  });
});
