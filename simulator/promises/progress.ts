import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { closeBoundMs } from "../trial/bounds.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { SILENT_PEER_MS } from "./truth.ts";
import type { FeedTrack } from "./walk.ts";

/** Two greetings of a node that starts. */
const START_MS = 4_000;
/** A healed network is watched at least until every member has led so often. */
const WATCHED_TURNS = 2;
/** Up from the quarantine's bound, and one to begin with. */
const START_ROUNDS = 4;

const LASTING = ["gap", "peg", "manual"] as const;

type Closing = {
  readonly closedAt: number | undefined;
  /** Closed on quotes that saw nothing of the faults any more. */
  readonly calm: boolean;
  readonly reopened: FeedTrack | undefined;
  /** A gap that only its return or people end, a stable that is truly off its peg, or a pause. */
  readonly lasts: boolean;
};
const NOT_YET: Closing = { closedAt: undefined, calm: false, reopened: undefined, lasts: false };

/**
 * A healed network goes on: a certificate within the rounds that its start and its failing leaders take, every running honest node at the
 * same head, every feed priced and every breaker closed within its bound.
 */
export const judgeProgress: CreateJudge = ({ facts, truth, ledger, complain }) => {
  const { config } = facts.network;
  const { healAt, healsByzantine, downAfterHeal } = facts;
  /** In force at the end, by the newest round that was certified so far. */
  const present = (): Network => newest?.network ?? facts.network;
  const live = (): readonly number[] => truth.honestIn(present()).filter((node) => !downAfterHeal.includes(node));
  let newest: RoundFact | undefined;
  const calm = healsByzantine || facts.byzantine.length === 0;
  const heads = new Map<number, number>();
  const feeds = new Map<FeedId, Closing>();
  const boundMs = (): number => START_MS + (1 + truth.f) * SILENT_PEER_MS + (START_ROUNDS + longestFailure()) * config.roundMs;

  /** Rounds in a row whose leaders do not lead. */
  function longestFailure(): number {
    const running = live();
    let longest = 0;
    let run = 0;
    for (let round = 0; round < 2 * truth.n; round++) {
      run = running.includes(truth.leaderOf(round, present())) ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  const takeFeed = (track: FeedTrack, at: number): void => {
    if (track.timestamp < healAt) return;
    const { closedAt, calm: wasCalm, reopened, lasts } = feeds.get(track.feed) ?? NOT_YET;
    const closes = track.report.state === "closed";
    // A move of the market's last moment before the healing is still on its way, as long as quotes of that time are used.
    const isSeen = track.timestamp >= healAt + track.config.thresholds.quoteMs + 2 * config.roundMs;
    feeds.set(track.feed, {
      closedAt: closedAt ?? (closes && !track.carried ? at : undefined),
      calm: wasCalm || (isSeen && closes && !track.carried),
      reopened: reopened ?? (wasCalm && !closes ? track : undefined),
      lasts: lasts || LASTING.some((rule) => track.active.has(rule)),
    });
  };

  const checkHeads = (endAt: number): void => {
    const rounds = ledger()
      .all()
      .filter(({ at }) => at <= endAt - 2 * facts.maxDelayMs);
    const second = rounds.map(({ header }) => header.round).sort((a, b) => b - a)[1] ?? 0;
    for (const node of live()) {
      const head = heads.get(node) ?? 0;
      if (head < second) complain("progress", endAt, `node ${node} ends at head ${head}, others have gone past ${second}`);
    }
  };

  const checkFeeds = (endAt: number): void => {
    for (const { feed } of config.feeds) {
      const allowedMs = closeBoundMs(config, feed);
      const { closedAt, reopened, lasts } = feeds.get(feed) ?? NOT_YET;
      if (lasts) continue;
      const closedMs = (closedAt ?? endAt) - healAt;
      if (closedMs > allowedMs) {
        const when = closedAt === undefined ? `not in ${closedMs} ms` : `after ${closedMs} ms`;
        complain("progress", closedAt ?? endAt, `${feed} closed ${when} since the healing, its bound is ${allowedMs}`);
      } else if (reopened !== undefined && calm) {
        const { timestamp, active, report } = reopened;
        const why = [...active].join(" ");
        complain("progress", timestamp, `${feed} is ${report.state} again in a healed network: ${why}`);
      }
    }
  };

  return {
    witness: (occurrence) => {
      if (occurrence.kind === "started") heads.delete(occurrence.node);
      if (occurrence.kind !== "committed" || occurrence.place !== "head") return;
      heads.set(occurrence.node, occurrence.certified.certificate.header.round);
    },
    onRound: (round) => {
      if (newest === undefined || round.header.round > newest.header.round) newest = round;
    },
    onFeed: (track, { at }) => takeFeed(track, at),
    isContent: (now) => {
      if (now < healAt + boundMs() + WATCHED_TURNS * truth.n * config.roundMs) return false;
      return config.feeds.every(({ feed }) => {
        const closing = feeds.get(feed);
        return closing !== undefined && (closing.closedAt !== undefined || closing.lasts);
      });
    },
    finish: (endAt) => {
      if (live().length < truth.quorum) return;
      const bound = boundMs();
      const first = ledger()
        .all()
        .find(({ header, at }) => header.timestamp >= healAt && at <= endAt);
      if (first === undefined ? endAt - healAt > bound : first.at - healAt > bound) {
        const when = first === undefined ? `in ${endAt - healAt} ms` : `before ${first.at - healAt} ms`;
        complain("progress", first?.at ?? endAt, `no certificate ${when} after the healing, ${bound} ms are enough`);
      }
      if (endAt - healAt >= bound) checkHeads(endAt);
      checkFeeds(endAt);
    },
  };
};
