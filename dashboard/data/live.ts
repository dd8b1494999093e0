import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { spokenBy } from "../view/overview.ts";
import type { Bundle } from "./api.ts";
import { type ClockOffset, correctionOf, narrow, offsetOf } from "./clock.ts";
import { readEvents } from "./event-source.ts";
import { ApiError, onAnswered } from "./fetch.ts";
import { createLists, type Lists } from "./lists.ts";
import { createPulse, type Freshness, freshnessOf, type PulseInput, type PulseView } from "./pulse.ts";

const TICK_MS = 250;
/** While no feed has a price there is nothing to stream, and the list is asked again. */
const UNPRICED_RETRY_MS = 2_000;
/** Where nobody looks at the list it is only kept from growing old. */
const IDLE_LIST_ROUNDS = 15;

export type RoundInfo = {
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  readonly configDigest: string;
  readonly signers: readonly string[];
};

/** What a person looks at: one feed, or the list of all. */
type Look = { readonly feed: string | undefined; readonly list: boolean };

export type Live = Omit<Lists, "refresh" | "has"> & {
  readonly round: ReadonlySignal<RoundInfo | undefined>;
  /** What the numbers on the page rest on: that round, or before the first of the stream what the list says of its own. */
  readonly spoken: ReadonlySignal<Pick<RoundInfo, "round" | "timestamp" | "validUntil"> | undefined>;
  readonly link: ReadonlySignal<PulseView>;
  /** Unix ms by the gateway's clock as far as it is known; four times a second. */
  readonly now: ReadonlySignal<number>;
  /** ms by which this computer's clock must be off. */
  readonly clockOff: ReadonlySignal<number>;
  readonly freshness: ReadonlySignal<Freshness>;
  /** Every round of the stream, which has the looked-at feed and one more. */
  readonly onBundle: (listener: (bundle: Bundle) => void) => () => void;
  readonly look: (at: Look) => void;
  readonly hurry: () => void;
};

/** The page's one source of what is going on: one stream as its pulse, and the lists refreshed with it. */
export function createLive(): Live {
  const lists = createLists();
  const round = signal<RoundInfo | undefined>(undefined);
  const spoken = computed(() => round.value ?? (lists.list.value && spokenBy(lists.list.value)));
  const { now, clockOff } = createClock();
  const listeners = new Set<(bundle: Bundle) => void>();
  let looking: Look = { feed: undefined, list: true };
  const refresh = () => lists.refresh(round.peek()?.configDigest);

  const publish = (bundle: Bundle): void => {
    round.value = roundOf(bundle);
    for (const listener of listeners) listener(bundle);
    const isDue = looking.list || bundle.round % IDLE_LIST_ROUNDS === 0;
    const isOther = bundle.header.configDigest !== lists.committee.peek()?.configDigest;
    if (isDue || isOther) refresh().catch(() => undefined);
  };
  /** The feed that is looked at, and one that has a price: rounds come with it whatever becomes of the other. */
  const chosen = (): readonly string[] => {
    const anchor = lists.list.peek()?.feeds.find(({ price }) => price !== null)?.feed;
    return [...new Set([looking.feed, anchor])].filter((feed) => feed !== undefined && lists.has(feed)) as string[];
  };
  const line = createLine({ chosen, refresh, publish });
  setInterval(() => {
    now.value = Date.now() + clockOff.peek();
    line.handle({ kind: "tick" });
  }, TICK_MS);

  return {
    ...{ list: lists.list, chains: lists.chains, committee: lists.committee, trail: lists.trail },
    ...{ round, link: line.link, now, clockOff },
    ...{ spoken, freshness: computed(() => freshnessOf(spoken.value, now.value)) },
    onBundle: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    look: (at) => {
      looking = at;
      if (at.list && round.peek() !== undefined) refresh().catch(() => undefined);
      line.reselect();
    },
    hurry: () => line.handle({ kind: "hurry" }),
  };
}

function roundOf({ round, timestamp, validUntil, header, signatures }: Bundle): RoundInfo {
  return { round, timestamp, validUntil, configDigest: header.configDigest, signers: signatures.map(({ signer }) => signer) };
}

function createClock() {
  const offset = signal<ClockOffset | undefined>(undefined);
  onAnswered((times) => {
    offset.value = narrow(offset.peek(), offsetOf(times));
  });
  return { now: signal(Date.now()), clockOff: computed(() => correctionOf(offset.value)) };
}

type LinePorts = {
  /** Feeds to stream; none before one has a price. */
  readonly chosen: () => readonly string[];
  readonly refresh: () => Promise<void>;
  readonly publish: (bundle: Bundle) => void;
};

type Line = {
  readonly link: ReadonlySignal<PulseView>;
  readonly handle: (input: PulseInput) => void;
  /** Streams other feeds when others are looked at. */
  readonly reselect: () => void;
};

/** Does what the pulse says: connects, disconnects, hands rounds on. */
function createLine({ chosen, refresh, publish }: LinePorts): Line {
  const pulse = createPulse(Math.random);
  const link = signal(pulse.view());
  let stream: AbortController | undefined;
  let selection = "";

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

  /** A connection that another one replaced has nothing more to say. */
  const connect = async (lastEventId: number | undefined): Promise<void> => {
    stream?.abort();
    const controller = new AbortController();
    stream = controller;
    try {
      await refresh();
      if (stream !== controller) return;
      const feeds = chosen();
      if (feeds.length > 0) await read(feeds, lastEventId, controller.signal);
      handle({ kind: "heard" });
      setTimeout(() => stream === controller && void connect(undefined), UNPRICED_RETRY_MS);
    } catch (error) {
      if (stream === controller) handle({ kind: "failed", why: sayFailure(error) });
    }
  };

  const read = (feeds: readonly string[], lastEventId: number | undefined, signal: AbortSignal): Promise<never> => {
    selection = feeds.join(",");
    return readEvents(`v1/stream?feeds=${feeds.map((feed) => feed.replace("/", "-")).join(",")}`, {
      ...{ lastEventId, signal },
      onHeard: () => handle({ kind: "heard" }),
      onEvent: ({ event, data }) => {
        if (event === "message") handle({ kind: "round", bundle: JSON.parse(data) as Bundle });
      },
    });
  };

  addEventListener("online", () => handle({ kind: "hurry" }));
  addEventListener("offline", () => {
    handle({ kind: "failed", why: "this computer is offline" });
    stream?.abort();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") handle({ kind: "hurry" });
  });
  handle({ kind: "start" });
  return {
    ...{ link, handle },
    reselect: () => {
      const isOpen = pulse.view().phase !== "waiting" && selection !== "";
      if (isOpen && chosen().join(",") !== selection) handle({ kind: "start" });
    },
  };
}

function sayFailure(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (!(error instanceof Error)) return String(error);
  return error.name === "TypeError" ? "no connection" : error.message;
}
