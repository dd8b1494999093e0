import type { Digest } from "../../protocol/bytes.ts";
import { keccakHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound, FeedVerdict, RoundBody } from "../../protocol/round.ts";

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
  return { round, parent, memory: `0x${"00".repeat(64)}`, observations: ["0x0102", "0x03"] };
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
