import { ONE } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import { baseOf, compareText, type FeedId, quoteOf } from "../protocol/feed.ts";
import type { LiquidateLevel, Report } from "../protocol/report.ts";
import { type Circumstances, decide, type Refusal } from "./policy.ts";
import type { Verification } from "./verify.ts";

const FULL_BPS = 10_000n;
const UNLIMITED_BPS = 10_000;
/** The last choice of a numeraire: a pair of dollar feeds says less of two assets than their own ratio does. */
const DOLLAR = "USD";
/** A bucket holds ten minutes of its hourly limit. */
const BUCKET_SHARE = 6n;
const HOUR_MS = 3_600_000n;

/** `amount` is in 10⁻¹⁸ of the asset, whatever the token's own decimals. */
export type Position = { readonly asset: string; readonly amount: bigint };
/** `thresholdBps`: the share of its value that counts for the loan's health. */
export type Collateral = Position & { readonly thresholdBps: number };

/**
 * A loan, every leg valued in `numeraire`: by the feed `ASSET/NUMERAIRE`, or as itself. The market fixes the numeraire when it is set up
 * ({@link pickNumeraire}); taken from what a caller hands in, the caller could choose his feeds by leaving one out.
 */
export type Loan = {
  readonly numeraire: string;
  readonly collateral: readonly Collateral[];
  readonly debt: readonly Position[];
};

/** How far an asset's price is trusted, the weaker first; the level of its feed, lowered to that of the chain acted on. */
const TRUSTS = ["none", "open", "half-open", "closed"] as const;
type Trust = (typeof TRUSTS)[number];

type Asset = Pick<Report, "price" | "low" | "high" | "ema" | "borrow" | "budgetBps"> & { readonly trust: Trust };

/** Why a verified round permits nothing, besides what {@link Refusal} says of the document itself. */
export type PortfolioRefusal = "no-feed" | "not-in-loan" | "paused" | "healthy" | "disputed" | "unhealthy";
export type Refused<R> = { readonly ok: false; readonly reason: R; readonly detail: string };

export type LiquidationQuestion = {
  readonly loan: Loan;
  /** Collateral assets that the liquidator takes, and debt assets that he repays. */
  readonly seize: readonly string[];
  readonly repay: readonly string[];
  /** The chain acted on, as in `CHAIN/ETHEREUM`, when the network observes it. */
  readonly chain?: string;
};

/** Of no limit, or within the share `budgetBps` of the consumer's own limit ({@link drawBucket}). */
export type LiquidationAnswer =
  | { readonly ok: true; readonly by: "right" }
  | { readonly ok: true; readonly by: "bucket"; readonly budgetBps: number }
  | Refused<PortfolioRefusal>;

/**
 * Whether a loan may be liquidated on the reports of one verified round (BREAKER.md B11). First with doubted feeds at the end that
 * favours the borrower: insolvent even then, the loan is liquidated without limit. Then half-open feeds at their price as well:
 * insolvent only then, through the bucket. A paused asset is neither seized nor repaid, and counts so generously that dust of it
 * protects nobody: collateral at 2 · high, debt at 0. Health is compared by cross-multiplication; nothing is rounded.
 *
 * @example
 * // 1 ETH at 80 % against 1500 USDC (USDC/USD closed at 1); ETH/USD open: price 1800, high 1900, low 1700
 * // 1900 · 0.8 = 1520 ≥ 1500: disputed. At high 1870: 1496 < 1500, { ok: true, by: "right" }
 */
export function judgeLiquidation(question: LiquidationQuestion, reports: readonly Report[]): LiquidationAnswer {
  const { loan, seize, repay } = question;
  const stranger = findStranger(question);
  if (stranger !== undefined) return no("not-in-loan", stranger);
  const assets = readAssets(loan, { reports, chain: question.chain });
  if (!assets.ok) return assets;
  const touched = [...seize, ...repay].flatMap((asset) => assets.value.get(asset) ?? []);
  if (touched.some(({ trust }) => trust === "none")) return no("paused", "an asset to be seized or repaid is paused");
  if (isInsolvent(loan, assets.value, robustValue)) return { ok: true, by: "right" };
  if (isInsolvent(loan, assets.value, probingValue)) {
    const budgetBps = Math.min(UNLIMITED_BPS, ...touched.map((asset) => asset.budgetBps));
    return budgetBps > 0
      ? { ok: true, by: "bucket", budgetBps }
      : no("disputed", "no budget for an asset that is still disputed");
  }
  return isInsolvent(loan, assets.value, plainValue)
    ? no("disputed", "solvent at one end of the evidence")
    : no("healthy", "solvent at these prices");
}

export type BorrowQuestion = {
  /** As it would stand afterwards, with the collateral factors that borrowing asks for. */
  readonly loan: Loan;
  /** What is borrowed, minted or swapped out at the oracle's price; absent when collateral is only withdrawn. */
  readonly takes?: string;
  readonly chain?: string;
};

export type BorrowAnswer = { readonly ok: true } | Refused<PortfolioRefusal>;

/**
 * Whether a loan may take on risk: borrow, withdraw beside a debt, lever, mint, redeem against others, swap at the oracle's price. Each
 * asset counts at the worse of its interval and its slow mean, and as collateral at nothing where its feed says borrow = false.
 * Repaying, topping up and withdrawing without a debt never ask.
 *
 * @example
 * // a token pumped from 0.04 to 0.91: its feed is open, borrow false; 1e9 of it as collateral count 0, and nothing can be borrowed
 */
export function judgeBorrow({ loan, takes, chain }: BorrowQuestion, reports: readonly Report[]): BorrowAnswer {
  if (takes === undefined && loan.debt.every(({ amount }) => amount === 0n)) return { ok: true };
  const assets = readAssets(loan, { reports, chain });
  if (!assets.ok) return assets;
  if (takes !== undefined) {
    const taken = readAsset(takes, { numeraire: loan.numeraire, reports, chain });
    if (!taken.ok) return taken;
    if (!taken.value.borrow) return no("paused", `${takes} may not be borrowed now`);
  }
  const unhealthy = isInsolvent(loan, assets.value, borrowingValue);
  return unhealthy ? no("unhealthy", "the loan would be below a health of 1 on what borrowing may count") : { ok: true };
}

/** A user's own trigger order (stop loss, take profit): only a closed feed is its market; a wick under a probe is not. */
export function judgeTrigger(feed: string, reports: readonly Report[], chain?: string): BorrowAnswer {
  const asset = readAsset(baseOf(feed as FeedId), { numeraire: quoteOf(feed as FeedId), reports, chain });
  if (!asset.ok) return asset;
  return asset.value.trust === "closed" ? { ok: true } : no("disputed", `${feed} is not closed`);
}

/**
 * The reports that the judges above may be given: those of a document that proves itself, is no older than the consumer wants and
 * names every feed of the decision. One decision, one header.
 */
export function usableReports(
  feeds: readonly string[],
  verification: Verification,
  circumstances: Circumstances,
): { readonly ok: true; readonly reports: readonly Report[] } | Refused<Refusal> {
  for (const feed of feeds) {
    const answer = decide("liquidate-insolvent", feed, verification, circumstances);
    // A paused feed is usable: what it permits is the judges' question.
    if (!answer.ok && answer.reason !== "paused") return answer;
  }
  return { ok: true, reports: verification.reports };
}

/**
 * The numeraire in which every asset of a market has a feed or is itself: a ratio before the dollar, then the one that needs the
 * fewest feeds, then by name. Undefined without any.
 *
 * @example
 * pickNumeraire(["WSTETH", "ETH"], ["WSTETH/ETH", "WSTETH/USD", "ETH/USD"]); // "ETH"
 */
export function pickNumeraire(assets: readonly string[], feeds: readonly FeedId[]): string | undefined {
  const known = new Set<string>(feeds);
  const needed = (numeraire: string) => assets.filter((asset) => asset !== numeraire);
  return [...new Set(feeds.map(quoteOf))]
    .filter((numeraire) => needed(numeraire).every((asset) => known.has(`${asset}/${numeraire}`)))
    .sort((a, b) => Number(a === DOLLAR) - Number(b === DOLLAR) || needed(a).length - needed(b).length || compareText(a, b))[0];
}

/** The feeds that a loan's judgement needs, the chain's leaf included. */
export function feedsOf({ numeraire, collateral, debt }: Loan, chain?: string): readonly string[] {
  const legs = [...collateral, ...debt].filter(({ asset }) => asset !== numeraire).map(({ asset }) => `${asset}/${numeraire}`);
  return [...new Set(chain === undefined ? legs : [...legs, chain])];
}

/** What is left for disputed liquidations, in the unit of the limit, and when that was so (Unix ms). */
export type Bucket = { readonly room: bigint; readonly at: number };
export const FRESH_BUCKET: Bucket = { room: 0n, at: 0 };

/**
 * Draws a disputed repayment from a market's bucket (B10): `room = min(limit · b / 10⁴ / 6, room + limit · b / 10⁴ · Δt / 3600 s)`, both
 * rounded down, and the repayment must fit. A refused draw changes nothing, as a reverted transaction does. `limitPerHour` is the
 * market's own, by default a tenth of its debt; a bucket never used is full.
 *
 * @example
 * // limit 600 000 an hour, b 1000: at most 10 000 at once; a minute later 1 000 more
 */
export function drawBucket(
  bucket: Bucket,
  draw: { readonly limitPerHour: bigint; readonly budgetBps: number; readonly now: number; readonly repay: bigint },
): { readonly ok: boolean; readonly bucket: Bucket } {
  const rate = draw.limitPerHour * BigInt(draw.budgetBps);
  const most = rate / (FULL_BPS * BUCKET_SHARE);
  const grown = bucket.room + (rate * BigInt(Math.max(0, draw.now - bucket.at))) / (FULL_BPS * HOUR_MS);
  const room = grown < most ? grown : most;
  return draw.repay <= room ? { ok: true, bucket: { room: room - draw.repay, at: draw.now } } : { ok: false, bucket };
}

type Side = "collateral" | "debt";
type Valuation = (asset: Asset, side: Side) => bigint;

/** Closed feeds at their price, doubted ones at the end that favours the borrower, paused ones beyond it. */
function robustValue({ trust, price, low, high }: Asset, side: Side): bigint {
  if (trust === "none") return side === "collateral" ? 2n * high : 0n;
  if (trust === "closed") return price;
  return side === "collateral" ? high : low;
}

function probingValue(asset: Asset, side: Side): bigint {
  return asset.trust === "half-open" ? asset.price : robustValue(asset, side);
}

function plainValue({ price }: Asset): bigint {
  return price;
}

function borrowingValue({ borrow, low, high, ema }: Asset, side: Side): bigint {
  if (side === "debt") return high > ema ? high : ema;
  if (!borrow) return 0n;
  return low < ema ? low : ema;
}

/** Health < 1: Σ collateral · value · threshold < Σ debt · value. Every asset of the loan has been read. */
function isInsolvent({ collateral, debt }: Loan, assets: ReadonlyMap<string, Asset>, value: Valuation): boolean {
  const worth = (name: string, side: Side): bigint => {
    const asset = assets.get(name);
    assert(asset !== undefined, "a loan is valued once all its assets were read");
    return value(asset, side);
  };
  const backed = collateral.reduce(
    (sum, { asset, amount, thresholdBps }) => sum + amount * worth(asset, "collateral") * BigInt(thresholdBps),
    0n,
  );
  const owed = debt.reduce((sum, { asset, amount }) => sum + amount * worth(asset, "debt") * FULL_BPS, 0n);
  return backed < owed;
}

type Context = { readonly reports: readonly Report[]; readonly chain: string | undefined };
type Read<T> = { readonly ok: true; readonly value: T } | Refused<"no-feed">;

function readAssets({ numeraire, collateral, debt }: Loan, context: Context): Read<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const { asset } of [...collateral, ...debt]) {
    const read = readAsset(asset, { numeraire, ...context });
    if (!read.ok) return read;
    assets.set(asset, read.value);
  }
  return { ok: true, value: assets };
}

/** An asset as its feed and the chain leave it, the weaker of the two winning; the numeraire is worth exactly itself. */
function readAsset(asset: string, { numeraire, reports, chain }: Context & { readonly numeraire: string }): Read<Asset> {
  const own = asset === numeraire ? itself : findAsset(`${asset}/${numeraire}`, reports);
  const ground = chain === undefined ? itself : findAsset(chain, reports);
  if (own === undefined || ground === undefined) {
    return no("no-feed", `the round says nothing of ${own === undefined ? `${asset}/${numeraire}` : chain}`);
  }
  const trust = TRUSTS.find((item) => item === own.trust || item === ground.trust) ?? "none";
  const budgetBps = Math.min(own.budgetBps, ground.budgetBps);
  return { ok: true, value: { ...own, trust, borrow: own.borrow && ground.borrow, budgetBps } };
}

const itself: Asset = {
  price: ONE,
  low: ONE,
  high: ONE,
  ema: ONE,
  borrow: true,
  budgetBps: UNLIMITED_BPS,
  trust: "closed",
};

function findAsset(feed: string, reports: readonly Report[]): Asset | undefined {
  const report = reports.find((item) => item.feed === feed);
  return report === undefined ? undefined : { ...report, trust: trustOf(report) };
}

/** A level below `any` is a doubt of this very round, in whatever state: a carried price, one leader's firing. */
function trustOf({ state, liquidate }: Pick<Report, "state" | "liquidate">): Trust {
  const byLevel: Readonly<Record<LiquidateLevel, Trust>> = { none: "none", robust: "open", any: state };
  return byLevel[liquidate];
}

function findStranger({ loan, seize, repay }: LiquidationQuestion): string | undefined {
  const taken = seize.find((asset) => !loan.collateral.some((item) => item.asset === asset));
  if (taken !== undefined) return `${taken} is no collateral of this loan`;
  const paid = repay.find((asset) => !loan.debt.some((item) => item.asset === asset));
  if (paid !== undefined) return `${paid} is no debt of this loan`;
  return seize.length === 0 || repay.length === 0 ? "nothing is seized or nothing repaid" : undefined;
}

function no<R>(reason: R, detail: string): Refused<R> {
  return { ok: false, reason, detail };
}
