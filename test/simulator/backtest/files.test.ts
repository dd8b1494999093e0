import { describe, expect, it } from "vitest";
import { ONE } from "../../../protocol/amount.ts";
import { parseBars } from "../../../simulator/backtest/bars.ts";
import { parseFileName, venueOf } from "../../../simulator/backtest/file-names.ts";
import { feeAt, joinGas, parseGas } from "../../../simulator/backtest/gas-series.ts";
import { concerns, parseLabels } from "../../../simulator/backtest/labels.ts";
import { parseThresholdSet, presetFor } from "../../../simulator/backtest/threshold-set.ts";
import { feedId } from "../../support/rounds.ts";

const HEADER = "timestamp_ms,open,high,low,close,volume";
const FIRST = "60000,2,3,1,2.5,9";

describe("history", () => {
  it("is exact decimal text", () => {
    expect(parseBars(`${HEADER}\n${FIRST}\n180000,0.000000000000000001,2,0.000000000000000001,2,0\r\n`)).toEqual({
      ok: true,
      value: {
        barMs: 120_000,
        bars: [
          { at: 60_000, open: 2n * ONE, high: 3n * ONE, low: ONE, close: (5n * ONE) / 2n },
          { at: 180_000, open: 1n, high: 2n * ONE, low: 1n, close: 2n * ONE },
        ],
      },
    });
  });

  it.each([
    ["another header", "time,open,high,low,close,volume", "line 1: expected the header"],
    ["no bar", HEADER, "expected at least two bars"],
    ["one bar", `${HEADER}\n${FIRST}`, "expected at least two bars"],
    ["too few fields", `${HEADER}\n${FIRST}\n120000,2,3,1,2`, "line 3: expected 6 fields, found 5"],
    ["an empty line", `${HEADER}\n${FIRST}\n\n120000,2,3,1,2,0`, "line 3: expected 6 fields, found 1"],
    ["a date", `${HEADER}\n2020-01-01,2,3,1,2,0\n${FIRST}`, "line 2: timestamp_ms: expected Unix ms"],
    ["a negative time", `${HEADER}\n-1,2,3,1,2,0\n${FIRST}`, "line 2: timestamp_ms: expected Unix ms"],
    ["the same minute twice", `${HEADER}\n${FIRST}\n${FIRST}`, "line 3: timestamp_ms: expected more than 60000"],
    ["an earlier minute", `${HEADER}\n${FIRST}\n0,2,3,1,2,0`, "line 3: timestamp_ms: expected more than 60000"],
    [
      "an exponent",
      `${HEADER}\n${FIRST}\n120000,4e-5,3,1,2,0`,
      'line 3: open: expected a decimal price, found "4e-5" (exponent)',
    ],
    ["a word", `${HEADER}\n${FIRST}\n120000,2,NaN,1,2,0`, "line 3: high: expected a decimal price"],
    ["a negative price", `${HEADER}\n${FIRST}\n120000,2,3,-1,2,0`, "line 3: low: expected a decimal price"],
    ["a zero", `${HEADER}\n${FIRST}\n120000,2,3,0,2,0`, "line 3: low: expected a price above zero"],
    ["nineteen decimals", `${HEADER}\n${FIRST}\n120000,2,3,1,1.0000000000000000001,0`, "line 3: close: expected a decimal price"],
    [
      "a volume that is none",
      `${HEADER}\n${FIRST}\n120000,2,3,1,2,many`,
      'line 3: volume: expected a decimal amount, found "many"',
    ],
    ["high below close", `${HEADER}\n${FIRST}\n120000,2,3,1,4,0`, "line 3: high: expected at least open and close"],
    ["low above open", `${HEADER}\n${FIRST}\n120000,2,3,2.5,3,0`, "line 3: low: expected at most open and close"],
    [
      "off the grid",
      `${HEADER}\n0,1,1,1,1,0\n60000,1,1,1,1,0\n150000,1,1,1,1,0`,
      "line 4: timestamp_ms: expected a whole number of bars",
    ],
    ["bars of two days", `${HEADER}\n0,1,1,1,1,0\n172800000,1,1,1,1,0`, "expected bars of at most a day"],
  ])("refuses %s", (_, text, why) => {
    const parsed = parseBars(text);
    expect(parsed.ok ? "accepted" : parsed.error).toContain(why);
  });
});

describe("file names", () => {
  it.each([
    ["kraken-BTCUSD-1m.csv", "kraken", "BTC/USD"],
    ["kraken-USDCUSDT-1m.csv", "kraken", "USDC/USDT"],
    ["kraken-USDTUSD-1m.csv", "kraken", "USDT/USD"],
    ["binance-usdtm-perp-BTCUSDT-1m.csv", "binance-usdtm-perp", "BTC/USDT"],
    ["binance-LUNAUSDT-1m-2022-05.csv", "binance", "LUNA/USDT"],
    ["bitstamp-ETHBTC-30s.csv", "bitstamp", "ETH/BTC"],
  ])("%s", (name, venue, market) => {
    expect(parseFileName(name)).toEqual({ ok: true, value: { venue, market } });
  });

  it.each(["BTCUSD.csv", "kraken-BTCUSD.csv", "Kraken-BTCUSD-1m.csv", "kraken-USD-1m.csv", "kraken-BTCXXX-1m.csv"])(
    "not %s",
    (name) => {
      expect(parseFileName(name).ok).toBe(false);
    },
  );

  it("gives a file whose feed is named by hand its venue's name, or its own", () => {
    expect(venueOf("kraken-XBTZUSD-1m.csv")).toEqual({ ok: true, value: "kraken" });
    expect(venueOf("Prices.csv")).toEqual({ ok: true, value: "prices" });
    expect(venueOf(`${"x".repeat(40)}.csv`).ok).toBe(false);
  });
});

describe("gas", () => {
  const read = (text: string) => {
    const parsed = parseGas(text);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  };

  it("comes in gwei or wei, and holds until the next row, for an hour at most", () => {
    const gas = read("timestamp_ms,tx_count,p30_wei\n600000,5,21500000000\n1200000,5,0\n");
    expect(gas.column).toBe("p30_wei");
    expect(feeAt(gas, 599_999)).toBeUndefined();
    expect(feeAt(gas, 600_000)).toBe((43n * ONE) / 2n);
    expect(feeAt(gas, 1_199_999)).toBe((43n * ONE) / 2n);
    expect(feeAt(gas, 1_200_000)).toBe(1n);
    expect(feeAt(gas, 1_200_000 + 3_600_000)).toBeUndefined();
    expect(feeAt(read("timestamp_ms,base_fee_gwei\n0,21.5\n"), 0)).toBe((43n * ONE) / 2n);
  });

  it.each([
    ["time,base_fee_gwei\n0,1\n", "line 1"],
    ["timestamp_ms,fee\n0,1\n", "line 1"],
    ["timestamp_ms,base_fee_gwei\n", "expected at least one row"],
    ["timestamp_ms,base_fee_gwei\n0,1,2\n", "line 2: expected 2 fields, found 3"],
    ["timestamp_ms,base_fee_gwei\nx,1\n", "line 2: timestamp_ms"],
    ["timestamp_ms,base_fee_gwei\n5,1\n5,1\n", "line 3: timestamp_ms: expected a later time"],
    ["timestamp_ms,base_fee_gwei\n5,-1\n", "line 2: base_fee_gwei: expected a decimal amount (negative)"],
  ])("refuses %j", (text, why) => {
    const parsed = parseGas(text);
    expect(parsed.ok ? "accepted" : parsed.error).toContain(why);
  });

  it("joins files in time, and refuses two that overlap", () => {
    const [early, late] = [read("timestamp_ms,base_fee_gwei\n0,1\n"), read("timestamp_ms,base_fee_gwei\n9,2\n")];
    const joined = joinGas([late, early]);
    expect(joined.ok && joined.value?.points.map(({ at }) => at)).toEqual([0, 9]);
    expect(joinGas([late, late]).ok).toBe(false);
    expect(joinGas([])).toEqual({ ok: true, value: undefined });
  });
});

describe("labels", () => {
  const LABELS = "from_ms,to_ms,kind,name";

  it("keep a name's commas, and may be about one feed", () => {
    const parsed = parseLabels(`${LABELS}\n5,10,true,USDC/USD: a bank, a weekend\n7,8,false,quiet\n`);
    if (!parsed.ok) throw new Error(parsed.error);
    expect(parsed.value).toEqual([
      { from: 5, to: 10, kind: "true", name: "USDC/USD: a bank, a weekend" },
      { from: 7, to: 8, kind: "false", name: "quiet" },
    ]);
    const [first, second] = parsed.value;
    if (first === undefined || second === undefined) throw new Error("two labels");
    expect([first, second].map((label) => concerns(label, feedId("USDC/USD")))).toEqual([true, true]);
    expect([first, second].map((label) => concerns(label, feedId("BTC/USD")))).toEqual([false, true]);
  });

  it.each([
    ["from,to,kind,name\n", "line 1"],
    [`${LABELS}\n1,x,true,a`, "line 2: from_ms, to_ms: expected Unix ms"],
    [`${LABELS}\n2,2,true,a`, "line 2: to_ms: expected more than from_ms"],
    [`${LABELS}\n1,2,maybe,a`, "line 2: kind: expected true or false"],
    [`${LABELS}\n1,2,true,`, "line 2: name"],
    [`${LABELS}\n1,2,true`, "line 2: name"],
  ])("refuse %j", (text, why) => {
    const parsed = parseLabels(text);
    expect(parsed.ok ? "accepted" : parsed.error).toContain(why);
  });
});

describe("threshold files", () => {
  it("name presets and single thresholds, for all feeds or for one", () => {
    const parsed = parseThresholdSet({
      preset: "large",
      feeds: { "ETH/USD": { preset: "major", thresholds: { jumpBps: 250 } } },
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const preset = (feed: string) => presetFor(parsed.value, feedId(feed), () => "longtail");
    expect([preset("ETH/USD"), preset("LUNA/USD")]).toEqual(["major", "large"]);
    expect(parseThresholdSet(null)).toEqual({ ok: true, value: { thresholds: {}, feeds: {} } });
  });

  it.each([
    [{ thresholds: { jumpBps: 0 } }, "thresholds.jumpBps", "from 10 to 10000"],
    [{ thresholds: { jumpsBps: 5 } }, "thresholds.jumpsBps", "no such key"],
    [{ presets: "major" }, "presets", "no such key"],
    [{ preset: "mayor" }, "preset", 'found "mayor"'],
    [{ feeds: { ETHUSD: {} } }, "feeds.ETHUSD", "BASE/QUOTE"],
    [{ feeds: { "ETH/USD": { jumpBps: 5 } } }, "feeds.ETH/USD.jumpBps", "no such key"],
    ["jumpBps", "(top level)", "keys with values"],
  ])("refuse %j", (input, path, why) => {
    const parsed = parseThresholdSet(input);
    const said = parsed.ok ? [] : parsed.error.map((fault) => `${fault.path}: ${fault.expected}`);
    expect(said.join("; ")).toContain(path);
    expect(said.join("; ")).toContain(why);
  });
});
