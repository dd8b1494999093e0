import type { Plan } from "./plan.ts";

/** Of each phase's length: to a 256th is short enough to read. */
const MAX_HALVINGS = 8;

/**
 * The same failure with less in it: faults, keyholders' acts, byzantine nodes and nodes that stay down are taken out, differences of clocks and starts
 * evened, both phases shortened, as long as `fails` still says so. Deterministic; it ends when nothing more can go or `goesOn` says
 * that it has taken long enough, and gives the smallest plan known to fail. The size of the committee stays: another one is another
 * trial.
 *
 * @example
 * minimisePlan(plan, (smaller) => runTrial(smaller).violations.some(({ promise }) => promise === "P2"), () => trials < 200);
 */
export function minimisePlan(plan: Plan, fails: (plan: Plan) => boolean, goesOn: () => boolean): Plan {
  const tried = new Map<string, boolean>();
  const stillFails = (candidate: Plan): boolean => {
    const text = JSON.stringify(candidate);
    const known = tried.get(text);
    if (known !== undefined || !goesOn()) return known ?? false;
    const failed = fails(candidate);
    tried.set(text, failed);
    return failed;
  };
  let best = plan;
  for (;;) {
    const before = best;
    best = shrinkLists(best, stillFails);
    best = evenOut(best, stillFails);
    best = shortenPhases(best, stillFails);
    if (best === before || !goesOn()) return best;
  }
}

function shrinkLists(plan: Plan, fails: (plan: Plan) => boolean): Plan {
  let best = plan;
  const faults = shrinkList(best.faults, (kept) => fails({ ...best, faults: kept }));
  if (faults.length < best.faults.length) best = { ...best, faults };
  const acts = shrinkList(best.acts, (kept) => fails({ ...best, acts: kept }));
  if (acts.length < best.acts.length) best = { ...best, acts };
  const byzantine = shrinkList(best.byzantine, (kept) => fails({ ...best, byzantine: kept }));
  if (byzantine.length < best.byzantine.length) best = { ...best, byzantine };
  const downAfterHeal = shrinkList(best.downAfterHeal, (kept) => fails({ ...best, downAfterHeal: kept }));
  return downAfterHeal.length < best.downAfterHeal.length ? { ...best, downAfterHeal } : best;
}

function evenOut(plan: Plan, fails: (plan: Plan) => boolean): Plan {
  let best = plan;
  const even: readonly Partial<Plan>[] = [{ skewsMs: plan.skewsMs.map(() => 0) }, { startsMs: plan.startsMs.map(() => 0) }];
  for (const change of even) {
    const candidate = { ...best, ...change };
    if (JSON.stringify(candidate) !== JSON.stringify(best) && fails(candidate)) best = candidate;
  }
  return best;
}

/** The faults that are left must still end before healing, so the first phase never gets shorter than the last of them. */
function shortenPhases(plan: Plan, fails: (plan: Plan) => boolean): Plan {
  const lastFault = plan.faults.reduce((last, { until }) => Math.max(last, until), 0);
  const safetyMs = shortest(plan.safetyMs, Math.min(lastFault, plan.safetyMs), (ms) => fails({ ...plan, safetyMs: ms }));
  const short = safetyMs === plan.safetyMs ? plan : { ...plan, safetyMs };
  const healMs = shortest(short.healMs, 0, (ms) => fails({ ...short, healMs: ms }));
  return healMs === short.healMs ? short : { ...short, healMs };
}

/** Halves the way down to `least` while it still fails; a failure need not be monotone in time, so what fails was tried. */
function shortest(ms: number, least: number, fails: (ms: number) => boolean): number {
  let best = ms;
  let low = least;
  for (let i = 0; i < MAX_HALVINGS && low < best; i++) {
    const middle = Math.floor((low + best) / 2);
    if (fails(middle)) best = middle;
    else low = middle + 1;
  }
  return best;
}

/**
 * Delta debugging (Zeller and Hildebrandt 2002, ddmin): a sublist, in order, from which no single item can be taken without `fails`
 * becoming false. First nothing, then each half, then what is left without one piece, in ever smaller pieces.
 *
 * @example shrinkList([1, 2, 3, 4, 5], (kept) => kept.includes(2) && kept.includes(5)); // [2, 5]
 */
export function shrinkList<T>(items: readonly T[], fails: (kept: readonly T[]) => boolean): readonly T[] {
  if (items.length === 0 || fails([])) return [];
  let kept = items;
  let pieces = 2;
  while (kept.length > 1) {
    const parts = split(kept, pieces);
    const part = parts.find((candidate) => fails(candidate));
    // Of two halves each is the other's rest.
    const rests = part !== undefined || pieces === 2 ? [] : parts.map((_, index) => parts.toSpliced(index, 1).flat());
    const rest = rests.find((candidate) => fails(candidate));
    if (part === undefined && rest === undefined && pieces >= kept.length) return kept;
    if (part !== undefined) pieces = 2;
    else pieces = rest === undefined ? Math.min(kept.length, pieces * 2) : Math.max(pieces - 1, 2);
    kept = part ?? rest ?? kept;
  }
  return kept;
}

function split<T>(items: readonly T[], pieces: number): readonly (readonly T[])[] {
  return Array.from({ length: pieces }, (_, index) =>
    items.slice(Math.floor((index * items.length) / pieces), Math.floor(((index + 1) * items.length) / pieces)),
  ).filter((part) => part.length > 0);
}
