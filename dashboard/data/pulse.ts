import type { Bundle } from "./api.ts";

/** The gateway says something at least every 15 s, if only a comment; a line silent for longer is dead although nobody closed it. */
const SILENCE_MS = 20_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;
/** A consumer acts on nothing older than this (client/policy.ts); from there on the page says so. */
export const LATE_MS = 5_000;

export type PulseInput =
  /** From the beginning, or with other feeds: then the newest round is wanted once more, because it is the first that has them. */
  | { readonly kind: "start" }
  | { readonly kind: "heard" }
  | { readonly kind: "round"; readonly bundle: Bundle }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "tick" }
  /** The person asks, the network is back, or the page is looked at again. */
  | { readonly kind: "hurry" };

export type PulseOutput =
  | { readonly kind: "connect"; readonly lastEventId: number | undefined }
  | { readonly kind: "disconnect" }
  | { readonly kind: "publish"; readonly bundle: Bundle };

export type PulseView = {
  readonly phase: "connecting" | "live" | "waiting";
  /** Since when nothing is heard, Unix ms; undefined while it is. */
  readonly lostAt: number | undefined;
  readonly retryAt: number | undefined;
  readonly why: string | undefined;
};

export type Pulse = {
  readonly handle: (input: PulseInput, now: number) => readonly PulseOutput[];
  readonly view: () => PulseView;
};

/**
 * The stream's state: connects, notices silence, waits longer after each failure, and resumes after the last round that was taken in.
 * Rounds ascend: what was seen before is passed over.
 *
 * @param jitter a number from 0 to 1, so that pages that lost one gateway do not come back to the next all at once
 */
export function createPulse(jitter: () => number): Pulse {
  let phase: PulseView["phase"] = "connecting";
  let lostAt: number | undefined;
  let retryAt: number | undefined;
  let why: string | undefined;
  let heardAt = 0;
  let failures = 0;
  let lastRound: number | undefined;

  const connect = (now: number): readonly PulseOutput[] => {
    phase = "connecting";
    heardAt = now;
    retryAt = undefined;
    return [{ kind: "connect", lastEventId: lastRound }];
  };
  const wait = (reason: string, now: number): void => {
    phase = "waiting";
    lostAt ??= now;
    why = reason;
    const most = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    retryAt = now + Math.round(most * (0.5 + jitter() / 2));
    failures += 1;
  };
  const alive = (now: number): void => {
    heardAt = now;
    phase = "live";
    lostAt = undefined;
    why = undefined;
    failures = 0;
  };

  const handle = (input: PulseInput, now: number): readonly PulseOutput[] => {
    switch (input.kind) {
      case "start":
        if (lastRound !== undefined) lastRound -= 1;
        return connect(now);
      case "heard":
        alive(now);
        return [];
      case "round": {
        alive(now);
        if (lastRound !== undefined && input.bundle.round <= lastRound) return [];
        lastRound = input.bundle.round;
        return [{ kind: "publish", bundle: input.bundle }];
      }
      case "failed":
        if (phase !== "waiting") wait(input.why, now);
        return [];
      case "hurry":
        return phase === "waiting" ? connect(now) : [];
      case "tick": {
        if (retryAt !== undefined && now >= retryAt) return connect(now);
        if (phase === "waiting" || now - heardAt <= SILENCE_MS) return [];
        wait(`nothing was heard for ${SILENCE_MS / 1_000} s`, now);
        return [{ kind: "disconnect" }];
      }
    }
  };
  return { handle, view: () => ({ phase, lostAt, retryAt, why }) };
}

/** How much a number on the page may be believed; only `fresh` looks alive. */
export type Freshness = "none" | "fresh" | "late" | "ended";

/** P3: a number speaks until its lease ends; one that is older than a consumer takes is late before that. */
export function freshnessOf(
  round: { readonly timestamp: number; readonly validUntil: number } | undefined,
  now: number,
): Freshness {
  if (round === undefined) return "none";
  if (now > round.validUntil) return "ended";
  return now - round.timestamp > LATE_MS ? "late" : "fresh";
}
