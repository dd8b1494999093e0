import { marketKey, type VenueSnapshot } from "../snapshot.ts";
import { contradicts, mergeStates } from "../stream-merge.ts";
import { createPoller, POLL_DEFAULTS, type Poller, type PollerOptions, type VenuePoll } from "./poller.ts";
import { createSocketRunner, type SocketOptions, type SocketRunner } from "./socket-runner.ts";

/** How often REST is asked while the stream is fresh: a cross-check, and what the stream has no word of. */
export const RARE_MS = 15_000;
/** How often a stream and REST are held against each other. */
const WATCH_MS = 500;
/** A contradiction must stand in a later answer of REST as well: in a quick market one answer is older than the push beside it. */
const CONFIRM_MS = 2_000;
/** An answer of REST that is older than the push by more than this says nothing against it: markets move. */
const COMPARABLE_MS = 1_500;
/** What is pushed may be this old, by the venue's own time, before polling makes up for it. */
const TIMELY_MS = 4_500;

export type FeedOptions = Omit<PollerOptions, "venues" | "settings">;
export type FeedStream = Pick<SocketOptions, "adapter" | "url" | "settings" | "metrics">;

/** One venue by both its ways. */
export type VenueFeed = {
  readonly poll: VenuePoll;
  readonly snapshot: () => VenueSnapshot;
  /** Ends both; a stopped feed is not started again. */
  readonly stop: () => Promise<void>;
};

/**
 * One venue, polled and, where it has a stream, pushed. While every market is pushed and fresh REST is asked rarely; as soon as one
 * is not, polling is back at its interval, beginning at once. A market whose push REST contradicts twice is not believed: what was
 * pushed is forgotten and its subscription made anew.
 *
 * Changing pace opens another poller over the answers of the one before. While the venue has named a time before which it is not to
 * be asked, the poller that knows of it stays.
 */
export function openVenueFeed(
  poll: VenuePoll,
  stream: FeedStream | undefined,
  options: FeedOptions,
  before: VenueSnapshot,
): VenueFeed {
  const { adapter, markets } = poll;
  const leaving = new Set<Promise<void>>();
  /** Markets in doubt: when the answer of REST was asked for that first contradicted what is pushed. */
  const doubts = new Map<string, number>();
  let kept = before;
  let rare = false;
  let poller = start(poll, rare, options);
  const socket = stream === undefined || markets.length === 0 ? undefined : openSocket(poll, stream, options, () => pace());

  const polled = (): VenueSnapshot => new Map([...kept, ...poller.snapshot()]);

  const pace = (): void => {
    const next = socket?.isSettled() === true && doubts.size === 0 && isTimely(socket.snapshot(), options.now());
    if (next === rare || isBanned(poller.snapshot(), options.now())) return;
    rare = next;
    kept = polled();
    const left = poller;
    poller = start(poll, rare, options);
    const done: Promise<void> = left.stop().finally(() => leaving.delete(done));
    leaving.add(done);
  };

  const watch = (runner: SocketRunner): void => {
    const [answered, pushed] = [polled(), runner.snapshot()];
    for (const market of markets) {
      const key = marketKey(adapter.venue, market);
      const [rest, push] = [answered.get(key), pushed.get(key)];
      if (rest?.quote === undefined || push?.quote === undefined) doubts.delete(market);
      else if (push.receivedAt - rest.receivedAt > COMPARABLE_MS) continue;
      else if (!contradicts(rest.quote, push.quote)) doubts.delete(market);
      else if (rest.sentAt - (doubts.get(market) ?? rest.sentAt) < CONFIRM_MS)
        doubts.set(market, doubts.get(market) ?? rest.sentAt);
      else {
        doubts.delete(market);
        runner.contradict(market);
      }
    }
    pace();
  };
  const timer = socket === undefined ? undefined : setInterval(watch, WATCH_MS, socket);

  return {
    poll,
    snapshot: () => {
      const [answered, pushed] = [polled(), socket?.snapshot()];
      return new Map(
        markets.flatMap((market) => {
          const key = marketKey(adapter.venue, market);
          // In doubt REST counts alone: what is pushed is about to be asked for anew.
          const state = mergeStates(answered.get(key), doubts.has(market) ? undefined : pushed?.get(key));
          return state === undefined ? [] : [[key, state] as const];
        }),
      );
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all([socket?.stop(), poller.stop(), ...leaving]);
    },
  };
}

function start(poll: VenuePoll, rare: boolean, options: FeedOptions): Poller {
  const usual = poll.settings?.intervalMs ?? POLL_DEFAULTS.intervalMs;
  const settings = { ...poll.settings, ...(rare ? { intervalMs: Math.max(usual, RARE_MS) } : {}) };
  const poller = createPoller({ ...options, venues: [{ ...poll, settings }] });
  poller.start();
  return poller;
}

function openSocket({ markets }: VenuePoll, stream: FeedStream, options: FeedOptions, onFallback: () => void): SocketRunner {
  const { log, now, random } = options;
  const socket = createSocketRunner({ ...stream, markets, log, now, random, onFallback });
  socket.start();
  return socket;
}

/** A stream that runs behind is no reason to poll less, however much it says. */
function isTimely(pushed: VenueSnapshot, now: number): boolean {
  return [...pushed.values()].every(({ quote, receivedAt }) => now - (quote?.bookAt ?? receivedAt) <= TIMELY_MS);
}

function isBanned(snapshot: VenueSnapshot, now: number): boolean {
  return [...snapshot.values()].some(({ fault }) => fault?.retryAt !== undefined && fault.retryAt > now);
}
