import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { viewQuorum } from "../../aggregator/quorum.ts";
import { nextRound } from "../../aggregator/round.ts";
import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { type FeedEntry, type Observation, signObservation } from "../../protocol/observation.ts";
import { testKeys } from "../support/network.ts";
import { ETH, networkWith } from "./chain.ts";
import { viewByCounting } from "./oracle/quorum-oracle.ts";

const ROUND = 1_800_000_000;
const AT = ROUND * 1_000;
const SOL = "SOL/USD" as FeedId;
const FEEDS = [ETH, SOL];
const worlds = new Map(
  [4, 5, 6, 7, 10, 13].map((n) => {
    const network = networkWith({ [ETH]: { preset: "major" }, [SOL]: { preset: "large" } }, {}, n);
    return [n, { network, keys: testKeys(n) }] as const;
  }),
);
const worldOf = (n: number) => {
  const world = worlds.get(n);
  if (world === undefined) throw new Error(`no network of ${n}`);
  return world;
};

/** Few values, so that they are often equal; instants and amounts at the edges of what counts (quoteMs 15 s, round 1 s, skew 250 ms). */
const price = fc.oneof(
  fc.constantFrom(1n, 99n * ONE, 100n * ONE, 101n * ONE, MAX_AMOUNT),
  fc.bigInt({ min: 90n * ONE, max: 110n * ONE }),
);
const asOf = fc.oneof(
  fc.constantFrom(AT + 1_250, AT + 1_251, AT - 16_000, AT - 16_001, AT, AT - 1),
  fc.integer({ min: AT - 16_100, max: AT + 1_300 }),
);
const small = (max: number) => fc.oneof(fc.constantFrom(0, max), fc.nat(max));
const entry = (feed: FeedId): fc.Arbitrary<FeedEntry> =>
  fc
    .record({
      price,
      asOf,
      below: fc.nat(30),
      above: fc.nat(30),
      groups: small(255),
      topBps: small(65_535),
      outsideBps: small(65_535),
    })
    .map(({ below, above, ...rest }) => {
      // 25 and more make an end that does not count: beyond the price, nothing at all, or above every amount.
      const low = below < 25 ? (rest.price * BigInt(100 - below)) / 100n : rest.price + BigInt(below - 25);
      const high = above < 25 ? rest.price + BigInt(above) : above < 28 ? rest.price - 1n : MAX_AMOUNT + 1n;
      return { feed, ...rest, low, high };
    });
/** What one member saw: each feed or not. */
const contents = fc
  .tuple(...FEEDS.map((feed) => fc.option(entry(feed), { nil: undefined, freq: 8 })))
  .map((entries) => entries.filter((item) => item !== undefined));
const round = fc.constantFrom(...worlds.keys()).chain((n) => {
  const { committee } = worldOf(n).network;
  return fc.record({ n: fc.constant(n), seen: fc.array(contents, { minLength: committee.quorum, maxLength: n }) });
});
/** The same round told twice, the second time in another order. */
const shuffled = round.chain(({ n, seen }) =>
  fc.record({ n: fc.constant(n), seen: fc.constant(seen), other: fc.shuffledSubarray(seen, { minLength: seen.length }) }),
);

function observe(entries: readonly FeedEntry[], n: number, index: number): Observation {
  const { network, keys } = worldOf(n);
  const { configDigest } = network;
  const observer = keys[index]?.address ?? "0x";
  const head = { round: 0, digest: ZERO_DIGEST };
  return { round: ROUND, configDigest, observer, head, entries, gauges: [], shadows: [], documents: [] };
}

function view(seen: readonly (readonly FeedEntry[])[], n: number) {
  const { config, committee } = worldOf(n).network;
  const observations = seen.map((entries, index) => observe(entries, n, index));
  return viewQuorum(observations, { config, f: committee.f, timestamp: AT });
}

describe("what the quorum saw (B1)", () => {
  test("is what counting gives, feed by feed", () => {
    let priced = 0;
    let refused = 0;
    fc.assert(
      fc.property(round, ({ n, seen }) => {
        const { config, committee } = worldOf(n).network;
        const views = view(seen, n);
        for (const feed of config.feeds) {
          const entries = seen.flatMap((own) => own.filter((item) => item.feed === feed.feed));
          const expected = viewByCounting(entries, feed, { config, f: committee.f, timestamp: AT });
          expect(views.get(feed.feed)).toEqual(expected);
          if (expected === undefined) refused += 1;
          else priced += 1;
        }
      }),
      { numRuns: 1_500 },
    );
    expect(Math.min(priced, refused)).toBeGreaterThan(100);
  });

  test("does not depend on the order of the observations", () => {
    fc.assert(
      fc.property(shuffled, ({ n, seen, other }) => {
        expect(view(other, n)).toEqual(view(seen, n));
      }),
      { numRuns: 500 },
    );
  });
});

test("a round is the same whichever member saw what: every leaf and the whole memory", () => {
  fc.assert(
    fc.property(shuffled, ({ n, seen, other }) => {
      const { network, keys } = worldOf(n);
      const compute = (members: readonly (readonly FeedEntry[])[]) => {
        const observations = members.flatMap((entries, index) => {
          const key = keys[index];
          const { observer: _observer, ...unsigned } = observe(entries, n, index);
          return key === undefined ? [] : [signObservation(unsigned, network.domain, key)];
        });
        return nextRound({ network, parent: undefined, round: ROUND, observations, documents: [] });
      };
      const [once, again] = [compute(seen), compute(other)];
      expect(again.feeds).toEqual(once.feeds);
      expect(again.header).toEqual({ ...once.header, inputsRoot: again.header.inputsRoot });
    }),
    { numRuns: 60 },
  );
});
