import type { CreateBehaviour } from "../cluster/adversary.ts";
import { createOnlyToSome, createSilent, createSlow, createWithholding } from "./absent.ts";
import { createBadCertificates, createOtherSubset } from "./certificates.ts";
import { createColludePrice, createColludeSplit } from "./collusion.ts";
import { createCopiedKey, createCopiedKeyUnheard } from "./copied-key.ts";
import {
  createCensorCarriers,
  createDocumentToSome,
  createExtremeGauges,
  createForgedDocuments,
  createForgedTransitions,
  createHiddenDocuments,
  createPhantomDocuments,
  createRetiredConfig,
  createUnreviewedConfig,
} from "./documents.ts";
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
import { masked } from "./mask.ts";
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

/** A behaviour that signs behind its machine's back is masked from it. */
/** Every way of being byzantine, by name; at most f nodes of a trial have one, unless it is meant to fail. */
export const BEHAVIOURS = {
  silent: createSilent,
  withholding: createWithholding,
  slow: createSlow,
  "only-to-some": createOnlyToSome,
  "split-observations": masked(createSplitObservations),
  "two-observations": masked(createTwoObservations),
  "split-parents": masked(createSplitParents),
  "split-subsets": masked(createSplitSubsets),
  "two-proposals": masked(createTwoProposals),
  "sign-both": masked(createSignBoth),
  "sign-own-headers": masked(createSignOwnHeaders),
  "extreme-values": masked(createExtremeValues),
  "stale-values": masked(createStaleValues),
  "future-values": masked(createFutureValues),
  "replayed-observations": masked(createReplayedObservations),
  "edge-price": masked(createEdgePrice),
  "wide-interval": masked(createWideInterval),
  "thin-evidence": masked(createThinEvidence),
  "missing-feeds": masked(createMissingFeeds),
  "lead-highest": masked(createLeadHighest),
  "lead-lowest": masked(createLeadLowest),
  censoring: masked(createCensoring),
  "old-parent": masked(createOldParent),
  "late-proposals": masked(createLateProposals),
  "wrong-header": masked(createWrongHeader),
  "misnamed-observations": masked(createMisnamedObservations),
  "hidden-certificate": masked(createHiddenCertificate),
  "certificate-to-some": masked(createCertificateToSome),
  "late-parent-certificate": masked(createLateParentCertificate),
  "named-head": masked(createNamedHead),
  "unserved-head": masked(createUnservedHead),
  "hidden-body": masked(createHiddenBody),
  "invented-head": masked(createInventedHead),
  "garbage-answers": masked(createGarbageAnswers),
  "forged-observer": masked(createForgedObserver),
  resigned: masked(createResigned),
  "stranger-key": masked(createStrangerKey),
  "moved-signatures": masked(createMovedSignatures),
  "random-bytes": masked(createRandomBytes),
  "mutated-messages": masked(createMutatedMessages),
  "oversize-messages": masked(createOversizeMessages),
  misshapen: masked(createMisshapen),
  "flood-observations": masked(createFloodObservations),
  "flood-proposals": masked(createFloodProposals),
  "flood-signatures": masked(createFloodSignatures),
  "bad-certificates": masked(createBadCertificates),
  "other-subset": masked(createOtherSubset),
  "old-config": masked(createOldConfig),
  "future-rounds": masked(createFutureRounds),
  "replayed-messages": masked(createReplayedMessages),
  "lying-hello": masked(createLyingHello),
  "skewed-hello": masked(createSkewedHello),
  "copied-key": createCopiedKey,
  "copied-key-unheard": masked(createCopiedKeyUnheard),
  "censor-carriers": masked(createCensorCarriers),
  "phantom-documents": masked(createPhantomDocuments),
  "document-to-some": masked(createDocumentToSome),
  "forged-documents": masked(createForgedDocuments),
  "hidden-documents": masked(createHiddenDocuments),
  "unreviewed-config": masked(createUnreviewedConfig),
  "retired-config": masked(createRetiredConfig),
  "forged-transitions": masked(createForgedTransitions),
  "extreme-gauges": masked(createExtremeGauges),
  "collude-split": masked(createColludeSplit),
  "collude-price": masked(createColludePrice),
} satisfies Record<string, CreateBehaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
