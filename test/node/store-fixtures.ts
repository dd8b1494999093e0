import { EMPTY_GOVERNANCE } from "../../circuit-breaker/governance-memory.ts";
import { encodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { keccakHex, toHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { createDomain } from "../../protocol/eip712.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { DocumentKind } from "../../protocol/governance.ts";
import { type BreakerState, RULES } from "../../protocol/report.ts";
import type { CertifiedRound, FeedVerdict, RoundBody } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";
import { testNetwork } from "../support/network.ts";

export const DOMAIN = createDomain("test", digestOf("config"));

export function digestOf(text: string): Digest {
  return keccakHex(utf8(text));
}

export function verdictOf(feed: string, price: bigint): FeedVerdict {
  const closed = price % 2n === 0n;
  return {
    report: {
      feed: feed as FeedId,
      price,
      low: price - 1n,
      high: price + 1n,
      ema: price,
      volatility: 8n * 10n ** 17n,
      observedAt: 1_795_300_122_910,
      state: closed ? "closed" : "half-open",
      liquidate: closed ? "any" : "robust",
      borrow: closed,
      budgetBps: closed ? 10_000 : 1_900,
      reasons: closed ? 0 : 1,
      since: 1_795_300_000_000,
    },
    reasons: closed ? [] : [{ rule: "jump", unit: "Bps", measured: 420, limit: 300 }],
  };
}

/** A round whose digest is that of its name; its parent is named likewise. */
export function roundOf(
  round: number,
  options: { readonly parent?: string; readonly name?: string; readonly feeds?: readonly string[] } = {},
): CertifiedRound {
  const digest = digestOf(options.name ?? `round ${round}`);
  const parent =
    options.parent === undefined ? (round === 1 ? ZERO_DIGEST : digestOf(`round ${round - 1}`)) : digestOf(options.parent);
  const header = {
    round,
    timestamp: round * 1000,
    validUntil: round * 1000 + 60_000,
    parent,
    reportsRoot: digestOf(`reports ${round}`),
    stateRoot: digestOf(`state ${round}`),
    inputsRoot: digestOf(`inputs ${round}`),
    configDigest: digestOf("config"),
  };
  const signatures = [1, 2, 3].map((i) => ({ signer: addressOf(i), signature: `0x${`${i}1`.repeat(65)}` as const }));
  const feeds = (options.feeds ?? ["BTC/USD", "ETH/USD"]).map((feed) =>
    verdictOf(feed, BigInt(round) * 10n ** 18n + BigInt(round)),
  );
  return { digest, certificate: { header, signatures }, feeds };
}

export function bodyOf({ certificate }: CertifiedRound): RoundBody {
  const { round } = certificate.header;
  const parent = round === 1 ? undefined : roundOf(round - 1).certificate.header;
  return { round, parent, memory: `0x${"00".repeat(64)}`, observations: ["0x0102", "0x03"], documents: [] };
}

/** What a breaker remembers of a feed in this state; a price of one, everything else at rest. */
function memoryOf(feed: string, state: BreakerState): FeedMemory {
  const none = RULES.map(() => 0);
  return {
    ...{ feed: feed as FeedId, price: 1n, pricedAt: 0, observedAt: 0, rawLow: 1n, rawHigh: 1n, ema: 1n, anchor: 1n, v: 0n },
    ...{ sampleP: 1n, sampleAt: 0, state, since: 0, fired: none, recent: [0n, 0n, 0n], corrob: 0n, stepMax: 0, pegHeld: 0n },
    ...{ agree: 0, waived: 0, dir: 0, trips: 0, openMs: none, closedAt: 0, spent: 0n, gapAt: 0, restartAt: 0, rounds: 0 },
    ...{ firstAt: 0, manual: { action: 0, until: 0 }, sysEma: 0n },
  };
}

/** A round in which these feeds' breakers change; `null` is before a feed's first price. */
export function changingRound(
  round: number,
  changes: Readonly<Record<string, readonly [from: BreakerState | null, to: BreakerState]>>,
  options: { readonly parent?: string; readonly name?: string } = {},
): { readonly certified: CertifiedRound; readonly body: RoundBody } {
  const plain = roundOf(round, { ...options, feeds: Object.keys(changes) });
  const feeds = plain.feeds.map(({ report, reasons }) => {
    const to = changes[report.feed]?.[1] ?? report.state;
    return { report: { ...report, state: to, since: round * 1_000 }, reasons };
  });
  const before = Object.entries(changes).flatMap(([feed, [from]]) => (from === null ? [] : [memoryOf(feed, from)]));
  const memory = toHex(encodeMemory({ feeds: before, governance: EMPTY_GOVERNANCE }));
  const observations = [1, 2].map((byte) => toHex(new Uint8Array(100).fill(byte)));
  return { certified: { ...plain, feeds }, body: { ...bodyOf(plain), memory, observations } };
}

export function documentOf(name: string, kind: DocumentKind = "pause") {
  const bytes = utf8(name);
  return { digest: keccakHex(bytes), bytes, document: { kind } };
}

/** Into a config of its own version, certified in this round. */
export function transitionOf(round: number): Transition {
  const { config, configDigest } = testNetwork({ version: round });
  const { header, signatures } = roundOf(round).certificate;
  return { config, certificate: { header: { ...header, configDigest }, signatures } };
}

export function addressOf(i: number): Digest {
  return `0x${i.toString(16).padStart(2, "0").repeat(20)}`;
}

export function evidenceOf(signer: number, round: number): Evidence {
  const statement = (text: string) => ({
    struct: { round, configDigest: digestOf("config"), contents: digestOf(text) },
    signature: `0x${"11".repeat(65)}` as const,
  });
  return { kind: "observation", signer: addressOf(signer), statements: [statement("one"), statement("two")] };
}
