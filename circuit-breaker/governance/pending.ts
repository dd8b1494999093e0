import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { changedFeeds, checkChange } from "../../protocol/config-change.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GovernanceMemory, PendingConfig } from "../governance-memory.ts";
import { DAY_MS, MAX_UINT32, moveBps } from "../integers.ts";
import type { QuorumView } from "../quorum-view.ts";
import type { DocumentCode } from "./codes.ts";
import type { DocumentOf, Draft, Hearing } from "./hearing.ts";
import { isByGovernors } from "./keyholders.ts";

/** How long after the timelock's end a config may name its activation: nobody remembers what he agreed to for ever. */
export const MAX_AHEAD_MS = 30 * DAY_MS;

type ConfigDocument = DocumentOf<"config">;

/** `carriers` of the round's observations carry it: an honest one has come to the same replay report if at least f+1 do. */
export function judgeConfig(
  document: ConfigDocument,
  { memory }: Draft,
  { config, configDigest, timestamp, f }: Hearing,
  carriers: number,
): DocumentCode {
  const { timelockMs } = config.governance;
  const known = [configDigest, memory.next, memory.pending?.configDigest];
  if (known.includes(document.configDigest) || isBeforeDrop(document, memory, config)) return "replayed";
  if (!isByGovernors(document.approvals, config.governance)) return "too-few";
  if (document.replaces !== configDigest) return "not-successor";
  const faults = checkChange(config, document.config);
  if (faults.some(({ code }) => code === "not-successor")) return "not-successor";
  const ahead = document.activation - timestamp;
  if (ahead < timelockMs) return "too-soon";
  if (ahead > timelockMs + MAX_AHEAD_MS) return "too-late";
  if (faults.length > 0) return "too-far";
  if (memory.pending !== undefined || memory.next !== ZERO_DIGEST) return "busy";
  return carriers > f ? "taken" : "waits";
}

/**
 * Its approvals have no nonces, and its activation may still be far enough ahead: without this whoever has the document of a config that
 * governors dropped could bring it again, and the nodes that agreed with its replay would. A new replay needs new approvals.
 */
export function isBeforeDrop(
  { replayTo }: ConfigDocument,
  { droppedAt }: GovernanceMemory,
  { roundMs }: Pick<NetworkConfig, "roundMs">,
): boolean {
  return replayTo * roundMs < droppedAt;
}

/** Of a document that {@link judgeConfig} takes. */
export function applyConfig(document: ConfigDocument, { memory, acceptedGaps }: Draft, { config }: Hearing): Draft {
  const { configDigest, activation } = document;
  const feeds = changedFeeds(config, document.config).map((feed) => ({ feed, agreedAt: 0, accepted: false }));
  return { memory: { ...memory, pending: { configDigest, activation, feeds } }, acceptedGaps };
}

/** What a pending config is measured by in one round. */
export type GateInput = {
  readonly config: NetworkConfig;
  readonly timestamp: number;
  /** No round was certified for longer than a lease: what agreed before it proves nothing for the time between (B1, outage). */
  readonly outage: boolean;
  readonly views: ReadonlyMap<FeedId, QuorumView>;
  readonly shadows: ReadonlyMap<FeedId, bigint>;
};

export type Gate = { readonly memory: GovernanceMemory; readonly refusals: ReadonlyMap<FeedId, number> };

const NO_REFUSALS: ReadonlyMap<FeedId, number> = new Map();

/**
 * BREAKER.md B7: once shadows are due, every changed feed that governors have not accepted must be given one price by both configs for
 * shadowMs without a break. The config takes over after the first round in which all do and its time has come; one that its shadows
 * keep out for lapseMs is dropped.
 */
export function gatePending(memory: GovernanceMemory, input: GateInput): Gate {
  const { pending } = memory;
  if (pending === undefined) return { memory, refusals: NO_REFUSALS };
  const { shadowMs, lapseMs } = input.config.governance;
  const { timestamp } = input;
  if (timestamp < pending.activation - shadowMs) return { memory, refusals: NO_REFUSALS };
  const { feeds, refusals } = compareShadows(pending, input);
  const agreed = feeds.every(({ agreedAt, accepted }) => accepted || (agreedAt !== 0 && timestamp - agreedAt >= shadowMs));
  if (agreed && timestamp >= pending.activation) {
    return { memory: { ...memory, pending: undefined, next: pending.configDigest }, refusals: NO_REFUSALS };
  }
  const lapsed = timestamp - pending.activation >= lapseMs;
  return {
    memory: { ...memory, pending: lapsed ? undefined : { ...pending, feeds } },
    refusals: lapsed ? NO_REFUSALS : refusals,
  };
}

/** A run of agreement begins in its first round and is broken by any round without a shadow, without a price, or with another one. */
function compareShadows(pending: PendingConfig, { config, timestamp, outage, views, shadows }: GateInput) {
  const limits = new Map(config.feeds.map(({ feed, thresholds }) => [feed, thresholds.configBps]));
  const refusals = new Map<FeedId, number>();
  const feeds = pending.feeds.map((changed) => {
    if (changed.accepted) return changed;
    const { feed, agreedAt } = changed;
    const differsBps = differenceBps(shadows.get(feed), views.get(feed)?.price);
    if (differsBps > (limits.get(feed) ?? 0)) {
      refusals.set(feed, differsBps);
      return { ...changed, agreedAt: 0 };
    }
    return agreedAt !== 0 && !outage ? changed : { ...changed, agreedAt: timestamp };
  });
  return { feeds, refusals };
}

function differenceBps(shadow: bigint | undefined, price: bigint | undefined): number {
  return shadow === undefined || price === undefined ? MAX_UINT32 : moveBps(shadow, price);
}
