import { describe, expect, it } from "vitest";
import { ONE } from "../../../protocol/amount.ts";
import { MAX_POINTS } from "../../../simulator/backtest/chart-series.ts";
import { readCheckpoint, writeCheckpoint } from "../../../simulator/backtest/checkpoint.ts";
import { formatChance, formatFigure, formatMinutes, formatShare } from "../../../simulator/backtest/figures.ts";
import { renderHtml } from "../../../simulator/backtest/html.ts";
import { type BacktestReport, writeReport } from "../../../simulator/backtest/report.ts";
import { summarize } from "../../../simulator/backtest/result.ts";
import { parseThresholdSet } from "../../../simulator/backtest/threshold-set.ts";
import { calm, historyFile, JUDGEMENT, MINUTE, minuteBars, planOf, recordOf, runToEnd, START } from "./recordings.ts";

const crash = [...calm(120), 17_500, ...calm(120, 17_000)];
const record = recordOf([historyFile("kraken", "BTC/USD", minuteBars(crash))]);
const labels = [
  { from: START + 120 * MINUTE, to: START + 140 * MINUTE, kind: "true", name: '<script>alert("x")</script> & co' },
] as const;
const judgement = { ...JUDGEMENT, labels };
const gas = {
  column: "base_fee_gwei",
  points: [0, 1, 2, 3].map((hour) => ({ at: START + hour * 3_600_000, fee: BigInt(20 + hour) * ONE })),
};

function reportOf(overrides: readonly unknown[]): BacktestReport {
  const plans = overrides.map((thresholds) => {
    const set = parseThresholdSet({ thresholds });
    if (!set.ok) throw new Error(JSON.stringify(set.error));
    return planOf(record, { set: set.value, gas, chain: "ETHEREUM" });
  });
  const runs = plans.map((plan, index) => summarize(`set ${index + 1} <b>`, runToEnd(plan).tallies(), { ...plan, judgement }));
  const [first] = plans;
  if (first === undefined) throw new Error("one plan at least");
  return writeReport({ ...first, judgement, runs });
}

const single = reportOf([{}]);
const both = reportOf([{}, { jumpBps: 10, dispersionBps: 10 }]);

describe("the report", () => {
  it("says every assumption that the issue of a lone file, missing bars and a bar's way makes", () => {
    const said = single.assumptions.join("\n");
    expect(said).toContain("O-L-H-C or O-H-L-C, whichever is the longer way");
    expect(said).toContain("Missing bars hold the last close");
    expect(said).toContain("kraken counts as 4 groups (4 wanted)");
    expect(said).toContain("column base_fee_gwei");
    expect(said).toContain("BTC/USD major");
  });

  it("is JSON and the same for the same record", () => {
    const text = JSON.stringify(single);
    expect(JSON.parse(text)).toEqual(single);
    expect(JSON.stringify(reportOf([{}]))).toBe(text);
    expect(text).not.toContain("NaN");
  });

  it("shows what a bad set of thresholds does worse", () => {
    expect(single.differences).toEqual([]);
    const trips = both.differences.find(({ feed, figure }) => feed === "BTC/USD" && figure === "minutes closed");
    expect(trips?.second).toBeLessThan(trips?.first ?? 0);
    const [good, bad] = both.runs.map(({ feeds }) => feeds.find(({ feed }) => feed === "BTC/USD"));
    expect(good?.trips).toBe(1);
    expect((bad?.minutes.open ?? 0) + (bad?.minutes.halfOpen ?? 0)).toBeGreaterThan(
      (good?.minutes.open ?? 0) + (good?.minutes.halfOpen ?? 0),
    );
  });

  it("draws a record of any length with a bounded number of points", () => {
    const long = recordOf([historyFile("kraken", "BTC/USD", minuteBars(calm(1_000)))]);
    const plan = planOf(long);
    const [feed] = summarize("long", runToEnd(plan).tallies(), { ...plan, judgement }).feeds;
    expect(feed?.chart.price.length).toBeGreaterThan(MAX_POINTS / 2);
    expect(feed?.chart.price.length).toBeLessThanOrEqual(MAX_POINTS);
  });
});

describe("the HTML report", () => {
  const html = renderHtml(both);

  it("asks nothing of a network and runs nothing", () => {
    expect(html).not.toMatch(/https?:|\/\/[a-z]|<script|<link|<img|@import|url\(|\son\w+=/i);
  });

  it("escapes what came from files", () => {
    expect(html).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; co");
    expect(html).not.toContain("<b>");
  });

  it("has every lane, in both runs, light and dark, and the words of every colour", () => {
    for (const words of ["price", "state", "jump", "gas, gwei", "UTC"]) {
      expect(html.split(`<span class="name">${words}</span>`).length - 1, words).toBeGreaterThanOrEqual(2);
    }
    expect(html).toContain("prefers-color-scheme: dark");
    expect(html).toContain('name="viewport"');
    expect(html).toContain("open: robustly insolvent only");
    expect(html).toContain("Differences");
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws a feed that begins after the record does, and one that falls silent", () => {
    const late = minuteBars(calm(20), { from: START + 200 * MINUTE });
    const early = minuteBars(calm(20));
    const plan = planOf(recordOf([historyFile("kraken", "ETH/USD", late), historyFile("kraken", "BTC/USD", early)]));
    const runs = [summarize("late", runToEnd(plan).tallies(), { ...plan, judgement })];
    const drawn: string = renderHtml(writeReport({ ...plan, judgement, runs }));
    expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
    expect(drawn.match(/<path class="line"/g)).toHaveLength(2);
  });

  it("closes what it opens", () => {
    for (const tag of ["div", "section", "table", "svg", "details", "title", "rect", "ul", "p", "h2"]) {
      const opened = html.match(new RegExp(`<${tag}[ >]`, "g"))?.length ?? 0;
      expect(html.match(new RegExp(`</${tag}>`, "g"))?.length ?? 0, tag).toBe(opened);
    }
  });
});

describe("a checkpoint", () => {
  const checkpoint = { inputs: "a", finished: single.runs, running: null };

  it("comes back as it went", () => {
    expect(readCheckpoint(writeCheckpoint(checkpoint), "a")).toEqual({ ok: true, value: checkpoint });
  });

  it.each([
    ["no JSON", "{", "a", "no JSON"],
    ["another file", '{"format":"x"}', "a", "expected format"],
    ["nothing", "null", "a", "expected format"],
    ["other inputs", writeCheckpoint(checkpoint), "b", "made from other files"],
  ])("of %s is refused", (_, text, inputs, why) => {
    const read = readCheckpoint(text, inputs);
    expect(read.ok ? "accepted" : read.error).toContain(why);
  });
});

describe("figures", () => {
  it.each([
    [formatFigure(null), "–"],
    [formatFigure(0), "0"],
    [formatFigure(1234.56), "1235"],
    [formatFigure(0.012344), "0.01234"],
    [formatChance(0.04), "0.04"],
    [formatChance(3e-9), "< 0.0001"],
    [formatShare(0.99999), "99.9 %"],
    [formatShare(null), "–"],
    [formatMinutes(5.75), "5.75 min"],
    [formatMinutes(180), "3.0 h"],
    [formatMinutes(4_320), "3.0 d"],
  ])("%s", (text, expected) => {
    expect(text).toBe(expected);
  });
});
