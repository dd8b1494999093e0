import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { DocumentCode } from "./codes.ts";
import type { DocumentOf, Draft, Hearing } from "./hearing.ts";
import { hasUsedNonce, isByGovernors, LAST_NONCE, memoryOf, rememberNonces, replaceKeyholder } from "./keyholders.ts";
import { isScope } from "./pauses.ts";

/** What m of k governors decide at once (BREAKER.md B14): acceptance, roll-back, and the removal of a guardian. */
type ChangeDocument = DocumentOf<"accept"> | DocumentOf<"rollback"> | DocumentOf<"removal">;

export function judgeChange(document: ChangeDocument, draft: Draft, hearing: Hearing): DocumentCode {
  const { config } = hearing;
  if (hasUsedNonce(document.approvals, draft.memory.keyholders)) return "replayed";
  if (!isByGovernors(document.approvals, config.governance)) return "too-few";
  if (document.kind === "accept" && !isScope(document.feed, config)) return "unknown-feed";
  return hasObject(document, draft, hearing) ? "taken" : "nothing";
}

function hasObject(document: ChangeDocument, { memory, acceptedGaps }: Draft, hearing: Hearing): boolean {
  switch (document.kind) {
    case "accept":
      if (document.configDigest !== ZERO_DIGEST) return isHeldBack(document, memory.pending);
      return isGap(document, hearing) && !acceptedGaps.has(document.feed);
    case "rollback":
      return isRollback(document, memory, hearing) || isDrop(document, memory, hearing);
    case "removal":
      return (
        hearing.config.governance.guardians.some(({ address }) => address === document.guardian) &&
        memoryOf(memory.keyholders, document.guardian).nonce !== LAST_NONCE
      );
  }
}

/** The gap is named by its beginning, so that consent to one is none to the next. */
function isGap({ feed, gapAt }: DocumentOf<"accept">, hearing: Hearing): boolean {
  return gapAt !== 0 && hearing.gapAt(feed) === gapAt;
}

function isHeldBack({ feed, configDigest }: DocumentOf<"accept">, pending: Draft["memory"]["pending"]): boolean {
  if (pending?.configDigest !== configDigest) return false;
  return pending.feeds.some((changed) => changed.feed === feed && !changed.accepted);
}

/** To the config before the one in force and to no other, unless a change was decided in this round already. */
function isRollback(
  { from, to }: DocumentOf<"rollback">,
  { previous, next }: Draft["memory"],
  { configDigest }: Hearing,
): boolean {
  return from === configDigest && to === previous && previous !== ZERO_DIGEST && next === ZERO_DIGEST;
}

function isDrop({ from, to }: DocumentOf<"rollback">, { pending }: Draft["memory"], { configDigest }: Hearing): boolean {
  return pending !== undefined && from === pending.configDigest && to === configDigest;
}

/** Of a document that {@link judgeChange} takes. */
export function applyChange(document: ChangeDocument, { memory, acceptedGaps }: Draft, hearing: Hearing): Draft {
  const { governance } = hearing.config;
  const keyholders = rememberNonces(memory.keyholders, document.approvals, governance);
  const remembered = { ...memory, keyholders };
  switch (document.kind) {
    case "accept":
      if (document.configDigest === ZERO_DIGEST) {
        return { memory: remembered, acceptedGaps: new Set([...acceptedGaps, document.feed]) };
      }
      return { memory: acceptFeed(remembered, document), acceptedGaps };
    case "rollback": {
      const next = isDrop(document, memory, hearing) ? memory.next : document.to;
      const droppedAt = memory.pending === undefined ? memory.droppedAt : hearing.timestamp;
      return { memory: { ...remembered, pending: undefined, next, droppedAt }, acceptedGaps };
    }
    case "removal": {
      const removed = { ...memoryOf(keyholders, document.guardian), nonce: LAST_NONCE };
      return { memory: { ...memory, keyholders: replaceKeyholder(keyholders, removed, governance) }, acceptedGaps };
    }
  }
}

function acceptFeed(memory: Draft["memory"], { feed }: DocumentOf<"accept">): Draft["memory"] {
  const { pending } = memory;
  if (pending === undefined) return memory;
  const feeds = pending.feeds.map((changed) => (changed.feed === feed ? { ...changed, accepted: true } : changed));
  return { ...memory, pending: { ...pending, feeds } };
}
