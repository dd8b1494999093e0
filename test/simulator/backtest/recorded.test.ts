import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../../cli/catalogue.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import { parseBars } from "../../../simulator/backtest/bars.ts";
import { parseFileName } from "../../../simulator/backtest/file-names.ts";
import { type GasSeries, parseGas } from "../../../simulator/backtest/gas-series.ts";
import { networkOf } from "../../../simulator/backtest/network.ts";
import { buildRecord, type HistoryFile } from "../../../simulator/backtest/record.ts";
import { type FeedResult, summarize } from "../../../simulator/backtest/result.ts";
import { DEFAULT_THRESHOLDS, type ThresholdSet } from "../../../simulator/backtest/threshold-set.ts";
import { JUDGEMENT, runToEnd } from "./recordings.ts";

/** Recorded prices are kept beside the checkout, not in it: their licence does not allow to pass them on. */
const FOLDER = join(import.meta.dirname, "../../../../shared/data");
const PRESENT = existsSync(FOLDER);
const ABSENT = "there is no ../shared/data beside this checkout: nothing recorded was backtested";

function readHistory(folder: string, wanted = /-1m\.csv$/): readonly HistoryFile[] {
  const path = join(FOLDER, "history", folder);
  return readdirSync(path)
    .filter((name) => wanted.test(name))
    .map((name) => {
      const [named, series] = [parseFileName(name), parseBars(readFileSync(join(path, name), "utf8"))];
      if (!named.ok || !series.ok) throw new Error(`${name}: ${named.ok ? "" : named.error} ${series.ok ? "" : series.error}`);
      return { name, ...named.value, series: series.value };
    });
}

function readGas(day: string): GasSeries {
  const gas = parseGas(readFileSync(join(FOLDER, "gas", `ethereum-gasprice-10m-${day}.csv`), "utf8"));
  if (!gas.ok) throw new Error(gas.error);
  return gas.value;
}

function backtest(
  files: readonly HistoryFile[],
  { from, to, set = DEFAULT_THRESHOLDS, gas }: { from?: string; to?: string; set?: ThresholdSet; gas?: GasSeries } = {},
): ReadonlyMap<string, FeedResult> {
  const instant = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text));
  const record = buildRecord(files, { from: instant(from), to: instant(to) });
  if (!record.ok) throw new Error(record.error);
  const presetOf = (feed: FeedId) => CATALOGUE.find((item) => item.feed === feed.replace(/USDT$/, "USD"))?.preset ?? "longtail";
  const network = networkOf(record.value, set, { presetOf, basket: [], chain: gas === undefined ? undefined : "ETHEREUM" });
  if (!network.ok) throw new Error(JSON.stringify(network.error));
  const run = runToEnd({ record: record.value, network: network.value, holdMs: 1_800_000, gas });
  const parts = { network: network.value, record: record.value, judgement: JUDGEMENT };
  return new Map(summarize("recorded", run.tallies(), parts).feeds.map((result) => [result.feed, result]));
}

describe("recorded prices", () => {
  test("of calm hours open no breaker", { timeout: 60_000 }, ({ skip }) => {
    if (!PRESENT) skip(ABSENT);
    const march = backtest(readHistory("2023-03-usdc-depeg"), { from: "2023-03-09T12:00Z", to: "2023-03-10T18:00Z" });
    expect([...march].map(([feed, { trips, startMinutes }]) => [feed, trips, startMinutes !== null])).toEqual([
      ["BTC/USD", 0, true],
      ["USDC/USD", 0, true],
      ["USDT/USD", 0, true],
    ]);
    expect(backtest(readHistory("2022-05-luna-ust"), { to: "2022-05-08" }).get("LUNA/USDT")?.trips).toBe(0);
  });

  test("of storms certify no disputed price, and no automatic pause outlasts its cap", { timeout: 120_000 }, ({ skip }) => {
    if (!PRESENT) skip(ABSENT);
    const storms = [
      ...backtest(readHistory("2023-03-usdc-depeg"), { from: "2023-03-10T18:00Z", to: "2023-03-11T18:00Z" }).values(),
      ...backtest(readHistory("2022-05-luna-ust"), { from: "2022-05-11", to: "2022-05-13T03:00Z" }).values(),
      ...backtest(readHistory("2020-03-12-black-thursday")).values(),
    ];
    expect(storms.map(({ feed }) => feed)).toEqual(["BTC/USD", "USDC/USD", "USDT/USD", "LUNA/USDT", "BTC/USDT"]);
    for (const { feed, disputedClosed, offOthers, trips, longestAutomaticMinutes } of storms) {
      expect([feed, disputedClosed, offOthers]).toEqual([feed, 0, 0]);
      expect(trips, feed).toBeGreaterThan(0);
      expect(longestAutomaticMinutes, feed).toBeLessThanOrEqual(30);
    }
    // The true crash of a feed that every venue follows: jump holds it for less than a minute at a time.
    expect(storms[3]?.longestAutomaticMinutes).toBeLessThan(2);
  });

  test("under thresholds that are too tight are shut far longer", { timeout: 60_000 }, ({ skip }) => {
    if (!PRESENT) skip(ABSENT);
    const files = readHistory("2023-03-usdc-depeg", /^kraken-BTCUSD-1m/);
    const bad = { thresholds: { jumpBps: 10, floorBps: 5, tolBps: 5, dispersionBps: 5 }, feeds: {} };
    const [good, tight] = [backtest(files), backtest(files, { set: bad })].map((results) => results.get("BTC/USD"));
    // Up 2 % within a round at 12:31 on 14 March, 3 % above the average.
    expect(good?.trips).toBe(1);
    expect(tight?.trips).toBeGreaterThan(50);
    expect(tight?.minutes.closed).toBeLessThan((good?.minutes.closed ?? 0) / 2);
  });

  test("with the gas of a busy day: the fee's point alone is up for hours and never acts", { timeout: 60_000 }, ({ skip }) => {
    if (!PRESENT) skip(ABSENT);
    const [file] = readHistory("2021-05-19-crash", /-10m\.csv$/);
    if (file === undefined) throw new Error("one file");
    const leaf = backtest([{ ...file, venue: "coinapi" }], { gas: readGas("2021-05-19") }).get("CHAIN/ETHEREUM");
    expect(leaf?.feeHighMinutes).toBeGreaterThan(250);
    expect(leaf?.feeHighMinutes).toBeLessThan(670);
    expect(leaf).toMatchObject({ trips: 0, opensByRule: {} });
  });
});
