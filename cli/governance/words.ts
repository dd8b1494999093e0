import type { Address } from "../../protocol/bytes.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import { ALL_FEEDS, type DocumentContent, type FeedScope, type PauseAction } from "../../protocol/governance.ts";
import { formatInstant } from "../../protocol/instant.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import type { Keyholder } from "./node-api.ts";

const ACTION_WORDS: Readonly<Record<PauseAction, string>> = {
  none: "no liquidation at all",
  robust: "liquidation only of loans that are insolvent at both ends of the interval",
  withdraw: "the pause is withdrawn",
};

/** A content as a person reads it before he signs: one line, with everything that is signed. */
export function formatContent(content: DocumentContent, now: number, keyholders: readonly Keyholder[]): string {
  switch (content.kind) {
    case "pause":
      if (content.action === "withdraw") return `withdraw the pause of ${formatScope(content.feed)}`;
      return `pause ${formatScope(content.feed)}: ${ACTION_WORDS[content.action]} until ${formatWhen(content.until, now)}`;
    case "accept":
      if (content.configDigest === ZERO_DIGEST)
        return `accept the gap of ${content.feed} that began at ${formatInstant(content.gapAt)}`;
      return `accept the price of ${content.feed} under the pending config ${content.configDigest}`;
    case "rollback":
      return `roll back from config ${content.from} to ${content.to}`;
    case "removal":
      return `remove guardian ${nameOf(content.guardian, keyholders)}: nothing that he signs counts any more`;
    case "config":
      return `config ${content.configDigest}, version ${content.version}, in place of ${content.replaces}, from ${formatWhen(content.activation, now)} on, on the replay ${content.replay} up to round ${content.replayTo}`;
  }
}

export function formatScope(feed: FeedScope): string {
  return feed === ALL_FEEDS ? "every feed and chain" : feed;
}

/** @example formatWhen(now + 1_800_000, now); // "2027-01-15T08:30:00.000Z (in 30 min)" */
export function formatWhen(at: number, now: number): string {
  const distance = at >= now ? `in ${formatDuration(at - now)}` : `${formatDuration(now - at)} ago`;
  return `${formatInstant(at)} (${distance})`;
}

/** @example nameOf("0x…a1", keyholders); // "alice (0x…a1)" */
export function nameOf(address: Address, keyholders: readonly Pick<Keyholder, "name" | "address">[]): string {
  const known = keyholders.find((holder) => holder.address === address);
  return known === undefined ? address : `${known.name} (${address})`;
}
