import { compareText } from "../../protocol/feed.ts";
import { type Preset, THRESHOLDS, type ThresholdName, type Thresholds } from "../../protocol/thresholds.ts";

/** One threshold of one feed beside its preset's. */
export type ThresholdRow = {
  readonly name: ThresholdName;
  readonly value: number;
  readonly preset: number;
  readonly floor: number;
  readonly ceiling: number;
};

/** Every threshold in the order of the table of presets. */
export function thresholdRows(thresholds: Thresholds, preset: Preset): readonly ThresholdRow[] {
  return (Object.keys(THRESHOLDS) as ThresholdName[]).map((name) => {
    const { floor, ceiling, presets } = THRESHOLDS[name];
    return { name, value: thresholds[name], preset: presets[preset], floor, ceiling };
  });
}

type FeedTerms = { readonly feed: string; readonly preset: Preset; readonly thresholds: Thresholds };

/** Feeds that share a preset and every threshold are governed alike, and are shown together. */
export type Terms = {
  readonly preset: Preset;
  readonly feeds: readonly string[];
  readonly rows: readonly ThresholdRow[];
  readonly changed: number;
};

export function groupTerms(feeds: readonly FeedTerms[]): readonly Terms[] {
  const groups = new Map<string, FeedTerms[]>();
  for (const feed of feeds) {
    const key = JSON.stringify([feed.preset, feed.thresholds]);
    groups.set(key, [...(groups.get(key) ?? []), feed]);
  }
  return [...groups.values()]
    .flatMap((members): Terms[] => {
      const [first] = members;
      if (first === undefined) return [];
      const rows = thresholdRows(first.thresholds, first.preset);
      const changed = rows.filter(({ value, preset }) => value !== preset).length;
      return [{ preset: first.preset, feeds: members.map(({ feed }) => feed).sort(compareText), rows, changed }];
    })
    .sort((a, b) => compareText(a.preset, b.preset) || compareText(a.feeds[0] ?? "", b.feeds[0] ?? ""));
}

/** How far a pending config has come: the timelock first, then the feeds whose price under it has agreed with the served one for long enough. */
export type Progress = {
  readonly timelockLeftMs: number;
  readonly agreeing: readonly {
    readonly feed: string;
    readonly state: "accepted" | "agreed" | "agreeing" | "apart";
    readonly agreedMs: number;
  }[];
};

export function progressOf(
  pending: {
    readonly activation: number;
    readonly feeds: readonly { readonly feed: string; readonly agreedAt: number; readonly accepted: boolean }[];
  },
  { now, shadowMs }: { readonly now: number; readonly shadowMs: number },
): Progress {
  const agreeing = pending.feeds.map(({ feed, agreedAt, accepted }) => {
    const agreedMs = agreedAt === 0 ? 0 : Math.max(0, now - agreedAt);
    const state = accepted ? "accepted" : agreedAt === 0 ? "apart" : agreedMs >= shadowMs ? "agreed" : "agreeing";
    return { feed, state, agreedMs } as const;
  });
  return { timelockLeftMs: Math.max(0, pending.activation - now), agreeing };
}

const DOCUMENT_WORDS: Readonly<Record<string, string>> = {
  pause: "Pause",
  accept: "Acceptance of a price",
  rollback: "Roll-back",
  removal: "Removal of a guardian",
  config: "New config",
};

export function sayKind(kind: string): string {
  return DOCUMENT_WORDS[kind] ?? kind;
}
