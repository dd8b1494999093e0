import { z } from "zod";
import type { ConfigFault } from "../../protocol/config.ts";
import { parseShape } from "../../protocol/config-fault.ts";
import { FEED_ID, type FeedId } from "../../protocol/feed.ts";
import type { Result } from "../../protocol/result.ts";
import { PRESETS, type Preset, thresholdOverridesSchema } from "../../protocol/thresholds.ts";

const presetSchema = z.enum(PRESETS).optional();

const thresholdSetSchema = z.strictObject({
  /** Of every feed that names none of its own. */
  preset: presetSchema,
  /** Over every feed's preset. */
  thresholds: thresholdOverridesSchema.default({}),
  feeds: z
    .record(z.string(), z.strictObject({ preset: presetSchema, thresholds: thresholdOverridesSchema.default({}) }))
    .superRefine((feeds, context) => {
      for (const feed of Object.keys(feeds)) {
        if (!FEED_ID.test(feed)) context.addIssue({ code: "custom", path: [feed], message: "expected BASE/QUOTE" });
      }
    })
    .default({}),
});

/** What a threshold file says: presets and single thresholds, for every feed or one; each value within the protocol's bounds. */
export type ThresholdSet = z.infer<typeof thresholdSetSchema>;

/** The presets as they are. */
export const DEFAULT_THRESHOLDS: ThresholdSet = { thresholds: {}, feeds: {} };

/** Parses a threshold file's content, already read into plain values; an empty file is the defaults. An unknown key is a fault. */
export function parseThresholdSet(input: unknown): Result<ThresholdSet, readonly ConfigFault[]> {
  return parseShape(thresholdSetSchema, input ?? {});
}

/** The preset of a feed: its own in the file, else the file's, else what `presetOf` takes it for. */
export function presetFor(set: ThresholdSet, feed: FeedId, presetOf: (feed: FeedId) => Preset): Preset {
  return set.feeds[feed]?.preset ?? set.preset ?? presetOf(feed);
}
