import type { CandleBook } from "../candle-book.ts";
import type { GatewayLogger } from "../ports.ts";

/** For each millisecond of reading so many of rest: a start reads a day of rounds, and nobody is to notice. */
const REST = 9;
const RETRY_MS = 60_000;

/** Lets the book read what it lacks, a step at a time, until it lacks nothing; `wake` at the start and after a round. */
export function createFiller(
  book: Pick<CandleBook, "step">,
  log: GatewayLogger,
): { readonly wake: () => void; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const rest = (ms: number): void => {
    timer = setTimeout(read, ms).unref();
  };
  const read = (): void => {
    timer = undefined;
    if (stopped) return;
    const startedAt = performance.now();
    try {
      if (book.step()) rest(Math.ceil((performance.now() - startedAt) * REST));
    } catch (error) {
      log.error({ err: error }, "past rounds could not be read for candles; it is tried again in a minute");
      rest(RETRY_MS);
    }
  };
  return {
    wake: () => {
      if (timer === undefined) rest(0);
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
