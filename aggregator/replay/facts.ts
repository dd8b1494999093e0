import { type PreparedFeed, prepareFeeds } from "../../circuit-breaker/breaker.ts";
import { decodeMemory, EMPTY_MEMORY, type FeedMemory } from "../../circuit-breaker/memory.ts";
import type { QuorumView } from "../../circuit-breaker/quorum-view.ts";
import { fromHex, type Hex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { RoundBody } from "../../protocol/round.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import { viewRound } from "../round.ts";
import { openInputs } from "./stored.ts";

/**
 * What one round brought to one feed before any of the feed's own thresholds judged it: all that the breaker needs of the round beside
 * the memory it starts from. Some 300 bytes, where the round's body has tens of thousands.
 */
export type RoundFacts = {
  readonly round: number;
  readonly timestamp: number;
  /** What it stands on; undefined in the first round of a chain. */
  readonly parent: { readonly round: number; readonly timestamp: number } | undefined;
  readonly underNewConfig: boolean;
  /** Undefined where no quorum priced the feed. */
  readonly view: QuorumView | undefined;
  /** The feed's first priced round: there is no memory before it. */
  readonly begins: boolean;
} & Pick<PreparedFeed, "market" | "inBasket" | "pegTarget" | "refusalBps" | "gapAccepted"> &
  Pick<FeedMemory, "manual">;

/** One feed in one stored round; `memory` is what the round started from, as certified. */
export type FeedFacts = { readonly facts: RoundFacts; readonly memory: FeedMemory };

/**
 * Opens a round of this node's own store, which it verified before it signed, for one feed. Undefined where the feed had no price yet;
 * the fault says which part of the body does not read.
 *
 * @param options.network whose config was in force in that round
 * @param options.bytesOf hex to bytes, where the caller has a faster way: half of the work is that
 */
export function readFacts(
  body: RoundBody,
  {
    feed,
    network,
    scheme,
    bytesOf = fromHex,
  }: {
    readonly feed: FeedId;
    readonly network: Network;
    readonly scheme: Secp256k1;
    readonly bytesOf?: (hex: Hex) => Uint8Array;
  },
): Result<FeedFacts | undefined, string> {
  const inputs = openInputs(body, { network, scheme, bytesOf });
  if (!inputs.ok) return inputs;
  const { observations, documents } = inputs.value;
  if (observations.some(({ observation }) => observation.configDigest !== network.configDigest)) return fail("another config");
  const memory = body.parent === undefined ? ok(EMPTY_MEMORY) : decodeMemory(bytesOf(body.memory));
  if (!memory.ok) return fail(`memory: ${memory.error}`);
  const parent = body.parent === undefined ? undefined : { header: body.parent, memory: memory.value };
  const seen = viewRound({ network, parent, round: body.round, observations, documents });
  const prepared = prepareFeeds(seen).feeds.find((item) => item.feed === feed);
  if (prepared === undefined) return ok(undefined);
  const { market, inBasket, pegTarget, refusalBps, gapAccepted, begins } = prepared;
  const { round, timestamp, parentConfigDigest = ZERO_DIGEST } = seen;
  return ok({
    memory: prepared.memory,
    facts: {
      ...{ round, timestamp, parent: seen.parent, view: seen.views.get(feed), begins },
      underNewConfig: body.parent !== undefined && parentConfigDigest !== network.configDigest,
      ...{ market, inBasket, pegTarget, refusalBps, gapAccepted, manual: prepared.memory.manual },
    },
  });
}
