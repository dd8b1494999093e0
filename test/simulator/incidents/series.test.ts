import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decimal, flat } from "../../../simulator/incidents/quotes.ts";
import { barPath, closePath, quotient, readBars } from "../../../simulator/incidents/series.ts";
import { MEASURED, playIncidents, SERIES } from "../../../simulator/incidents/suite.ts";

const DAY = Date.UTC(2020, 2, 12);
const PRICES = "history/2020-03-12-black-thursday/coinapi-unnamed-venue-ETHUSD-10m.csv";
const GAS = "gas/ethereum-gasprice-10m-2020-03-12.csv";
const HEADER = "timestamp_ms,open,high,low,close,volume\n";

/** A day of ten-minute bars that all traded at one price. */
function flatDay(price: string): string {
  const rows = Array.from({ length: 144 }, (_, index) => `${DAY + index * 600_000},${price},${price},${price},${price},1`);
  return `${HEADER}${rows.join("\n")}\n`;
}

/** A day of gas prices: 5 gwei at night, `busy` from 08:00; in the named windows a third more than most paid in the one before. */
function gasDay(busy: bigint, outbid: readonly string[]): string {
  const rows = Array.from({ length: 144 }, (_, index) => {
    const clock = new Date(DAY + index * 600_000).toISOString().slice(11, 16);
    const gwei = clock < "08:00" ? 5n : outbid.includes(clock) ? (busy * 4n) / 3n : busy;
    const wei = gwei * 1_000_000_000n;
    return [DAY + index * 600_000, 5_000, wei, wei, (wei * 6n) / 5n, wei * 2n, wei * 9n].join(",");
  });
  return `timestamp_ms,tx_count,avg_gas_price_wei,p30_wei,p60_wei,p90_wei,p100_wei\n${rows.join("\n")}\n`;
}

function blackThursday(prices: string, gas: string) {
  const data = new Map([
    [PRICES, prices],
    [GAS, gas],
  ]);
  const [result] = playIncidents({ only: "black-thursday", data });
  return result;
}

describe("Black Thursday, on days made up for it", () => {
  const OUTBID = ["10:40", "10:50", "11:30"];

  test("fee and inclusion wait together are congestion, in the round that shows both", () => {
    const result = blackThursday(flatDay("169"), raise(gasDay(30n, OUTBID), "10:50"));
    expect(result?.faults).toEqual([]);
    expect(result).toMatchObject({ outcome: "caught", roundsLate: 0 });
  });

  test("the fee alone is not, however high", () => {
    const result = blackThursday(flatDay("169"), gasDay(300n, []));
    expect(result).toMatchObject({ outcome: "missed" });
    expect(result?.summary).toContain("CHAIN/ETHEREUM at 38415 s: expected open, found closed, any, []");
  });

  test("nor is the wait alone, while fees are low", () => {
    const result = blackThursday(flatDay("169"), raise(gasDay(6n, OUTBID), "10:50"));
    expect(result?.summary).toContain("CHAIN/ETHEREUM at 38415 s: expected open, found closed, any, []");
  });

  /** Makes a window's prices four times as high. */
  function raise(gas: string, clock: string): string {
    const at = String(DAY + (Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))) * 60_000);
    return gas
      .split("\n")
      .map((line) => {
        const [time = "", count = "", ...prices] = line.split(",");
        return time === at ? [time, count, ...prices.map((price) => String(BigInt(price) * 4n))].join(",") : line;
      })
      .join("\n");
  }
});

describe("bars as paths", () => {
  const text = `${HEADER}0,100,110,90,95,1\n60000,95,95,95,95,1\n180000,120,120,120,120,1\n`;
  const bars = readBars(new Map([["x.csv", text]]), "x.csv");
  if (!bars.ok) throw new Error(bars.error);
  const grid = { barMs: 60_000, startAt: 0 };

  test("corners at each quarter of a minute, low first when the price fell; a missing bar holds the last close", () => {
    const path = barPath(bars.value, grid);
    const seen = [-60, 0, 15, 30, 45, 60, 120, 179, 180, 600].map((second) => path(second));
    expect(seen).toEqual(["100", "100", "90", "110", "95", "95", "95", "95", "120", "120"].map(decimal));
  });

  test("finer rounds walk the legs between the corners", () => {
    const path = barPath(bars.value, { ...grid, roundMs: 1_000 });
    expect(path(0)).toBe(decimal("100"));
    expect(path(59)).toBe(decimal("95"));
    const steps = Array.from({ length: 59 }, (_, second) => {
      const [from, to] = [path(second) ?? 0n, path(second + 1) ?? 0n];
      return from > to ? from - to : to - from;
    });
    expect(steps.reduce((most, step) => (step > most ? step : most))).toBeLessThan(decimal("1.1"));
  });

  test("a close is known when its bar is over", () => {
    const path = closePath(bars.value, grid);
    expect([0, 59, 60, 120, 240].map((second) => path(second))).toEqual(["100", "100", "95", "95", "120"].map(decimal));
  });

  test("a quotient of paths is rounded down, and nothing where one is missing", () => {
    expect(quotient(flat("1"), flat("3"), 10n ** 18n)(0)).toBe(333_333_333_333_333_333n);
    expect(quotient(flat("1"), () => undefined, 10n ** 18n)(0)).toBeUndefined();
    expect(quotient(flat("1"), () => 0n, 10n ** 18n)(0)).toBeUndefined();
  });

  test("a file that is not there, or is no series, is named", () => {
    expect(readBars(new Map(), "x.csv")).toEqual({ ok: false, error: "x.csv is not there" });
    expect(readBars(new Map([["x.csv", `${HEADER}0,1,2\n1,1\n`]]), "x.csv")).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^x\.csv: line 2: /),
    });
  });
});

test.each([...SERIES, ...MEASURED])("$name without its data is absent, which is not as expected", ({ name, files }) => {
  expect([...playIncidents({ only: name })], "nothing was asked for").toEqual([]);
  const [result] = playIncidents({ only: name, data: new Map() });
  expect(result).toMatchObject({ outcome: "absent", asExpected: false, summary: `not played: ${files.join(", ")} not found` });
});

test("data that cannot be read is absent and says why", () => {
  const [result] = playIncidents({
    only: "btc-2021-series",
    data: new Map(MEASURED.flatMap(({ files }) => files.map((file) => [file, "x"]))),
  });
  expect(result).toMatchObject({ outcome: "absent", summary: expect.stringContaining("line 1: expected the header") });
});

/** A day and a half of seconds, on a machine that does other things as well. */
const RECORDED_TIMEOUT_MS = 180_000;

/** Recorded prices are kept beside the checkout, not in it: their licence does not allow to pass them on. */
const FOLDER = process.env.BREAKWATER_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const PRESENT = existsSync(FOLDER);
const ABSENT = "there is no ../shared/data beside this checkout: no recorded incident was played";

describe.skipIf(!PRESENT)(PRESENT ? "recorded prices" : ABSENT, () => {
  test.each([...SERIES, ...MEASURED])(
    "$name",
    (series) => {
      const data = new Map(series.files.map((file) => [file, readFileSync(join(FOLDER, file), "utf8")]));
      const [result] = playIncidents({ only: series.name, data });
      expect(result?.faults).toEqual([]);
      expect(result).toMatchObject({ outcome: "caught", roundsLate: 0 });
    },
    RECORDED_TIMEOUT_MS,
  );
});
