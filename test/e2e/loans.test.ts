import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trustGenesis } from "../../client/committee.ts";
import { judgeBorrow, judgeLiquidation, type Loan } from "../../client/portfolio.ts";
import { verifyBundleDocument } from "../../client/verify.ts";
import { formatAmount, ONE } from "../../protocol/amount.ts";
import { type BundleDocument, committeeDocumentSchema } from "../../protocol/document.ts";
import type { Domain } from "../../protocol/eip712.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import type { Report } from "../../protocol/report.ts";
import { useDevnet } from "./devnet.ts";
import { configInForce, observationsOf } from "./keyholders.ts";
import { amount, type FeedView, type RoundStream, summarize } from "./stream.ts";

const WATCHED = ["UNI/USD", "WSTETH/ETH", "BTC/USD", "CHAIN/ETHEREUM"];
const VENUES_OF_WSTETH = ["gate", "kucoin", "bitget", "mexc", "htx"];
/** Certificates at the wrong price that are looked at, the first included. */
const LOOKED_AT = 15;
const THRESHOLD_BPS = 8_000;
/** BREAKER.md B13 for blocks of a second: 3 blocks and 6 s. */
const LATE_MS = 9_000;
/** Late by itself is one point; and later than this network has run would be a head of before its start. */
const HEAD_AGE_MS = 15_000;
const ROUNDS = 60;
const MOST_MISSED = ROUNDS / 5;

const devnet = useDevnet();
let stream: RoundStream;
let domain: Domain;
let reportsIn: (bundle: BundleDocument) => readonly Report[];

beforeAll(async () => {
  stream = devnet().stream(WATCHED);
  await stream.more(2);
  const committee = committeeDocumentSchema.parse(await devnet().get("/v1/committee?config=1"));
  const trust = trustGenesis(committee, committee.genesisConfigDigest);
  if (!trust.ok) throw new Error(trust.error);
  const scheme = loadSecp256k1();
  domain = (await configInForce(devnet())).domain;
  reportsIn = (bundle) => {
    const { ok, faults, reports } = verifyBundleDocument(bundle, { trust: trust.value, scheme });
    if (!ok) throw new Error(JSON.stringify(faults));
    return reports;
  };
});
afterAll(() => stream?.close());

/** A wrong price at every venue of every node: what a broken definition would serve if nothing had kept it out. */
const CASES = [
  {
    name: "UNI/USD at 1/1900 (a leg left out)",
    ...{ feed: "UNI/USD", asset: "UNI", numeraire: "USD" },
    force: async () => {
      const { feeds } = (await (await fetch(`${devnet().control}/market`)).json()) as {
        feeds: { feed: string; price: string }[];
      };
      const price = amount(feeds.find(({ feed }) => feed === "UNI/USD")?.price ?? "0");
      await devnet().post("/market", { feed: "UNI/USD", price: formatAmount(price / 1_900n), overMs: 0 });
    },
    isWrong: (price: bigint, before: bigint) => price * 1_000n < before,
    /** At the low end almost nothing is owed. */
    insolventDebtors: false,
  },
  {
    name: "WSTETH/ETH at -2.85 % (a stale cap)",
    ...{ feed: "WSTETH/ETH", asset: "WSTETH", numeraire: "ETH" },
    force: async () => {
      for (const venue of VENUES_OF_WSTETH) {
        await devnet().post("/faults", { venue, market: "WSTETH/USDT", fault: "offset", bps: -285 });
      }
    },
    isWrong: (price: bigint, before: bigint) => price * 10_000n < before * 9_800n,
    insolventDebtors: true,
  },
] as const;

describe("forced in past the gate at every node", () => {
  it.concurrent.each(CASES)(
    "$name: doubted in its first certificate, and no healthy loan is liquidated on it",
    async ({ feed, asset, numeraire, force, isWrong, insolventDebtors }) => {
      const old = latest(feed);
      expect(old.state).toBe("closed");
      await force();
      const first = await stream.until(feed, ({ price }) => isWrong(price, old.price), {
        what: "the wrong price",
        after: old.round,
      });
      await stream.until(feed, () => stream.of(feed, first.round - 1).length >= LOOKED_AT, {
        what: "more of it",
        after: first.round,
      });
      const views = stream.of(feed, first.round - 1);
      expect(
        first.reasons.some((rule) => rule === "jump" || rule === "gap"),
        summarize(views),
      ).toBe(true);
      for (const bundle of stream.rounds.filter(({ round }) => round > old.round)) {
        const reports = reportsIn(bundle);
        const where = `round ${bundle.round}: ${summarize(views)}`;
        const liquidates = (loan: Loan, [seize, repay]: readonly [string, string]) =>
          judgeLiquidation({ loan, seize: [seize], repay: [repay] }, reports);
        for (const healthBps of [10_200, 10_500, 12_000, 20_000]) {
          const held = backedBy(asset, { numeraire, price: old.price, healthBps });
          const owed = owing(asset, { numeraire, price: old.price, healthBps });
          expect(liquidates(held, [asset, numeraire]).ok, `collateral, health ${healthBps}, ${where}`).toBe(false);
          expect(liquidates(owed, [numeraire, asset]).ok, `debt, health ${healthBps}, ${where}`).toBe(false);
        }
        const lost = backedBy(asset, { numeraire, price: old.price, healthBps: 9_000 });
        expect(liquidates(lost, [asset, numeraire]), `insolvent collateral, ${where}`).toEqual({ ok: true, by: "right" });
        const owesTooMuch = owing(asset, { numeraire, price: old.price, healthBps: 9_000 });
        if (insolventDebtors) {
          expect(liquidates(owesTooMuch, [numeraire, asset]), `insolvent debt, ${where}`).toEqual({ ok: true, by: "right" });
        }
        if (bundle.round < first.round) continue;
        const borrow = judgeBorrow(
          { loan: owing(asset, { numeraire, price: old.price, healthBps: 20_000 }), takes: asset },
          reports,
        );
        expect(borrow.ok, `borrowed at the wrong price, ${where}`).toBe(false);
      }
      expect(views.filter(({ price }) => isWrong(price, old.price)).length).toBeGreaterThan(LOOKED_AT / 2);
    },
  );
});

describe("a chain on which nobody can act", () => {
  it("a base fee twenty times as high alone is no congestion; a late head beside it is, in the round that sees both", async () => {
    const calm = latest("CHAIN/ETHEREUM");
    await devnet().post("/chain", { chain: "ETHEREUM", baseFeeGwei: 600 });
    const dear = await stream.until("CHAIN/ETHEREUM", ({ price }) => price > 500n * ONE, { what: "the fee", after: calm.round });
    await stream.more(6);
    const alone = stream.of("CHAIN/ETHEREUM", dear.round - 1);
    // A busy machine's missed rounds are a point of their own: then it is no fee alone.
    for (const { round, reasons } of alone.filter((view) => view.reasons.includes("congestion"))) {
      expect(await missedBefore(round), `congestion in round ${round}, ${reasons.join(" ")}`).toBeGreaterThan(MOST_MISSED);
    }
    await devnet().post("/chain", { chain: "ETHEREUM", headAgeMs: HEAD_AGE_MS });
    const congested = await stream.until(
      "CHAIN/ETHEREUM",
      ({ round, reasons }) => round > (alone.at(-1)?.round ?? 0) && reasons.includes("congestion"),
      { what: "congestion", after: alone.at(-1)?.round ?? 0 },
    );
    expect(congested).toMatchObject({ state: "open", liquidate: "robust", borrow: false });
    const earlier = stream.of("CHAIN/ETHEREUM", alone.at(-1)?.round ?? 0).filter(({ round }) => round < congested.round);
    const seen = [];
    for (const { round, timestamp } of earlier) if (timestamp - (await headIn(round)) > LATE_MS) seen.push(round);
    expect(seen.length, `rounds that saw a late head without congestion: ${seen.join(", ")}`).toBeLessThanOrEqual(1);
  });
});

/** Rounds of the last sixty, this one included, that have no certificate. */
async function missedBefore(round: number): Promise<number> {
  const { points } = await devnet().get<{ points: unknown[] }>(
    `/v1/feeds/BTC-USD/history?from=${round - ROUNDS + 1}&to=${round}&limit=${ROUNDS}`,
  );
  return ROUNDS - points.length;
}

/** The instant of the newest block, as the quorum of this round sees it. */
async function headIn(round: number): Promise<number> {
  const observations = await observationsOf(devnet().api, round, domain);
  const heads = observations.flatMap(({ gauges }) => gauges.filter(({ gauge }) => gauge === "head.ETHEREUM"));
  const sorted = heads.map(({ value }) => Number(value)).sort((a, b) => a - b);
  return sorted.length < 3 ? Number.POSITIVE_INFINITY : (sorted[sorted.length >> 1] ?? 0);
}

type Terms = { readonly numeraire: string; readonly price: bigint; readonly healthBps: number };

/** The asset as collateral, the numeraire owed; of this health at this price. */
function backedBy(asset: string, { numeraire, price, healthBps }: Terms): Loan {
  const debt = (1_000n * price * BigInt(THRESHOLD_BPS)) / BigInt(healthBps);
  return {
    numeraire,
    collateral: [{ asset, amount: 1_000n * ONE, thresholdBps: THRESHOLD_BPS }],
    debt: [{ asset: numeraire, amount: debt }],
  };
}

/** The other way round. */
function owing(asset: string, { numeraire, price, healthBps }: Terms): Loan {
  const collateral = (1_000n * price * BigInt(healthBps)) / BigInt(THRESHOLD_BPS);
  return {
    numeraire,
    collateral: [{ asset: numeraire, amount: collateral, thresholdBps: THRESHOLD_BPS }],
    debt: [{ asset, amount: 1_000n * ONE }],
  };
}

function latest(feed: string): FeedView {
  const view = stream.of(feed).at(-1);
  if (view === undefined) throw new Error(`no certificate has ${feed}`);
  return view;
}
