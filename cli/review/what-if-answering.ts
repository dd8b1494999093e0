import type { RoundFacts } from "../../aggregator/replay/facts.ts";
import { compare, type Judgement, judge, type Missing, type WhatIf } from "../../aggregator/replay/what-if.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Thresholds } from "../../protocol/thresholds.ts";
import { createFactsBook, type FactsBook, type RoundsStore } from "./facts-book.ts";

const HOUR_MS = 3_600_000;
/** Nobody is shown more than a day. */
export const MAX_HOURS = 24;
/** Feeds whose rounds are kept opened: a day of one is some 25 MB. */
const MAX_FEEDS = 2;
/** For so long the newest round stays the last one that is looked at: who drags a threshold compares like with like. */
const PINNED_MS = 10_000;

/** Rounds that an answer may be behind the newest one; it says where it ends. */
const MAX_LAG = 60;

export type Question = {
  readonly network: Network;
  readonly feed: FeedId;
  /** All of them, the changed ones as changed. */
  readonly thresholds: Thresholds;
  readonly hours: number;
};

/** `loaded` of `of` round numbers are opened; ask again. */
export type Reply =
  | { readonly kind: "loading"; readonly loaded: number; readonly of: number }
  | { readonly kind: "answer"; readonly whatIf: WhatIf };

/** The rounds that are looked at for a while, and what the thresholds in force did over them. */
type Pinned = { readonly hours: number; readonly at: number; readonly rounds: readonly RoundFacts[]; readonly before: Judgement };
type Open = { readonly book: FactsBook; pinned: Pinned | undefined };

/** Answers from a node's store, feed by feed; `step` does a little of what the newest question needs, and says whether more is to do. */
export function createAnswering({
  store,
  scheme,
  now,
}: {
  readonly store: RoundsStore;
  readonly scheme: Secp256k1;
  /** Of any clock, ms. */
  readonly now: () => number;
}) {
  const open = new Map<FeedId, Open>();
  let configDigest: string | undefined;
  const openFeed = ({ feed, network }: Question): Open => {
    if (configDigest !== network.configDigest) open.clear();
    configDigest = network.configDigest;
    const maxRounds = Math.ceil((MAX_HOURS * HOUR_MS) / network.config.roundMs);
    const found = open.get(feed) ?? { book: createFactsBook({ store, feed, network, scheme, maxRounds }), pinned: undefined };
    open.delete(feed);
    open.set(feed, found);
    for (const oldest of open.keys()) if (open.size > MAX_FEEDS) open.delete(oldest);
    return found;
  };
  return {
    /** False when all is there that the question needs. */
    step: (question: Question): boolean => {
      const own = openFeed(question);
      if (isPinned(own, question, now())) return false;
      return own.book.step(spanOf(question, store).from);
    },
    /** Only the newest rounds are not opened yet: on a busy machine there is always one more. */
    isNearlyThere: (question: Question): boolean => {
      const span = spanOf(question, store);
      const extent = openFeed(question).book.extent();
      return extent !== undefined && extent.from <= span.from && extent.to >= span.to - MAX_LAG;
    },
    answer: (question: Question): WhatIf => {
      const own = openFeed(question);
      const { network, feed, thresholds } = question;
      const inForce = network.config.feeds.find((item) => item.feed === feed)?.thresholds ?? thresholds;
      const { memoryBefore } = own.book;
      if (own.pinned === undefined || !isPinned(own, question, now())) {
        const rounds = own.book.since(spanOf(question, store).from);
        if (rounds.length === 0)
          throw new OperationalError(`no priced round of ${feed} is in this node's store`, { code: "replay" });
        const before = judge(rounds, { network, thresholds: inForce, memoryBefore });
        own.pinned = { hours: question.hours, at: now(), rounds, before };
      }
      const { rounds, before } = own.pinned;
      const after = judge(rounds, { network, thresholds, memoryBefore });
      const missing = missingIn(rounds, { store, span: spanOf(question, store, rounds.at(-1)?.round) });
      return compare(before, after, { feed, network, rounds, missing, inForce, changed: thresholds });
    },
    progress: (question: Question): Reply => {
      const span = spanOf(question, store);
      const extent = openFeed(question).book.extent();
      const loaded = extent === undefined ? 0 : extent.to - Math.max(span.from, extent.from) + 1;
      return { kind: "loading", loaded: Math.max(0, loaded), of: span.to - span.from + 1 };
    },
  };
}

function isPinned({ pinned }: Open, { hours }: Question, now: number): boolean {
  return pinned !== undefined && pinned.hours === hours && now - pinned.at < PINNED_MS;
}

type Span = { readonly asked: number; readonly from: number; readonly to: number; readonly since: number };

/** Back from the newest round, or from `to`, but no further than the config in force has been, and than there are bodies. */
function spanOf({ network, hours }: Question, store: RoundsStore, to = store.newestRound() ?? 0): Span {
  const asked = to - Math.floor((hours * HOUR_MS) / network.config.roundMs) + 1;
  const into = store.transitions().findLast(({ certificate }) => certificate.header.configDigest === network.configDigest);
  const since = into?.certificate.header.round ?? 0;
  return { asked, from: Math.max(asked, since, store.firstBody() ?? 0, 0), to, since };
}

function missingIn(
  rounds: readonly RoundFacts[],
  { store, span }: { readonly store: RoundsStore; readonly span: Span },
): Omit<Missing, "resumed"> {
  const [first, last] = [rounds[0], rounds.at(-1)];
  if (first === undefined || last === undefined) return { uncertified: 0, bodies: 0, begins: "with the feed" };
  const certified = store.countRounds({ from: first.round, to: last.round });
  return {
    uncertified: last.round - first.round + 1 - certified,
    bodies: Math.max(0, certified - rounds.length),
    begins: beginsWith(first, span),
  };
}

function beginsWith({ begins }: RoundFacts, { asked, from, since }: Span): Missing["begins"] {
  if (begins) return "with the feed";
  if (from <= asked) return null;
  return from === since ? "with the config in force" : "with the oldest body here";
}
