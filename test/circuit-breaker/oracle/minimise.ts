import { type Breaker, type Finding, show } from "./play.ts";
import { type Failure, replay } from "./run.ts";
import type { Setup } from "./setup.ts";
import type { StoryRound } from "./story.ts";
import type { Word } from "./words.ts";

/** Replays that a minimisation may take. */
const MAX_REPLAYS = 600;

type Case = { readonly setup: Setup; readonly rounds: readonly StoryRound[] };

/** The same finding (by its kind) with fewer rounds and feeds: greedy, so small rather than smallest. */
export function minimise(
  { setup, rounds, finding }: Omit<Failure, "seed">,
  breaker?: Breaker,
): Case & { readonly finding: Finding } {
  let best: Case = { setup, rounds };
  let found = finding;
  let replays = 0;
  const attempt = (smaller: Case): boolean => {
    if (smaller.rounds.length === 0 || replays >= MAX_REPLAYS) return false;
    replays += 1;
    const again = replay(smaller.setup, smaller.rounds, breaker);
    if (again === undefined || kindOf(again) !== kindOf(finding)) return false;
    best = { setup: smaller.setup, rounds: smaller.rounds.filter(({ round }) => round <= again.round) };
    found = again;
    return true;
  };

  for (const feed of Object.keys(setup.feeds)) attempt(withoutFeed(best, feed));
  attempt({ setup: { ...best.setup, chains: [] }, rounds: best.rounds });
  attempt({ ...best, rounds: best.rounds.map((told) => ({ ...told, words: [], proposal: undefined })) });
  for (let size = best.rounds.length >> 1; size >= 1; size = size >> 1) {
    for (let from = best.rounds.length - 1 - size; from >= 0; from -= size) {
      const kept = best.rounds.filter((_, index) => index < from || index >= from + size);
      // Without the rounds, and then as if no time had passed in them.
      if (!attempt({ ...best, rounds: kept })) attempt({ ...best, rounds: closeUp(best, from, size) });
    }
  }
  return { ...best, finding: found };
}

/** The fields that differ, or the property, without their values. */
function kindOf({ lines }: Finding): string {
  const [first = ""] = lines;
  return first.startsWith("property") ? first : (first.split(":")[0] ?? "");
}

function withoutFeed({ setup, rounds }: Case, feed: string): Case {
  const { [feed]: _dropped, ...feeds } = setup.feeds;
  const basket = setup.basket.filter((item) => item.feed !== feed);
  if (Object.keys(feeds).length === 0) return { setup, rounds: [] };
  return {
    setup: { ...setup, feeds, basket: basket.length < 3 ? [] : basket },
    rounds: rounds.map((told) => ({
      ...told,
      views: told.views.filter((view) => view.feed !== feed),
      proposal: told.proposal?.filter((changed) => changed.feed !== feed),
    })),
  };
}

function closeUp({ setup, rounds }: Case, from: number, size: number): readonly StoryRound[] {
  const shift = (rounds[from + size]?.round ?? 0) - (rounds[from]?.round ?? 0);
  const kept = rounds.filter((_, index) => index < from || index >= from + size);
  return kept.map((item, index) => {
    if (index < from) return item;
    const byMs = shift * setup.roundMs;
    const views = item.views.map((view) => ({ ...view, observedAt: Math.max(0, view.observedAt - byMs) }));
    const gauges = Object.entries(item.gauges).map(([name, { value, asOf }]) => [
      name,
      { value: name.startsWith("head.") ? value - BigInt(byMs) : value, asOf: asOf - byMs },
    ]);
    const words = item.words.map((word) => earlier(word, byMs));
    return { ...item, round: item.round - shift, views, gauges: Object.fromEntries(gauges), words };
  });
}

function earlier(word: Word, byMs: number): Word {
  if (word.kind === "pause") return { ...word, until: word.until - byMs };
  return word.kind === "accept" ? { ...word, gapAt: word.gapAt - byMs } : word;
}

/** For a person: the network, each round by its distance from the one before, and what differed at the end. */
export function describeCase({ setup, rounds, finding }: Case & { readonly finding: Finding }): string {
  const lines = rounds.map(({ round, views, gauges, words, proposal }, index) => {
    const after = round - (rounds[index - 1]?.round ?? round);
    const seen = views.map(
      ({ feed, observedAt, ...view }) => `${feed} ${show({ ...view, ageMs: round * setup.roundMs - observedAt })}`,
    );
    const measured = Object.entries(gauges).map(
      ([name, { value, asOf }]) => `${name} ${value} as of -${round * setup.roundMs - asOf}`,
    );
    const said = [...words, ...(proposal ?? [])].map(show);
    return `  +${after} (leader ${round % setup.n}) ${[...(seen.length > 0 ? seen : ["nothing priced"]), ...measured, ...said].join("; ")}`;
  });
  return [
    show(setup),
    `first round ${rounds[0]?.round}`,
    ...lines,
    `${finding.feed}:`,
    ...finding.lines.map((line) => `  ${line}`),
  ].join("\n");
}
