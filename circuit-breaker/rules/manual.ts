import { PAUSE_ACTIONS } from "../../protocol/governance.ts";
import type { FeedMemory } from "../memory.ts";
import type { ChainInput, Reading } from "./rule.ts";

const ROBUST = PAUSE_ACTIONS.indexOf("robust");
const NONE = PAUSE_ACTIONS.indexOf("none");

/** A pause of guardians or governors, until the time it named; measured is what is left of it. */
export function readManual({ timestamp, memory: { manual } }: Pick<ChainInput, "timestamp" | "memory">): Reading {
  const measured = manual.action === 0 ? 0 : Math.max(0, manual.until - timestamp);
  return { fires: measured > 0, unit: "Ms", measured, limit: 0 };
}

/** While `manual` is active: its action permits nothing at all. */
export function forbidsAll({ manual }: FeedMemory): boolean {
  return manual.action === NONE;
}

/** While `manual` is active: its action asks for the hull of price and anchor (B2). */
export function asksForHull({ manual }: FeedMemory): boolean {
  return manual.action === ROBUST;
}
