import { fail, ok } from "../../protocol/result.ts";
import type { Preset } from "../../protocol/thresholds.ts";
import { decimal, everywhere } from "./quotes.ts";
import { equalSources, type Scenario } from "./scenario.ts";
import { barPath, readBars, type SeriesScenario } from "./series.ts";

/** BREAKER.md's bar: the longest automatic pause of a liquid feed on 10 October 2025. */
const LONGEST_PAUSE_MS = 684_000;
const MINUTE_MS = 60_000;
/**
 * At the length of the network's own rounds: a bar's three legs take twenty seconds each. In steps of 15 s LUNA's legs of up to −64 % would
 * be one round each, and `gap` would rightly take them for something that no market makes in a round.
 */
const ROUND_MS = 1_000;
const VENUES = ["venue-a", "venue-b", "venue-c", "venue-d", "venue-e"];
/** A loan is under water when the price has lost this much since the beginning. */
const LOSSES_PERCENT = [5, 10, 20, 30, 50, 70, 90, 99];

type Crash = {
  readonly name: string;
  readonly title: string;
  readonly asset: string;
  readonly preset: Preset;
  readonly file: string;
  readonly from: number;
  readonly to: number;
};

/** True crashes as one venue recorded them: they are measured, nobody states what they must look like round by round. */
export const CRASH_SERIES: readonly SeriesScenario[] = [
  {
    name: "luna-2022-series",
    title: "LUNA, 11 May 2022 12:00 until the halt, Binance",
    asset: "LUNA",
    preset: "large" as const,
    file: "history/2022-05-luna-ust/binance-LUNAUSDT-1m.csv",
    from: Date.UTC(2022, 4, 11, 12),
    to: Date.UTC(2022, 4, 13, 0, 40),
  },
  {
    name: "btc-2020-series",
    title: "BTC perpetual, 12 March 2020 10:39 to 12:01, Binance",
    asset: "BTC",
    preset: "major" as const,
    file: "history/2020-03-12-black-thursday/binance-usdtm-perp-BTCUSDT-1m.csv",
    from: Date.UTC(2020, 2, 12, 10, 39),
    to: Date.UTC(2020, 2, 12, 12, 1),
  },
  {
    name: "btc-2020-night-series",
    title: "BTC perpetual, 13 March 2020 01:45 to 03:07, Binance",
    asset: "BTC",
    preset: "major" as const,
    file: "history/2020-03-12-black-thursday/binance-usdtm-perp-BTCUSDT-1m.csv",
    from: Date.UTC(2020, 2, 13, 1, 45),
    to: Date.UTC(2020, 2, 13, 3, 7),
  },
  {
    name: "btc-2021-series",
    title: "BTC perpetual, 19 May 2021 13:17 to 14:00, Binance",
    asset: "BTC",
    preset: "major" as const,
    file: "history/2021-05-19-crash/binance-usdtm-perp-BTCUSDT-1m.csv",
    from: Date.UTC(2021, 4, 19, 13, 17),
    to: Date.UTC(2021, 4, 19, 14),
  },
].map(seriesOf);

function seriesOf(crash: Crash): SeriesScenario {
  const { name, title, file } = crash;
  return {
    name,
    title,
    files: [file],
    build: (files) => {
      const bars = readBars(files, file);
      if (!bars.ok) return bars;
      // What came hours before is not what the crash began at.
      const within = bars.value.filter(({ at }) => at >= crash.from && at < crash.to);
      return within.length > 0 ? ok(scenarioOf(crash, within)) : fail(`${file} has no bar of the crash`);
    },
  };
}

function scenarioOf({ asset, preset, from, to, ...rest }: Crash, bars: Parameters<typeof barPath>[0]): Scenario {
  const feed = `${asset}/USD`;
  const price = barPath(bars, { barMs: MINUTE_MS, startAt: from, roundMs: ROUND_MS });
  const start = price(0) ?? 0n;
  return {
    name: rest.name,
    title: rest.title,
    sources: [{ title: rest.file, url: "https://data.binance.vision/", says: "minute bars, read at run time" }],
    figures: ["every minute of the series"],
    assumed: ["five groups at one venue's price, each bar along its corners, no basket", "a missing minute holds the last close"],
    startAt: from,
    roundMs: ROUND_MS,
    until: Math.floor((to - from) / 1_000),
    feeds: [{ feed, preset, sources: equalSources(VENUES, feed) }],
    quotes: everywhere(VENUES, feed, price),
    truth: { [feed]: price },
    expected: [{ feed, from: 0, to: (to - from) / 1_000, liquidate: ["any", "robust"], because: "a true crash must liquidate" }],
    longestPauseMs: { [feed]: LONGEST_PAUSE_MS },
    loans: LOSSES_PERCENT.map((loss) => ({
      name: `under water at −${loss} %`,
      loan: {
        numeraire: "USD",
        collateral: [{ asset, amount: decimal("1"), thresholdBps: 8_000 }],
        debt: [{ asset: "USD", amount: (start * BigInt(100 - loss) * 8n) / 1_000n }],
      },
      seize: [asset],
      repay: ["USD"],
      expected: [],
    })),
  };
}
