import type { CreateBehaviour } from "../cluster/adversary.ts";
import { createOnlyToSome, createSilent, createSlow, createWithholding } from "./absent.ts";
import { createSplitObservations, createTwoObservations } from "./equivocation.ts";
import {
  createEdgePrice,
  createExtremeValues,
  createFutureValues,
  createMissingFeeds,
  createReplayedObservations,
  createStaleValues,
  createThinEvidence,
  createWideInterval,
} from "./values.ts";

/** Every way of being byzantine, by name; at most f nodes of a trial have one, unless it is meant to fail. */
export const BEHAVIOURS = {
  silent: createSilent,
  withholding: createWithholding,
  slow: createSlow,
  "only-to-some": createOnlyToSome,
  "split-observations": createSplitObservations,
  "two-observations": createTwoObservations,
  "extreme-values": createExtremeValues,
  "stale-values": createStaleValues,
  "future-values": createFutureValues,
  "replayed-observations": createReplayedObservations,
  "edge-price": createEdgePrice,
  "wide-interval": createWideInterval,
  "thin-evidence": createThinEvidence,
  "missing-feeds": createMissingFeeds,
} satisfies Record<string, CreateBehaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
