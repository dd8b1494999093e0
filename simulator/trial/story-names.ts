import type { Network } from "../../protocol/config.ts";
import { nodeName } from "./fault-words.ts";
import type { Plan } from "./plan.ts";
import { seconds } from "./story-lines.ts";

/** Digits that could be a round number or an instant: not a part of a decimal amount. */
const WHOLE_NUMBER = /(?:\bround )?(?<![\d.])\d{5,13}(?![\d.]\d|\d)/g;

export type StoryNames = {
  /** Rounds by their place in the trial, round 0 being the one that it starts in. */
  readonly roundName: (round: number) => string;
  /** A text with its nodes, rounds and instants named so, and digests cut. */
  readonly relative: (text: string) => string;
};

/** @example relative("0x…node 3's address signed round 1800000006 at 1800000006250"); // "node3 signed r6 at +6.000 s" */
export function createStoryNames({
  network,
  startAt,
  plan,
}: {
  readonly network: Network;
  readonly startAt: number;
  readonly plan: Pick<Plan, "safetyMs" | "healMs">;
}): StoryNames {
  const { roundMs } = network.config;
  const first = Math.floor(startAt / roundMs);
  const spanMs = plan.safetyMs + plan.healMs;
  const roundName = (round: number) => `r${round - first}`;
  const names = new Map(network.committee.members.map(({ address }, node) => [address as string, nodeName(node)]));
  /** A little before the trial lies what its first rounds and observations may refer to. */
  const isNear = (value: number, from: number, unit: number) =>
    value >= from - spanMs / unit && value <= from + (2 * spanMs) / unit;
  return {
    roundName,
    relative: (text) =>
      text
        .replace(/0x[0-9a-f]{40}\b/g, (address) => names.get(address) ?? address)
        .replace(/0x([0-9a-f]{6})[0-9a-f]{58}\b/g, "0x$1…")
        .replace(WHOLE_NUMBER, (whole) => {
          const value = Number(whole.replace("round ", ""));
          if (isNear(value, first, roundMs)) return roundName(value);
          return isNear(value, startAt, 1) ? seconds(value - startAt) : whole;
        }),
  };
}
