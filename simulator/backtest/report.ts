import type { Network } from "../../protocol/config.ts";
import { createChart } from "./chart-series.ts";
import { feeAt, type GasSeries, toGwei } from "./gas-series.ts";
import { copiesOf } from "./network.ts";
import type { MarketRecord } from "./record.ts";
import type { FeedResult, Judgement, RunResult } from "./result.ts";

/** Gas beside the charts' spans: the highest fee of each, in gwei; null where the file says nothing. */
export type GasChart = { readonly from: number; readonly pointMs: number; readonly gwei: readonly (number | null)[] };

/** A whole backtest, as the JSON file holds it: nothing in it depends on the machine or the hour. */
export type BacktestReport = {
  readonly format: "breakwater-backtest/1";
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  readonly markets: readonly {
    readonly feed: string;
    readonly venue: string;
    readonly market: string;
    readonly files: readonly string[];
    readonly barMs: number;
    readonly bars: number;
    readonly missing: number;
    readonly longestBreakMinutes: number;
  }[];
  readonly assumptions: readonly string[];
  readonly warnings: readonly string[];
  readonly judgement: Judgement;
  readonly gas: GasChart | null;
  readonly runs: readonly RunResult[];
  readonly differences: readonly Difference[];
};

/** One figure of one feed in the first run and the second. */
export type Difference = { readonly feed: string; readonly figure: string; readonly first: number; readonly second: number };

export type ReportParts = {
  readonly record: MarketRecord;
  readonly network: Network;
  readonly gas: GasSeries | undefined;
  readonly holdMs: number;
  readonly judgement: Judgement;
  readonly runs: readonly RunResult[];
};

export function writeReport({ record, network, gas, holdMs, judgement, runs }: ReportParts): BacktestReport {
  const { from, to, stepMs } = record;
  return {
    format: "breakwater-backtest/1",
    from,
    to,
    stepMs,
    markets: describeMarkets(record),
    assumptions: assumptionsOf({ record, network, gas, holdMs, judgement }),
    warnings: record.warnings,
    judgement,
    gas: gas === undefined ? null : chartGas(gas, record),
    runs,
    differences: compareRuns(runs),
  };
}

function describeMarkets({ feeds, from, to }: MarketRecord): BacktestReport["markets"] {
  return feeds.flatMap(({ feed, sources }) =>
    sources.map(({ series: { venue, market, files, barMs, bars } }) => {
      const within = bars.filter(({ at }) => at >= from && at < to);
      const breaks = within.map(({ at }, index) => (index === 0 ? 0 : at - (within[index - 1]?.at ?? at) - barMs));
      const longest = breaks.reduce((most, ms) => Math.max(most, ms), 0);
      const missing = breaks.reduce((sum, ms) => sum + ms, 0) / barMs;
      return { feed, venue, market, files, barMs, bars: within.length, missing, longestBreakMinutes: longest / 60_000 };
    }),
  );
}

/** Everything that the files do not say and the result rests on. */
export function assumptionsOf({ record, network, gas, holdMs, judgement }: Omit<ReportParts, "runs">): readonly string[] {
  const seconds = record.stepMs / 1_000;
  const lone = record.feeds.flatMap((feed) => {
    const want = network.config.feeds.find((item) => item.feed === feed.feed)?.thresholds.wantGroups ?? 1;
    const copies = copiesOf(feed, want);
    const venues = new Set(feed.sources.map(({ series }) => series.venue));
    return copies === 1
      ? []
      : [
          `${feed.feed}: ${[...venues].join(", ")} count${venues.size === 1 ? "s" : ""} as ${venues.size * copies} groups (${want} wanted)`,
        ];
  });
  return [
    `Each bar becomes steps of ${seconds} s along O-L-H-C or O-H-L-C, whichever is the longer way (low first when the price fell, high first when it rose), alike for all files of a feed; a bar's time is its beginning.`,
    `Missing bars hold the last close, as if traded afresh; after ${holdMs / 60_000} minutes the venue counts as silent.`,
    ...(lone.length === 0 ? [] : [`A file that is alone counts as many groups: ${lone.join("; ")}.`]),
    `${network.committee.members.length} nodes see the same at the same time; a round is one step of ${seconds} s, the lease ${network.config.leaseMs / 1_000} s.`,
    "A bar goes from one end of its range to the other in one step: gap and jump fire on bars that a live network, in rounds of a second, would have walked through.",
    "A quote is a trade of its step: there is no book, no spread and no lag between venues.",
    ...(network.config.basket.length === 0
      ? ["No basket: fewer than three of its feeds are in the record, so no move is explained by the market."]
      : [`Basket: ${network.config.basket.map(({ feed, weight }) => `${feed} ${weight}`).join(", ")}.`]),
    ...(gas === undefined
      ? []
      : [`Base fee: column ${gas.column}; no block is late, none was missed and nobody waits, because the file does not say.`]),
    `Presets: ${network.config.feeds.map(({ feed, preset }) => `${feed} ${preset}`).join(", ")}; a threshold file may name others.`,
    "What came before a feed first closed is its start, no pause.",
    `A loan in dispute has ${judgement.loan.bufferBps} bps between debt and collateral; a liquidation costs its owner ${judgement.loan.penaltyBps} bps.`,
    ...(judgement.labels.length === 0 ? [] : ["A pause that touches no label of kind true is false."]),
  ];
}

function chartGas(gas: GasSeries, record: MarketRecord): GasChart {
  const { from, pointMs } = createChart(record);
  const gwei: (number | null)[] = [];
  for (let at = from; at < record.to; at += pointMs) {
    let most: number | null = null;
    for (let t = at; t < Math.min(at + pointMs, record.to); t += Math.max(record.stepMs, 60_000)) {
      const fee = feeAt(gas, t);
      if (fee !== undefined) most = Math.max(most ?? 0, toGwei(fee));
    }
    gwei.push(most === null ? null : Number(most.toPrecision(6)));
  }
  return { from, pointMs, gwei };
}

const FIGURES: readonly (readonly [name: string, read: (result: FeedResult) => number | null])[] = [
  ["trips", ({ trips }) => trips],
  ["trips per year", ({ tripsPerYear }) => tripsPerYear],
  ["share closed, %", ({ closedShare }) => (closedShare === null ? null : closedShare * 100)],
  ["minutes closed", ({ minutes }) => minutes.closed],
  ["minutes half-open", ({ minutes }) => minutes.halfOpen],
  ["minutes open", ({ minutes }) => minutes.open],
  ["minutes with no liquidation", ({ minutes }) => minutes.none],
  ["longest automatic pause, min", ({ longestAutomaticMinutes }) => longestAutomaticMinutes],
  ["true pauses", ({ truePauses }) => truePauses],
  ["false pauses", ({ falsePauses }) => falsePauses],
  ["disputed rounds certified closed", ({ disputedClosed, offOthers }) => disputedClosed + offOthers],
  ["expected cost of waiting, bps", ({ costs }) => costs.waitExpectedBps],
  ["expected wrongful liquidation, bps", ({ costs }) => costs.wrongfulBps],
];

/** Where two runs of one record differ; empty for a single run. */
export function compareRuns([first, second]: readonly RunResult[]): readonly Difference[] {
  if (first === undefined || second === undefined) return [];
  return first.feeds.flatMap((one) => {
    const other = second.feeds.find(({ feed }) => feed === one.feed);
    if (other === undefined) return [];
    return FIGURES.flatMap(([figure, read]) => {
      const [a, b] = [read(one) ?? 0, read(other) ?? 0];
      return a === b ? [] : [{ feed: one.feed, figure, first: a, second: b }];
    });
  });
}
