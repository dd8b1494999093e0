import { z } from "zod";
import type { ConfigFault } from "../../protocol/config.ts";
import { parseShape } from "../../protocol/config-fault.ts";
import { ok, type Result } from "../../protocol/result.ts";
import { PRESETS, thresholdOverridesSchema } from "../../protocol/thresholds.ts";
import type { ThresholdsOf } from "./network.ts";

const presetThresholdsSchema = z.strictObject({
  /** Over every preset. */
  thresholds: thresholdOverridesSchema.default({}),
  presets: z.partialRecord(z.enum(PRESETS), thresholdOverridesSchema).default({}),
});

/**
 * Thresholds to play the suite under, already read into plain values: `thresholds` over every preset, `presets.major` and so on over one,
 * each value within the protocol's bounds. A feed of a scenario may still override one of them where the incident needs it.
 *
 * @example
 * parsePresetThresholds({ presets: { stable: { jumpBps: 200, gapBps: 600 } } });
 */
export function parsePresetThresholds(input: unknown): Result<ThresholdsOf, readonly ConfigFault[]> {
  const parsed = parseShape(presetThresholdsSchema, input ?? {});
  if (!parsed.ok) return parsed;
  const { thresholds, presets } = parsed.value;
  return ok((preset) => ({ ...thresholds, ...presets[preset] }));
}
