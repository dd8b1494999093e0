import type { Adapter, MarketAnswer, VenueRequest } from "./adapter.ts";
import { backoffMs } from "./backoff.ts";
import { FAULT_KINDS } from "./snapshot.ts";

/** The longest a venue's own `retryAt` is believed: beyond it a wrong header would silence the venue for good. */
export const MAX_VENUE_PAUSE_MS = 15 * 60_000;
/** One `unknown-market` may be the venue's hiccup; this many in a row, asked alone, are a wrong or delisted symbol. */
export const UNKNOWN_BEFORE_QUARANTINE = 3;
/** Share of an interval by which polls are shifted, so that venues and nodes do not beat in step. */
const JITTER = 0.1;
/** How far a venue's budget may be used ahead: enough to start together, too little to breach a one-second window. */
const BURST_MS = 200;

export type ScheduleOptions = {
  readonly adapter: Adapter;
  readonly markets: readonly string[];
  readonly intervalMs: number;
  readonly maxInFlight: number;
  readonly requestsPerSecond: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** How often a quarantined market is asked again, alone. */
  readonly quarantineMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

export type ScheduleInput =
  | { readonly kind: "wake" }
  /** `receivedAt` is wall time, as a fault's `retryAt` is; every other time of the schedule is monotonic. */
  | {
      readonly kind: "answered";
      readonly request: VenueRequest;
      readonly answers: readonly MarketAnswer[];
      readonly receivedAt: number;
    };

export type ScheduleOutput =
  | { readonly kind: "send"; readonly request: VenueRequest }
  | { readonly kind: "record"; readonly answers: readonly MarketAnswer[] };

/** When one venue is asked what. Times are monotonic ms: a clock set back by an hour must not stop polling for an hour. */
export type VenueSchedule = {
  readonly handle: (input: ScheduleInput, now: number) => readonly ScheduleOutput[];
  /** When `wake` has something to do again; Infinity while only an answer can change anything. */
  readonly wakeAt: () => number;
};

/** How a market is polled: with others, alone because its batch was refused, or alone and rarely because it is not known there. */
type Standing = { kind: "batched" | "suspect" | "quarantined"; strikes: number; recordedSentAt: number };
type Job = { readonly request: VenueRequest; dueAt: number; failures: number; inFlight: boolean };
type Flight = { readonly job: Job; readonly sentAt: number };

/**
 * One venue's polling as a state machine: every request once an interval and never over itself, within the venue's budget and
 * concurrency; back-off per request while it fails; nothing at all before the venue's `retryAt`.
 *
 * A batch that answers `unknown-market` for all its markets is taken apart: each market is asked alone, the known ones go
 * back into a batch, the others are quarantined. Its own answers are not recorded: they say nothing about the good markets (P8).
 */
export function createVenueSchedule(options: ScheduleOptions, startAt: number): VenueSchedule {
  const { adapter, intervalMs, random } = options;
  const standings = new Map<string, Standing>();
  for (const market of options.markets)
    standings.set(market, { kind: "batched", strikes: 0, recordedSentAt: Number.NEGATIVE_INFINITY });
  let jobs = new Map<string, Job>();
  const flights = new Map<VenueRequest, Flight>();
  let notBefore = Number.NEGATIVE_INFINITY;
  let batchSentAt = Number.NEGATIVE_INFINITY;
  // The generic cell rate algorithm (ITU-T I.371): a token bucket in one number, the time at which it would be full again.
  let fullAt = Number.NEGATIVE_INFINITY;

  const marketsOf = (kind: Standing["kind"]) => [...standings].filter(([, s]) => s.kind === kind).map(([market]) => market);
  const jittered = (ms: number) => ms * (1 + JITTER * (2 * random() - 1));

  const plan = (now: number) => {
    const next = new Map<string, Job>();
    const add = (markets: readonly string[], dueAt: number) => {
      for (const request of adapter.request(markets)) {
        const key = keyOf(request);
        next.set(key, jobs.get(key) ?? { request, dueAt, failures: 0, inFlight: false });
      }
    };
    const batched = marketsOf("batched");
    // However often the batch is put together anew, it is sent once an interval.
    if (batched.length > 0) add(batched, Math.max(now, batchSentAt + intervalMs));
    for (const market of [...marketsOf("suspect"), ...marketsOf("quarantined")]) add([market], now);
    jobs = next;
  };

  const send = (now: number): ScheduleOutput[] => {
    const outputs: ScheduleOutput[] = [];
    for (const job of [...jobs.values()].filter((j) => !j.inFlight && j.dueAt <= now).sort((a, b) => a.dueAt - b.dueAt)) {
      if (now < notBefore || now < fullAt - BURST_MS || flights.size >= options.maxInFlight) break;
      fullAt = Math.max(now, fullAt) + 1000 / options.requestsPerSecond;
      job.inFlight = true;
      if (job.request.markets.some((market) => standings.get(market)?.kind === "batched")) batchSentAt = now;
      flights.set(job.request, { job, sentAt: now });
      outputs.push({ kind: "send", request: job.request });
    }
    return outputs;
  };

  const settle = (input: Extract<ScheduleInput, { kind: "answered" }>, now: number): ScheduleOutput[] => {
    const flight = flights.get(input.request);
    if (flight === undefined) return [];
    flights.delete(input.request);
    const { job, sentAt } = flight;
    job.inFlight = false;
    const verdict = verdictOf(input.answers);
    job.failures = verdict === "failed" ? job.failures + 1 : 0;
    const wait =
      job.failures === 0
        ? 0
        : backoffMs({ failures: job.failures, baseMs: options.backoffBaseMs, capMs: options.backoffCapMs }, random());
    job.dueAt = Math.max(sentAt + jittered(intervalMs), now + wait);
    notBefore = Math.max(notBefore, venuePauseUntil(input, now, wait));
    const alone = input.request.markets.length === 1;
    if (regrade(standings, input.answers, verdict, alone)) plan(now);
    if (verdict === "refused" && !alone) return [];
    if (verdict === "refused" && input.request.markets.some((market) => standings.get(market)?.kind === "quarantined")) {
      job.dueAt = now + jittered(options.quarantineMs);
    }
    const newer = input.answers.filter(({ market }) => markRecorded(standings.get(market), sentAt));
    return newer.length === 0 ? [] : [{ kind: "record", answers: newer }];
  };

  plan(startAt);
  return {
    handle: (input, now) => [...(input.kind === "answered" ? settle(input, now) : []), ...send(now)],
    wakeAt: () => {
      if (flights.size >= options.maxInFlight) return Number.POSITIVE_INFINITY;
      return Math.max(notBefore, fullAt - BURST_MS, earliestDue(jobs));
    },
  };
}

type Verdict = "answered" | "failed" | "refused";

/**
 * What the answers to one request say about the request: `refused` when every market is unknown, `failed` when it brought
 * nothing but operational faults or maintenance, else `answered`: one good or one sick market proves that the venue is there.
 */
function verdictOf(answers: readonly MarketAnswer[]): Verdict {
  const codes = answers.map(({ answer }) => (answer.ok ? "ok" : answer.error.code));
  if (codes.every((code) => code === "unknown-market")) return "refused";
  const failed = codes.every((code) => code !== "ok" && (code === "maintenance" || FAULT_KINDS[code] === "operational"));
  return failed ? "failed" : "answered";
}

/** A rate limit or a named `retryAt` is about the whole venue; anything else holds back its own request only. */
function venuePauseUntil(input: Extract<ScheduleInput, { kind: "answered" }>, now: number, wait: number): number {
  let until = Number.NEGATIVE_INFINITY;
  for (const { answer } of input.answers) {
    if (answer.ok) continue;
    const { code, retryAt } = answer.error;
    if (retryAt !== undefined) until = Math.max(until, now + Math.min(retryAt - input.receivedAt, MAX_VENUE_PAUSE_MS));
    else if (code === "rate-limited") until = Math.max(until, now + wait);
  }
  return until;
}

/** Moves markets between batch, suspicion and quarantine; true when the set of requests must be planned anew. */
function regrade(standings: Map<string, Standing>, answers: readonly MarketAnswer[], verdict: Verdict, alone: boolean): boolean {
  let changed = false;
  for (const { market } of answers) {
    const standing = standings.get(market);
    if (standing === undefined) continue;
    const before = standing.kind;
    if (verdict === "refused") strike(standing, alone);
    else if (verdict === "answered" && alone) Object.assign(standing, { kind: "batched", strikes: 0 });
    changed ||= standing.kind !== before;
  }
  return changed;
}

/** Only an answer to a request for this market alone is evidence against it. */
function strike(standing: Standing, alone: boolean): void {
  if (standing.kind === "quarantined") return;
  if (alone) standing.strikes += 1;
  standing.kind = standing.strikes >= UNKNOWN_BEFORE_QUARANTINE ? "quarantined" : "suspect";
}

/** A request that was sent earlier and answered later must not overwrite the newer answer. */
function markRecorded(standing: Standing | undefined, sentAt: number): boolean {
  if (standing === undefined || sentAt < standing.recordedSentAt) return false;
  standing.recordedSentAt = sentAt;
  return true;
}

function earliestDue(jobs: ReadonlyMap<string, Job>): number {
  let due = Number.POSITIVE_INFINITY;
  for (const job of jobs.values()) if (!job.inFlight) due = Math.min(due, job.dueAt);
  return due;
}

function keyOf({ method, path, body, markets }: VenueRequest): string {
  return [method, path, body ?? "", ...markets].join(" ");
}
