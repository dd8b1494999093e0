import fc from "fast-check";
import { type GovernanceMemory, PAUSE_POWERS } from "../../../circuit-breaker/governance-memory.ts";
import { type Address, type Digest, ZERO_DIGEST } from "../../../protocol/bytes.ts";
import { compareText, type FeedId } from "../../../protocol/feed.ts";
import type { FeedScope, GovernanceDocument } from "../../../protocol/governance.ts";
import {
  acceptOf,
  addressOf,
  BTC,
  CHAIN,
  configOf,
  ETH,
  feedOf,
  GOVERNORS,
  GUARDIANS,
  IN_FORCE,
  LINK,
  PENDING,
  pause,
  proposal,
  removal,
  rollback,
  START,
  SUCCESSOR,
} from "./council.ts";

const instant = fc.oneof(fc.nat(Number.MAX_SAFE_INTEGER), fc.integer({ min: START - 1e9, max: START + 1e9 }), fc.constant(0));
const keyholder = fc.constantFrom(...GOVERNORS, ...Object.values(GUARDIANS), addressOf(0x99), addressOf(0x98));
const keyholders = fc.uniqueArray(keyholder, { maxLength: 6 }).map((list) => [...list].sort());
const feed = fc.constantFrom(ETH, BTC, LINK, CHAIN, "DOGE/USD" as FeedId);
const scope: fc.Arbitrary<FeedScope> = fc.oneof(feed, fc.constant("*" as const));
const digest: fc.Arbitrary<Digest> = fc.constantFrom(ZERO_DIGEST, IN_FORCE, PENDING, `0x${"77".repeat(32)}`);

/** Any memory that the encoding admits, of the council's own keyholders and feeds for the most part. */
export const anyGovernance: fc.Arbitrary<GovernanceMemory> = fc.record({
  keyholders: fc
    .uniqueArray(fc.record({ address: keyholder, nonce: instant, usedMs: instant, usedAt: instant }), {
      selector: ({ address }) => address,
      maxLength: 8,
    })
    .map((list) => list.sort((a, b) => compareText(a.address, b.address))),
  pauses: fc.array(
    fc.record({
      feed: scope,
      action: fc.constantFrom("robust" as const, "none" as const),
      until: instant,
      power: fc.constantFrom(...PAUSE_POWERS),
      refundUntil: instant,
      keyholders,
    }),
    { maxLength: 6 },
  ),
  pending: fc.option(
    fc.record({
      configDigest: digest,
      activation: instant,
      feeds: fc
        .uniqueArray(fc.record({ feed, agreedAt: instant, accepted: fc.boolean() }), { selector: (item) => item.feed })
        .map((list) => list.sort((a, b) => compareText(a.feed, b.feed))),
    }),
    { nil: undefined },
  ),
  previous: digest,
  next: digest,
  droppedAt: instant,
  certified: fc.bigInt({ min: 0n, max: 2n ** 60n - 1n }),
});

const by = fc.uniqueArray(keyholder, { minLength: 1, maxLength: 6 });
const nonce = fc.oneof(fc.nat(20), instant);
const config = fc.constantFrom(SUCCESSOR, configOf({ version: 3 }), configOf({ version: 2, feeds: [feedOf(BTC), feedOf(LINK)] }));
const address: fc.Arbitrary<Address> = keyholder;

/** Any document that the codec lets through, and some that it does not. */
export const anyDocument: fc.Arbitrary<GovernanceDocument> = fc.oneof(
  fc
    .record({
      by,
      nonce,
      feed: scope,
      action: fc.constantFrom("withdraw" as const, "robust" as const, "none" as const),
      until: instant,
    })
    .map(pause),
  fc.record({ by, nonce, feed, config: digest, gapAt: instant }).map(acceptOf),
  fc.record({ by, nonce, from: digest, to: digest }).map(rollback),
  fc.record({ by, nonce, guardian: address }).map(removal),
  fc.record({ by, config, replaces: digest, activation: instant }).map(proposal),
);
