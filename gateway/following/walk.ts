import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Place } from "./codes.ts";

/** Rounds below the head that are known by their digests: two hours of one-second rounds. What is older is stale. */
export const KNOWN_ROUNDS = 7_200;

export type Link = { readonly round: number; readonly digest: Digest; readonly parent: Digest };

/** The verified rounds as links: what is known, and how far the walk back from the head is whole. */
export type Walk = {
  readonly has: (digest: Digest) => boolean;
  readonly head: () => Link | undefined;
  /** Rounds below this number are stale. */
  readonly floor: () => number;
  /** Of a round that was verified; says where it stands as far as is known. */
  readonly add: (link: Link) => Place;
  /** The first ancestor of the head that is not here; undefined at the first round of all, below the floor, and without a head. */
  readonly missing: () => Digest | undefined;
  /**
   * The newest round below a hole in the walk; the head where there is none, or nothing is known below it: what is older than all that ever
   * came is not asked for again. Undefined without a head.
   */
  readonly resumeAfter: () => number | undefined;
};

export function createWalk(start: readonly Link[]): Walk {
  const links = new Map<Digest, Link>();
  let head: Link | undefined;
  /** The oldest round that the walk back from the head reaches. */
  let end: Link | undefined;

  const floor = (): number => (head === undefined ? 0 : Math.max(0, head.round - KNOWN_ROUNDS));
  const descend = (): void => {
    while (end !== undefined) {
      const parent = links.get(end.parent);
      if (parent === undefined) return;
      end = parent;
    }
  };
  const missing = (): Digest | undefined => {
    if (end === undefined || end.parent === ZERO_DIGEST || end.round <= floor()) return undefined;
    return end.parent;
  };
  const add = (link: Link): Place => {
    const isAncestor = missing() === link.digest;
    links.set(link.digest, link);
    if (head === undefined || link.round > head.round) {
      const follows = link.parent === head?.digest;
      head = link;
      if (!follows) end = link;
      descend();
      if (links.size > 2 * KNOWN_ROUNDS) forget(links, floor());
      return "head";
    }
    if (isAncestor) descend();
    return isAncestor ? "history" : "orphan";
  };
  for (const link of start) add(link);
  return {
    has: (digest) => links.has(digest),
    head: () => head,
    floor,
    add,
    missing,
    resumeAfter: () => {
      if (head === undefined || missing() === undefined) return head?.round;
      const below = [...links.values()].map(({ round }) => round).filter((round) => round < (end?.round ?? 0));
      return below.length === 0 ? head.round : below.reduce((a, b) => Math.max(a, b));
    },
  };
}

/** Now and then and not at every head: the map is twice as large as it must be at most, siblings aside. */
function forget(links: Map<Digest, Link>, floor: number): void {
  for (const [digest, { round }] of links) if (round < floor) links.delete(digest);
}
