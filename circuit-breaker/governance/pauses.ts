import type { GovernanceConfig, NetworkConfig } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { ALL_FEEDS, type FeedScope, PAUSE_ACTIONS } from "../../protocol/governance.ts";
import { type GovernanceMemory, MAX_PAUSES, PAUSE_POWERS, type PauseMemory, type PausePower } from "../governance-memory.ts";
import { DAY_MS } from "../integers.ts";
import { charge, isWithinAllowance, refund } from "./allowance.ts";
import type { DocumentCode } from "./codes.ts";
import type { DocumentOf, Draft, Hearing } from "./hearing.ts";
import { hasUsedNonce, isByGovernors, memoryOf, rememberNonces, standingOf } from "./keyholders.ts";

/** How far ahead a pause may end, by whose it is (BREAKER.md B14); a round and a clock's error more are tolerated. */
export const PAUSE_LIMITS_MS = {
  guardian: 1_800_000,
  guardians: 3_600_000,
  governors: DAY_MS,
} as const satisfies Record<PausePower, number>;

type PauseDocument = DocumentOf<"pause">;

export function judgePause(document: PauseDocument, { memory }: Draft, hearing: Hearing): DocumentCode {
  const { config, timestamp } = hearing;
  const { feed, action, until, approvals } = document;
  if (hasUsedNonce(approvals, memory.keyholders)) return "replayed";
  const power = powerOf(document, config.governance);
  if (power === undefined) return "too-few";
  if (!isScope(feed, config)) return "unknown-feed";
  if (action === "withdraw") return memory.pauses.some((pause) => isWithdrawn(pause, document, power)) ? "taken" : "nothing";
  if (until <= timestamp) return "over";
  if (until - timestamp > PAUSE_LIMITS_MS[power] + config.roundMs + config.maxSkewMs) return "too-long";
  const payers = power === "governors" ? [] : standingOf(approvals, config.governance).guardians;
  const fits = payers.every((payer) => isWithinAllowance(memoryOf(memory.keyholders, payer), until - timestamp, timestamp));
  if (!fits) return "allowance";
  return makeRoom(memory.pauses, { power, until }) === undefined ? "busy" : "taken";
}

/** Of a document that {@link judgePause} takes. */
export function applyPause(document: PauseDocument, { memory, acceptedGaps }: Draft, { config, timestamp }: Hearing): Draft {
  const { governance } = config;
  const keyholders = rememberNonces(memory.keyholders, document.approvals, governance);
  const power = powerOf(document, governance) ?? "guardian";
  const remembered = { ...memory, keyholders };
  const changed =
    document.action === "withdraw"
      ? withdraw(remembered, document, { power, timestamp })
      : pause(remembered, { ...document, action: document.action }, { power, governance, timestamp });
  return { memory: changed, acceptedGaps };
}

/** Whose word a pause is; undefined when it takes more of them, as `none` for all feeds does of guardians. */
export function powerOf({ feed, action, approvals }: PauseDocument, governance: GovernanceConfig): PausePower | undefined {
  if (isByGovernors(approvals, governance)) return "governors";
  const { guardians, strangers } = standingOf(approvals, governance);
  if (strangers > 0 || guardians.length === 0) return undefined;
  if (guardians.length > 1) return "guardians";
  return action === "none" && feed === ALL_FEEDS ? undefined : "guardian";
}

function pause(
  memory: GovernanceMemory,
  { feed, action, until, approvals }: PauseDocument & { readonly action: "robust" | "none" },
  {
    power,
    governance,
    timestamp,
  }: { readonly power: PausePower; readonly governance: GovernanceConfig; readonly timestamp: number },
): GovernanceMemory {
  const signers = approvals.map(({ keyholder }) => keyholder);
  const entry = { feed, action, until, power, keyholders: signers };
  const room = makeRoom(memory.pauses, { power, until }) ?? [];
  if (power === "governors") return { ...memory, pauses: [...room, { ...entry, refundUntil: 0 }] };
  const { guardians } = standingOf(approvals, governance);
  const standing = memory.pauses.filter((other) => other.feed === feed && other.power !== "governors");
  const others = [...new Set(standing.flatMap(({ keyholders }) => keyholders))].filter((holder) => !signers.includes(holder));
  const sharedUntil = Math.max(0, ...standing.map((other) => other.until));
  const extends_ = others.length > 0 && until > sharedUntil;
  const paid = charge(memory.keyholders, { payers: guardians, ms: until - timestamp, until, timestamp }, governance);
  if (!extends_) return { ...memory, keyholders: paid, pauses: [...room, { ...entry, refundUntil: until }] };
  const keyholders = charge(paid, { payers: others, ms: until - sharedUntil, until, timestamp }, governance);
  return { ...memory, keyholders, pauses: [...room, { ...entry, refundUntil: sharedUntil }] };
}

/** Governors end every pause of the scope, guardians those that nobody else signed with them. */
function isWithdrawn(pause: PauseMemory, { feed, approvals }: PauseDocument, power: PausePower): boolean {
  if (pause.feed !== feed) return false;
  return power === "governors" || pause.keyholders.every((holder) => approvals.some(({ keyholder }) => keyholder === holder));
}

function withdraw(
  memory: GovernanceMemory,
  document: PauseDocument,
  { power, timestamp }: { readonly power: PausePower; readonly timestamp: number },
): GovernanceMemory {
  const ended = memory.pauses.filter((pause) => isWithdrawn(pause, document, power));
  const keyholders = ended.reduce(
    (known, { keyholders: payees, refundUntil }) => refund(known, { payees, ms: Math.max(0, refundUntil - timestamp) }),
    memory.keyholders,
  );
  return { ...memory, keyholders, pauses: memory.pauses.filter((pause) => !ended.includes(pause)) };
}

/**
 * The pauses that stay when one more comes. At the bound the weakest goes: of the least power, then the one that ends first, if it is
 * weaker than the new one; else there is no room. A guardian who floods the list thereby only displaces pauses that end before
 * his own 256th part of an allowance, and never one of more power.
 */
function makeRoom(
  pauses: readonly PauseMemory[],
  { power, until }: Pick<PauseMemory, "power" | "until">,
): readonly PauseMemory[] | undefined {
  if (pauses.length < MAX_PAUSES) return pauses;
  const weakest = pauses.reduce((least, pause) => (isWeaker(pause, least) ? pause : least));
  return isWeaker(weakest, { power, until }) ? pauses.filter((pause) => pause !== weakest) : undefined;
}

function isWeaker(a: Pick<PauseMemory, "power" | "until">, b: Pick<PauseMemory, "power" | "until">): boolean {
  const difference = PAUSE_POWERS.indexOf(a.power) - PAUSE_POWERS.indexOf(b.power);
  return difference < 0 || (difference === 0 && a.until < b.until);
}

/** Pauses end by themselves: at the instant that they name they are over (B3, rule 9). */
export function expirePauses(pauses: readonly PauseMemory[], timestamp: number): readonly PauseMemory[] {
  return pauses.some(({ until }) => until <= timestamp) ? pauses.filter(({ until }) => until > timestamp) : pauses;
}

/** A feed of the config, a chain's leaf, or all of them. */
export function isScope(scope: FeedScope, { feeds, chains }: NetworkConfig): boolean {
  if (scope === ALL_FEEDS || feeds.some(({ feed }) => feed === scope)) return true;
  return chains.some(({ chain }) => `CHAIN/${chain}` === scope);
}

/** Action 0: nothing stands over the feed. */
export type Manual = { readonly action: number; readonly until: number };

const FREE: Manual = { action: 0, until: 0 };

/** What stands over each feed and chain leaf: the strictest action in force, and the latest end of that action. */
export function createManualOf(pauses: readonly PauseMemory[]): (feed: FeedId) => Manual {
  if (pauses.length === 0) return () => FREE;
  const named = new Map<FeedScope, Manual>();
  for (const { feed, action, until } of pauses) {
    named.set(feed, stricter(named.get(feed) ?? FREE, { action: PAUSE_ACTIONS.indexOf(action), until }));
  }
  const all = named.get(ALL_FEEDS) ?? FREE;
  return (feed) => stricter(all, named.get(feed) ?? FREE);
}

function stricter(a: Manual, b: Manual): Manual {
  if (a.action !== b.action) return a.action > b.action ? a : b;
  return a.until >= b.until ? a : b;
}
