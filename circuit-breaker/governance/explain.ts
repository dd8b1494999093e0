import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import { checkChange } from "../../protocol/config-change.ts";
import { ALL_FEEDS, type GovernanceDocument } from "../../protocol/governance.ts";
import { formatInstant } from "../../protocol/instant.ts";
import type { PausePower } from "../governance-memory.ts";
import { ALLOWANCE_MS, ALLOWANCE_WINDOW_MS, usedMsOf } from "./allowance.ts";
import type { DocumentCode } from "./codes.ts";
import type { DocumentOf, Draft, Hearing } from "./hearing.ts";
import { hear, type Judgement } from "./judge.ts";
import { LAST_NONCE, memoryOf, standingOf } from "./keyholders.ts";
import { PAUSE_LIMITS_MS, powerOf } from "./pauses.ts";
import { isBeforeDrop, MAX_AHEAD_MS } from "./pending.ts";
import { counted, spanOf } from "./words.ts";

/**
 * Why a document got its code, in one sentence for the person who signed it: printable ASCII, naming what would have been taken.
 *
 * @example
 * explainDocument(pause, "too-long", judgement); // "a pause by one guardian ends at most 30 min ahead, this one 120 min"
 */
export function explainDocument(document: GovernanceDocument, code: DocumentCode, judgement: Judgement): string {
  const { draft, hearing } = hear(judgement);
  switch (code) {
    case "taken":
      return `the ${document.kind} takes effect in the round that includes it`;
    case "replayed":
      return explainReplayed(document, draft, hearing);
    case "too-few":
      return explainTooFew(document, hearing);
    case "unknown-feed":
      return `${"feed" in document ? document.feed : "the feed"} is no feed or chain of the config in force`;
    case "over":
      return `${formatInstant("until" in document ? document.until : 0)} is not after ${formatInstant(hearing.timestamp)}, when it would take effect`;
    case "too-long":
      return explainTooLong(document, hearing);
    case "allowance":
      return explainAllowance(document, draft, hearing);
    case "nothing":
      return explainNothing(document, draft, hearing);
    case "not-successor":
    case "too-far":
      return explainChange(document, code, hearing);
    case "too-soon":
    case "too-late":
      return explainActivation(document, hearing);
    case "busy":
      return explainBusy(document, draft);
    case "waits":
      return `${judgement.carriers} of the nodes needed carry it (${hearing.f + 1}): each first computes the replay that it names`;
  }
}

function explainReplayed(document: GovernanceDocument, { memory }: Draft, { config }: Hearing): string {
  const { approvals } = document;
  if (document.kind === "config") {
    return isBeforeDrop(document, memory, config)
      ? `its replay ends in round ${document.replayTo}, before a pending config was dropped at ${formatInstant(memory.droppedAt)}: replay it anew`
      : "the config is in force or pending already";
  }
  const used = approvals.find(({ keyholder, nonce }) => nonce <= memoryOf(memory.keyholders, keyholder).nonce);
  if (used === undefined) return "one of its nonces was used";
  const { nonce } = memoryOf(memory.keyholders, used.keyholder);
  if (nonce === LAST_NONCE) return `${used.keyholder} was removed, or used its last nonce`;
  return `${used.keyholder} used nonce ${nonce} already, and this document says ${used.nonce}`;
}

function explainTooFew(document: GovernanceDocument, { config: { governance } }: Hearing): string {
  const { governors, guardians, strangers } = standingOf(document.approvals, governance);
  const signed = `${counted(governors, "governor")} and ${counted(guardians.length, "guardian")} signed`;
  const beside = strangers === 0 ? "" : `, and ${strangers} whom the config in force does not know`;
  if (governance.quorum === 0 && document.kind !== "pause") return `this network has no governors: nothing of it can be changed`;
  const needed = document.kind === "pause" ? neededForPause(document, governance.quorum) : counted(governance.quorum, "governor");
  return `${signed}${beside}; it takes ${needed}`;
}

function neededForPause({ feed, action }: DocumentOf<"pause">, quorum: number): string {
  const governors = quorum === 0 ? "" : ` or ${counted(quorum, "governor")}`;
  return `${action === "none" && feed === ALL_FEEDS ? "two guardians" : "a guardian"}${governors}`;
}

function explainTooLong(document: GovernanceDocument, { config: { governance }, timestamp }: Hearing): string {
  if (document.kind !== "pause") return "it is too long";
  const power = powerOf(document, governance) ?? "guardian";
  const [most, asked] = [PAUSE_LIMITS_MS[power], document.until - timestamp].map(spanOf);
  return `a pause by ${POWER_WORDS[power]} ends at most ${most} ahead, this one ${asked}`;
}

const POWER_WORDS: Readonly<Record<PausePower, string>> = {
  guardian: "one guardian",
  guardians: "two guardians",
  governors: "governors",
};

function explainAllowance(
  document: GovernanceDocument,
  { memory }: Draft,
  { config: { governance }, timestamp }: Hearing,
): string {
  const { guardians } = standingOf(document.approvals, governance);
  const asked = document.kind === "pause" ? document.until - timestamp : 0;
  const accounts = guardians.map((guardian) => {
    const holder = memoryOf(memory.keyholders, guardian);
    const back = holder.usedAt + ALLOWANCE_WINDOW_MS;
    return `${guardian} has ${spanOf(ALLOWANCE_MS - usedMsOf(holder, timestamp))} left until ${formatInstant(back)}`;
  });
  return `it asks for ${spanOf(asked)} of the ${spanOf(ALLOWANCE_MS)} that a guardian has in seven days: ${accounts.join(", ")}`;
}

function explainNothing(document: GovernanceDocument, { memory }: Draft, hearing: Hearing): string {
  switch (document.kind) {
    case "pause":
      return `no pause of ${document.feed === ALL_FEEDS ? "all feeds" : document.feed} is theirs alone to withdraw`;
    case "accept":
      return document.configDigest === ZERO_DIGEST ? explainNoGap(document, hearing) : "no pending config waits for that feed";
    case "rollback":
      return memory.previous === ZERO_DIGEST
        ? "no config was in force before this one, and the other is not pending"
        : `it leads from ${hearing.configDigest}, in force, to ${memory.previous} only; or from a pending one to the one in force`;
    case "removal":
      return `${document.guardian} is no guardian, or removed already`;
    case "config":
      return "there is nothing to change";
  }
}

function explainNoGap({ feed, gapAt }: DocumentOf<"accept">, hearing: Hearing): string {
  const since = hearing.gapAt(feed);
  return since === 0
    ? `${feed} has no gap`
    : `the gap of ${feed} began at ${formatInstant(since)}, not at ${formatInstant(gapAt)}`;
}

function explainChange(
  document: GovernanceDocument,
  code: "not-successor" | "too-far",
  { config, configDigest }: Hearing,
): string {
  if (document.kind !== "config") return "it is no change of config";
  if (code === "not-successor" && document.replaces !== configDigest) {
    return `it replaces ${document.replaces}, and ${configDigest} is in force`;
  }
  const faults = checkChange(config, document.config).filter((fault) => fault.code === code);
  return faults
    .slice(0, MAX_FAULTS)
    .map(({ path, expected }) => `${path}: ${expected}`)
    .join("; ");
}

/** Of a change with thousands the first ones say what kind it is. */
const MAX_FAULTS = 5;

function explainActivation(document: GovernanceDocument, { config: { governance }, timestamp }: Hearing): string {
  const earliest = timestamp + governance.timelockMs;
  const activation = document.kind === "config" ? document.activation : 0;
  return `it activates at ${formatInstant(activation)}; expected ${formatInstant(earliest)} to ${formatInstant(earliest + MAX_AHEAD_MS)}`;
}

function explainBusy(document: GovernanceDocument, { memory }: Draft): string {
  if (document.kind === "pause") return "as many pauses are in force as there may be, and none of them is weaker";
  const pending = memory.pending?.configDigest ?? memory.next;
  return `${pending} is pending: only one config is at a time`;
}
