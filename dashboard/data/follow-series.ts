import { isHole, mergePoints, type Point } from "../view/series.ts";
import { loadHistory } from "./history.ts";
import type { Live } from "./live.ts";

export type SeriesOptions = {
  readonly feed: string;
  readonly slug: string;
  readonly rangeMs: number;
  /** All that is known, ascending, each time that there is more. */
  readonly onPoints: (points: readonly Point[]) => void;
  /** Why older rounds are missing; undefined once they are not. */
  readonly onFailed: (why: string | undefined) => void;
};

/**
 * A feed's rounds from the gateway's history and then from the stream. A stream that was cut resumes with what still speaks: what it
 * leaves out is asked for from the history again.
 */
export function followSeries(live: Live, { feed, slug, rangeMs, onPoints, onFailed }: SeriesOptions): () => void {
  const controller = new AbortController();
  let points: readonly Point[] = [];
  const add = (fresh: readonly Point[]): void => {
    points = mergePoints(points, fresh);
    onPoints(points);
  };
  const load = (from: number, to: number): void => {
    loadHistory(slug, { from, to, onPage: add, signal: controller.signal }).then(
      () => onFailed(undefined),
      (error: Error) => {
        if (!controller.signal.aborted) onFailed(error.message);
      },
    );
  };
  const now = live.now.peek();
  load(now - rangeMs, now);
  const stop = live.onBundle(({ round, timestamp, feeds }) => {
    const found = feeds.find((item) => item.feed === feed);
    if (found === undefined) return;
    const before = points.at(-1);
    const point = { round, timestamp, ...found };
    add([point]);
    if (before !== undefined && isHole(before, point)) load(before.timestamp + 1, timestamp - 1);
  });
  return () => {
    controller.abort();
    stop();
  };
}
