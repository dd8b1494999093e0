import type { FaultCode, MarketAnswer } from "../adapter.ts";
import { createTaper } from "../taper.ts";

/** What a request came to: `ok` when it brought a quote, else the first fault's code. The metric's label. */
export type RequestCode = "ok" | FaultCode;

/** Structural, so that pino fits and a test passes a stub. */
export type PollerLog = {
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
};

export type PollerMetrics = {
  readonly onRequest: (event: { readonly venue: string; readonly code: RequestCode; readonly ms: number }) => void;
  readonly onFault: (event: { readonly venue: string; readonly market: string; readonly code: FaultCode }) => void;
};

/** What the operator can do about a fault; the second half of every warning. */
const ADVICE: Readonly<Record<FaultCode, string>> = {
  "unknown-market":
    "the venue does not list it: check the market's name in the config, or take the source out if it was delisted",
  "rate-limited":
    "nothing is sent until the venue's time is over; if it lasts, poll less often or let fewer nodes share this address",
  maintenance: "the venue is closed by its own word; nothing to do unless it lasts",
  malformed: "the venue changed its format or a proxy rewrote it: compare its documentation, and report it if the format changed",
  crossed: "bid at or above ask: the venue's book is broken or halted; take the source out if it lasts",
  "non-positive": "a price of zero: the market is empty or halted; take the source out if it lasts",
  html: "a web page instead of data: a firewall, a captcha or a block of this address's region; try the URL from this machine",
  oversize: "the answer is above the size cap: look whether the venue changed its endpoint before raising the cap",
  "http-status": "the venue refuses or fails: see the status; 403 and 451 usually mean that this address's region is blocked",
  timeout: "the venue or the way to it is slow: check the connection; if only this venue is slow, raise its time-out",
  network: "no connection: check DNS, firewall and proxy, and the override if this venue has one",
};

export type Reporter = {
  readonly report: (event: { readonly answers: readonly MarketAnswer[]; readonly path: string; readonly ms: number }) => void;
  readonly bug: (error: unknown, path: string) => void;
};

/**
 * One venue's metrics and log lines: every fault is counted, the 1st, 2nd, 4th, 8th … repeat of it is logged. A fault that a
 * whole request shares is one line, not one for each market. A refused batch is nobody's fault yet: its markets are about to
 * be asked alone.
 */
export function createReporter(venue: string, log: PollerLog, metrics: PollerMetrics): Reporter {
  const taper = createTaper();

  const warn = (event: string, fault: { code: FaultCode; detail: string }, details: object) => {
    const repeats = taper.count(event);
    if (repeats === undefined) return;
    log.warn({ venue, ...details, ...fault, repeats }, `${venue}: ${fault.code}: ${fault.detail}; ${ADVICE[fault.code]}`);
  };

  const clear = (event: string, subject: string) => {
    const repeats = taper.clear(event);
    if (repeats > 0) log.info({ venue, repeats }, `${subject} answers again`);
  };

  return {
    report: ({ answers, path, ms }) => {
      const code = requestCode(answers);
      metrics.onRequest({ venue, code, ms });
      const shared = sharedFault(answers);
      if (shared?.code === "unknown-market" && answers.length > 1) {
        log.info(
          { venue, path, markets: answers.length },
          `${venue} refuses a batch for a market it does not name: asking for each alone`,
        );
        return;
      }
      for (const { market, answer } of answers) if (!answer.ok) metrics.onFault({ venue, market, code: answer.error.code });
      if (shared !== undefined) return warn(path, shared, { path, markets: answers.length });
      clear(path, venue);
      for (const { market, answer } of answers) {
        if (answer.ok) clear(market, `${venue} ${market}`);
        else warn(market, answer.error, { market });
      }
    },
    bug: (error, path) => log.error({ venue, path, err: error }, `${venue}: its parser threw; this is a bug, please report it`),
  };
}

function requestCode(answers: readonly MarketAnswer[]): RequestCode {
  let code: RequestCode | undefined;
  for (const { answer } of answers) {
    if (answer.ok) return "ok";
    code ??= answer.error.code;
  }
  return code ?? "malformed";
}

function sharedFault(answers: readonly MarketAnswer[]) {
  const first = answers[0]?.answer;
  if (first === undefined || first.ok) return undefined;
  return answers.every(({ answer }) => !answer.ok && answer.error.code === first.error.code) ? first.error : undefined;
}
