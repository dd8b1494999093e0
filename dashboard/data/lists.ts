import { type ReadonlySignal, signal } from "@preact/signals";
import type { ChainList, Committee, FeedList } from "./api.ts";
import { getJson } from "./fetch.ts";

/** Points of a feed's line on the overview. */
const TRAIL = 90;

export type Lists = {
  readonly list: ReadonlySignal<FeedList | undefined>;
  readonly chains: ReadonlySignal<ChainList | undefined>;
  readonly committee: ReadonlySignal<Committee | undefined>;
  /** Prices of a feed since the page was opened, oldest first, for drawing. */
  readonly trail: (feed: string) => readonly number[];
  readonly has: (feed: string) => boolean;
  /**
   * Asks for all of it again; for the committee only under another config than `configDigest`. Never two at once: on a slow line the
   * lists are as old as one answer takes, and no queue grows.
   *
   * @throws ApiError
   */
  readonly refresh: (configDigest: string | undefined) => Promise<void>;
};

export function createLists(): Lists {
  const list = signal<FeedList | undefined>(undefined);
  const chains = signal<ChainList | undefined>(undefined);
  const committee = signal<Committee | undefined>(undefined);
  const trails = new Map<string, readonly number[]>();
  let refreshing = false;
  const load = async (configDigest: string | undefined): Promise<void> => {
    const isStale = committee.peek() === undefined || committee.peek()?.configDigest !== configDigest;
    const [feeds, chainList, members] = await Promise.all([
      getJson<FeedList>("v1/feeds"),
      getJson<ChainList>("v1/chains"),
      isStale ? getJson<Committee>("v1/committee") : undefined,
    ]);
    list.value = feeds;
    chains.value = chainList;
    if (members !== undefined) committee.value = members;
    for (const { feed, price } of feeds.feeds) {
      if (price !== null) trails.set(feed, [...(trails.get(feed) ?? []), Number(price)].slice(-TRAIL));
    }
  };
  return {
    ...{ list, chains, committee },
    trail: (feed) => trails.get(feed) ?? [],
    has: (feed) => [...(list.peek()?.feeds ?? []), ...(chains.peek()?.chains ?? [])].some((item) => item.feed === feed),
    refresh: async (configDigest) => {
      if (refreshing) return;
      refreshing = true;
      try {
        await load(configDigest);
      } finally {
        refreshing = false;
      }
    },
  };
}
