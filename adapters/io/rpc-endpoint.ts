import { performance } from "node:perf_hooks";
import { blockGapMs, type Head } from "../chain/head.ts";
import { encodeBatch, type RpcAnswer, type RpcCall, readBatch } from "../chain/json-rpc.ts";
import { pauseMs } from "../chain/pace.ts";
import { createPendingTracker } from "../chain/pending.ts";
import { type ChainTarget, type EndpointView, planPoll, type ReadFault } from "../chain/poll.ts";
import { batchesOf } from "../fields.ts";
import { createTaper } from "../taper.ts";
import { createVenueHttp, type VenueHttp } from "./http.ts";
import type { PollerLog } from "./reporter.ts";
import type { EndpointLabels, RpcMetrics } from "./rpc-metrics.ts";
import { type EndpointName, nameEndpoint } from "./rpc-url.ts";

/** Calls in one request: more than most networks need, and within what public endpoints take. */
const MAX_BATCH = 40;
/** A pending block of a busy chain is below 1 MiB; the poll before it is a few KiB. */
export const RPC_DEFAULTS = {
  timeoutMs: 3_000,
  maxBytes: 8 * 1024 * 1024,
  maxSockets: 2,
  backoffBaseMs: 1_000,
  backoffCapMs: 10_000,
} as const;

export type RpcSettings = { readonly [Name in keyof typeof RPC_DEFAULTS]: number } & {
  readonly intervalMs: number;
  /** How often the pending block is looked at. */
  readonly pendingMs: number;
};

export type RpcPorts = {
  readonly log: PollerLog;
  readonly metrics: RpcMetrics;
  /** Wall time, Unix ms. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
};

export type RpcEndpoint = {
  readonly label: string;
  readonly start: () => void;
  /** Ends what is under way, waits for it, and leaves no timer and no socket. */
  readonly stop: () => Promise<void>;
  /** The newest view, however old. */
  readonly view: () => EndpointView | undefined;
};

/**
 * One endpoint's polling: one poll at a time, every `intervalMs`, later while it fails and never before the instant that it names. It
 * shares nothing with other endpoints, so one that hangs delays none (P8). `onPolled` follows every poll, brought a view or not.
 *
 * @throws when the URL is not an http or https one.
 */
export function createRpcEndpoint(
  {
    url,
    place,
    target,
    settings,
  }: {
    readonly url: string;
    readonly place: number;
    readonly target: ChainTarget;
    readonly settings: RpcSettings;
  },
  { log, metrics, now, random }: RpcPorts,
  onPolled: () => void,
): RpcEndpoint {
  const name = nameEndpoint(url, place);
  const labels: EndpointLabels = { chain: target.chain.chain, endpoint: name.label };
  const client = createVenueHttp({ ...settings, baseUrl: url, now });
  const reporter = createEndpointReporter(labels, name, log, metrics);
  const tracker = createPendingTracker();
  let view: EndpointView | undefined;
  let failures = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let running = false;

  const poll = async (): Promise<number> => {
    const startedAt = performance.now();
    const sentAt = now();
    const lookForNew = startedAt - lookedAt >= settings.pendingMs;
    if (lookForNew) lookedAt = startedAt;
    const plan = planPoll(target, { tracker, lookForNew });
    const answers = await exchange(client, plan.calls);
    if (!running) return 0;
    const read = plan.read(answers, { sentAt, receivedAt: now() });
    reporter.onPoll(read, performance.now() - startedAt);
    if (read.view !== undefined) {
      reporter.onHead(view?.head, read.view.head);
      view = read.view;
    }
    failures = read.view === undefined ? failures + 1 : 0;
    onPolled();
    const faults = read.faults.map(({ fault }) => fault);
    return pauseMs({ failures, faults, tookMs: performance.now() - startedAt, now: now() }, settings, random());
  };

  const run = (): void => {
    underWay = poll().then((wait) => {
      if (running) timer = setTimeout(run, wait);
    });
  };

  return {
    label: name.label,
    start: () => {
      running = true;
      run();
    },
    stop: async () => {
      running = false;
      clearTimeout(timer);
      client.destroy();
      await underWay;
    },
    view: () => view,
  };
}

/** Every call's answer, whatever came of its request. */
async function exchange(client: VenueHttp, calls: readonly RpcCall[]): Promise<readonly RpcAnswer[]> {
  const batches = batchesOf(calls, MAX_BATCH);
  const answers = await Promise.all(
    batches.map(async (batch) => {
      const request = { method: "POST", path: "", body: encodeBatch(batch), markets: [] } as const;
      return readBatch(await client.send(request), batch.length);
    }),
  );
  return answers.flat();
}

/** What the operator can do about an endpoint that gives nothing at all. */
const ADVICE = "look at its provider; the others of this chain count meanwhile";
/** And about one that leaves out some of what it is asked for. */
const PART_ADVICE = "the others of this chain count for it; if it lasts, the provider does not serve it: choose another";

type EndpointReporter = {
  readonly onPoll: (poll: { readonly view: EndpointView | undefined; readonly faults: readonly ReadFault[] }, ms: number) => void;
  readonly onHead: (earlier: Head | undefined, later: Head) => void;
};

/** One endpoint's metrics and log lines: the 1st, 2nd, 4th, 8th … repeat of each fault. Reads come from a closed set. */
function createEndpointReporter(
  labels: EndpointLabels,
  name: EndpointName,
  log: PollerLog,
  metrics: RpcMetrics,
): EndpointReporter {
  const taper = createTaper();
  const failing = new Set<string>();
  const subject = `${labels.chain} RPC ${labels.endpoint}`;

  const warn = ({ read, fault }: ReadFault, whole: boolean): void => {
    metrics.onFault({ ...labels, read, code: fault.code });
    failing.add(read);
    const repeats = taper.count(read);
    if (repeats === undefined) return;
    const detail = name.redact(fault.detail);
    const what = whole ? `${fault.code}: ${detail}; ${ADVICE}` : `no ${read}: ${fault.code}: ${detail}; ${PART_ADVICE}`;
    log.warn({ ...labels, read, code: fault.code, detail, repeats }, `${subject}: ${what}`);
  };

  return {
    onPoll: ({ view, faults }, ms) => {
      const code = view === undefined ? (faults[0]?.fault.code ?? "malformed") : "ok";
      metrics.onRequest({ ...labels, code, ms });
      for (const fault of faults) warn(fault, view === undefined);
      if (view === undefined) return;
      for (const read of [...failing].filter((item) => !faults.some((fault) => fault.read === item))) {
        failing.delete(read);
        log.info({ ...labels, read, repeats: taper.clear(read) }, `${subject}: ${read} is there again`);
      }
    },
    onHead: (earlier, later) => {
      const gapMs = earlier === undefined ? undefined : blockGapMs(earlier, later);
      metrics.onHead({ ...labels, number: later.number, gapMs });
    },
  };
}
