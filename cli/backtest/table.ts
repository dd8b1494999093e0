import {
  describeCoverage,
  describeFee,
  describeOpens,
  formatChance,
  formatFigure,
  formatMinutes,
  formatShare,
  formatTime,
} from "../../simulator/backtest/figures.ts";
import type { BacktestReport } from "../../simulator/backtest/report.ts";
import type { FeedResult, RunResult } from "../../simulator/backtest/result.ts";
import { type Cell, type Column, formatTable } from "../table.ts";
import type { Style, Terminal } from "../terminal.ts";

type Row = readonly Cell<Style>[];
type Reading = readonly [title: string, align: Column["align"], read: (result: FeedResult) => Cell<Style>];

const VERDICTS: readonly Reading[] = [
  ["feed", "left", ({ feed }) => ({ text: feed })],
  ["preset", "left", ({ preset }) => ({ text: preset ?? "chain" })],
  [
    "pauses",
    "right",
    ({ trips, startMinutes }) => (startMinutes === null ? { text: "never closed", style: "red" } : { text: String(trips) }),
  ],
  ["a year", "right", ({ tripsPerYear }) => ({ text: formatFigure(tripsPerYear) })],
  ["closed", "right", ({ closedShare }) => ({ text: formatShare(closedShare) })],
  ["half-open", "right", ({ minutes }) => ({ text: formatMinutes(minutes.halfOpen) })],
  ["open", "right", ({ minutes }) => ({ text: formatMinutes(minutes.open) })],
  ["none", "right", ({ minutes }) => ({ text: formatMinutes(minutes.none) })],
  ["longest", "right", ({ longestAutomaticMinutes }) => ({ text: formatMinutes(longestAutomaticMinutes) })],
  [
    "disputed",
    "right",
    ({ disputedClosed, offOthers }) => {
      const count = disputedClosed + offOthers;
      return count === 0 ? { text: "0" } : { text: String(count), style: "red" };
    },
  ],
  ["opened by", "left", ({ opensByRule }) => ({ text: describeOpens(opensByRule) })],
];

const QUALITY: readonly Reading[] = [
  ["feed", "left", ({ feed }) => ({ text: feed })],
  ["right", "right", ({ labels, truePauses }) => ({ text: labels.length === 0 ? "–" : String(truePauses) })],
  ["false", "right", ({ labels, falsePauses }) => ({ text: labels.length === 0 ? "–" : String(falsePauses) })],
  ["wait bps", "right", ({ costs }) => ({ text: formatFigure(costs.waitExpectedBps) })],
  ["came to", "right", ({ costs }) => ({ text: formatFigure(costs.waitRealisedBps) })],
  ["wrongful", "right", ({ costs }) => ({ text: formatFigure(costs.wrongfulBps) })],
  ["hours", "right", ({ coverage }) => ({ text: `${coverage.events}/${coverage.trials}` })],
  ["accepted", "right", ({ coverage }) => ({ text: formatFigure(coverage.expectedEvents) })],
  ["Kupiec p", "right", ({ coverage }) => ({ text: formatChance(coverage.rate.pValue) })],
  ["Christoff. p", "right", ({ coverage }) => ({ text: formatChance(coverage.independence.pValue) })],
  ["in words", "left", ({ coverage }) => ({ text: describeCoverage(coverage) })],
];

/** What a person reads of a backtest in a terminal: two tables a run, labels, differences, assumptions. */
export function renderReport(report: BacktestReport, { paint, size }: Pick<Terminal, "paint" | "size">): readonly string[] {
  const options = { paint, width: size()?.columns };
  const { from, to, stepMs, runs, warnings, assumptions } = report;
  const lines = [paint("bold", `${formatTime(from)} to ${formatTime(to)} UTC, rounds of ${stepMs / 1_000} s`)];
  for (const warning of warnings) lines.push(paint("yellow", `warning: ${warning}`));
  for (const run of runs) {
    lines.push("", paint("bold", run.name), ...tableOf(VERDICTS, run, options), "", ...tableOf(QUALITY, run, options));
    lines.push(...chainLines(run), ...labelLines(run));
  }
  lines.push(...differenceLines(report, options), "", paint("dim", "assumed:"));
  for (const assumption of assumptions) lines.push(paint("dim", `  ${assumption}`));
  return lines;
}

type Options = { readonly paint: Terminal["paint"]; readonly width: number | undefined };

function tableOf(readings: readonly Reading[], { feeds }: RunResult, options: Options): readonly string[] {
  const columns = readings.map(([title, align]) => ({ title, align }));
  const rows: readonly Row[] = feeds.map((result) => readings.map(([, , read]) => read(result)));
  return formatTable<Style>(columns, rows, options);
}

function chainLines({ feeds }: RunResult): readonly string[] {
  return feeds.flatMap(({ feed, feeHighMinutes }) =>
    feeHighMinutes === null ? [] : [`  ${feed}: ${describeFee(feeHighMinutes)}`],
  );
}

/** Only feeds that a label concerns; one of kind true that nothing answered is missed. */
function labelLines({ feeds }: RunResult): readonly string[] {
  return feeds.flatMap(({ feed, labels }) =>
    labels.map(({ name, kind, pauses, latencyMs }) => {
      const when =
        latencyMs === null ? (kind === "true" ? "missed" : "none") : `first after ${formatMinutes(latencyMs / 60_000)}`;
      return `  ${feed}, ${kind === "true" ? "incident" : "no incident"} "${name}": ${pauses} pauses, ${when}`;
    }),
  );
}

function differenceLines({ runs: [first, second], differences }: BacktestReport, options: Options): readonly string[] {
  if (first === undefined || second === undefined) return [];
  if (differences.length === 0) return ["", `${second.name} gives what ${first.name} gives`];
  const columns: readonly Column[] = [
    { title: "feed", align: "left" },
    { title: "figure", align: "left" },
    { title: first.name, align: "right" },
    { title: second.name, align: "right" },
    { title: "difference", align: "left" },
  ];
  const rows = differences.map(({ feed, figure, first: a, second: b }): Row => {
    const texts = [feed, figure, formatFigure(a), formatFigure(b), `${b > a ? "+" : "−"}${formatFigure(Math.abs(b - a))}`];
    return texts.map((text) => ({ text }));
  });
  return ["", ...formatTable<Style>(columns, rows, options)];
}
