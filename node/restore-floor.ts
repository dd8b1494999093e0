import { fail, ok, type Result } from "../protocol/result.ts";

/**
 * The machine that was lost may have had a clock ahead of this one's, and may have signed until a moment ago: so much later than now
 * lies the first round that a restored store lets its node sign. A node whose clock is further off than this is out of every round.
 */
export const RESTORE_MARGIN_MS = 10_000;

/**
 * The highest round number that a key could have signed anything of since its store was backed up, with a margin: at or below it a
 * restored store signs nothing (P2). A round's window opens `maxSkewMs` before it begins.
 *
 * Fails when the clock is so far back that the backup itself has signings from its future: then "now" says nothing of what was signed.
 *
 * @param clock `now` in Unix ms; `newestSigned` of the backup, undefined for none
 * @example
 * restoreFloor({ now: 1_000_000, newestSigned: 900 }, { roundMs: 1_000, maxSkewMs: 250 }); // { ok: true, value: 1011 }
 */
export function restoreFloor(
  { now, newestSigned }: { readonly now: number; readonly newestSigned: number | undefined },
  { roundMs, maxSkewMs }: { readonly roundMs: number; readonly maxSkewMs: number },
): Result<number, { readonly behindMs: number }> {
  const floor = Math.floor((now + maxSkewMs + RESTORE_MARGIN_MS) / roundMs) + 1;
  if (newestSigned === undefined || newestSigned < floor) return ok(floor);
  return fail({ behindMs: newestSigned * roundMs - now });
}
