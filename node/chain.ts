import { type Digest, ZERO_DIGEST } from "../protocol/bytes.ts";
import type { ChainLink } from "./machine.ts";

/** How far the walk back from the head goes: an hour of one-second rounds. */
export const WALK_ROUNDS = 3_600;
/** Links are kept a little longer than they are asked for, so that the walk's end is not fetched again and again. */
const KEPT_ROUNDS = WALK_ROUNDS + 200;

export type Mark = { readonly round: number; readonly digest: Digest; readonly orphan: boolean };

/** The certified rounds that are held or stored, as links: which are ancestors of the head, which are not, what is missing between. */
export type Chain = {
  /** Adds a link; gives the marks that changed. `head` says that it is the newest one now. */
  readonly add: (link: ChainLink, head: boolean) => readonly Mark[];
  readonly has: (digest: Digest) => boolean;
  /** The first ancestor of the head, walking back, that is not here; undefined at the first round of all or the walk's bound. */
  readonly missing: () => Digest | undefined;
};

export function createChain(history: readonly ChainLink[]): Chain {
  const links = new Map<Digest, ChainLink>(history.map((link) => [link.digest, link]));
  const orphans = new Set<Digest>();
  let head: ChainLink | undefined;
  let missing: Digest | undefined;

  const walk = (): readonly Mark[] => {
    if (head === undefined) return [];
    const passed = walkBack(links, head);
    missing = passed.missing;
    const marks: Mark[] = [];
    for (const { round, digest } of links.values()) {
      if (round <= passed.lowest || orphans.has(digest) === !passed.digests.has(digest)) continue;
      const orphan = !passed.digests.has(digest);
      marks.push({ round, digest, orphan });
      if (orphan) orphans.add(digest);
      else orphans.delete(digest);
    }
    return marks;
  };

  return {
    add: (link, newest) => {
      const known = links.has(link.digest);
      links.set(link.digest, link);
      const follows = newest && head !== undefined && link.parent === head.digest;
      if (newest) head = link;
      if (newest) prune(links, orphans, link.round);
      // The plain case, once a round: a child of the last head changes nothing behind it.
      return follows || (known && !newest) ? [] : walk();
    },
    has: (digest) => links.has(digest),
    missing: () => missing,
  };
}

function walkBack(links: ReadonlyMap<Digest, ChainLink>, head: ChainLink) {
  const digests = new Set<Digest>();
  let at = head;
  for (;;) {
    digests.add(at.digest);
    if (at.parent === ZERO_DIGEST) return { digests, lowest: -1, missing: undefined };
    const parent = links.get(at.parent);
    if (parent === undefined) {
      const missing = at.round > head.round - WALK_ROUNDS ? at.parent : undefined;
      return { digests, lowest: at.round, missing };
    }
    at = parent;
  }
}

function prune(links: Map<Digest, ChainLink>, orphans: Set<Digest>, head: number): void {
  for (const [digest, { round }] of links) {
    if (round >= head - KEPT_ROUNDS) continue;
    links.delete(digest);
    orphans.delete(digest);
  }
}
