import {
  describeCoverage,
  describeFee,
  describeOpens,
  formatChance,
  formatFigure,
  formatMinutes,
  formatShare,
  formatTime,
} from "./figures.ts";
import { renderCharts, renderLegend } from "./html-charts.ts";
import { STYLE } from "./html-style.ts";
import { escapeHtml, renderTable } from "./html-text.ts";
import { concerns } from "./labels.ts";
import type { BacktestReport } from "./report.ts";
import type { FeedResult, RunResult } from "./result.ts";
import type { Pause } from "./tally.ts";

/** Rows of a table of pauses; the JSON holds the others. */
const MAX_PAUSE_ROWS = 200;

/** The whole report as one file that asks nothing of a network: style and drawings are in it, and no script. */
export function renderHtml(report: BacktestReport): string {
  const { from, to, runs, stepMs } = report;
  const title = `Backtest ${formatTime(from)} – ${formatTime(to)}`;
  const feeds = runs[0]?.feeds.map(({ feed }) => feed) ?? [];
  const rounds = runs.map((run) => `${escapeHtml(run.name)} (${run.rounds} rounds)`).join(" against ");
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${title}</title><style>${STYLE}</style></head><body>`,
    `<h1>${title}</h1><p class="faint">${rounds}, one every ${stepMs / 1_000} s, through the fold that the network runs</p>`,
    ...report.warnings.map((warning) => `<p>Warning: ${escapeHtml(warning)}</p>`),
    ...runs.map((run) => renderSummary(run)),
    renderDifferences(report),
    renderLegend(),
    ...feeds.map((feed) => renderFeed(feed, report)),
    renderAssumptions(report),
    "</body></html>\n",
  ].join("\n");
}

const SUMMARY: readonly (readonly [title: string, read: (result: FeedResult) => string])[] = [
  ["feed", ({ feed }) => feed],
  ["preset", ({ preset }) => preset ?? "chain"],
  ["pauses", ({ trips, startMinutes }) => (startMinutes === null ? "never closed" : String(trips))],
  ["a year", ({ tripsPerYear }) => formatFigure(tripsPerYear)],
  ["closed", ({ closedShare }) => formatShare(closedShare)],
  ["half-open", ({ minutes }) => formatMinutes(minutes.halfOpen)],
  ["shut to disputed loans", ({ minutes }) => formatMinutes(minutes.open)],
  ["shut to all", ({ minutes }) => formatMinutes(minutes.none)],
  ["longest automatic pause", ({ longestAutomaticMinutes }) => formatMinutes(longestAutomaticMinutes)],
  [
    "right / false",
    ({ labels, truePauses, falsePauses }) => (labels.length === 0 ? "no labels" : `${truePauses} / ${falsePauses}`),
  ],
  ["disputed but closed", ({ disputedClosed, offOthers }) => String(disputedClosed + offOthers)],
];

const COSTS: readonly (readonly [title: string, read: (result: FeedResult) => string])[] = [
  ["feed", ({ feed }) => feed],
  ["cost of waiting, expected bps", ({ costs }) => formatFigure(costs.waitExpectedBps)],
  ["as it came, bps", ({ costs }) => formatFigure(costs.waitRealisedBps)],
  ["wrongful liquidation saved, bps", ({ costs }) => formatFigure(costs.wrongfulBps)],
  ["doubted moves taken back", ({ costs }) => formatShare(costs.revertedShare)],
  ["hours with a trip", ({ coverage }) => `${coverage.events} of ${coverage.trials}`],
  ["accepted", ({ coverage }) => formatFigure(coverage.expectedEvents)],
  ["Kupiec p", ({ coverage }) => formatChance(coverage.rate.pValue)],
  ["Christoffersen p", ({ coverage }) => formatChance(coverage.independence.pValue)],
  ["both, p", ({ coverage }) => formatChance(coverage.conditional.pValue)],
  ["in words", ({ coverage }) => describeCoverage(coverage)],
];

function renderSummary(run: RunResult): string {
  const rows = (columns: typeof SUMMARY) => run.feeds.map((result) => columns.map(([, read]) => read(result)));
  const table = (columns: typeof SUMMARY) =>
    renderTable(
      columns.map(([title]) => title),
      rows(columns),
    );
  return `<h2>${escapeHtml(run.name)}</h2>${table(SUMMARY)}<h3>What pauses cost, and how often they came</h3><p class="faint">Per loan in dispute: what waiting is expected to cost its lender, what it came to, and what liquidating at once would have cost its owner in moves that were taken back.</p><div class="words">${table(COSTS)}</div>`;
}

function renderDifferences({ runs: [first, second], differences }: BacktestReport): string {
  if (first === undefined || second === undefined) return "";
  const rows = differences.map(({ feed, figure, first: a, second: b }) => [
    feed,
    figure,
    formatFigure(a),
    formatFigure(b),
    `${b > a ? "+" : "−"}${formatFigure(Math.abs(b - a))}`,
  ]);
  const table = renderTable(["feed", "figure", first.name, second.name, "difference"], rows);
  return `<h2>Differences</h2>${rows.length === 0 ? "<p>None.</p>" : table}`;
}

function renderFeed(feed: string, report: BacktestReport): string {
  const parts = report.runs.flatMap((run) => {
    const result = run.feeds.find((item) => item.feed === feed);
    return result === undefined ? [] : [renderRun(run, result, report)];
  });
  return `<section><h2>${escapeHtml(feed)}</h2><div class="runs">${parts.join("")}</div></section>`;
}

function renderRun(run: RunResult, result: FeedResult, { judgement, gas, from, to }: BacktestReport): string {
  const { chart, opensByRule, labels } = result;
  const points = Math.ceil((to - from) / chart.pointMs);
  const charts = renderCharts({
    chart,
    points,
    // A chain's leaf is its base fee already.
    ...(result.preset === null ? { name: "fee, gwei", gas: null } : { name: "price", gas }),
    labels: judgement.labels.filter((label) => concerns(label, result.feed)),
  });
  const rows = labels.map(({ name, kind, pauses, latencyMs }) => [
    name,
    kind,
    String(pauses),
    latencyMs === null ? "never" : formatMinutes(latencyMs / 60_000),
  ]);
  const told = rows.length === 0 ? "" : renderTable(["label", "kind", "pauses", "first after"], rows);
  const fee = result.feeHighMinutes === null ? "" : `; ${describeFee(result.feeHighMinutes)}`;
  const opened = `<p class="faint">${escapeHtml(run.name)}: opened by ${escapeHtml(describeOpens(opensByRule))}${fee}</p>`;
  return `<div>${opened}${charts}${told}${renderPauses(result.pauses)}</div>`;
}

function renderPauses(pauses: readonly Pause[]): string {
  if (pauses.length === 0) return "<p>No pause.</p>";
  const rows = pauses
    .slice(0, MAX_PAUSE_ROWS)
    .map(({ from, to, openedBy, openMs, before, farthest, after }) => [
      formatTime(from),
      to === null ? "still" : formatMinutes((to - from) / 60_000),
      formatMinutes(openMs / 60_000),
      openedBy.join(" + "),
      formatFigure(before),
      formatFigure(farthest),
      formatFigure(after),
    ]);
  const more = pauses.length > rows.length ? `<p class="faint">and ${pauses.length - rows.length} more, in the JSON</p>` : "";
  const table = renderTable(["opened", "closed after", "open", "by", "price before", "farthest", "after"], rows);
  return `<details><summary>${pauses.length} pauses</summary>${table}${more}</details>`;
}

function renderAssumptions({ assumptions, markets }: BacktestReport): string {
  const rows = markets.map(({ feed, venue, market, files, barMs, bars, missing, longestBreakMinutes }) => [
    feed,
    venue,
    market,
    files.join(", "),
    formatMinutes(barMs / 60_000),
    String(bars),
    String(missing),
    formatMinutes(longestBreakMinutes),
  ]);
  const table = renderTable(["feed", "venue", "market", "files", "bar", "bars", "missing", "longest break"], rows);
  return `<h2>What this rests on</h2><ul>${assumptions.map((text) => `<li>${escapeHtml(text)}</li>`).join("")}</ul>${table}`;
}
