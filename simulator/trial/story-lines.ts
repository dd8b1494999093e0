/** More lines than this are cut in the middle: what matters of a failure is how it began and how it ended. */
const FIRST_LINES = 100;
const LAST_LINES = 200;

/**
 * One thing to tell. Things of one `key` between two that stand alone are told in one line; `who` of each (a node, a round) is handed to
 * `say` once, in order. `at` is true time, Unix ms.
 */
export type Item = {
  readonly at: number;
  /** Undefined: stands alone, and nothing is merged across it. */
  readonly key: string | undefined;
  readonly who: string;
  readonly say: (who: readonly string[], times: number) => string;
};

type Line = { readonly item: Item; readonly who: string[]; until: number; times: number };

/** In order of time, repetitions collapsed, each line with its time from `startAt` in seconds. */
export function tellInOrder(items: readonly Item[], startAt: number): readonly string[] {
  const told = collapse([...items].sort((a, b) => a.at - b.at)).map(({ item, who, until, times }) => ({
    when: item.at === until ? seconds(item.at - startAt) : `${seconds(item.at - startAt)} … ${seconds(until - startAt)}`,
    what: item.say(who, times),
  }));
  const width = Math.max(...told.map(({ when }) => when.length), 0);
  return cutMiddle(told.map(({ when, what }) => `${when.padEnd(width)}  ${what}`));
}

/** @example seconds(12_345); // "+12.345 s" */
export function seconds(ms: number): string {
  return `${ms < 0 ? "−" : "+"}${(Math.abs(ms) / 1_000).toFixed(3)} s`;
}

/** @example repeated(3); // " ×3" */
export function repeated(times: number): string {
  return times > 1 ? ` ×${times}` : "";
}

function collapse(items: readonly Item[]): readonly Line[] {
  const lines: Line[] = [];
  let open = new Map<string, Line>();
  for (const item of items) {
    const line = item.key === undefined ? undefined : open.get(item.key);
    if (line !== undefined) {
      line.until = item.at;
      line.times += 1;
      if (!line.who.includes(item.who)) line.who.push(item.who);
      continue;
    }
    const begun: Line = { item, who: [item.who], until: item.at, times: 1 };
    lines.push(begun);
    if (item.key === undefined) open = new Map();
    else open.set(item.key, begun);
  }
  return lines;
}

function cutMiddle(lines: readonly string[]): readonly string[] {
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left <= 0) return lines;
  return [...lines.slice(0, FIRST_LINES), `… ${left} lines left out …`, ...lines.slice(-LAST_LINES)];
}
