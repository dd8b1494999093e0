import { formatTable } from "../../cli/table.ts";
import type { Judgement, Spread } from "./judge.ts";
import { spread } from "./judge.ts";
import type { Violations } from "./ledger.ts";
import { isDisturbed, type Outage, type Plan } from "./plan.ts";
import type { ReadersReport } from "./readers.ts";
import type { RequestsReport } from "./requests.ts";
import { SAMPLE_EVERY_MS, type Sample } from "./sampler.ts";
import { plot, type Slope, slopeOf, steadyStretches } from "./slope.ts";

/** DESIGN section 11. */
const AIM_P99_MS = 250;
/** Flat: ten minutes add less than ten megabytes. */
const AIM_MB_PER_MINUTE = 1;
const PLOT_WIDTH = 60;

export type Collected = {
  readonly plan: Plan;
  readonly machine: string;
  readonly judgement: Judgement;
  readonly certified: number;
  readonly orphans: number;
  readonly readers: readonly ReadersReport[];
  readonly requests: RequestsReport;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  /** From the gateways' own metrics; a gateway that was killed counts from its start. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Mean ms of the nodes' stages after the certificate. */
  readonly stages: Readonly<Record<string, number>>;
  /** Processes that ended though nobody killed them. */
  readonly deaths: readonly string[];
};

export type Memory = {
  readonly name: string;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly mostMb: number;
  /** Of one core, over the whole run. */
  readonly cpuPercent: number;
  readonly slope: Slope | undefined;
  readonly plot: string;
};

export type LoadReport = ReturnType<typeof summarize>;

/** Everything that was found, as `--json` prints it. */
export function summarize(collected: Collected) {
  const { plan, machine, judgement, certified, orphans, readers, requests, samples, dropped, stages, deaths } = collected;
  const violations = violationsOf(collected);
  const p99 = judgement.behindCertificate.calm?.p99;
  // The clock starts when a node's own stream has the round: what a node takes until then, on average, is added to what was measured.
  const beforeMs = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  const memory = [...samples].map(([name, looks]) => memoryOf(name, looks, plan));
  const served = memory.filter(({ name }) => name.startsWith("gateway") || name.startsWith("node"));
  return {
    ...{ plan, machine, violations, judgement, certified, orphans, dropped, stages, memory },
    told: [...judgement.told, ...readers.flatMap(({ told }) => told), ...requests.told, ...deaths],
    streams: streamsOf(readers),
    requests: requestsOf(requests, plan),
    aims: {
      p99: { limitMs: AIM_P99_MS, measuredMs: p99, beforeMs, met: p99 !== undefined && p99 + beforeMs < AIM_P99_MS },
      flat: {
        limitMbPerMinute: AIM_MB_PER_MINUTE,
        met: served.some(({ slope }) => slope === undefined)
          ? undefined
          : served.every(({ slope }) => (slope?.mbPerMinute ?? 0) < AIM_MB_PER_MINUTE),
      },
    },
    ok: Object.values(violations).every((count) => count === 0),
  };
}

function violationsOf({ judgement, readers, requests, deaths }: Collected) {
  const parts: readonly Violations[] = [...readers.map((item) => item.violations), requests.violations];
  const sum = (kind: keyof Violations): number => parts.reduce((total, part) => total + part[kind], 0);
  return {
    ...{ lost: judgement.lost, silent: judgement.silent, order: sum("order"), duplicate: sum("duplicate") },
    ...{ expired: sum("expired"), unproven: sum("unproven"), malformed: sum("malformed"), deaths: deaths.length },
  };
}

function streamsOf(readers: readonly ReadersReport[]) {
  const stats = readers.flatMap((item) => item.stats);
  const refused: Record<string, number> = {};
  for (const [status, count] of stats.flatMap((item) => Object.entries(item.refused))) {
    refused[status] = (refused[status] ?? 0) + count;
  }
  return {
    readers: stats.length,
    reconnected: stats.reduce((total, { ended }) => total + ended, 0),
    refused,
    /** From the end of a connection to the next round that the reader was given. */
    away: spread(stats.flatMap(({ aways }) => aways)),
    notices: readers.reduce((total, item) => total + item.notices, 0),
    changes: readers.reduce((total, item) => total + item.changes, 0),
    lateOnTheWire: readers.reduce((total, item) => total + item.lateOnTheWire, 0),
    loopDelayMs: {
      p99: Math.max(...readers.map((r) => r.loopDelayMs.p99)),
      max: Math.max(...readers.map((r) => r.loopDelayMs.max)),
    },
  };
}

function requestsOf({ rows, failures }: RequestsReport, plan: Plan) {
  const steady = rows.filter(([due]) => due >= plan.steadyAt);
  const calm = steady.filter(([due]) => !isDisturbed(plan, due));
  const statuses = (part: RequestsReport["rows"]): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const [, , status] of part)
      counts[status === 0 ? "no answer" : status] = (counts[status === 0 ? "no answer" : status] ?? 0) + 1;
    return counts;
  };
  const took = (part: RequestsReport["rows"]): Spread => spread(part.filter(([, , status]) => status > 0).map(([, ms]) => ms));
  const kinds = [...new Set(rows.map(([, , , kind]) => kind))].sort();
  return {
    ...{ count: rows.length, failures, calm: took(calm), all: took(steady) },
    statuses: { calm: statuses(calm), all: statuses(rows) },
    kinds: Object.fromEntries(kinds.map((kind) => [kind, took(calm.filter((row) => row[3] === kind))])),
  };
}

function memoryOf(name: string, looks: readonly Sample[], plan: Plan): Memory {
  const points = looks.map(({ atMs, rssMb, pid }) => ({ atMs, mb: rssMb, pid }));
  const values = points.map(({ mb }) => mb);
  const first = looks[0];
  // A process started anew counts from 0 again.
  const cpuMs = looks.reduce((total, look, index) => {
    const before = looks[index - 1];
    return total + look.cpuMs - (before === undefined ? look.cpuMs : before.pid === look.pid ? before.cpuMs : 0);
  }, 0);
  const spanMs = (looks.at(-1)?.atMs ?? 0) - (first?.atMs ?? 0);
  return {
    ...{ name, firstMb: values[0] ?? 0, lastMb: values.at(-1) ?? 0, mostMb: Math.max(...values) },
    cpuPercent: spanMs === 0 ? 0 : (100 * cpuMs) / spanMs,
    slope: slopeOf(points, steadyStretches(plan)),
    plot: plot(points, plan.durationMs, Math.min(PLOT_WIDTH, Math.ceil(plan.durationMs / SAMPLE_EVERY_MS))),
  };
}

/** The same for a person. */
export function describeReport(report: LoadReport): string {
  const { plan, judgement, streams, requests, violations, told, aims, stages, dropped } = report;
  const { behindCertificate: behind, behindTimestamp: after } = judgement;
  const rows = [
    ["behind the certificate, without the outages", behind.calm],
    ["behind the certificate, all", behind.all],
    ["  before the frozen readers", behind.beforeFrozen],
    ["  with them, until Redis dies", behind.withFrozen],
    ["behind the header's timestamp, without the outages", after.calm],
    ["behind the header's timestamp, all", after.all],
    ["back after a lost connection, to the next round", streams.away],
    ["requests, without the outages", requests.calm],
    ["requests, all", requests.all],
    ...Object.entries(requests.kinds).map(([kind, found]) => [`  ${kind}`, found] as const),
  ] as const satisfies readonly (readonly [string, Spread])[];
  const verdict = (met: boolean | undefined): string => (met === undefined ? "too short a run to say" : met ? "met" : "NOT MET");
  return [
    report.machine,
    describePlan(plan),
    "",
    ...formatTable(
      SPREAD_COLUMNS,
      rows.map(([what, found]) => [what, ...spreadCells(found)].map((text) => ({ text }))),
    ),
    "",
    `p99 behind the certificate < ${aims.p99.limitMs} ms, without the outages: ${verdict(aims.p99.met)}; memory of nodes and gateways < ${aims.flat.limitMbPerMinute} MB/min: ${verdict(aims.flat.met)}`,
    "measured from the first of the four nodes' own streams to have the round; before it that node saved and published it,",
    `on average ${pairs(stages, " ms")}, which the verdict adds`,
    "",
    ...memoryLines(report.memory),
    "",
    `${report.certified} rounds certified (${report.orphans} off the walk), ${judgement.delivered} deliveries, ${judgement.passedOver} passed over because their leases had ended`,
    `streams: ${streams.reconnected} connections lost, refused ${pairs(streams.refused)}; ${streams.changes} changes, ${streams.notices} notices; the readers' own loop late by p99 ${streams.loopDelayMs.p99.toFixed(0)} ms`,
    `requests: ${requests.count}; ${pairs(requests.statuses.all)}; without the outages ${pairs(requests.statuses.calm)}; ${pairs(requests.failures)}`,
    `frozen readers: ${plan.frozen} came at ${seconds(plan.frozenAt)}; let go by the gateways: ${pairs(dropped)}`,
    `violations: ${pairs(violations)}${streams.lateOnTheWire > 0 ? `; ${streams.lateOnTheWire} rounds ended while under way` : ""}`,
    ...told.map((line) => `  ${line}`),
    report.ok ? "no reader lost, repeated or could not prove a round" : "FAILED",
  ].join("\n");
}

const SPREAD_COLUMNS = [
  { title: "ms", align: "left" },
  ...["count", "p50", "p99", "max"].map((title) => ({ title, align: "right" }) as const),
] as const;

const MEMORY_COLUMNS = [
  { title: "process", align: "left" },
  ...["CPU", "MB first", "last", "most", "MB/min", "± s.e."].map((title) => ({ title, align: "right" }) as const),
  { title: "resident memory over the run", align: "left" },
] as const;

function memoryLines(memory: readonly Memory[]): readonly string[] {
  const rows = memory.map(({ name, cpuPercent, firstMb, lastMb, mostMb, slope, plot: line }) => {
    const megabytes = [firstMb, lastMb, mostMb].map((mb) => mb.toFixed(0));
    const growth = slope === undefined ? ["–", "–"] : [slope.mbPerMinute.toFixed(2), slope.standardError.toFixed(2)];
    return [name, `${cpuPercent.toFixed(0)} %`, ...megabytes, ...growth, line].map((text) => ({ text }));
  });
  return formatTable(MEMORY_COLUMNS, rows);
}

function describePlan({ durationMs, readers, requestsPerSecond, frozen, outages }: Plan): string {
  const outage = ({ what, killAt, startAt }: Outage): string => `${what} dead from ${seconds(killAt)} to ${seconds(startAt)}`;
  return `${durationMs / 60_000} min, ${readers} readers, ${requestsPerSecond} requests/s, ${frozen} frozen; ${outages.map(outage).join(", ")}`;
}

function spreadCells(found: Spread): readonly string[] {
  if (found === undefined) return ["0", "–", "–", "–"];
  return [found.count.toLocaleString("en-US"), ...[found.p50, found.p99, found.max].map((ms) => ms.toFixed(0))];
}

function pairs(counts: Readonly<Record<string, number>>, unit = ""): string {
  const shown = Object.entries(counts).map(
    ([name, count]) => `${name} ${Number.isInteger(count) ? count : count.toFixed(1)}${unit}`,
  );
  return shown.length === 0 ? "none" : shown.join(", ");
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
