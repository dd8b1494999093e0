import type { FeedMemory } from "./memory.ts";
import { BIT, INDEX } from "./rules/rule.ts";

/** The anchor moves to the price and jump's memory (its last firing, corroboration and largest step) is cleared. */
export function reanchor(memory: FeedMemory): FeedMemory {
  return { ...memory, anchor: memory.price, fired: memory.fired.with(INDEX.jump, 0), corrob: 0n, stepMax: 0 };
}

/** Jump ends at the price as it is: re-anchored and waived, with the direction it had. */
export function waiveJump(memory: FeedMemory, direction: number): FeedMemory {
  return { ...reanchor(memory), waived: memory.waived | BIT.jump, dir: direction };
}
