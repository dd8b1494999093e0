import type { Occurrence } from "../cluster/occurrence.ts";

/** Which nodes run and may sign, as it happened. */
export type Roster = {
  readonly take: (occurrence: Occurrence) => void;
  /** Up without a break from `from` to `to`, out of its quarantine before `from`, and free to sign round `round`. */
  readonly serves: (node: number, span: { readonly from: number; readonly to: number; readonly round: number }) => boolean;
  /** True time since which it is up; undefined while it is down. */
  readonly upSince: (node: number) => number | undefined;
};

type Life = { readonly from: number; to: number; signsAt: number; firstRound: number };

export function createRoster(): Roster {
  const lives = new Map<number, Life[]>();
  const current = (node: number): Life | undefined => {
    const life = lives.get(node)?.at(-1);
    return life?.to === Number.POSITIVE_INFINITY ? life : undefined;
  };
  return {
    take: (occurrence) => {
      const { kind, at } = occurrence;
      if (kind === "started") {
        const life = { from: at, to: Number.POSITIVE_INFINITY, signsAt: Number.POSITIVE_INFINITY, firstRound: 0 };
        lives.set(occurrence.node, [...(lives.get(occurrence.node) ?? []), life]);
      } else if (kind === "stopped") {
        const life = current(occurrence.node);
        if (life !== undefined) life.to = at;
      } else if (kind === "event" && occurrence.code === "quarantine-left") {
        const life = current(occurrence.node);
        if (life === undefined) return;
        life.signsAt = at;
        life.firstRound = Number(occurrence.fields.firstRound);
      }
    },
    serves: (node, { from, to, round }) =>
      (lives.get(node) ?? []).some((life) => life.signsAt <= from && life.to > to && life.firstRound <= round),
    upSince: (node) => current(node)?.from,
  };
}
