import type { Digest } from "../../protocol/bytes.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import type { BreakerMemory } from "../memory.ts";
import type { DocumentCode } from "./codes.ts";
import type { Draft, Hearing } from "./hearing.ts";
import { judge } from "./intake.ts";
import { openMemory } from "./opening.ts";

/** The round that a document would come into: the config that its parent names, its instant, and how many observations would carry it. */
export type Judgement = Omit<Hearing, "gapAt"> & {
  /** Of the parent, the head say; undefined before the first round. */
  readonly parentConfigDigest: Digest | undefined;
  readonly memory: BreakerMemory;
  readonly carriers: number;
};

/**
 * What the fold would make of a document if it came alone into a round on this memory: what a node answers to whoever hands it in, and
 * how it decides whether to carry it on. Changes nothing.
 */
export function judgeDocument(document: GovernanceDocument, judgement: Judgement): DocumentCode {
  const { draft, hearing } = hear(judgement);
  return judge(document, draft, hearing, judgement.carriers);
}

/** The draft and hearing behind a judgement. */
export function hear(judgement: Judgement): { readonly draft: Draft; readonly hearing: Hearing } {
  const { memory, config, configDigest, timestamp, f } = judgement;
  const gaps = new Map(memory.feeds.map(({ feed, gapAt }) => [feed, gapAt]));
  return {
    draft: { memory: openMemory(memory.governance, judgement), acceptedGaps: new Set() },
    hearing: { config, configDigest, timestamp, f, gapAt: (feed) => gaps.get(feed) ?? 0 },
  };
}
