import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Attendance, attendanceOf, mergeAttendance } from "../view/attendance.ts";
import type { Bundle, ChainList, Committee, FeedList } from "./api.ts";
import { type ClockOffset, correctionOf, narrow, offsetOf } from "./clock.ts";
import { readEvents } from "./event-source.ts";
import { ApiError, getJson, onAnswered } from "./fetch.ts";
import { createPulse, type Freshness, freshnessOf, type PulseInput, type PulseView } from "./pulse.ts";

const TICK_MS = 250;
/** While no feed has a price there is nothing to stream, and the list is asked again. */
const UNPRICED_RETRY_MS = 2_000;
/** Where nobody looks at the list it is only kept from growing old. */
const IDLE_LIST_ROUNDS = 15;
/** Rounds of a feed's line on the overview. */
const TRAIL = 90;

export type RoundInfo = {
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  readonly configDigest: string;
  readonly signers: readonly string[];
};

export type Live = {
  readonly list: ReadonlySignal<FeedList | undefined>;
  readonly chains: ReadonlySignal<ChainList | undefined>;
  readonly committee: ReadonlySignal<Committee | undefined>;
  readonly round: ReadonlySignal<RoundInfo | undefined>;
  readonly link: ReadonlySignal<PulseView>;
  /** Unix ms by the gateway's clock as far as it is known; four times a second. */
  readonly now: ReadonlySignal<number>;
  /** ms by which this computer's clock must be off. */
  readonly clockOff: ReadonlySignal<number>;
  readonly freshness: ReadonlySignal<Freshness>;
  /** Prices of a feed since the page was opened, oldest first, for drawing. */
  readonly trail: (feed: string) => readonly number[];
  /** Who signed the rounds that this page has heard of, ascending. */
  readonly attendance: () => readonly Attendance[];
  /** Every round of the stream, which has the looked-at feed and one more. */
  readonly onBundle: (listener: (bundle: Bundle) => void) => () => void;
  /** What the person looks at: one feed, or the list of all. */
  readonly look: (at: { readonly feed: string | undefined; readonly list: boolean }) => void;
  readonly hurry: () => void;
};

/** The page's one source of what is going on: one stream as its pulse, and the lists refreshed with it. */
export function createLive(): Live {
  const list = signal<FeedList | undefined>(undefined);
  const chains = signal<ChainList | undefined>(undefined);
  const committee = signal<Committee | undefined>(undefined);
  const round = signal<RoundInfo | undefined>(undefined);
  const offset = signal<ClockOffset | undefined>(undefined);
  const clockOff = computed(() => correctionOf(offset.value));
  const now = signal(Date.now());
  const pulse = createPulse(Math.random);
  const link = signal(pulse.view());
  const listeners = new Set<(bundle: Bundle) => void>();
  let attendance: readonly Attendance[] = [];
  const trails = new Map<string, number[]>();
  let looking: { readonly feed: string | undefined; readonly list: boolean } = { feed: undefined, list: true };
  let stream: AbortController | undefined;
  let selection = "";
  let refreshing = false;

  onAnswered((times) => {
    offset.value = narrow(offset.peek(), offsetOf(times));
  });

  const handle = (input: PulseInput): void => {
    for (const output of pulse.handle(input, Date.now())) {
      if (output.kind === "connect") void connect(output.lastEventId);
      else if (output.kind === "disconnect") stream?.abort();
      else publish(output.bundle);
    }
    const next = pulse.view();
    const known = link.peek();
    if (next.phase !== known.phase || next.retryAt !== known.retryAt || next.lostAt !== known.lostAt) link.value = next;
  };

  const connect = async (lastEventId: number | undefined): Promise<void> => {
    stream?.abort();
    const controller = new AbortController();
    stream = controller;
    try {
      await refresh();
      if (controller.signal.aborted) return;
      const feeds = chosen();
      if (feeds.length === 0) {
        handle({ kind: "heard" });
        setTimeout(() => stream === controller && void connect(undefined), UNPRICED_RETRY_MS);
        return;
      }
      selection = feeds.join(",");
      const path = `v1/stream?feeds=${feeds.map((feed) => feed.replace("/", "-")).join(",")}`;
      await readEvents(path, {
        lastEventId,
        signal: controller.signal,
        onHeard: () => handle({ kind: "heard" }),
        onEvent: ({ event, data }) => {
          if (event === "message") handle({ kind: "round", bundle: JSON.parse(data) as Bundle });
        },
      });
    } catch (error) {
      if (stream !== controller || (controller.signal.aborted && link.peek().phase !== "live")) return;
      handle({ kind: "failed", why: sayFailure(error) });
    }
  };

  const chosen = (): readonly string[] => {
    const anchor = list.peek()?.feeds.find(({ price }) => price !== null)?.feed;
    return [...new Set([looking.feed, anchor])].filter((feed) => feed !== undefined && isKnown(feed)) as string[];
  };
  const isKnown = (feed: string): boolean =>
    (list.peek()?.feeds.some((item) => item.feed === feed) ?? false) ||
    (chains.peek()?.chains.some((item) => item.feed === feed) ?? false);

  const publish = (bundle: Bundle): void => {
    const { header, signatures, timestamp, validUntil } = bundle;
    const signers = signatures.map(({ signer }) => signer);
    round.value = { round: bundle.round, timestamp, validUntil, configDigest: header.configDigest, signers };
    attendance = mergeAttendance(attendance, [attendanceOf(bundle)]);
    for (const listener of listeners) listener(bundle);
    const isDue = looking.list || bundle.round % IDLE_LIST_ROUNDS === 0;
    if (isDue || header.configDigest !== committee.peek()?.configDigest) refresh().catch(() => undefined);
  };

  /** Never two at once: on a slow line the list is as old as one answer takes, and no queue grows. */
  const refresh = async (): Promise<void> => {
    if (refreshing) return;
    refreshing = true;
    try {
      const stale = committee.peek() === undefined || committee.peek()?.configDigest !== round.peek()?.configDigest;
      const [feeds, chainList, members] = await Promise.all([
        getJson<FeedList>("v1/feeds"),
        getJson<ChainList>("v1/chains"),
        stale ? getJson<Committee>("v1/committee") : undefined,
      ]);
      list.value = feeds;
      chains.value = chainList;
      if (members !== undefined) committee.value = members;
      for (const { feed, price } of feeds.feeds) extend(feed, price);
    } finally {
      refreshing = false;
    }
  };
  const extend = (feed: string, price: string | null): void => {
    if (price !== null) trails.set(feed, [...(trails.get(feed) ?? []), Number(price)].slice(-TRAIL));
  };

  setInterval(() => {
    now.value = Date.now() + clockOff.peek();
    handle({ kind: "tick" });
  }, TICK_MS);
  addEventListener("online", () => handle({ kind: "hurry" }));
  addEventListener("offline", () => {
    stream?.abort();
    handle({ kind: "failed", why: "this computer is offline" });
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") handle({ kind: "hurry" });
  });
  handle({ kind: "start" });

  return {
    ...{ list, chains, committee, round, link, now, clockOff },
    freshness: computed(() => freshnessOf(round.value, now.value)),
    trail: (feed) => trails.get(feed) ?? [],
    attendance: () => attendance,
    onBundle: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    look: (at) => {
      looking = at;
      if (at.list && round.peek() !== undefined) refresh().catch(() => undefined);
      if (list.peek() !== undefined && pulse.view().phase === "live" && chosen().join(",") !== selection) void connect(undefined);
    },
    hurry: () => handle({ kind: "hurry" }),
  };
}

function sayFailure(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return error instanceof Error && error.name === "TypeError" ? "no connection" : String((error as Error).message ?? error);
}
