import { performance } from "node:perf_hooks";
import { fail, type Result } from "../../protocol/result.ts";
import type { Adapter, Fault, MarketAnswer, VenueRequest, VenueResponse } from "../adapter.ts";
import { createVenueSchedule, type ScheduleInput, type VenueSchedule } from "../schedule.ts";
import { applyAnswer, type MarketState, marketKey, type VenueSnapshot } from "../snapshot.ts";
import { createVenueHttp, type VenueHttp } from "./http.ts";
import { createReporter, type PollerLog, type PollerMetrics, type Reporter } from "./reporter.ts";

/** The longest sleep: setTimeout holds 31 bits, and a venue without a due request needs no sharper alarm. */
const MAX_SLEEP_MS = 60_000;

const NO_ANSWER: Fault = { code: "malformed", detail: "the parser gave no answer for this market" };

/** Defaults of one venue's polling; the sizes of real ticker tables are below 2 MiB. */
export const POLL_DEFAULTS = {
  intervalMs: 1_000,
  timeoutMs: 3_000,
  maxBytes: 8 * 1024 * 1024,
  maxSockets: 4,
  backoffBaseMs: 1_000,
  backoffCapMs: 10_000,
  quarantineMs: 10 * 60_000,
} as const;

export type PollSettings = { readonly [Name in keyof typeof POLL_DEFAULTS]: number };

export type VenuePoll = {
  readonly adapter: Adapter;
  /** `BASE/QUOTE`, each once. */
  readonly markets: readonly string[];
  /** Overrides the adapter's own, e.g. `http://127.0.0.1:9001/kraken`. */
  readonly baseUrl?: string;
  /** Overrides the adapter's budget, which is the real venue's: a simulated or recorded one on this machine has none. */
  readonly requestsPerSecond?: number;
  readonly settings?: Partial<PollSettings>;
};

export type PollerOptions = {
  readonly venues: readonly VenuePoll[];
  /** For every venue that has none of its own; the rest from {@link POLL_DEFAULTS}. */
  readonly settings?: Partial<PollSettings>;
  /** How many pollers share this machine's address, and with it every venue's request budget. Default 1. */
  readonly addressSharedBy?: number;
  readonly log: PollerLog;
  readonly metrics: PollerMetrics;
  /** Wall time, Unix ms; it stamps answers. Waiting is measured on the monotonic clock. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

export type Poller = {
  /** Once; polling begins at once and goes on until `stop`. */
  readonly start: () => void;
  /** Ends what is under way, waits for it, and leaves no timer and no socket. A stopped poller is not started again. */
  readonly stop: () => Promise<void>;
  /** The newest answers, a copy. */
  readonly snapshot: () => VenueSnapshot;
};

/**
 * The one HTTP runner of all venues: adapters say what to ask and what the bytes mean, {@link createVenueSchedule} says when,
 * this carries it out. Venues share nothing but the event loop, so one that is slow or down delays no other (P8).
 *
 * @throws at once when a base URL is not one, naming the venue.
 */
export function createPoller(options: PollerOptions): Poller {
  const states = new Map<string, MarketState>();
  const runs = options.venues.filter(({ markets }) => markets.length > 0).map((poll) => createVenueRun(poll, options, states));
  return {
    start: () => {
      for (const run of runs) run.start();
    },
    stop: async () => {
      await Promise.all(runs.map((run) => run.stop()));
    },
    snapshot: () => new Map(states),
  };
}

type VenueRun = Pick<Poller, "start" | "stop">;
type Stamp = { readonly sentAt: number; readonly receivedAt: number };

function createVenueRun(poll: VenuePoll, options: PollerOptions, states: Map<string, MarketState>): VenueRun {
  const { adapter } = poll;
  const settings: PollSettings = { ...POLL_DEFAULTS, ...options.settings, ...poll.settings };
  const client = openClient(poll, settings, options.now);
  const reporter = createReporter(adapter.venue, options.log, options.metrics);
  const schedule = openSchedule(poll, settings, options);
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const record = (answers: readonly MarketAnswer[], stamp: Stamp) => {
    for (const answer of answers) {
      const key = marketKey(adapter.venue, answer.market);
      states.set(key, applyAnswer(states.get(key), { venue: adapter.venue, answer, ...stamp }));
    }
  };

  const exchange = async (request: VenueRequest) => {
    const startedAt = performance.now();
    const sentAt = options.now();
    const response = await client.send(request);
    if (!running) return;
    const ms = performance.now() - startedAt;
    const receivedAt = response.ok ? response.value.receivedAt : options.now();
    const answers = answersOf({ adapter, reporter }, request, response);
    reporter.report({ answers, path: request.path, ms });
    drive({ kind: "answered", request, answers, receivedAt }, { sentAt, receivedAt });
  };

  const drive = (input: ScheduleInput, stamp: Stamp) => {
    for (const output of schedule.handle(input, performance.now())) {
      if (output.kind === "record") record(output.answers, stamp);
      else {
        const done: Promise<void> = exchange(output.request).finally(() => underWay.delete(done));
        underWay.add(done);
      }
    }
    clearTimeout(timer);
    timer = setTimeout(wake, sleepMs(schedule.wakeAt()));
  };

  const wake = () => drive({ kind: "wake" }, { sentAt: options.now(), receivedAt: options.now() });

  return {
    start: () => {
      running = true;
      wake();
    },
    stop: async () => {
      running = false;
      clearTimeout(timer);
      client.destroy();
      await Promise.all(underWay);
    },
  };
}

function openClient({ adapter, baseUrl }: VenuePoll, settings: PollSettings, now: () => number): VenueHttp {
  try {
    return createVenueHttp({ ...settings, baseUrl: baseUrl ?? adapter.baseUrl, now });
  } catch (error) {
    throw new Error(`venue ${adapter.venue}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function openSchedule(poll: VenuePoll, settings: PollSettings, options: PollerOptions): VenueSchedule {
  const { adapter, markets } = poll;
  const requestsPerSecond = poll.requestsPerSecond ?? adapter.requestsPerSecond / (options.addressSharedBy ?? 1);
  const { random } = options;
  return createVenueSchedule(
    { ...settings, adapter, markets, requestsPerSecond, maxInFlight: settings.maxSockets, random },
    performance.now(),
  );
}

function sleepMs(wakeAt: number): number {
  return Math.min(Math.max(0, Math.ceil(wakeAt - performance.now())), MAX_SLEEP_MS);
}

type Translator = { readonly adapter: Adapter; readonly reporter: Reporter };

/** One answer for each market of the request, in its order, whatever the parser did: its bug stays in its venue (P8). */
function answersOf(
  { adapter, reporter }: Translator,
  request: VenueRequest,
  response: Result<VenueResponse, Fault>,
): MarketAnswer[] {
  if (!response.ok) return request.markets.map((market) => ({ market, answer: response }));
  const parsed = new Map<string, MarketAnswer>();
  try {
    for (const answer of adapter.parse(request, response.value)) parsed.set(answer.market, answer);
  } catch (error) {
    reporter.bug(error, request.path);
  }
  return request.markets.map((market) => parsed.get(market) ?? { market, answer: fail(NO_ANSWER) });
}
