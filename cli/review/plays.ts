import { OperationalError } from "../../node/io/operational-error.ts";
import type { FeedConfig, NetworkConfig } from "../../protocol/config.ts";
import { compareText } from "../../protocol/feed.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import { PRESETS, type Preset, type Thresholds } from "../../protocol/thresholds.ts";
import { SCENARIOS } from "../../simulator/incidents/suite.ts";

/** Feeds of one preset may change each in its own way; so many ways of one proposal are played, and each takes seconds. */
const MAX_WAYS = 8;

/** The thresholds that each preset's feeds have in a play. */
export type PresetThresholds = Readonly<Partial<Record<Preset, Thresholds>>>;
/** One incident of the suite, to be played before and after a change; the name says which feed's thresholds it is played under. */
export type Play = {
  readonly incident: string;
  readonly name: string;
  readonly before: PresetThresholds;
  readonly after: PresetThresholds;
};

type Way = { readonly feed: string; readonly before: Thresholds; readonly after: Thresholds };

/**
 * Which incidents a proposed config could turn out otherwise. A scenario is a pure function of its presets' thresholds, so one of whose
 * presets no feed's thresholds change has nothing to tell. Where the feeds of a preset change in different ways, each way is a play, under
 * the thresholds of the first feed that changes so; the same on every node.
 *
 * @throws OperationalError `replay` for more ways than a node will play
 */
export function planPlays(current: NetworkConfig, next: NetworkConfig): readonly Play[] {
  const ways = new Map(PRESETS.map((preset) => [preset, waysOf(preset, current, next)]));
  return SCENARIOS.flatMap(({ name: incident, feeds }) => {
    const presets = [...new Set(feeds.map(({ preset }) => preset))];
    const most = Math.max(...presets.map((preset) => (ways.get(preset) ?? []).filter(changes).length));
    return Array.from({ length: most }, (_, place): Play => {
      const chosen = presets.flatMap((preset) => {
        const known = ways.get(preset) ?? [];
        const way = known.filter(changes)[place] ?? known[0];
        return way === undefined ? [] : [{ preset, way }];
      });
      const named = chosen.filter(({ way }) => changes(way)).map(({ way }) => way.feed);
      return {
        incident,
        name: `${incident} as ${named.join(", ")}`,
        before: Object.fromEntries(chosen.map(({ preset, way }) => [preset, way.before])),
        after: Object.fromEntries(chosen.map(({ preset, way }) => [preset, way.after])),
      };
    });
  });
}

/** The different ways in which thresholds of this preset's feeds go from one config to the next, each by its first feed. */
function waysOf(preset: Preset, current: NetworkConfig, next: NetworkConfig): readonly Way[] {
  const after = new Map(next.feeds.map(({ feed, thresholds }) => [feed, thresholds]));
  const ways = new Map<string, Way>();
  for (const { feed, thresholds } of byName(current.feeds.filter((item) => item.preset === preset))) {
    const then = after.get(feed);
    if (then === undefined) continue;
    const key = canonicalJson([thresholds, then] as unknown as Json);
    if (!ways.has(key)) ways.set(key, { feed, before: thresholds, after: then });
  }
  const all = [...ways.values()];
  if (all.filter(changes).length <= MAX_WAYS) return all;
  throw new OperationalError(
    `${preset} feeds change in more than ${MAX_WAYS} different ways: propose them one after the other, so that each can be replayed`,
    { code: "replay" },
  );
}

function changes({ before, after }: Way): boolean {
  return canonicalJson(before as unknown as Json) !== canonicalJson(after as unknown as Json);
}

function byName(feeds: readonly FeedConfig[]): readonly FeedConfig[] {
  return [...feeds].sort((a, b) => compareText(a.feed, b.feed));
}
