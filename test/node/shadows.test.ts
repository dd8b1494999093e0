import { describe, expect, it } from "vitest";
import { shadowsOf } from "../../node/shadows.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import { digestOf, testNetwork } from "../support/network.ts";
import { ETH_USD, GOVERNED, reweighted, successorOf } from "./council.ts";

const network = testNetwork(GOVERNED);
const content = successorOf(network, { feeds: reweighted() });
const ACTIVATION = 1_000_000_000_000;
const { shadowMs } = network.config.governance;
const pending = {
  configDigest: digestOf(1),
  activation: ACTIVATION,
  feeds: [{ feed: ETH_USD, agreedAt: 0, accepted: false }],
};
const entry: FeedEntry = {
  feed: ETH_USD,
  price: 5n,
  low: 4n,
  high: 6n,
  asOf: 0,
  groups: 4,
  topBps: 2_500,
  outsideBps: 0,
};
const other = { ...entry, feed: "BTC/USD" as FeedEntry["feed"] };

function shadows(changes: Partial<Parameters<typeof shadowsOf>[0]>, entries: readonly FeedEntry[] = [other, entry]) {
  const asked: NetworkConfig[] = [];
  const given = shadowsOf({ network, pending, content, timestamp: ACTIVATION - shadowMs, ...changes }, (config) => {
    asked.push(config);
    return entries;
  });
  return { given, asked };
}

describe("shadows", () => {
  it("of the feeds that change, under the pending config, from shadowMs before its activation on", () => {
    expect(shadows({})).toEqual({ given: [{ feed: ETH_USD, price: 5n }], asked: [content] });
    expect(shadows({ timestamp: ACTIVATION + 86_400_000 }).given).toHaveLength(1);
  });

  it.each([
    ["before they are due", { timestamp: ACTIVATION - shadowMs - 1 }],
    ["without a pending config", { pending: undefined }],
    ["without its content", { content: undefined }],
    ["of a config that changes no price", { pending: { ...pending, feeds: [] } }],
  ])("none, and no sample, %s", (_, changes) => {
    expect(shadows(changes)).toEqual({ given: [], asked: [] });
  });

  it("none of a feed that cannot be priced", () => {
    expect(shadows({}, [other]).given).toEqual([]);
  });
});
