import type { Random } from "../random.ts";

/** `node/io/transport-gossip.ts` for a committee: it grafts up to D_lo as peers subscribe, and takes grafts up to D_hi. */
export const PRODUCTION_MESH = { low: 6, high: 12 } as const;
export type MeshBounds = { readonly low: number; readonly high: number };

/**
 * A topic's mesh as js-libp2p's gossipsub builds it while the members connect: whoever learns of a subscriber grafts it while its own mesh
 * is below D_lo, and is refused by a mesh at D_hi. Links hold both ways. The heartbeat changes nothing between D_lo and D_hi.
 */
export function drawMesh(nodes: number, { low, high }: MeshBounds, random: Random): readonly (readonly number[])[] {
  const mesh = Array.from({ length: nodes }, () => new Set<number>());
  for (const [from, to] of shuffledPairs(nodes, random)) {
    const [own, other] = [mesh[from], mesh[to]];
    if (own === undefined || other === undefined || own.has(to) || own.size >= low || other.size >= high) continue;
    own.add(to);
    other.add(from);
  }
  return mesh.map((peers) => [...peers].sort((a, b) => a - b));
}

function shuffledPairs(nodes: number, random: Random): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  for (let from = 0; from < nodes; from++) for (let to = 0; to < nodes; to++) if (to !== from) pairs.push([from, to]);
  return shuffle(pairs, random);
}

/** Fisher and Yates; the order given is used up. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const [a, b] = [items[last], items[other]];
    if (a === undefined || b === undefined) continue;
    items[last] = b;
    items[other] = a;
  }
  return items;
}
