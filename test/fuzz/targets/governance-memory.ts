import { EMPTY_GOVERNANCE, type GovernanceMemory, type PauseMemory } from "../../../circuit-breaker/governance-memory.ts";
import { networkUnder } from "../../../protocol/config.ts";
import { ALL_FEEDS, type SignedDocument } from "../../../protocol/governance.ts";
import type { Transition } from "../../../protocol/transition.ts";
import { transitionInto } from "../../client/changing.ts";
import { GOVERNORS, GUARDIANS, governedNetwork, signedBy } from "../../support/governance.ts";
import { digestOf } from "../../support/network.ts";
import { feedId } from "../../support/rounds.ts";
import { instant } from "./breaker-memory.ts";
import { FEEDS_LEFT, FIRST_ROUND, keys, network } from "./chain.ts";

const SAFE = Number.MAX_SAFE_INTEGER;
const HOUR_MS = 3_600_000;
const AT = FIRST_ROUND * network.config.roundMs;
const HOLDERS = [...GOVERNORS, ...GUARDIANS].map(({ address }) => address).sort();
const SCOPES = ["ETH/USD", "BTC/USD", "CHAIN/ETHEREUM", "ZZZ/USD"].map(feedId);

/** The same network under another config: one version later, without one of its feeds and without its chain. */
export const CHANGED = networkUnder(network, governedNetwork({ feeds: FEEDS_LEFT, version: 2, leaseMs: 70_000 }).config);

/** The first round under it, signed by a committee that stays the same. */
export const INTO_CHANGED: Transition = transitionInto(CHANGED, FIRST_ROUND + 1, keys.slice(0, network.committee.quorum));

/** Whatever keyholders might say around the first rounds of the honest chain, signed by one, two or enough of them. */
export const DOCUMENTS: readonly SignedDocument[] = [
  ...[GUARDIANS.slice(0, 1), GUARDIANS.slice(0, 2), GOVERNORS.slice(0, 3), GOVERNORS.slice(0, 1)].flatMap((keys, index) => [
    ...SCOPES.map((feed) => signedBy(keys, { kind: "pause", feed, action: "none", until: AT + 1_800_000 }, network, index + 1)),
    signedBy(keys, { kind: "pause", feed: ALL_FEEDS, action: "robust", until: AT + 1_800_000 }, network, index + 5),
    signedBy(keys, { kind: "pause", feed: ALL_FEEDS, action: "none", until: SAFE }, network, index + 9),
    signedBy(keys, { kind: "pause", feed: ALL_FEEDS, action: "withdraw", until: 0 }, network, SAFE),
    signedBy(keys, { kind: "accept", feed: feedId("ETH/USD"), configDigest: digestOf(0), gapAt: AT }, network, index + 13),
    signedBy(
      keys,
      { kind: "accept", feed: feedId("ETH/USD"), configDigest: CHANGED.configDigest, gapAt: 0 },
      network,
      index + 17,
    ),
    signedBy(keys, { kind: "rollback", from: network.configDigest, to: digestOf(7) }, network, index + 21),
    signedBy(keys, { kind: "rollback", from: CHANGED.configDigest, to: network.configDigest }, network, index + 25),
    signedBy(keys, { kind: "removal", guardian: HOLDERS[index] ?? digestOf(0) }, network, index + 29),
    signedBy(
      keys,
      {
        ...{ kind: "config", version: 2, replaces: network.configDigest, configDigest: CHANGED.configDigest },
        ...{ activation: AT + 49 * HOUR_MS, replayTo: FIRST_ROUND, replay: digestOf(9), config: CHANGED.config },
      },
      network,
    ),
  ]),
];

/** Any memory of governance within the bounds that its decoder pins; `where` and `what` are any bytes. */
export function editGovernance(memory: GovernanceMemory, where: number, what: number, now: number): GovernanceMemory {
  const at = instant(what, now);
  const edits: readonly (() => Partial<GovernanceMemory>)[] = [
    () => EMPTY_GOVERNANCE,
    () => ({
      keyholders: HOLDERS.map((address) => ({
        address,
        nonce: what % 3 === 0 ? SAFE : what,
        usedMs: at,
        usedAt: instant(what >> 2, now),
      })),
    }),
    () => ({ keyholders: [{ address: digestOf(what).slice(0, 42) as `0x${string}`, nonce: at, usedMs: SAFE, usedAt: 0 }] }),
    () => ({ pauses: [pause(what, at)] }),
    () => ({ pauses: Array.from({ length: 256 }, (_, index) => pause(what + index, at)) }),
    () => ({ pending: pending(what, at) }),
    () => ({ pending: { ...pending(what, at), configDigest: digestOf(what) } }),
    () => ({ previous: digestOf(7) }),
    () => ({ next: what % 2 === 0 ? network.configDigest : CHANGED.configDigest }),
    () => ({ droppedAt: at }),
    () => ({ certified: 2n ** 60n - 1n - BigInt(what) }),
  ];
  return { ...memory, ...edits[where % edits.length]?.() };
}

function pause(what: number, until: number): PauseMemory {
  return {
    feed: what % 5 === 4 ? ALL_FEEDS : (SCOPES[what % SCOPES.length] ?? ALL_FEEDS),
    action: what % 2 === 0 ? "none" : "robust",
    until,
    power: (["guardian", "guardians", "governors"] as const)[what % 3] ?? "guardian",
    refundUntil: what % 3 === 2 ? 0 : until - (until % (what + 1)),
    keyholders: HOLDERS.slice(what % 4, (what % 4) + 1 + (what % 3)),
  };
}

function pending(what: number, at: number) {
  const feeds = SCOPES.filter((feed) => !feed.startsWith("CHAIN/")).sort();
  return {
    configDigest: CHANGED.configDigest,
    activation: at,
    feeds: feeds.slice(what % 3).map((feed) => ({ feed, agreedAt: what % 2 === 0 ? 0 : at, accepted: what % 7 === 0 })),
  };
}
