import { createQuietTaper } from "./quiet-taper.ts";

/** Structural, so that pino fits and a part that only warns asks for no more. */
export type ConcernLog = { readonly warn: (details: object, message: string) => void };

/**
 * What an operator's log says that the round machine (node/events.ts) knows nothing of, and what to do about it: the second half of the
 * line. A line that asks somebody to look is made here or there, so none comes without advice.
 */
export const CONCERNS = {
  "answer-too-long": "a bug in this program; please report the line",
  "request-unanswered": "this node failed at it, not the peer; please report the line if it is not a full disk or a stop",
  "publish-failed": "harmless once; if it lasts, look at the connections to the peers and restart the node",
  "judging-failed": "a bug in this program; please report the line",
  "no-connection": "it tries again; if it lasts, check the multiaddr in node.yaml, both firewalls, and ask its operator",
  "unclean-stop": "harmless: the store is safe whatever ends the process; please report the line if it comes back",
  "replay-failed": "this node does not carry that config; read the reason, make the store keep enough rounds, hand it in again",
  "alert-refused": "the receiver refuses it for good: check the URL, and that both sides hold the same secret",
  "alert-failing": "it is tried again for an hour; check that the receiver is up and can be reached from here",
  "alert-lost": "nobody was told: read the alert in this log, then see why the receiver did not take it",
  "alert-dropped": "alerts come faster than the receiver takes them; the oldest were dropped, this log has them all",
  "alert-fault": "a bug in this program; please report the line: alerts may be missing meanwhile",
  "secret-readable": "others on this machine may read the secret: chmod 600",
  "process-warning": "Node.js warns of this program; please report the line if it comes back",
} as const satisfies Record<string, string>;

export type Concern = keyof typeof CONCERNS;

export type Concerns = {
  /**
   * Logs the 1st, 2nd, 4th, 8th … repeat of a concern about a subject: `what; advice`. After a quiet hour the next is the first again.
   *
   * @param subject from a closed set (peers, hooks, topics): memory grows with it
   */
  readonly warn: (concern: Concern, what: string, fields?: ConcernFields, subject?: string) => void;
  /** It is over: the next one is the first again. Gives how often it was counted. */
  readonly clear: (concern: Concern, subject?: string) => number;
};

type ConcernFields = Readonly<Record<string, unknown>>;

/**
 * @param now monotonic ms
 * @example
 * createConcerns(log).warn("no-connection", "no connection to 0xab…", { address }, address);
 */
export function createConcerns(log: ConcernLog, now?: () => number): Concerns {
  const taper = createQuietTaper(now);
  return {
    warn: (concern, what, fields = {}, subject = "") => {
      const repeats = taper.count(`${concern} ${subject}`);
      if (repeats !== undefined) log.warn({ code: concern, ...fields, repeats }, `${what}; ${CONCERNS[concern]}`);
    },
    clear: (concern, subject = "") => taper.clear(`${concern} ${subject}`),
  };
}
