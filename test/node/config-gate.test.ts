import { describe, expect, it } from "vitest";
import { type MarketState, marketKey, type VenueSnapshot } from "../../adapters/snapshot.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import { sampleMarkets } from "../../node/sampler.ts";
import { shadowsOf } from "../../node/shadows.ts";
import { ONE } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import { configDigest, type Network, type NetworkConfig } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { SignedObservation } from "../../protocol/observation.ts";
import { plainSources, testKeys, testNetwork } from "../support/network.ts";
import { GOVERNED, proposalOf, successorOf } from "./council.ts";

const FIRST = 1_700_000_000;
const POOL = { kind: "uniswap-v3-twap", base: "token0", baseDecimals: 18, quoteDecimals: 18, windowMs: 1_800_000 };
const CONTRACTS = [1, 2, 3, 4];
const RATIO = (12n * ONE) / 10n;
/** 1.2 · (1 − 0.0285) */
const STALE_CAP = { value: "1.1658", at: 0, growthBps: 0 };

function pools(market: string) {
  return CONTRACTS.map((digit) => ({
    ...{ name: `cbeth-${digit}`, chain: "ETHEREUM", market },
    read: { ...POOL, pool: `0x${String(digit).repeat(40)}` },
  }));
}

function cbeth(market: string, convert: readonly object[], first = 1) {
  const sources = CONTRACTS.map((digit) => ({ venue: `cbeth-${digit}`, market, weight: digit === 1 ? first : 1, convert }));
  return { feed: "CBETH/USD", preset: "longtail", sources };
}

function wsteth(changes: object = {}) {
  const sources = plainSources("WSTETH/ETH", 4).map((source) => ({ ...source, ...changes }));
  return { feed: "WSTETH/ETH", preset: "staked", sources };
}

const eth = { feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) };
const inEther = cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }]);
const network = testNetwork({
  ...GOVERNED,
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  references: pools("CBETH/ETH"),
  feeds: [eth, inEther, wsteth()],
});

/** Every venue says the same; a contract says 1.1, whatever a config takes that to be. */
function quotesAt(at: number): VenueSnapshot {
  const quote = (venue: string, market: string, price: bigint): [string, MarketState] => [
    marketKey(venue, market),
    { venue, market, quote: { market, bid: price, ask: price, bookAt: at }, sentAt: at, receivedAt: at },
  ];
  const venues = plainSources("ETH/USD", 6).map(({ venue }) => venue);
  const contracts = CONTRACTS.map((digit) => `cbeth-${digit}`);
  return new Map([
    ...venues.map((venue) => quote(venue, "ETH/USD", 1_900n * ONE)),
    ...venues.map((venue) => quote(venue, "WSTETH/ETH", RATIO)),
    ...["CBETH/ETH", "CBETH/USD"].flatMap((market) => contracts.map((name) => quote(name, market, (11n * ONE) / 10n))),
  ]);
}

/** Four honest nodes by the production sampler, as if each had come to the replay that the config names. */
function observe(
  under: Network,
  round: number,
  parent: FoldParent | undefined,
  said: { next: NetworkConfig; documents: readonly SignedDocument[] },
) {
  const at = round * 1_000;
  const entriesUnder = (config: NetworkConfig) => sampleMarkets(config, quotesAt(at), at).entries;
  const pending = parent?.memory.governance.pending;
  const observation = {
    ...{ round, configDigest: under.configDigest, head: { round: 0, digest: ZERO_DIGEST }, gauges: [] },
    entries: entriesUnder(under.config),
    shadows: shadowsOf({ network: under, pending, content: said.next, timestamp: at }, entriesUnder),
    documents: said.documents.map(({ digest }) => digest),
  };
  return testKeys(4).map(
    ({ address }): SignedObservation => ({
      observation: { ...observation, observer: address },
      digest: ZERO_DIGEST,
      signer: address,
      signature: "0x",
    }),
  );
}

/** Forty rounds in which a config is proposed in the third, to activate five seconds later; until it does. */
function play(next: NetworkConfig) {
  const document = proposalOf(network, next, (FIRST + 8) * 1_000);
  let parent: FoldParent | undefined;
  const refused = new Map<string, number>();
  for (let round = FIRST; round < FIRST + 40; round++) {
    const documents = round === FIRST + 3 ? [document] : [];
    const observations = observe(network, round, parent, { next, documents });
    const { memory, feeds, intake, timestamp } = foldRound({ network, parent, round, observations, documents });
    expect(intake.map(({ code }) => code)).toEqual(documents.map(() => "taken"));
    for (const { report, reasons } of feeds) {
      for (const { rule, measured } of reasons) if (rule === "config") refused.set(report.feed, measured);
    }
    parent = { header: { round, timestamp, configDigest: network.configDigest }, memory };
    if (memory.governance.next !== ZERO_DIGEST) return { refused, governance: memory.governance, rounds: round - FIRST };
  }
  return { refused, governance: parent?.memory.governance, rounds: 40 };
}

describe("the gate of shadow prices, where every node carries a config that its replay should have refused", () => {
  it.each([
    [
      "that leaves a conversion leg out",
      { references: pools("CBETH/USD"), feeds: [eth, cbeth("CBETH/USD", []), wsteth()] },
      "CBETH/USD",
      1_899 * 10_000,
    ],
    ["with a cap 2.85 % below the ratio", { feeds: [eth, inEther, wsteth({ cap: STALE_CAP })] }, "WSTETH/ETH", 293],
  ])("keeps out one %s: it stays pending, and the feed says by how much it differs", (_, changes, feed, bps) => {
    const next = successorOf(network, changes);
    const { refused, governance } = play(next);
    expect(governance?.pending?.configDigest).toBe(configDigest(next));
    expect(governance?.next).toBe(ZERO_DIGEST);
    expect(governance?.pending?.feeds).toEqual([{ feed, agreedAt: 0, accepted: false }]);
    expect([...refused]).toEqual([[feed, bps]]);
  });

  it("lets one through whose price agrees, as soon as it has agreed for shadowMs", () => {
    const heavier = cbeth("CBETH/ETH", [{ multiply: "ETH/USD" }], 2);
    const next = successorOf(network, { feeds: [eth, heavier, wsteth()] });
    const { refused, governance, rounds } = play(next);
    expect(governance?.next).toBe(configDigest(next));
    expect([...refused]).toEqual([]);
    expect(rounds).toBe(8);
  });
});
