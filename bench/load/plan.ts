import { parseArgs } from "node:util";

/** How long Redis and the gateway stay dead. */
const OUTAGE_MS = 20_000;
/** After an outage readers come back and rounds are made up for; figures "without the outages" begin after this. */
const RECOVERY_MS = 10_000;
/** Both outages have to fit. */
const MIN_MINUTES = 1.5;
const MAX_MINUTES = 120;
const MAX_READERS = 10_000;
const MAX_RATE = 5_000;
/** Readers come within a tenth of the run, and no faster than this. */
const READERS_PER_SECOND = 100;
/** One in so many readers speaks WebSocket. */
export const WEBSOCKET_EVERY = 10;

/** What happens when, in ms after the first reader comes. */
export type Plan = {
  readonly durationMs: number;
  readonly readers: number;
  readonly requestsPerSecond: number;
  readonly frozen: number;
  /** Before the first reader: young processes compile their code and find their size. */
  readonly settleMs: number;
  readonly rampMs: number;
  /** From here on latencies count: everybody is there, and has had the round that comes at once. */
  readonly steadyAt: number;
  readonly frozenAt: number;
  readonly outages: readonly Outage[];
};

export type Outage = {
  readonly what: "redis" | "gateway";
  readonly killAt: number;
  readonly startAt: number;
  readonly calmAt: number;
};

export type LoadOptions = { readonly plan: Plan; readonly json: boolean; readonly keep: string | undefined };

export const USAGE = `npm run load -- [--minutes 10] [--readers 1000] [--requests 200] [--frozen 20] [--json] [--keep <folder>]

Four nodes, a real redis-server and two gateways under readers of streams and requests; Redis and one gateway are killed on the way.
Exit code 1 when a reader lost, repeated or could not prove a round, or was given one past its lease.`;

/** @throws TypeError for an unknown flag, RangeError for a number out of bounds; both name the flag */
export function parseOptions(args: readonly string[]): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      readers: { type: "string", default: "1000" },
      requests: { type: "string", default: "200" },
      frozen: { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      keep: { type: "string" },
    },
  });
  const plan = planOf({
    durationMs: numberFlag("--minutes", values.minutes, { min: MIN_MINUTES, max: MAX_MINUTES }) * 60_000,
    readers: wholeFlag("--readers", values.readers, { min: 2, max: MAX_READERS }),
    requestsPerSecond: wholeFlag("--requests", values.requests, { min: 1, max: MAX_RATE }),
    frozen: wholeFlag("--frozen", values.frozen, { min: 0, max: MAX_READERS }),
  });
  return { plan, json: values.json, keep: values.keep };
}

/**
 * The instants of a run: the frozen readers come at a tenth of it, Redis dies at three tenths and a gateway at 65 hundredths.
 *
 * @example
 * planOf({ durationMs: 600_000, readers: 1000, requestsPerSecond: 200, frozen: 20 }).outages[0]?.killAt; // 180000
 */
export function planOf(size: Pick<Plan, "durationMs" | "readers" | "requestsPerSecond" | "frozen">): Plan {
  const { durationMs, readers } = size;
  const rampMs = Math.min(durationMs / 10, Math.ceil(readers / READERS_PER_SECOND) * 1_000);
  const outage = (what: Outage["what"], killAt: number): Outage => {
    const startAt = killAt + OUTAGE_MS;
    return { what, killAt, startAt, calmAt: startAt + RECOVERY_MS };
  };
  return {
    ...size,
    settleMs: Math.round(durationMs / 10),
    rampMs,
    steadyAt: Math.round(rampMs + 3_000),
    frozenAt: Math.round(Math.max(rampMs + 3_000, durationMs * 0.1)),
    outages: [outage("redis", Math.round(durationMs * 0.3)), outage("gateway", Math.round(durationMs * 0.65))],
  };
}

/** Whether an instant lies in an outage or the time given to come back from it. */
export function isDisturbed({ outages }: Pick<Plan, "outages">, atMs: number): boolean {
  return outages.some(({ killAt, calmAt }) => atMs >= killAt && atMs < calmAt);
}

type Bounds = { readonly min: number; readonly max: number };

function wholeFlag(flag: string, text: string, bounds: Bounds): number {
  const value = numberFlag(flag, text, bounds);
  if (!Number.isInteger(value)) throw new RangeError(`${flag}: expected a whole number`);
  return value;
}

function numberFlag(flag: string, text: string, { min, max }: Bounds): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new RangeError(`${flag}: expected a number from ${min} to ${max}`);
  return value;
}
