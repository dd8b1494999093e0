import type { Bundle } from "../data/api.ts";

/** One certified round and whose signatures its certificate holds. */
export type Attendance = { readonly round: number; readonly signers: readonly string[] };

export function attendanceOf({ round, signatures }: Pick<Bundle, "round" | "signatures">): Attendance {
  return { round, signers: signatures.map(({ signer }) => signer) };
}

/** A column of the grid: a certified round, or a number that has no certificate. */
export type GridRound = { readonly round: number; readonly signers: ReadonlySet<string> | undefined };

/** Rounds kept: what the grid shows, and as many again for a page that comes back after a while. */
const KEPT = 120;

/** Both in order, each round once. */
export function mergeAttendance(known: readonly Attendance[], fresh: readonly Attendance[]): readonly Attendance[] {
  const byRound = new Map([...known, ...fresh].map((entry) => [entry.round, entry]));
  return [...byRound.values()].sort((a, b) => a.round - b.round).slice(-KEPT);
}

/**
 * The last `count` round numbers up to `newest`, ascending. A number without a certificate is a missed round: it is shown as such and
 * counts against nobody, because who was there cannot be told from it.
 */
export function toGrid(
  known: readonly Attendance[],
  { newest, count }: { readonly newest: number; readonly count: number },
): readonly GridRound[] {
  const byRound = new Map(known.map(({ round, signers }) => [round, new Set(signers)]));
  const oldest = Math.min(...known.map(({ round }) => round));
  return Array.from({ length: count }, (_, index) => newest - count + 1 + index)
    .filter((round) => round >= oldest)
    .map((round) => ({ round, signers: byRound.get(round) }));
}

export type Standing = {
  /** Certified rounds of the grid, and those whose certificate holds this member's signature. */
  readonly rounds: number;
  readonly signed: number;
  /** Certified rounds since its last signature; undefined when the grid holds none of it. */
  readonly behind: number | undefined;
};

export function standingOf(grid: readonly GridRound[], address: string): Standing {
  const certified = grid.flatMap(({ signers }) => (signers === undefined ? [] : [signers.has(address)]));
  const last = certified.lastIndexOf(true);
  return {
    rounds: certified.length,
    signed: certified.filter(Boolean).length,
    behind: last < 0 ? undefined : certified.length - 1 - last,
  };
}

/**
 * What an absence means. A certificate holds exactly a quorum of signatures, so one of n members is missing from each in turn; missing
 * from every one of many is another thing.
 */
export function judge(
  { rounds, behind }: Standing,
  { members, quorum }: { readonly members: number; readonly quorum: number },
): "signing" | "quiet" | "absent" {
  if (rounds === 0) return "signing";
  const usual = Math.ceil(members / quorum) * 5;
  if (behind === undefined) return rounds > usual ? "absent" : "quiet";
  return behind > usual ? "quiet" : "signing";
}
