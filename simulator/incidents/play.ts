import { type NodePrice, priceFeeds } from "../../aggregator/price.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import type { MarketView } from "../../aggregator/source.ts";
import { assert } from "../../protocol/assert.ts";
import { type Digest, keccakHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { compareText, type FeedId } from "../../protocol/feed.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { FeedEntry, GaugeEntry, SignedObservation } from "../../protocol/observation.ts";
import type { FeedVerdict } from "../../protocol/round.ts";
import { quoteAt, within } from "./quotes.ts";
import type { Patch, Scenario } from "./scenario.ts";

/** Quiet time after the longest probe, so that averages and quiet times have settled before the incident begins. */
const SETTLING_MS = 180_000;
/** A document that was not taken in is carried no longer: nothing in a scenario waits for signatures. */
const CARRIED_ROUNDS = 8;

/** One certified round of a scenario, and how the first node came to its prices. */
export type PlayedRound = {
  readonly second: number;
  readonly timestamp: number;
  /** Since the round before; 0 in the first. */
  readonly sinceMs: number;
  readonly feeds: readonly FeedVerdict[];
  readonly prices: ReadonlyMap<FeedId, NodePrice>;
};

/**
 * Plays a scenario through what the network runs: quotes → `priceFeeds` at each node → observations → `foldRound`. The prologue is as
 * long as the longest probe, at the prices of second zero.
 */
export function* playScenario(network: Network, scenario: Scenario): Generator<PlayedRound> {
  const { config } = network;
  const { roundMs } = config;
  const probeMs = Math.max(...config.feeds.map(({ thresholds }) => thresholds.probeMs));
  const prologue = Math.ceil((probeMs + SETTLING_MS) / roundMs);
  assert(scenario.startAt % roundMs === 0, "a scenario begins with a round");
  const zero = scenario.startAt / roundMs;
  const last = zero + Math.floor((scenario.until * 1_000) / roundMs);
  let parent: FoldParent | undefined;
  for (let round = zero - prologue; round <= last; round++) {
    const timestamp = round * roundMs;
    const second = (timestamp - scenario.startAt) / 1_000;
    if (scenario.down?.some((span) => within(second, span))) continue;
    const sinceMs = timestamp - (parent?.header.timestamp ?? timestamp);
    const { observations, documents, prices } = observe(network, scenario, { round, second, timestamp });
    const folded = foldRound({ network, parent, round, observations, documents });
    parent = { header: { round, timestamp, configDigest: network.configDigest }, memory: folded.memory };
    yield { second, timestamp, sinceMs, feeds: folded.feeds, prices };
  }
}

type Moment = { readonly round: number; readonly second: number; readonly timestamp: number };

function observe(network: Network, scenario: Scenario, moment: Moment) {
  const { configDigest, committee } = network;
  const documents = carriedAt(scenario, moment, network.config.roundMs);
  const gauges = readGauges(scenario, moment.timestamp);
  // Nodes under the same patches see the same: each set of patches is computed once.
  const views = new Map<string, ReadonlyMap<FeedId, NodePrice>>();
  const active = (scenario.patches ?? []).filter((patch) => within(moment.second, patch));
  const observations = committee.members.map(({ address }, node): SignedObservation => {
    const patches = active.filter(({ nodes }) => nodes === undefined || nodes.includes(node));
    const key = patches.map((patch) => active.indexOf(patch)).join(" ");
    const prices = views.get(key) ?? priceAs(network, scenario, { patches, moment });
    views.set(key, prices);
    return {
      observation: {
        round: moment.round,
        configDigest,
        observer: address,
        head: { round: 0, digest: ZERO_DIGEST },
        entries: entriesOf(prices, patches),
        gauges,
        shadows: [],
        documents: documents.map(({ digest }) => digest),
      },
      digest: ZERO_DIGEST,
      signer: address,
      signature: "0x",
    };
  });
  const [first] = views.values();
  return { observations, documents, prices: first ?? new Map<FeedId, NodePrice>() };
}

function priceAs(
  { config }: Network,
  scenario: Scenario,
  { patches, moment }: { readonly patches: readonly Patch[]; readonly moment: Moment },
): ReadonlyMap<FeedId, NodePrice> {
  const feeds = patches.reduce((known, { feeds }) => feeds?.(known) ?? known, config.feeds);
  const quotes = Object.assign({}, scenario.quotes, ...patches.map((patch) => patch.quotes ?? {})) as Scenario["quotes"];
  const lookup = (venue: string, market: string): MarketView | undefined => {
    const script = quotes[`${venue} ${market}`];
    assert(script !== undefined, `the scenario ${scenario.name} says what ${venue} quotes for ${market}`);
    const quote = quoteAt(script, moment.second, moment.timestamp);
    return quote === undefined ? undefined : { quote };
  };
  return priceFeeds(feeds, lookup, { at: moment.timestamp, maxSkewMs: config.maxSkewMs });
}

function entriesOf(prices: ReadonlyMap<FeedId, NodePrice>, patches: readonly Patch[]): readonly FeedEntry[] {
  return [...prices.values()]
    .flatMap(({ entry }) => entry ?? [])
    .map((entry) => patches.reduce((known, patch) => patch.entry?.(known) ?? known, entry))
    .sort((a, b) => compareText(a.feed, b.feed));
}

function readGauges({ gauges = {} }: Scenario, at: number): readonly GaugeEntry[] {
  return Object.entries(gauges)
    .flatMap(([gauge, read]) => {
      const value = read(at);
      return value === undefined ? [] : [{ gauge, value, asOf: at }];
    })
    .sort((a, b) => compareText(a.gauge, b.gauge));
}

/** Ascending digest, as a round holds them. The digest stands for bytes that nobody in a scenario sends. */
function carriedAt({ documents = [] }: Scenario, { second }: Moment, roundMs: number): readonly SignedDocument[] {
  return documents
    .map(({ at, document }, index) => ({ at, document, digest: digestOf(index), bytes: new Uint8Array() }))
    .filter(({ at }) => within(second, { from: at, to: at + (CARRIED_ROUNDS * roundMs) / 1_000 }))
    .sort((a, b) => compareText(a.digest, b.digest));
}

function digestOf(index: number): Digest {
  return keccakHex(utf8(`document ${index}`));
}
