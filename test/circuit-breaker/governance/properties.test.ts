import fc from "fast-check";
import { expect, test } from "vitest";
import { stepGovernance } from "../../../circuit-breaker/governance/step.ts";
import { type GovernanceMemory, MAX_KEYHOLDERS, MAX_PAUSES } from "../../../circuit-breaker/governance-memory.ts";
import { decodeMemory, encodeMemory } from "../../../circuit-breaker/memory.ts";
import type { Address } from "../../../protocol/bytes.ts";
import type { FeedScope } from "../../../protocol/governance.ts";
import { anyDocument, anyGovernance } from "./arbitrary.ts";
import {
  BTC,
  CHAIN,
  COUNCIL,
  createCouncil,
  DAY,
  ETH,
  GOVERNORS,
  GUARDIANS,
  HOUR,
  IN_FORCE,
  inputOf,
  MINUTE,
  PENDING,
  pause,
  SECOND,
  START,
  SUCCESSOR,
} from "./council.ts";

const FEEDS = [ETH, BTC, CHAIN];
const prices = fc.dictionary(fc.constantFrom(...FEEDS), fc.bigInt({ min: 1n, max: 2n ** 191n - 1n }));

const anyRound = fc.record({
  memory: anyGovernance,
  documents: fc.array(anyDocument, { maxLength: 8 }),
  carriers: fc.nat(4),
  prices,
  shadows: prices,
  inForce: fc.constantFrom({ config: COUNCIL, configDigest: IN_FORCE }, { config: SUCCESSOR, configDigest: PENDING }),
  parent: fc.option(
    fc.record({
      back: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: START / SECOND })),
      configDigest: fc.constantFrom(IN_FORCE, PENDING),
    }),
  ),
});

test("total: any documents on any memory give a memory that round-trips and keeps its bounds", () => {
  fc.assert(
    fc.property(anyRound, ({ memory, inForce, parent, ...said }) => {
      const round = stepGovernance({
        ...inputOf({ ...said, at: START }),
        ...inForce,
        memory,
        parentRound: parent === null ? undefined : START / SECOND - parent.back,
        parentConfigDigest: parent?.configDigest,
      });
      const after = { feeds: [], governance: round.memory };
      expect(decodeMemory(encodeMemory(after))).toEqual({ ok: true, value: after });
      expect(round.memory.keyholders.length).toBeLessThanOrEqual(MAX_KEYHOLDERS);
      expect(round.memory.pauses.length).toBeLessThanOrEqual(MAX_PAUSES);
      expect(round.intake).toHaveLength(said.documents.length);
      expect(round.memory.pauses.every(({ until }) => until > START)).toBe(true);
      for (const feed of FEEDS) {
        const { action, until } = round.manualOf(feed);
        expect(action === 0 ? until === 0 : until > START).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("memory stays within its bounds when guardians flood it", () => {
  const council = createCouncil();
  const { alice } = GUARDIANS;
  for (let round = 0; round < 40; round++) {
    const at = START + round * SECOND;
    const documents = Array.from({ length: 16 }, (_, index) =>
      pause({
        by: [alice],
        nonce: round * 16 + index + 1,
        feed: index % 2 === 0 ? ETH : BTC,
        action: "robust",
        until: at + 13 * SECOND,
      }),
    );
    council.round({ at, documents });
    expect(council.memory().pauses.length).toBeLessThanOrEqual(MAX_PAUSES);
  }
  const spent = council.memory().keyholders.find(({ address }) => address === alice);
  expect(spent?.usedMs).toBeLessThanOrEqual(HOUR);
});

/** What somebody with fewer keys than it takes tries at some instant. */
const attempt = fc.record({
  afterMs: fc.oneof(
    fc.integer({ min: 0, max: 60 }).map((rounds) => rounds * SECOND),
    fc.integer({ min: 0, max: 60 }).map((minutes) => minutes * MINUTE),
    fc.integer({ min: 0, max: 16 }).map((halves) => (halves * DAY) / 2),
    fc.constantFrom(7 * DAY, 7 * DAY - SECOND, 7 * DAY - 30 * MINUTE, 7 * DAY + HOUR),
  ),
  guardian: fc.constantFrom(...Object.values(GUARDIANS)),
  governors: fc.subarray(GOVERNORS.slice(), { maxLength: 2 }),
  feed: fc.constantFrom<FeedScope>(ETH, ETH, ETH, "*", BTC),
  action: fc.constantFrom("none" as const, "none" as const, "none" as const, "robust" as const, "withdraw" as const),
  forMs: fc.oneof(fc.constantFrom(30 * MINUTE, 30 * MINUTE + 1_250, 15 * MINUTE), fc.integer({ min: 1, max: 31 * MINUTE })),
});

type Span = { readonly from: number; readonly to: number; readonly by: Address };

/** How long a guardian's own pauses held one feed at `none` in the seven days from an instant on. */
function heldMs(spans: readonly Span[], from: number): number {
  const inside = spans
    .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, from + 7 * DAY) }))
    .filter((span) => span.to > span.from)
    .sort((a, b) => a.from - b.from);
  let held = 0;
  let covered = 0;
  for (const span of inside) {
    held += Math.max(0, span.to - Math.max(span.from, covered));
    covered = Math.max(covered, span.to);
  }
  return held;
}

test("without two guardians or m governors no feed is held at none for more than an hour in seven days per guardian", () => {
  fc.assert(
    fc.property(fc.array(attempt, { minLength: 1, maxLength: 40 }), (attempts) => {
      const council = createCouncil();
      const spans: Span[] = [];
      let at = START;
      attempts.forEach(({ afterMs, guardian, governors, feed, action, forMs }, index) => {
        const earlier = at;
        at += afterMs + SECOND;
        spans.push(...spansOf(council.memory(), earlier, at));
        const until = action === "withdraw" ? 0 : at + forMs;
        council.say(at, pause({ by: [guardian, ...governors], nonce: index + 1, feed, action, until }));
      });
      spans.push(...spansOf(council.memory(), at, at + DAY));
      const starts = spans.flatMap(({ from, to }) => [from, to - 7 * DAY]);
      for (const guardian of Object.values(GUARDIANS)) {
        const own = spans.filter(({ by }) => by === guardian);
        for (const from of starts) expect(heldMs(own, from)).toBeLessThanOrEqual(HOUR);
      }
      for (const from of starts) expect(heldMs(spans, from)).toBeLessThanOrEqual(3 * HOUR);
    }),
    { numRuns: 1_000 },
  );
});

/** What the pauses in force after one moment hold at `none` until the next one, or until their end. */
function spansOf({ pauses }: GovernanceMemory, from: number, next: number): readonly Span[] {
  return pauses
    .filter(({ feed, action }) => feed === ETH && action === "none")
    .flatMap(({ until, keyholders }) =>
      Object.values(GUARDIANS)
        .filter((guardian) => keyholders.includes(guardian))
        .map((by) => ({ from, to: Math.min(until, next), by })),
    );
}
