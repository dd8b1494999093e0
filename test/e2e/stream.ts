import { formatAmount, parseAmount } from "../../protocol/amount.ts";
import { type BundleDocument, bundleDocumentSchema } from "../../protocol/document.ts";
import type { BreakerState, LiquidateLevel } from "../../protocol/report.ts";

const RECONNECT_MS = 200;

/** One feed in one certificate, in the numbers that a test compares. Prices 1e18, times Unix ms. */
export type FeedView = {
  readonly feed: string;
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  readonly price: bigint;
  readonly low: bigint;
  readonly high: bigint;
  readonly observedAt: number;
  readonly state: BreakerState;
  readonly liquidate: LiquidateLevel;
  readonly borrow: boolean;
  readonly budgetBps: number;
  /** Names of the active rules. */
  readonly reasons: readonly string[];
  readonly carried: boolean;
};

/** A `breaker` event: one feed's change of state. */
export type BreakerChange = {
  readonly feed: string;
  readonly round: number;
  readonly from: string | null;
  readonly to: string;
  readonly reasons: readonly { readonly rule: string; readonly clears?: string }[];
};

/** Every certificate that one API served since the stream was opened, in order. */
export type RoundStream = {
  readonly rounds: readonly BundleDocument[];
  readonly changes: readonly BreakerChange[];
  /** One feed in every certificate seen after the round `after`. */
  readonly of: (feed: string, after?: number) => readonly FeedView[];
  /** The newest round's number; 0 before the first. */
  readonly newest: () => number;
  /** The first certificate after `after` in which the feed is as wanted. Fails with the last states seen when there is none in time. */
  readonly until: (
    feed: string,
    wanted: (view: FeedView) => boolean,
    options: { readonly what: string; readonly after?: number; readonly withinMs?: number },
  ) => Promise<FeedView>;
  /** Until `count` more certificates were seen. */
  readonly more: (count: number, withinMs?: number) => Promise<void>;
  readonly close: () => void;
};

/** Follows `/v1/stream` of one API and resumes where it was cut. Every event is checked against the bundle's schema. */
export function openStream(base: string, feeds: readonly string[]): RoundStream {
  const rounds: BundleDocument[] = [];
  const changes: BreakerChange[] = [];
  const controller = new AbortController();
  const waiting = new Set<() => void>();
  let fault: unknown;
  const follow = async (): Promise<void> => {
    while (!controller.signal.aborted) {
      await readEvents(
        `${base}/v1/stream?feeds=${feeds.map(slug).join(",")}`,
        rounds.at(-1)?.round,
        controller.signal,
        (data, event) => {
          if (event === "breaker") {
            changes.push(JSON.parse(data) as BreakerChange);
            return;
          }
          const bundle = bundleDocumentSchema.parse(JSON.parse(data));
          if (bundle.round <= (rounds.at(-1)?.round ?? -1)) throw new Error(`the stream went back to round ${bundle.round}`);
          rounds.push(bundle);
          for (const wake of waiting) wake();
        },
      );
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  };
  follow().catch((error: unknown) => {
    fault = error;
    for (const wake of waiting) wake();
  });
  const of = (feed: string, after = -1): readonly FeedView[] =>
    rounds.filter(({ round }) => round > after).flatMap((bundle) => viewFeed(bundle, feed) ?? []);
  const wait = <T>(look: () => T | undefined, explain: () => string, withinMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        waiting.delete(wake);
        clearTimeout(timer);
        end();
      };
      const wake = (): void => {
        const found = look();
        if (found !== undefined) settle(() => resolve(found));
        else if (fault !== undefined) settle(() => reject(fault));
      };
      const timer = setTimeout(() => settle(() => reject(new Error(explain()))), withinMs);
      waiting.add(wake);
      wake();
    });
  return {
    rounds,
    changes,
    of,
    newest: () => rounds.at(-1)?.round ?? 0,
    until: (feed, wanted, { what, after = -1, withinMs = 60_000 }) =>
      wait(
        () => of(feed, after).find(wanted),
        () => `${feed}: ${what} did not come within ${withinMs} ms; ${summarize(of(feed, after))}`,
        withinMs,
      ),
    more: async (count, withinMs = 60_000) => {
      const goal = rounds.length + count;
      await wait(
        () => rounds.length >= goal || undefined,
        () => `${goal - rounds.length} of ${count} certificates did not come within ${withinMs} ms`,
        withinMs,
      );
    },
    close: () => controller.abort(),
  };
}

/** A sequence of states as one line: a state is written when something but the price changed. */
export function summarize(views: readonly FeedView[]): string {
  const lines: string[] = [];
  let before = "";
  for (const view of views) {
    const says = `${view.state}/${view.liquidate}${view.borrow ? "/borrow" : ""}${view.carried ? "/carried" : ""} [${view.reasons.join(" ")}]`;
    if (says !== before)
      lines.push(`${view.round}: ${says} ${formatAmount(view.low)} < ${formatAmount(view.price)} < ${formatAmount(view.high)}`);
    before = says;
  }
  return lines.length === 0 ? "no certificate was seen" : `${views.length} certificates:\n  ${lines.join("\n  ")}`;
}

export function viewFeed(bundle: BundleDocument, feed: string): FeedView | undefined {
  const shown = bundle.feeds.find((item) => item.feed === feed);
  if (shown === undefined) return undefined;
  const { round, timestamp, validUntil } = bundle;
  const { state, reasons } = shown.breaker;
  return {
    ...{ feed, round, timestamp, validUntil, state },
    ...{ price: amount(shown.price), low: amount(shown.low), high: amount(shown.high) },
    ...{ observedAt: shown.observedAt, ...shown.permits },
    reasons: reasons.map(({ rule }) => rule),
    // Bit 31 of the leaf's reasons: an earlier certified price, carried.
    carried: BigInt(shown.proof.report[11]) >> 31n === 1n,
  };
}

export function amount(text: string): bigint {
  const parsed = parseAmount(text);
  if (!parsed.ok) throw new Error(`"${text}" is no amount`);
  return parsed.value;
}

function slug(feed: string): string {
  return feed.replace("/", "-");
}

async function readEvents(
  url: string,
  lastEventId: number | undefined,
  signal: AbortSignal,
  onData: (data: string, event: string | undefined) => void,
): Promise<void> {
  const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) };
  const response = await fetch(url, { headers, signal }).catch(() => undefined);
  if (!response?.ok || response.body === null) return;
  let text = "";
  const chunks = response.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  for (;;) {
    // A cut connection is resumed by the caller; a bad event is not, and throws below.
    const chunk = await chunks.next().catch(() => undefined);
    if (chunk === undefined || chunk.done === true) return;
    text += chunk.value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      text = text.slice(end + 2);
      const data = field("data");
      if (data !== undefined) onData(data, field("event"));
    }
  }
}
