import type { Freshness, PulseView } from "../data/pulse.ts";
import { formatCount, formatCountdown, formatSpan } from "./format.ts";

export type Warning = {
  readonly tone: "stop" | "care";
  readonly title: string;
  readonly text: string;
  readonly canRetry: boolean;
};

/** A line that is down for less than this is no news: it comes back before a number grows old. */
const BLINK_MS = 1_500;

type Circumstances = {
  readonly link: PulseView;
  readonly freshness: Freshness;
  readonly round: { readonly round: number; readonly timestamp: number; readonly validUntil: number } | undefined;
  readonly hasList: boolean;
  /** By the gateway's clock, and by this computer's own. */
  readonly now: number;
  readonly clockOff: number;
};

/** What a person must know before believing a number, the worst first; nothing while all is well. */
export function warningsOf({ link, freshness, round, hasList, now, clockOff }: Circumstances): readonly Warning[] {
  const warnings: Warning[] = [];
  const { lostAt, retryAt, why } = link;
  const own = now - clockOff;
  if (freshness === "ended" && round !== undefined) {
    warnings.push({
      tone: "stop",
      title: "The lease has ended",
      text: `Round ${formatCount(round.round)} spoke until ${formatSpan(now - round.validUntil)} ago. Nothing is permitted on these prices.`,
      canRetry: false,
    });
  }
  if (lostAt !== undefined && own - lostAt > BLINK_MS) {
    const again = retryAt === undefined ? "trying again now" : `trying again in ${formatCountdown(retryAt - own)}`;
    const shown = round === undefined ? "" : " What is shown is not live.";
    warnings.push({
      tone: "stop",
      title: "Disconnected",
      text: `No connection to the gateway for ${formatCountdown(own - lostAt)} (${why ?? "unknown"}); ${again}.${shown}`,
      canRetry: retryAt !== undefined,
    });
  } else if (freshness === "late" && round !== undefined) {
    warnings.push({
      tone: "care",
      title: "No new round",
      text: `The newest is ${formatSpan(now - round.timestamp)} old; its lease runs for another ${formatCountdown(round.validUntil - now)}.`,
      canRetry: false,
    });
  } else if (freshness === "none" && hasList) {
    warnings.push({
      tone: "care",
      title: "No round yet",
      text: "The network is starting, or fewer of its nodes run than a quorum takes.",
      canRetry: false,
    });
  }
  if (clockOff !== 0) warnings.push(clockWarning(clockOff));
  return warnings;
}

function clockWarning(clockOff: number): Warning {
  const direction = clockOff > 0 ? "behind" : "ahead of";
  return {
    tone: "care",
    title: "This computer's clock is wrong",
    text: `It is ${formatSpan(Math.abs(clockOff))} ${direction} the gateway's; ages and leases here are counted by the gateway's.`,
    canRetry: false,
  };
}

/** Whether a number may look alive: heard of just now, and still within what a consumer takes. */
export function isAlive({
  link,
  freshness,
  now,
  clockOff,
}: Pick<Circumstances, "link" | "freshness" | "now" | "clockOff">): boolean {
  const lost = link.lostAt !== undefined && now - clockOff - link.lostAt > BLINK_MS;
  return freshness === "fresh" && !lost;
}
