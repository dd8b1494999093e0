import type { Address } from "../../protocol/bytes.ts";
import type { GovernanceConfig, NetworkConfig } from "../../protocol/config.ts";
import { ALL_FEEDS } from "../../protocol/governance.ts";
import { hasReason, type Report, RULES } from "../../protocol/report.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import { countGovernors, countGuardians, createPapers, isByQuorum, type PaperOf, papersIn, walkBack } from "./papers.ts";
import { createRoster } from "./roster.ts";

const MANUAL_BIT = RULES.indexOf("manual");
const CONGESTION_BIT = RULES.indexOf("congestion");
const MINUTE = 60_000;
/** BREAKER.md B14. */
const LONGEST_MS = { guardian: 30 * MINUTE, guardians: 60 * MINUTE, governors: 24 * 60 * MINUTE } as const;
const ALLOWANCE_MS = 60 * MINUTE;
/** A pause of the round before is in the next observations; those who heard them carry it in the round after. */
const AT_ONCE_ROUNDS = 2;
/** Before a pause and after it the same keyholder says nothing else, or one may outdate the other. */
const ALONE_ROUNDS = 6;

type Pause = PaperOf<"pause">;
/** An honest node said that it carries this from now on. */
type Duty = { readonly pause: Pause; readonly node: number; readonly at: number };

/**
 * P6, at once: whatever a leaf says is paused, keyholders enough have paused, until no later than they said, and a guardian not beyond his
 * allowance. The other way round: a pause that an honest running node took in round k is in force in every certified round from k + 2 on
 * until its end, whoever leads them, as long as links, clocks and honest nodes are in order and its keyholders say nothing else.
 */
export const judgePauseAtOnce: CreateJudge = ({ facts, truth, ledger, complain }) => {
  const papers = createPapers();
  const roster = createRoster();
  const duties: Duty[] = [];
  const charged = new Map<Address, Map<string, number>>();
  const { roundMs, maxSkewMs } = facts.network.config;

  const takeRound = (round: RoundFact): void => {
    for (const report of round.reports.values()) {
      if (!hasReason(report.reasons, MANUAL_BIT)) continue;
      const grounds = groundsOf(round, report);
      const say = (what: string) => complain("P6", round.at, `round ${round.header.round} ${report.feed}: ${what}`);
      if (grounds.length === 0) say("paused without a document that keyholders enough have signed and that lasts");
      if (report.liquidate === "any" || report.borrow) say(`paused, and permits ${report.liquidate}, borrow ${report.borrow}`);
      const [only] = grounds;
      if (only !== undefined && grounds.length === 1) charge(only, round, say);
    }
    for (const { report, quorum } of round.feeds) if (quorum.counted.length > 0) checkChainBits(report, round);
  };

  /** Congestion is a chain's, and only there. */
  function checkChainBits({ feed, reasons }: Report, { at, header }: RoundFact): void {
    if (hasReason(reasons, CONGESTION_BIT)) complain("P6", at, `round ${header.round} ${feed}: congestion of a feed`);
  }

  /** Documents up to this round, on its walk, that may be why this leaf is paused. */
  function groundsOf(round: RoundFact, { feed }: Report): readonly (Pause & { readonly takenAt: number })[] {
    const grounds = new Map<string, Pause & { readonly takenAt: number }>();
    for (const taken of walkBack(round)) {
      const { timestamp } = taken.header;
      for (const paper of papersIn(papers, taken, "pause")) {
        const { action, until } = paper.document;
        if (action === "withdraw" || until <= round.header.timestamp || !covers(paper, feed)) continue;
        if (isEntitled(paper, taken.network.config, timestamp)) grounds.set(paper.digest, { ...paper, takenAt: timestamp });
      }
    }
    return [...grounds.values()];
  }

  /** A pause that alone holds a leaf has taken effect; a guardian pays for it once, from when it was taken in. */
  function charge(
    { document, digest, takenAt }: Pause & { readonly takenAt: number },
    round: RoundFact,
    say: (what: string) => void,
  ) {
    const { governance } = round.network.config;
    if (isByQuorum(document, governance) || isWithdrawn(round)) return;
    for (const { keyholder } of document.approvals) {
      const account = charged.get(keyholder) ?? new Map<string, number>();
      account.set(digest, document.until - takenAt);
      charged.set(keyholder, account);
      const sum = [...account.values()].reduce((total, ms) => total + ms, 0);
      if (sum > ALLOWANCE_MS) say(`${keyholder} has paused for ${sum} ms in all, his allowance is ${ALLOWANCE_MS}`);
    }
  }

  /** What is withdrawn is paid back: such a walk says nothing of allowances. */
  function isWithdrawn(round: RoundFact): boolean {
    return [...walkBack(round)].some((at) =>
      papersIn(papers, at, "pause").some(({ document }) => document.action === "withdraw"),
    );
  }

  const takeReceipt = ({ node, digest, code, at }: Extract<Occurrence, { kind: "receipt" }>): void => {
    const paper = papers.find(digest);
    if (code !== "carried" || paper?.document.kind !== "pause" || paper.document.action === "withdraw") return;
    if (truth.isHonest(node) && !truth.wrongClock.has(node)) duties.push({ pause: paper as Pause, node, at });
  };

  const checkDuty = ({ pause, node, at }: Duty, endedAt: number): void => {
    const round = Math.floor(at / roundMs) + AT_ONCE_ROUNDS;
    const span = { from: at - roundMs, to: (round + 1) * roundMs + maxSkewMs };
    const isOrdered = truth.isQuiet(span) && span.to < endedAt && isAlone(pause, at);
    if (!isOrdered) return;
    const found = ledger()
      .all()
      .filter(({ header }) => header.round >= round && header.timestamp < pause.document.until && header.round <= round + 1);
    for (const fact of found) {
      const members = truth.honestIn(fact.network);
      if (!members.includes(node) || !members.every((member) => roster.serves(member, { ...span, round }))) continue;
      if (previousRound(fact) < round - AT_ONCE_ROUNDS) continue;
      for (const report of fact.reports.values()) {
        if (!covers(pause, report.feed) || isHeld(report, pause)) continue;
        const taken = `taken in by node ${node} ${fact.header.timestamp - at} ms before`;
        complain("P6", fact.at, `round ${fact.header.round} ${report.feed}: not paused by ${pause.digest}, ${taken}`);
      }
    }
  };

  function isAlone({ document, digest }: Pause, at: number): boolean {
    const keyholders = new Set(document.approvals.map(({ keyholder }) => keyholder));
    return papers.all().every((other) => {
      const removes = other.document.kind === "removal" && keyholders.has(other.document.guardian);
      const shares = other.document.approvals.some(({ keyholder }) => keyholders.has(keyholder)) || removes;
      const isNear = other.at.some((said) => Math.abs(said - at) <= ALONE_ROUNDS * roundMs);
      return other.digest === digest ? other.at.length === 1 : !(shares && isNear);
    });
  }

  return {
    witness: (occurrence) => {
      papers.take(occurrence);
      roster.take(occurrence);
      if (occurrence.kind === "receipt") takeReceipt(occurrence);
    },
    onRound: takeRound,
    finish: (endedAt) => {
      for (const duty of duties) checkDuty(duty, endedAt);
    },
  };
};

function previousRound({ parent }: RoundFact): number {
  return parent?.header.round ?? 0;
}

function covers({ document }: Pause, feed: string): boolean {
  return document.feed === ALL_FEEDS || document.feed === feed;
}

function isHeld({ reasons, liquidate }: Report, { document }: Pause): boolean {
  return hasReason(reasons, MANUAL_BIT) && (document.action === "robust" || liquidate === "none");
}

/** Whether those who signed it may pause this for so long. */
function isEntitled({ document }: Pause, { governance, roundMs, maxSkewMs }: NetworkConfig, timestamp: number): boolean {
  const power = powerOf(document, governance);
  if (power === undefined) return false;
  const isBroad = document.feed === ALL_FEEDS && document.action === "none";
  return !(power === "guardian" && isBroad) && document.until - timestamp <= LONGEST_MS[power] + roundMs + maxSkewMs;
}

function powerOf({ approvals }: Pause["document"], governance: GovernanceConfig): keyof typeof LONGEST_MS | undefined {
  if (governance.quorum > 0 && countGovernors(approvals, governance) >= governance.quorum) return "governors";
  const guardians = countGuardians(approvals, governance);
  return guardians === 0 ? undefined : guardians === 1 ? "guardian" : "guardians";
}
