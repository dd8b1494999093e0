import { GOSSIP_VERDICTS } from "../../node/gossip-codes.ts";
import type { FeedConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import { MAX_QUOTE_AGE_MS } from "../trial/market.ts";
import type { CreateJudge } from "./judge.ts";
import { movedBps } from "./quorum-truth.ts";
import { createRoster } from "./roster.ts";

/** After a start or a pause the poller has asked everybody again. */
const WARM_UP_MS = 2 * MAX_QUOTE_AGE_MS;

/**
 * P8: a feed whose sources are healthy is seen by every honest node and priced by every 2f+1 of them, whatever happens to the others; no
 * peer's message makes an honest node fail, stop, or punish another honest one.
 */
export const judgeIsolation: CreateJudge = ({ facts, truth, complain }) => {
  const { feeds } = facts.network.config;
  const { market } = facts;
  const roster = createRoster();
  const pauses = facts.faults.flatMap(({ fault, at, until }) =>
    fault.kind === "pause" ? [{ node: fault.node, from: facts.startAt + at, to: facts.startAt + until + WARM_UP_MS }] : [],
  );

  const isWarm = (node: number, at: number): boolean => {
    const since = roster.upSince(node);
    if (since === undefined || at - since < WARM_UP_MS || truth.wrongClock.has(node)) return false;
    return !pauses.some((pause) => pause.node === node && at >= pause.from && at <= pause.to);
  };

  /** Honest venues lag behind each other by less than an outlier's floor only while the price stands nearly still. */
  const isCalm = ({ feed, thresholds, sources }: FeedConfig, at: number): boolean => {
    const parts: readonly FeedId[] = [
      feed,
      ...sources.flatMap(({ convert }) => convert.map((leg) => ("multiply" in leg ? leg.multiply : leg.divide))),
    ];
    return parts.every((part) => {
      const { low, high } = market.truthRange(part, at - thresholds.quoteMs, at);
      return market.faultyShareBps(part, at) === 0 && movedBps(low, high) < thresholds.floorBps;
    });
  };

  const takeSample = (node: number, entries: readonly FeedEntry[], at: number, round: number): void => {
    if (entries.length === feeds.length || !truth.isHonest(node) || !isWarm(node, at)) return;
    const seen = new Set(entries.map(({ feed }) => feed));
    for (const feed of feeds) {
      if (seen.has(feed.feed) || !isCalm(feed, at)) continue;
      complain("P8", at, `round ${round} ${feed.feed}: node ${node} has no price of it although all its sources are healthy`);
    }
  };

  const takeEvent = ({ node, at, code, fields }: Occurrence & { readonly kind: "event" }): void => {
    const halts = code === "key-used-elsewhere" || code === "guard-refused";
    const detail = Object.values(fields).join(" ");
    if (code === "internal-fault") complain("P8", at, `node ${node} failed inside: ${detail}`);
    if (halts && truth.isHonest(node) && !truth.mayRepeat(node)) {
      complain("P8", at, `honest node ${node} stopped signing: ${code} ${detail}`);
    }
  };

  return {
    witness: (occurrence) => {
      roster.take(occurrence);
      const { kind, at } = occurrence;
      if (kind === "sampled") takeSample(occurrence.node, occurrence.entries, at, occurrence.round);
      else if (kind === "event") takeEvent(occurrence);
      else if (kind === "judged") {
        const { node, from, code, topic } = occurrence;
        if (GOSSIP_VERDICTS[code] !== "reject" || !truth.isHonest(node) || !truth.isHonest(from)) return;
        complain("P8", at, `honest node ${node} rejects honest node ${from}'s ${topic}: ${code}`);
      }
    },
    onFeed: ({ feed, quorum, carried }, { header: { round }, at }) => {
      const honest = quorum.counted.filter(({ node }) => truth.isHonest(node)).length;
      if (!carried || honest < 2 * truth.f + 1) return;
      complain("P8", at, `round ${round} ${feed}: carried although ${honest} honest nodes priced it`);
    },
  };
};
