import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMemory, encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { BIT, INDEX } from "../../circuit-breaker/rules/rule.ts";
import { HARD } from "../../circuit-breaker/rules.ts";
import { MAX_AMOUNT, ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { FeedScope } from "../../protocol/governance.ts";
import { type Report, reasonNames } from "../../protocol/report.ts";
import type { FeedVerdict } from "../../protocol/round.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import { createChain, networkWith, type Scene } from "./chain.ts";
import { GOVERNED, governorsSay } from "./governors.ts";

/** The shortest times the thresholds allow, so that a short run sees every state. */
const SHORT = {
  probeMs: 1_000,
  clearMs: 3_000,
  clearCapMs: 48_000,
  confirmMs: 6_000,
  minOpenMs: 12_000,
  maxOpenMs: 180_000,
  pauseBudgetMs: 360_000,
  resetMs: 1_000,
  seasonMs: 1_000,
  quoteMs: 1_500,
  staleMs: 6_000,
  sampleMs: 6_000,
};
/** The calm price. */
const PEG = { peg: { par: "100" } };
const FEEDS = ["AAA/USD", "BBB/USD", "CCC/USD", "DDD/USD"];
const PRESETS = ["major", "large", "large", "longtail"] as const;

function network(n: number) {
  return networkWith(
    Object.fromEntries(
      FEEDS.map((feed, index) => [feed, { preset: PRESETS[index] ?? "major", thresholds: SHORT, ...(index < 2 ? {} : PEG) }]),
    ),
    { ...GOVERNED, leaseMs: 10_000, basket: FEEDS.slice(0, 3).map((feed) => ({ feed, weight: 1 })) },
    n,
  );
}

/** A view of one feed, relative to the calm price and to the round's time; undefined leaves the feed unpriced. */
type Event = ((timestamp: number) => Partial<QuorumView>) | undefined;
type Pause = { readonly feed: FeedScope; readonly action: "robust" | "none"; readonly forMs: number };
type Round = {
  readonly missed: number;
  readonly rounds: number;
  readonly events: readonly Event[];
  readonly pause: Pause | undefined;
};

const CALM = 100n * ONE;
const calm: Event = () => ({ price: CALM });
const amount = fc.oneof(
  fc.constantFrom(1n, 2n, ONE, MAX_AMOUNT - 1n, MAX_AMOUNT),
  fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
  fc.bigInt({ min: CALM / 2n, max: CALM * 2n }),
);
const share = fc.oneof(fc.constantFrom(0, 65_535), fc.integer({ min: 0, max: 10_000 }));
const wild = fc
  .tuple(fc.tuple(amount, amount, amount), fc.nat(20_000), fc.nat(255), share, share)
  .map(([prices, age, groups, topBps, outsideBps]): Event => {
    const [rawLow, price, rawHigh] = prices.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return (timestamp) => ({ rawLow, price, rawHigh, observedAt: timestamp - age, groups, topBps, outsideBps });
  });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(calm) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 9_000, max: 11_200 }).map(
      (bps): Event =>
        () => ({ price: (CALM * BigInt(bps)) / 10_000n }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 4 }).map(
      (groups): Event =>
        () => ({ price: CALM, groups }),
    ),
  },
  {
    weight: 1,
    arbitrary: share.map(
      (outsideBps): Event =>
        () => ({ price: CALM, outsideBps }),
    ),
  },
  { weight: 1, arbitrary: fc.constant((): Partial<QuorumView> => ({ price: CALM, rawHigh: CALM + CALM / 20n })) },
  { weight: 1, arbitrary: wild },
);
const story: fc.Arbitrary<readonly Round[]> = fc.array(
  fc.record({
    missed: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) }),
    rounds: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.integer({ min: 2, max: 12 }) }),
    events: fc.array(event, { minLength: FEEDS.length, maxLength: FEEDS.length }),
    pause: fc.option(
      fc.record({
        feed: fc.constantFrom<FeedScope>("*", ...FEEDS.map((feed) => feed as FeedId)),
        action: fc.constantFrom("robust", "none"),
        forMs: fc.integer({ min: 1, max: 20_000 }),
      }),
      { nil: undefined, freq: 8 },
    ),
  }),
  { minLength: 1, maxLength: 25 },
);

/** Tells a story to a chain of n nodes and shows every feed's rounds. */
function tell(
  rounds: readonly Round[],
  n: number,
  see: (verdict: FeedVerdict, after: FeedMemory, before: FeedMemory | undefined, thresholds: Thresholds) => void,
) {
  const net = network(n);
  const chain = createChain(net);
  for (const { missed, rounds: count, events, pause } of rounds) {
    for (let index = 0; index < count; index++) {
      const gap = index === 0 ? missed : 0;
      const timestamp = chain.timestamp() + (1 + gap) * 1_000;
      const scene: Scene = Object.fromEntries(FEEDS.map((feed, position) => [feed, events[position]?.(timestamp)]));
      const before = chain.memory();
      const said = pause === undefined || index > 0 ? [] : [pause];
      const documents = said.map(({ feed, action, forMs }) =>
        governorsSay({ nonce: timestamp }).pause(feed, action, timestamp + forMs),
      );
      const verdicts = chain.step(scene, gap, { documents });
      verdicts.forEach((verdict, position) => {
        const { feed } = verdict.report;
        const thresholds = net.config.feeds.find((item) => item.feed === feed)?.thresholds;
        const after = chain.memory().feeds[position];
        if (thresholds === undefined || after === undefined) throw new Error(`${feed} is not configured`);
        see(
          verdict,
          after,
          before.feeds.find((item) => item.feed === feed),
          thresholds,
        );
      });
    }
  }
  return chain;
}

function forAll(check: Parameters<typeof tell>[2], numRuns = 100): void {
  fc.assert(
    fc.property(story, fc.constantFrom(4, 7), (rounds, n) => {
      tell(rounds, n, check);
    }),
    { numRuns },
  );
}

const isCarried = ({ reasons }: Report) => reasons >= 2 ** 31;
const rulesOf = ({ reasons }: Report) => reasons % 2 ** 31;

test("the stories below see every state, every rule and every permit", () => {
  const seen = new Set<string>();
  const samples = fc.sample(story, { numRuns: 60, seed: 7 });
  for (const rounds of samples) {
    tell(rounds, 4, ({ report, reasons }, after) => {
      for (const { rule } of reasons) seen.add(rule);
      for (const word of [report.state, report.liquidate, `borrow ${report.borrow}`, isCarried(report) ? "carried" : "priced"])
        seen.add(word);
      if (after.waived !== 0) seen.add(`waived while ${report.state}`);
    });
  }
  expect([...seen].sort()).toEqual(
    [
      ...["any", "borrow false", "borrow true", "carried", "closed", "dispersion", "divergence", "gap", "half-open", "jump"],
      ...[
        "manual",
        "none",
        "open",
        "peg",
        "priced",
        "restart",
        "robust",
        "stale",
        "thin",
        "waived while half-open",
        "waived while open",
      ],
    ].sort(),
  );
});

describe("whatever the quorum sees", () => {
  test("the interval contains the price and every field fits its leaf", () => {
    forAll(({ report }) => {
      expect(report.low >= 0n && report.low <= report.price && report.price <= report.high).toBe(true);
      expect(report.high <= MAX_AMOUNT && report.ema > 0n && report.ema <= MAX_AMOUNT).toBe(true);
      expect(report.volatility > 0n && report.volatility < 2n ** 64n).toBe(true);
      expect(report.budgetBps >= 0 && report.budgetBps <= 10_000).toBe(true);
    });
  });

  test("closed means that nothing stands against it, and only closed permits everything", () => {
    forAll(({ report, reasons }) => {
      if (report.state === "closed") expect(report).toMatchObject({ reasons: 0, liquidate: "any", budgetBps: 10_000 });
      if (report.state === "open") expect(report).toMatchObject({ borrow: false, budgetBps: 0 });
      if (report.state === "open") expect(report.liquidate).not.toBe("any");
      if (report.borrow) expect(report.state).toBe("closed");
      expect(reasons.map(({ rule }) => rule)).toEqual(reasonNames(rulesOf(report)));
    });
  });

  test("a feed starts open, tightens in the round that fires and never goes from open to closed", () => {
    forAll(({ report }, _after, before) => {
      if (before === undefined) expect(report).toMatchObject({ state: "open", liquidate: "none" });
      if (before?.state === "open") expect(report.state).not.toBe("closed");
      if (before?.state === "closed") expect(report.state).toBe(rulesOf(report) === 0 ? "closed" : "open");
    });
  });

  test("a carried price is at most robust, never to borrow on, and a stale one permits nothing", () => {
    forAll(({ report }) => {
      if (isCarried(report)) expect(report).toMatchObject({ borrow: false, budgetBps: 0 });
      if (isCarried(report)) expect(report.liquidate).not.toBe("any");
      if ((rulesOf(report) & (BIT.stale | BIT.restart)) !== 0) expect(report.liquidate).toBe("none");
    });
  });

  test("a pause narrows from the round that takes it in to the instant it names, and no round longer", () => {
    forAll(({ report, reasons }, after) => {
      const manual = reasons.find(({ rule }) => rule === "manual");
      expect(manual?.measured ?? 0).toBeLessThanOrEqual(20_000);
      expect(manual === undefined).toBe(after.manual.action === 0);
      if (manual === undefined) return;
      expect(report).toMatchObject({ state: "open", borrow: false, budgetBps: 0 });
      expect(report.liquidate === "none" || after.manual.action === 1).toBe(true);
      expect(after.openMs[INDEX.manual]).toBe(0);
    });
  });

  test("only a hard rule or one that is not waived opens a probe again", () => {
    forAll(({ report }, after, before) => {
      if (before?.state !== "half-open" || report.state !== "open") return;
      expect(rulesOf(report) & (HARD | ~after.waived)).not.toBe(0);
      expect(after.trips).toBe(before.trips + 1);
    });
  });

  test("timers stay within their caps, and a rule at its cap is waived", () => {
    forAll((_verdict, after, _before, t) => {
      expect(after.openMs.every((ms) => ms < t.maxOpenMs + 5_000)).toBe(true);
      after.openMs.forEach((ms, index) => {
        if (after.state === "open" && ms >= t.maxOpenMs && (_before?.openMs[index] ?? 0) < ms)
          expect((after.waived >> index) & 1).toBe(1);
      });
      expect(after.corrob < 100n * BigInt(t.confirmMs)).toBe(true);
      expect(after.agree < t.probeMs).toBe(true);
      expect(after.spent < BigInt(t.pauseBudgetMs + 5_000) * 86_400_000n).toBe(true);
    });
  });

  test("what is remembered encodes and decodes, and the same story gives the same bytes", () => {
    fc.assert(
      fc.property(story, (rounds) => {
        const once = tell(rounds, 4, () => undefined).memory();
        const bytes = encodeMemory(once);
        expect(decodeMemory(bytes)).toEqual({ ok: true, value: once });
        expect(encodeMemory(tell(rounds, 4, () => undefined).memory())).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

test("a calm quorum closes every feed again, whatever came before", () => {
  fc.assert(
    fc.property(story, (rounds) => {
      const chain = tell(rounds, 4, () => undefined);
      const scene = Object.fromEntries(FEEDS.map((feed) => [feed, { price: CALM }]));
      // The longest quiet time, the longest cap and a probe; a gap returns to its anchor or is accepted after its hold.
      const feeds = chain.hold(600, scene);
      for (const { report, reasons } of feeds) {
        const gap = reasons.some(({ rule }) => rule === "gap");
        expect(gap ? "open" : "closed").toBe(report.state);
      }
    }),
    { numRuns: 30 },
  );
});
