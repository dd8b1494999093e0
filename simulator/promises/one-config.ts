import type { Digest } from "../../protocol/bytes.ts";
import type { FeedConfig, Network, NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { createPapers, isByQuorum, isFresh, type PaperOf, papersIn, walkBack } from "./papers.ts";
import { movedBps } from "./quorum-truth.ts";

type Say = (what: string) => void;

/**
 * P6, slow changes: another config comes into force by its own document, m governors' and reviewed by an honest one of f+1 carriers,
 * after its timelock and its shadows, or at once by a roll-back to the one before; never otherwise. The first certificate under it has
 * the quorums of both committees, every other one that of its own; and who has followed a change promises nothing under what it retired.
 */
export const judgeOneConfig: CreateJudge = ({ facts, truth, messages, ledger, complain }) => {
  const papers = createPapers();
  const agreed = new Set<string>();
  const heads = new Map<number, Digest>();

  const takeRound = (round: RoundFact): void => {
    const { parent, header, at, network } = round;
    const say: Say = (what) => complain("P6", at, `round ${header.round}: ${what}`);
    if (network.configDigest !== header.configDigest) say(`certified under config ${header.configDigest}, which nobody proposed`);
    for (const bytes of round.body.documents) {
      const paper = papers.inBody(bytes);
      if (paper === undefined || paper.forged) say("holds a document that no keyholder signed");
    }
    if (parent === undefined) {
      if (header.configDigest !== facts.network.configDigest) say("the first round is not under the genesis config");
      checkSigners(round, [network], say);
      return;
    }
    const changes = header.configDigest !== parent.header.configDigest;
    checkSigners(round, changes ? [parent.network, network] : [network], say);
    checkRollback(round, parent, say);
    if (changes && !isRolledBack(round, parent)) checkActivation(round, parent, say);
  };

  function checkSigners({ certificate, digest }: RoundFact, networks: readonly Network[], say: Say): void {
    const statements = messages.statementsOf(certificate).filter((statement) => statement.digest === digest);
    const signers = new Set(statements.map(({ signer }) => signer));
    for (const { committee, configDigest } of networks) {
      const members = committee.members.filter(({ address }) => signers.has(truth.indexOf(address))).length;
      if (members < committee.quorum) say(`signed by ${members} members under ${configDigest}, a quorum is ${committee.quorum}`);
    }
  }

  /** A roll-back in the parent is in force in this round, if it leads to where the chain was before its last change. */
  function checkRollback(round: RoundFact, parent: RoundFact, say: Say): void {
    const { configDigest } = parent.header;
    const before = previousConfig(parent);
    for (const paper of papersIn(papers, parent, "rollback")) {
      const { from, to } = paper.document;
      const stands = from === configDigest && to === before && isByQuorum(paper.document, parent.network.config.governance);
      const alone = parent.body.documents.length === 1 && isFresh(paper, papers, parent);
      if (stands && alone && round.header.configDigest !== to) say(`still under ${configDigest} after its roll-back to ${to}`);
    }
  }

  function isRolledBack({ header }: RoundFact, parent: RoundFact): boolean {
    return papersIn(papers, parent, "rollback").some(({ document }) => {
      const leads = document.from === parent.header.configDigest && document.to === header.configDigest;
      return leads && isByQuorum(document, parent.network.config.governance) && previousConfig(parent) === document.to;
    });
  }

  function checkActivation(round: RoundFact, parent: RoundFact, say: Say): void {
    const { configDigest } = round.header;
    const whys: string[] = [];
    for (const taken of walkBack(parent)) {
      if (taken.header.configDigest !== parent.header.configDigest) break;
      for (const paper of papersIn(papers, taken, "config")) {
        if (paper.document.configDigest !== configDigest) continue;
        const why = objection(paper, { taken, parent });
        if (why === undefined) return;
        whys.push(`round ${taken.header.round}: ${why}`);
      }
    }
    say(`config ${configDigest} in force without grounds: ${whys.length === 0 ? "no document" : whys.join("; ")}`);
  }

  /** Why a document that `taken` included may not have been decided by `parent`. */
  function objection({ document, digest }: PaperOf<"config">, { taken, parent }: Step): string | undefined {
    const { governance } = parent.network.config;
    const { activation, replaces } = document;
    const [takenAt, decidedAt] = [taken.header.timestamp, parent.header.timestamp];
    if (replaces !== parent.header.configDigest) return `it replaces ${replaces}`;
    if (!isByQuorum(document, governance)) return "fewer governors than it takes";
    if (activation - takenAt < governance.timelockMs) return `${activation - takenAt} ms ahead of its time`;
    if (decidedAt < activation) return `decided ${activation - decidedAt} ms before its time`;
    const carriers = taken.included.filter(({ observation }) => observation.documents.includes(digest)).map(({ node }) => node);
    if (carriers.length <= truth.f) return `carried by ${carriers.length}`;
    if (!carriers.some((node) => truth.isHonest(node) && agreed.has(`${node} ${digest}`))) return "no honest carrier reviewed it";
    const feeds = changedFeeds(parent.network.config, document.config);
    const held = feeds.find((feed) => !isAccepted(feed, document.configDigest, parent) && !isMatched(feed, parent));
    return held === undefined ? undefined : `the shadows of ${held} do not agree`;
  }

  function isAccepted(feed: FeedId, configDigest: Digest, parent: RoundFact): boolean {
    for (const round of walkBack(parent)) {
      if (round.header.configDigest !== parent.header.configDigest) return false;
      const accepts = papersIn(papers, round, "accept").some(
        ({ document }) =>
          document.feed === feed &&
          document.configDigest === configDigest &&
          isByQuorum(document, parent.network.config.governance),
      );
      if (accepts) return true;
    }
    return false;
  }

  /** In every round of the last shadowMs the median of 2f+1 shadows was the served price, give or take configBps. */
  function isMatched(feed: FeedId, parent: RoundFact): boolean {
    const since = parent.header.timestamp - parent.network.config.governance.shadowMs;
    for (const round of walkBack(parent)) {
      if (!agrees(feed, round)) return false;
      if (round.header.timestamp <= since) return true;
    }
    return false;
  }

  function agrees(feed: FeedId, { included, feeds }: RoundFact): boolean {
    const fact = feeds.find(({ report }) => report.feed === feed);
    const shadows = included.flatMap(({ observation }) =>
      observation.shadows.flatMap((shadow) => (shadow.feed === feed && shadow.price > 0n ? [shadow.price] : [])),
    );
    const median = shadows.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[shadows.length >> 1];
    if (fact === undefined || !fact.quorum.priced || median === undefined || shadows.length < 2 * truth.f + 1) return false;
    return Math.floor(movedBps(median, fact.quorum.price)) <= fact.config.thresholds.configBps;
  }

  const takePromise = (node: number, configDigest: Digest, at: number): void => {
    const head = ledger().byDigest(heads.get(node) ?? facts.network.configDigest);
    if (head === undefined || configDigest === head.header.configDigest) return;
    const returns = papersIn(papers, head, "rollback").some(({ document }) => document.to === configDigest);
    const retired = [...walkBack(head)].some(({ header }) => header.configDigest === configDigest);
    if (retired && !returns) complain("P6", at, `honest node ${node} signs under retired config ${configDigest}`);
  };

  return {
    witness: (occurrence) => {
      papers.take(occurrence);
      const { kind, at } = occurrence;
      if (kind === "started") heads.delete(occurrence.node);
      else if (kind === "reviewed" && occurrence.agrees) agreed.add(`${occurrence.node} ${occurrence.document}`);
      else if (kind === "committed" && occurrence.place === "head") heads.set(occurrence.node, occurrence.certified.digest);
      else if (kind === "recorded" && truth.isHonest(occurrence.node)) {
        takePromise(occurrence.node, occurrence.record.configDigest, at);
      }
    },
    onRound: takeRound,
  };
};

type Step = { readonly taken: RoundFact; readonly parent: RoundFact };

/** In force before the last change on the walk back from this round. */
function previousConfig(round: RoundFact): Digest | undefined {
  for (const at of walkBack(round)) {
    if (at.header.configDigest !== round.header.configDigest) return at.header.configDigest;
  }
  return undefined;
}

/** Feeds of both that come from other sources, or are converted by one that does. */
function changedFeeds(current: NetworkConfig, next: NetworkConfig): readonly FeedId[] {
  const before = new Map(current.feeds.map((feed) => [feed.feed, feed]));
  const changed = new Set<FeedId>();
  for (let size = -1; size < changed.size; ) {
    size = changed.size;
    for (const feed of next.feeds) {
      const old = before.get(feed.feed);
      if (old !== undefined && (originOf(old) !== originOf(feed) || legsOf(feed).some((leg) => changed.has(leg)))) {
        changed.add(feed.feed);
      }
    }
  }
  return [...changed];
}

function originOf({ sources, peg }: FeedConfig): string {
  return JSON.stringify([sources, peg]);
}

function legsOf({ sources }: FeedConfig): readonly FeedId[] {
  return sources.flatMap(({ convert }) => convert.map((leg) => ("multiply" in leg ? leg.multiply : leg.divide)));
}
