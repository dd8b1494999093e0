import { Session } from "node:inspector/promises";
import { pathToFileURL } from "node:url";

/** V8's own block counters over a target's source files. Taking them costs some milliseconds, so it is done once a batch. */
export type Coverage = {
  /** Blocks reached since the last call that were never reached before; they count as reached only with `keep`. */
  readonly take: (keep: boolean) => Promise<number>;
  /** Blocks ever kept. */
  readonly blocks: () => number;
};

export type CoverageSession = {
  /** `covers` are path prefixes below the root. */
  readonly of: (covers: readonly string[]) => Coverage;
  readonly close: () => Promise<void>;
};

/**
 * Starts counting; blocks are counted only in modules loaded after this.
 * Source: Chrome DevTools protocol, Profiler.startPreciseCoverage with `callCount` and `detailed`.
 */
export async function openCoverage(root: string): Promise<CoverageSession> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    of: (covers) =>
      coverageOf(
        session,
        covers.map((path) => `${pathToFileURL(root).href}/${path}`),
      ),
    close: async () => {
      await session.post("Profiler.stopPreciseCoverage");
      session.disconnect();
    },
  };
}

function coverageOf(session: Session, prefixes: readonly string[]): Coverage {
  const reached = new Map<string, Uint8Array>();
  let blocks = 0;
  return {
    take: async (keep) => {
      const { result } = await session.post("Profiler.takePreciseCoverage");
      let fresh = 0;
      for (const { url, functions } of result) {
        if (!prefixes.some((prefix) => url.startsWith(prefix))) continue;
        for (const { ranges } of functions) fresh += freshRuns(reached, url, ranges, keep);
      }
      if (keep) blocks += fresh;
      return fresh;
    },
    blocks: () => blocks,
  };
}

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };

/** Runs of characters of one function that were reached for the first time; V8 merges neighbours of one count, so ranges are no key. */
function freshRuns(reached: Map<string, Uint8Array>, url: string, ranges: readonly Range[], keep: boolean): number {
  const [whole] = ranges;
  if (whole === undefined || whole.count === 0) return 0;
  const { startOffset: start, endOffset: end } = whole;
  const key = `${url} ${start} ${end}`;
  const before = reached.get(key) ?? new Uint8Array(end - start);
  const now = new Uint8Array(end - start);
  for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  let runs = 0;
  let inRun = false;
  for (const [at, is] of now.entries()) {
    const isFresh = is === 1 && before[at] === 0;
    if (isFresh && !inRun) runs += 1;
    inRun = isFresh;
  }
  if (keep && runs > 0)
    reached.set(
      key,
      now.map((is, at) => is | (before[at] ?? 0)),
    );
  return runs;
}
