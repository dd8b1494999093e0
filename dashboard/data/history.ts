import type { History, HistoryPoint } from "./api.ts";
import { getJson } from "./fetch.ts";

/** Points of one answer; what is older is asked for in the next. */
const PAGE = 600;
const MAX_PAGES = 7;

/**
 * A feed's rounds of a span, newest page first, each handed over as it arrives so that a slow line shows the newest at once.
 *
 * @throws ApiError
 */
export async function loadHistory(
  slug: string,
  {
    from,
    to,
    onPage,
    signal,
  }: {
    readonly from: number;
    readonly to: number;
    readonly onPage: (points: readonly HistoryPoint[]) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let until = to;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = `from=${Math.floor(from)}&to=${Math.floor(until)}&limit=${PAGE}`;
    const { points, more } = await getJson<History>(`v1/feeds/${slug}/history?${query}`, signal);
    if (signal.aborted) return;
    onPage(points);
    const [oldest] = points;
    if (!more || oldest === undefined) return;
    until = oldest.timestamp - 1;
  }
}
