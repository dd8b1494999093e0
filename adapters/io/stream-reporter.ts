import type { CloseReason, SessionOutput } from "../stream-session.ts";
import { createTaper } from "../taper.ts";
import type { PollerLog } from "./reporter.ts";
import type { StreamMetrics } from "./stream-metrics.ts";

/** What the operator can do about a connection that ended; the second half of every warning. */
const ADVICE: Readonly<Record<CloseReason, string>> = {
  unreachable: "check DNS and the firewall (streams use no HTTP proxy), or set venues.<venue>.stream to false in node.yaml",
  closed: "the venue closed it; nothing to do unless it lasts",
  oversize: "a frame above the size cap: report it if the venue changed its channel",
  stuck: "the venue does not read what is sent to it: check the way to it",
  silent: "the connection is dead though it looks open: a firewall may drop idle connections",
  gap: "a market's quotes came out of order or were contradicted again and again: if it lasts, set its stream to false",
  malformed: "the venue changed its format or something before it answers: compare its documentation, and report it",
  flood: "more frames than any venue sends: check the stream's URL",
  planned: "renewed before the venue's own limit; nothing to do",
  asked: "the venue restarts and asked for it; nothing to do",
};

/** What a connection is expected to do in its life is news, not a warning. */
const EXPECTED: readonly CloseReason[] = ["planned", "asked"];

export type StreamReporter = {
  readonly opened: () => void;
  readonly closed: (event: { readonly reason: CloseReason; readonly detail: string }) => void;
  readonly counted: (event: Extract<SessionOutput, { readonly kind: "counted" }>) => void;
};

/** One venue's stream in metrics and log lines: everything is counted, the 1st, 2nd, 4th, 8th … repeat of a fault is logged. */
export function createStreamReporter(venue: string, log: PollerLog, metrics: StreamMetrics | undefined): StreamReporter {
  const taper = createTaper();
  let reasons = new Set<CloseReason>();
  return {
    opened: () => {
      metrics?.onUp({ venue, up: true });
      if (reasons.size > 0) log.info({ venue, after: [...reasons] }, `${venue}: stream open again`);
      reasons = new Set();
    },
    closed: ({ reason, detail }) => {
      metrics?.onUp({ venue, up: false });
      metrics?.onReconnect({ venue, reason });
      reasons.add(reason);
      const repeats = taper.count(reason);
      if (repeats === undefined) return;
      const line = `${venue}: stream ended (${reason}: ${detail}); polling meanwhile; ${ADVICE[reason]}`;
      if (EXPECTED.includes(reason)) log.info({ venue, reason, repeats }, line);
      else log.warn({ venue, reason, detail, repeats }, line);
    },
    counted: ({ code, market, detail }) => {
      metrics?.onMessage({ venue, code });
      if (detail === undefined) return;
      const repeats = taper.count(`${code} ${market ?? ""}`);
      if (repeats === undefined) return;
      const subject = market === undefined ? venue : `${venue} ${market}`;
      log.warn({ venue, market, code, detail, repeats }, `${subject}: stream: ${code}: ${detail}; it is polled meanwhile`);
    },
  };
}
