import type { CreateBehaviour } from "../cluster/adversary.ts";
import { createOnlyToSome, createSilent, createSlow, createWithholding } from "./absent.ts";
import { createBadCertificates, createOtherSubset } from "./certificates.ts";
import { createColludePrice, createColludeSplit } from "./collusion.ts";
import { createCopiedKey, createCopiedKeyUnheard } from "./copied-key.ts";
import {
  createSignBoth,
  createSignOwnHeaders,
  createSplitObservations,
  createSplitParents,
  createSplitSubsets,
  createTwoObservations,
  createTwoProposals,
} from "./equivocation.ts";
import { createFloodObservations, createFloodProposals, createFloodSignatures } from "./flooding.ts";
import { createForgedObserver, createMovedSignatures, createResigned, createStrangerKey } from "./forging.ts";
import { createMisshapen, createMutatedMessages, createOversizeMessages, createRandomBytes } from "./garbage.ts";
import { createLyingHello, createSkewedHello } from "./hello.ts";
import {
  createCertificateToSome,
  createGarbageAnswers,
  createHiddenBody,
  createHiddenCertificate,
  createInventedHead,
  createLateParentCertificate,
  createNamedHead,
  createUnservedHead,
} from "./hiding.ts";
import {
  createCensoring,
  createLateProposals,
  createLeadHighest,
  createLeadLowest,
  createMisnamedObservations,
  createOldParent,
  createWrongHeader,
} from "./leading.ts";
import { createFutureRounds, createOldConfig, createReplayedMessages } from "./misplaced.ts";
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
  "split-parents": createSplitParents,
  "split-subsets": createSplitSubsets,
  "two-proposals": createTwoProposals,
  "sign-both": createSignBoth,
  "sign-own-headers": createSignOwnHeaders,
  "extreme-values": createExtremeValues,
  "stale-values": createStaleValues,
  "future-values": createFutureValues,
  "replayed-observations": createReplayedObservations,
  "edge-price": createEdgePrice,
  "wide-interval": createWideInterval,
  "thin-evidence": createThinEvidence,
  "missing-feeds": createMissingFeeds,
  "lead-highest": createLeadHighest,
  "lead-lowest": createLeadLowest,
  censoring: createCensoring,
  "old-parent": createOldParent,
  "late-proposals": createLateProposals,
  "wrong-header": createWrongHeader,
  "misnamed-observations": createMisnamedObservations,
  "hidden-certificate": createHiddenCertificate,
  "certificate-to-some": createCertificateToSome,
  "late-parent-certificate": createLateParentCertificate,
  "named-head": createNamedHead,
  "unserved-head": createUnservedHead,
  "hidden-body": createHiddenBody,
  "invented-head": createInventedHead,
  "garbage-answers": createGarbageAnswers,
  "forged-observer": createForgedObserver,
  resigned: createResigned,
  "stranger-key": createStrangerKey,
  "moved-signatures": createMovedSignatures,
  "random-bytes": createRandomBytes,
  "mutated-messages": createMutatedMessages,
  "oversize-messages": createOversizeMessages,
  misshapen: createMisshapen,
  "flood-observations": createFloodObservations,
  "flood-proposals": createFloodProposals,
  "flood-signatures": createFloodSignatures,
  "bad-certificates": createBadCertificates,
  "other-subset": createOtherSubset,
  "old-config": createOldConfig,
  "future-rounds": createFutureRounds,
  "replayed-messages": createReplayedMessages,
  "lying-hello": createLyingHello,
  "skewed-hello": createSkewedHello,
  "copied-key": createCopiedKey,
  "copied-key-unheard": createCopiedKeyUnheard,
  "collude-split": createColludeSplit,
  "collude-price": createColludePrice,
} satisfies Record<string, CreateBehaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
