import type { NodePrice } from "../aggregator/price.ts";
import type { FeedConfig } from "../protocol/config.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { FeedId } from "../protocol/feed.ts";
import { formatDuration, formatReason } from "../protocol/reason-words.ts";
import type { CertifiedRound, FeedVerdict } from "../protocol/round.ts";
import { ALERT_KINDS, type AlertKind, type AlertMessage } from "./alert-message.ts";
import { ALERT_RULES } from "./alert-rules.ts";
import { type AlertWatch, createAlertWatch, type Finding } from "./alert-watch.ts";
import { formatNotice } from "./alert-words.ts";
import { adviceOn, type EventCode, type EventFields } from "./events.ts";
import type { MachineStatus } from "./machine.ts";

/** So many rounds without a new head, whatever the lease. */
export const SILENT_ROUNDS = 10;
/** The subject of a kind that is about this node alone. */
const SELF = "";

/**
 * What happens at this node, in any order; `now` is Unix ms.
 *
 * - `certified`: a round became the head and is saved. `included`: whether it holds this node's observation; undefined for a node that
 *   is no member.
 * - `sampled`: this node's prices of a round, under the feeds of the config in force.
 * - `status`: every second; whatever is due is told with the next of them.
 * - `evidence`, `event`: as the round machine put them out.
 */
export type AlertInput =
  | { readonly kind: "certified"; readonly certified: CertifiedRound; readonly included: boolean | undefined }
  | { readonly kind: "sampled"; readonly prices: ReadonlyMap<FeedId, NodePrice>; readonly feeds: readonly FeedConfig[] }
  | {
      readonly kind: "status";
      readonly phase: MachineStatus["phase"];
      /** Connected members beside this node. */
      readonly connected: number;
      readonly quorum: number;
      readonly roundMs: number;
    }
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  | { readonly kind: "event"; readonly code: EventCode; readonly fields: EventFields };

/** Complete but for the id, which is chance and therefore the shell's. */
export type AlertOutput = Omit<AlertMessage, "id">;

export type AlertIdentity = Pick<AlertMessage, "network" | "node">;

/**
 * What an operator must know at once, told once: hysteresis by looks, everything of a kind that happens together in one message, what
 * lasts reminded of ever more rarely, and its end told too. Pure: no clock, no network; memory bounded by feeds and members.
 *
 * @example
 * // Fifteen feeds open in one round: one output, { kind: "feed-tripped", status: "firing", total: 15, … }.
 */
export function createAlerting(identity: AlertIdentity): {
  readonly handle: (input: AlertInput, now: number) => readonly AlertOutput[];
} {
  const watches = Object.fromEntries(ALERT_KINDS.map((kind) => [kind, createAlertWatch(ALERT_RULES[kind])])) as Readonly<
    Record<AlertKind, AlertWatch>
  >;
  const desk: Desk = { watches, starting: new Map(), headAt: undefined, silentSince: undefined, advice: new Map() };
  return {
    handle: (input, now) => {
      take(desk, input, now);
      return ALERT_KINDS.flatMap((kind) =>
        watches[kind].collect(now).map((notice) => formatNotice(kind, notice, { ...identity, at: now })),
      );
    },
  };
}

type Desk = {
  readonly watches: Readonly<Record<AlertKind, AlertWatch>>;
  /** Feeds seen: true until they have left the open state that every new feed begins in. */
  readonly starting: Map<FeedId, boolean>;
  headAt: number | undefined;
  silentSince: number | undefined;
  /** What an event said to do about it, for the alert that follows from it. */
  readonly advice: Map<"halted" | "quarantine", string>;
};

const TAKERS: {
  readonly [Kind in AlertInput["kind"]]: (desk: Desk, input: Extract<AlertInput, { kind: Kind }>, now: number) => void;
} = {
  certified: (desk, { certified, included }, now) => {
    desk.headAt = now;
    desk.silentSince = now;
    desk.watches["no-certificate"].look(SELF, undefined, now);
    for (const verdict of certified.feeds) takeVerdict(desk, verdict, now);
    desk.watches["feed-tripped"].retain(new Set(certified.feeds.map(({ report }) => report.feed)), now);
    const excluded = included === false ? { detail: "left out of the last rounds" } : undefined;
    desk.watches.excluded.look(SELF, excluded, now);
  },
  sampled: (desk, { prices, feeds }, now) => {
    const watch = desk.watches["sources-decayed"];
    for (const feed of feeds) watch.look(feed.feed, decayOf(feed, prices.get(feed.feed)), now);
    watch.retain(new Set(feeds.map(({ feed }) => feed)), now);
  },
  status: takeStatus,
  evidence: (desk, { evidence }, now) => {
    const { round } = evidence.statements[0].struct;
    desk.watches.equivocation.look(evidence.signer, { detail: `two ${evidence.kind}s of round ${round}` }, now);
  },
  event: (desk, { code, fields }) => {
    const subject =
      code === "clock-off" ? "quarantine" : code === "key-used-elsewhere" || code === "guard-refused" ? "halted" : undefined;
    if (subject !== undefined) desk.advice.set(subject, `${code}: ${adviceOn(code, fields) ?? ""}`);
  },
};

function take<K extends AlertInput["kind"]>(desk: Desk, input: Extract<AlertInput, { kind: K }>, now: number): void {
  const taker: (desk: Desk, input: Extract<AlertInput, { kind: K }>, now: number) => void = TAKERS[input.kind as K];
  taker(desk, input, now);
}

/** Open is tripped, closed is cleared; half-open is neither yet: what led to it is not over. */
function takeVerdict({ watches, starting }: Desk, { report, reasons }: FeedVerdict, now: number): void {
  const { feed, state, liquidate } = report;
  const watch = watches["feed-tripped"];
  const isStart = state !== "closed" && reasons.every(({ rule }) => rule === "restart");
  if ((starting.get(feed) ?? true) && isStart) {
    starting.set(feed, true);
    return;
  }
  starting.set(feed, false);
  if (state === "half-open") return;
  if (state === "closed") {
    watch.look(feed, undefined, now);
    return;
  }
  const words = reasons.length === 0 ? ["no price this round: the last one is carried"] : reasons.map(formatReason);
  const level = liquidate === "none" ? ["nothing may be liquidated"] : [];
  watch.look(feed, { detail: [...words, ...level].join("; "), reasons: reasons.map((reason) => ({ ...reason })) }, now);
}

function takeStatus(desk: Desk, status: Extract<AlertInput, { kind: "status" }>, now: number): void {
  const { watches, advice } = desk;
  const { phase, connected, quorum, roundMs } = status;
  const present = connected + 1;
  const lost = present < quorum ? { detail: `${connected} connected, ${quorum - 1} needed beside this node` } : undefined;
  watches["peers-lost"].look(SELF, lost, now);
  for (const kind of ["halted", "quarantine"] as const) {
    watches[kind].look(SELF, phase === kind ? { detail: advice.get(kind) ?? "see the log" } : undefined, now);
  }
  watches["no-certificate"].look(SELF, silenceOf(desk, roundMs, now), now);
}

/** Counted from the first look on, so that a network that never begins is told of as well. */
function silenceOf(desk: Desk, roundMs: number, now: number): Finding | undefined {
  desk.silentSince = Math.min(desk.silentSince ?? now, now);
  const silentMs = now - desk.silentSince;
  if (silentMs < SILENT_ROUNDS * roundMs) return undefined;
  const since = desk.headAt === undefined ? "none since this node started" : "the last one came";
  return { detail: `${since} ${formatDuration(silentMs)} ago` };
}

/**
 * One source or group fewer and the feed has no price here. A feed that the config gives no more than it needs is decayed only once it
 * has lost one.
 */
function decayOf({ feed, sources, thresholds }: FeedConfig, price: NodePrice | undefined): Finding | undefined {
  const used = price?.sources.filter(({ drop }) => drop === undefined) ?? [];
  const groups = new Set(used.map(({ source }) => source.group)).size;
  const neededSources = Math.min(thresholds.minSources + 1, sources.length);
  const neededGroups = Math.min(thresholds.minGroups + 1, new Set(sources.map(({ group }) => group)).size);
  if (used.length >= neededSources && groups >= neededGroups) return undefined;
  const state = price?.entry === undefined ? "unpriced" : "priced";
  const counts = `${used.length} of ${sources.length} sources in ${groups} groups count`;
  return {
    detail: `${counts}, ${thresholds.minSources} in ${thresholds.minGroups} are needed; ${feed} is ${state} at this node`,
  };
}
