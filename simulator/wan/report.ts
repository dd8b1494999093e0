import { COST_NAMES, workAt } from "./costs.ts";
import type { WanOutcome, WanSettings } from "./run.ts";
import { KINDS } from "./traffic.ts";

const BYTES_PER_MB = 1_000_000;

/** The nearest rank; undefined of nothing. */
export function quantile(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))];
}

/** What a run gave, by lines for a person. Latencies in ms from the round's start. */
export function reportLines(settings: WanSettings, outcome: WanOutcome): readonly string[] {
  const { nodes, rounds } = settings;
  const { traffic, busy, events } = outcome;
  const bytes = traffic.byKind;
  const all = KINDS.reduce((sum, kind) => sum + bytes[kind], 0);
  return [
    settingsLine(settings),
    ...workLines(settings, outcome),
    `rounds certified      ${outcome.certified} of ${rounds}, by every node ${outcome.everywhere}; at most ${outcome.longestGap} in a row without`,
    `until held, ms        first node   ${spread(outcome.first)}`,
    `                      median node  ${spread(outcome.median)}`,
    `                      last node    ${spread(outcome.last)}`,
    `sent a node, MB/s     mean ${megabytes(meanRate(settings, outcome))}, most ${megabytes(worstRate(settings, outcome))}`,
    `  of it               ${KINDS.map((kind) => `${kind} ${percent(bytes[kind] / all)}`).join(", ")}`,
    `heard more than once  ${percent(traffic.repeats / traffic.heard)} of gossip, ${percent(traffic.repeatObservations / traffic.heardObservations)} of observations`,
    `gossip streams cut    ${traffic.cuts}`,
    `busy                  ${percent(busy.reduce((sum, share) => sum + share, 0) / nodes)} of one thread, at most ${percent(Math.max(...busy))}`,
    `reported              ${[...events].map(([code, count]) => `${code} ${count}`).join(", ") || "nothing"}`,
    `simulated events      ${outcome.simulatedEvents}`,
  ];
}

function settingsLine({ nodes, feeds, carried, roundMs, graceMs, lossPpm, law, mbitPerSecond, seed, mesh }: WanSettings): string {
  const parts = [
    `${nodes} nodes`,
    `${feeds} feeds (${carried} carried)`,
    `rounds of ${roundMs} ms, grace ${graceMs} ms`,
    `loss ${lossPpm / 10_000} %`,
    law,
    `${mbitPerSecond} Mbit/s`,
    `mesh ${mesh.low}–${mesh.high}`,
    `seed ${seed}`,
  ];
  return parts.join(" · ");
}

function workLines({ costs, feeds, nodes }: WanSettings, { sizes }: WanOutcome): readonly string[] {
  const quorum = Math.floor((nodes + Math.floor((nodes - 1) / 3)) / 2) + 1;
  const work = workAt(costs, { feeds, quorum });
  const observation = sizes.entryBytes * feeds;
  const parts = [
    `an observation (${Math.round(observation / 1_000)} kB) ${ms(work.receive(observation))} to take in, ${ms(work.judge("observation"))} to judge`,
    `a round ${ms(work.fold(nodes))} to compute, ${ms(work.keep(nodes))} to keep`,
    `a sample ${ms(work.observe)}`,
  ];
  const body = (sizes.memoryBytes + nodes * sizes.entryBytes) * feeds;
  return [
    `CPU of one thread     ${parts.join("; ")}`,
    `  from, ms            ${COST_NAMES.map((name) => `${name} ${Number(costs[name].toPrecision(3))}`).join(", ")}`,
    `a round's body        ${megabytes(body)} MB`,
  ];
}

export const TABLE_HEAD: readonly string[] = [
  "| nodes | feeds | round | loss | law | mesh | certified | everywhere | median node p50 / p90 / p99 | last node p50 / p90 / p99 | MB/s a node: mean, most | heard again | busy | cut |",
  "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
];

/** The same as one line of a table. */
export function tableRow(settings: WanSettings, outcome: WanOutcome): string {
  const { nodes, feeds, roundMs, lossPpm, law, mesh, mbitPerSecond } = settings;
  const short = (values: readonly number[]): string =>
    [0.5, 0.9, 0.99].map((share) => whole(quantile(values, share))).join(" / ");
  const cells = [
    nodes,
    feeds,
    `${roundMs / 1_000} s`,
    `${lossPpm / 10_000} %`,
    mbitPerSecond === 1_000 ? law : `${law}, ${mbitPerSecond} Mbit/s`,
    `${mesh.low}–${mesh.high}`,
    `${outcome.certified} / ${outcome.rounds}`,
    outcome.everywhere,
    short(outcome.median),
    short(outcome.last),
    `${megabytes(meanRate(settings, outcome))}, ${megabytes(worstRate(settings, outcome))}`,
    percent(outcome.traffic.repeats / outcome.traffic.heard),
    percent(outcome.busy.reduce((sum, share) => sum + share, 0) / nodes),
    outcome.traffic.cuts,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Bytes a second. */
function meanRate({ nodes, rounds, roundMs }: WanSettings, { traffic }: WanOutcome): number {
  return traffic.bytesOf.reduce((sum, bytes) => sum + bytes, 0) / (nodes * rounds * (roundMs / 1_000));
}

function worstRate({ rounds, roundMs }: WanSettings, { traffic }: WanOutcome): number {
  return Math.max(...traffic.bytesOf) / (rounds * (roundMs / 1_000));
}

function spread(values: readonly number[]): string {
  const shown = [0.5, 0.9, 0.99].map((share) => `p${share * 100} ${whole(quantile(values, share))}`);
  return `${shown.join(", ")}, most ${whole(values.at(-1))}`;
}

function whole(value: number | undefined): string {
  return value === undefined ? "–" : String(Math.round(value));
}

function megabytes(bytes: number): string {
  return (bytes / BYTES_PER_MB).toFixed(2);
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–";
}
