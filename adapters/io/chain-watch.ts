import { isDeepStrictEqual } from "node:util";
import type { ChainConfig, ReferenceConfig } from "../../protocol/config.ts";
import { compareText } from "../../protocol/feed.ts";
import type { GaugeEntry } from "../../protocol/observation.ts";
import { type AgreedPrice, type Agreement, agree, MAX_LAG_BLOCKS } from "../chain/agreement.ts";
import type { ChainTarget } from "../chain/poll.ts";
import { isPriceReference } from "../chain/reference.ts";
import { type MarketState, marketKey, type VenueSnapshot } from "../snapshot.ts";
import { createTaper } from "../taper.ts";
import { createRpcEndpoint, RPC_DEFAULTS, type RpcPorts, type RpcSettings } from "./rpc-endpoint.ts";

/** A chain is asked twice a block, within reason: public endpoints count requests. */
const POLLS_PER_BLOCK = 2;
const MIN_INTERVAL_MS = 500;
const MAX_INTERVAL_MS = 3_000;
/** A view counts until this many polls should have replaced it, and one more had timed out. */
const VIEW_POLLS = 3;

/** What a config has to do with chains. */
export type ChainScope = { readonly chains: readonly ChainConfig[]; readonly references: readonly ReferenceConfig[] };

export type ChainWatchOptions = ChainScope &
  RpcPorts & {
    /** Of a chain's name: the URLs of its endpoints, at least three or none. */
    readonly endpoints: Readonly<Record<string, readonly string[]>>;
    /** Over those that follow from a chain's `blockMs`. */
    readonly settings?: Partial<RpcSettings>;
  };

export type ChainWatch = {
  readonly start: () => void;
  /** Ends what is under way, waits for it, and leaves no timer and no socket. */
  readonly stop: () => Promise<void>;
  /**
   * Another config came into force, or another one is pending: chains that it changes are watched anew, the others go on. What a
   * pending config changes is watched beside what is in force, so that it has shadow prices, and goes on when it comes into force.
   */
  readonly follow: (scope: ChainScope, pending?: ChainScope) => void;
  /** What the endpoints of each chain agree on now, by ascending name; chains without endpoints are left out. */
  readonly gauges: () => readonly GaugeEntry[];
  /** What the references that are prices say, keyed as venues' markets are: a reference's name is its venue. */
  readonly quotes: () => VenueSnapshot;
  /** The same of the pending config; of the one in force while none is pending. */
  readonly pendingQuotes: () => VenueSnapshot;
};

/**
 * The chains that a node looks at through its operator's RPC endpoints. A node without endpoints for a chain says nothing of it, and
 * the quorum's gauge is that of the others.
 *
 * @throws at once when a URL is not an http or https one.
 */
export function createChainWatch(options: ChainWatchOptions): ChainWatch {
  let inForce = openRuns(options, options, []);
  let proposed = inForce;
  let running = false;
  const leaving = new Set<Promise<void>>();
  const all = (): readonly ChainRun[] => [...new Set([...inForce, ...proposed])];
  const leave = (run: ChainRun): void => {
    const done: Promise<void> = run.stop().finally(() => leaving.delete(done));
    leaving.add(done);
  };
  return {
    start: () => {
      running = true;
      for (const run of all()) run.start();
    },
    stop: async () => {
      running = false;
      await Promise.all([...leaving, ...all().map((run) => run.stop())]);
    },
    follow: (scope, pending = scope) => {
      const before = all();
      inForce = openRuns(options, scope, before);
      proposed = openRuns(options, pending, [...inForce, ...before]);
      for (const run of before) if (!all().includes(run)) leave(run);
      if (running) for (const run of all()) if (!before.includes(run)) run.start();
    },
    gauges: () => inForce.flatMap((run) => run.agreement().gauges).sort((a, b) => compareText(a.gauge, b.gauge)),
    quotes: () => quotesOf(inForce),
    pendingQuotes: () => quotesOf(proposed),
  };
}

function quotesOf(runs: readonly ChainRun[]): VenueSnapshot {
  return new Map(runs.flatMap((run) => run.quotes()).map((state) => [marketKey(state.venue, state.market), state]));
}

type ChainRun = {
  readonly target: ChainTarget;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
  readonly agreement: () => Agreement;
  readonly quotes: () => readonly MarketState[];
};

/** One run a chain with endpoints; a run whose target is the same stays. */
function openRuns(
  options: ChainWatchOptions,
  { chains, references }: ChainScope,
  before: readonly ChainRun[],
): readonly ChainRun[] {
  return chains.flatMap((chain) => {
    const urls = options.endpoints[chain.chain] ?? [];
    if (urls.length === 0) return [];
    const target: ChainTarget = { chain, references: references.filter((reference) => reference.chain === chain.chain) };
    return before.find((run) => isDeepStrictEqual(run.target, target)) ?? createChainRun(target, urls, options);
  });
}

function createChainRun(target: ChainTarget, urls: readonly string[], options: ChainWatchOptions): ChainRun {
  const settings = settingsOf(target, options);
  const maxAgeMs = VIEW_POLLS * settings.intervalMs + settings.timeoutMs;
  // Endpoints are not asked in the same instant: on a chain of quick blocks one poll apart is blocks apart.
  const maxLagBlocks = MAX_LAG_BLOCKS + Math.trunc(settings.intervalMs / target.chain.blockMs);
  const watcher = createDissentReporter(target.chain.chain, options);
  const endpoints = urls.map((url, place) =>
    createRpcEndpoint({ url, place, target, settings }, options, () =>
      watcher(place, endpoints[place]?.label ?? "", agreement()),
    ),
  );
  const agreement = (): Agreement =>
    agree(
      endpoints.map((endpoint) => endpoint.view()),
      { now: options.now(), maxAgeMs, maxLagBlocks },
    );
  return {
    target,
    start: () => {
      for (const endpoint of endpoints) endpoint.start();
    },
    stop: async () => {
      await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
    },
    agreement,
    quotes: () => {
      const { prices } = agreement();
      return target.references.filter(isPriceReference).flatMap(({ name, market }) => {
        const price = prices.get(name);
        if (price === undefined) return [];
        return price.ok
          ? stateOf({ venue: name, market }, price.value)
          : { ...faultState({ venue: name, market }, options.now()), fault: price.error };
      });
    },
  };
}

function settingsOf({ chain: { blockMs } }: ChainTarget, { settings }: ChainWatchOptions): RpcSettings {
  const intervalMs = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, Math.trunc(blockMs / POLLS_PER_BLOCK)));
  return { ...RPC_DEFAULTS, intervalMs, pendingMs: Math.max(intervalMs, blockMs), ...settings };
}

type Market = Pick<MarketState, "venue" | "market">;

/** Only a last price: a reference has no book, and counts with its own age. */
function stateOf({ venue, market }: Market, { quote: { price, at }, sentAt, receivedAt }: AgreedPrice): MarketState {
  return { venue, market, quote: { market, last: price, lastAt: at }, sentAt, receivedAt };
}

function faultState({ venue, market }: Market, at: number): Omit<MarketState, "fault"> {
  return { venue, market, sentAt: at, receivedAt: at, faultAt: at };
}

const ADVICE = {
  lagging: "it is left out; if it lasts, ask its provider or choose another",
  ahead: "it shows blocks that the others do not have, and is left out; if it lasts, choose another",
  dissents: "the median counts; an endpoint that goes on contradicting the others shows another chain or lies: choose another",
} as const;

/** Names an endpoint that is off the others, the 1st, 2nd, 4th, 8th … time in a row, after its own poll. */
function createDissentReporter(chain: string, { log, metrics }: RpcPorts) {
  const taper = createTaper();
  return (place: number, endpoint: string, { standings, dissents }: Agreement): void => {
    const labels = { chain, endpoint };
    const subject = `${chain} RPC ${endpoint}`;
    const standing = standings[place] ?? "silent";
    metrics.onStanding({ ...labels, standing });
    for (const kind of ["lagging", "ahead"] as const) {
      if (standing !== kind) taper.clear(`${place} ${kind}`);
      else if (taper.count(`${place} ${kind}`) !== undefined) log.warn(labels, `${subject} is ${kind}: ${ADVICE[kind]}`);
    }
    const own = dissents.filter((dissent) => dissent.endpoint === place);
    if (own.length === 0) taper.clear(`${place} dissents`);
    for (const { gauge } of own) metrics.onDissent({ ...labels, gauge });
    const [first] = own;
    if (first === undefined || taper.count(`${place} dissents`) === undefined) return;
    const { gauge, said, median } = first;
    log.warn(
      { ...labels, gauge, said: String(said), median: String(median) },
      `${subject} says ${said} of ${gauge}, the others ${median}: ${ADVICE.dissents}`,
    );
  };
}
