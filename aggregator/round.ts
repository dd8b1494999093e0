import { type BreakerInput, stepBreaker } from "../circuit-breaker/breaker.ts";
import type { DocumentOutcome } from "../circuit-breaker/governance/step.ts";
import { type BreakerMemory, decodeMemory, EMPTY_MEMORY, encodeMemory } from "../circuit-breaker/memory.ts";
import { assert } from "../protocol/assert.ts";
import { concat, type Digest, fromHex, keccakHex, toHex, ZERO_DIGEST } from "../protocol/bytes.ts";
import { memberIndex } from "../protocol/committee.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../protocol/eip712.ts";
import { chainLeaf, compareText, type FeedId } from "../protocol/feed.ts";
import type { SignedDocument } from "../protocol/governance.ts";
import { decodeSignedDocument } from "../protocol/governance-codec.ts";
import { buildMerkleTree } from "../protocol/merkle.ts";
import {
  decodeSignedObservation,
  encodeSignedObservation,
  type Observation,
  type SignedObservation,
} from "../protocol/observation.ts";
import { leafHash, reportTuple } from "../protocol/report.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { FeedVerdict, RoundBody } from "../protocol/round.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import { viewGauges, viewShadows } from "./gauges.ts";
import { viewQuorum } from "./quorum.ts";

/** The certified round that a new one stands on. */
export type ParentRound = { readonly header: RoundHeader; readonly digest: Digest; readonly memory: BreakerMemory };

/**
 * Where a round starts from and what its proposal puts in: observations of distinct members, in committee order, and every document
 * that they name, by ascending digest; all verified. `network` is the one that {@link configAfter} the parent names.
 */
export type RoundInput = {
  readonly network: Network;
  readonly parent: ParentRound | undefined;
  readonly round: number;
  readonly observations: readonly SignedObservation[];
  readonly documents: readonly SignedDocument[];
};

/** The config under which every round that stands on this parent is computed; undefined before the first: the genesis config. */
export function configAfter(parent: FoldParent | undefined): Digest | undefined {
  const next = parent?.memory.governance.next ?? ZERO_DIGEST;
  return next === ZERO_DIGEST ? parent?.header.configDigest : next;
}

/** What a round says, before it is hashed. */
export type FoldedRound = {
  readonly timestamp: number;
  readonly validUntil: number;
  readonly feeds: readonly FeedVerdict[];
  readonly memory: BreakerMemory;
  /** What became of each document, in their order. */
  readonly intake: readonly DocumentOutcome[];
};

export type ComputedRound = {
  readonly header: RoundHeader;
  readonly digest: Digest;
  readonly feeds: readonly FeedVerdict[];
  readonly memory: BreakerMemory;
  readonly intake: readonly DocumentOutcome[];
};

/**
 * The fold: a pure, total function of the parent and the observations that every node, replay and auditor computes alike. Round,
 * timestamp and lease are derived from the number, never chosen.
 */
export function nextRound(input: RoundInput): ComputedRound {
  const { network, parent, round, observations, documents } = input;
  const { timestamp, validUntil, feeds, memory, intake } = foldRound(input);
  const header: RoundHeader = {
    round,
    timestamp,
    validUntil,
    parent: parent?.digest ?? ZERO_DIGEST,
    reportsRoot: buildMerkleTree(feeds.map(({ report }) => leafHash(reportTuple(report)))).root,
    stateRoot: keccakHex(encodeMemory(memory)),
    inputsRoot: inputsRoot(observations, documents),
    configDigest: network.configDigest,
  };
  return { header, digest: roundDigest(network.domain, header), feeds, memory, intake };
}

/** What the fold itself asks of a parent: everything but its hashes. */
export type FoldParent = {
  readonly header: Pick<RoundHeader, "round" | "timestamp" | "configDigest">;
  readonly memory: BreakerMemory;
};

export type FoldInput = Omit<RoundInput, "parent"> & { readonly parent: FoldParent | undefined };

/** The same without its roots: what a backtest asks for a million times. */
export function foldRound(input: FoldInput): FoldedRound {
  const seen = viewRound(input);
  const { memory, feeds, intake } = stepBreaker(seen);
  return { timestamp: seen.timestamp, validUntil: seen.validUntil, feeds, memory, intake };
}

/** What the breaker is told of a round: what the quorum saw of every feed and gauge, and the documents with how many carry each. */
export function viewRound({ network, parent, round, observations, documents }: FoldInput): BreakerInput {
  const { config, committee, configDigest } = network;
  assert((configAfter(parent) ?? configDigest) === configDigest, "a round is computed under the config its parent names");
  assert(parent === undefined || parent.header.round < round, "a round comes after its parent");
  const timestamp = round * config.roundMs;
  const validUntil = timestamp + config.leaseMs;
  const seen = observations.map((signed) => signed.observation);
  const view = { config, f: committee.f, timestamp };
  return {
    config,
    configDigest,
    committee,
    parentConfigDigest: parent?.header.configDigest,
    parent: parent === undefined ? undefined : { round: parent.header.round, timestamp: parent.header.timestamp },
    round,
    timestamp,
    validUntil,
    memory: parent?.memory ?? EMPTY_MEMORY,
    views: viewQuorum(seen, view),
    gauges: viewGauges(seen, view),
    shadows: viewShadows(seen, view),
    documents: documents.map(({ digest, document }) => ({ digest, document, carriers: countCarriers(seen, digest) })),
  };
}

function countCarriers(observations: readonly Observation[], digest: Digest): number {
  return observations.filter(({ documents }) => documents.includes(digest)).length;
}

/** keccak of the observation digests in committee order, then the documents' digests, unique and ascending. */
function inputsRoot(observations: readonly SignedObservation[], documents: readonly SignedDocument[]): Digest {
  const digests = [...observations.map((signed) => signed.digest), ...documents.map(({ digest }) => digest)];
  return keccakHex(concat(...digests.map(fromHex)));
}

/** What a node keeps and serves of a round, so that anybody can compute it again. */
export function bodyOf({ parent, round, observations, documents }: Omit<RoundInput, "network">): RoundBody {
  return {
    round,
    parent: parent?.header,
    memory: parent === undefined ? "0x" : toHex(encodeMemory(parent.memory)),
    observations: observations.map((signed) => toHex(encodeSignedObservation(signed))),
    documents: documents.map(({ bytes }) => toHex(bytes)),
  };
}

/** A body opened and checked against itself: the memory is its parent's, the observations are a quorum's. */
export type OpenedBody = Omit<RoundInput, "network">;

/**
 * P7: computes a round from a body that anybody may have sent. The header it gives is to be compared with the certified one; the
 * fault names the first part that does not hold together.
 */
export function recomputeBody(network: Network, body: RoundBody, scheme: Secp256k1): Result<ComputedRound & OpenedBody, string> {
  const parent = openParent(network, body);
  if (!parent.ok) return parent;
  const observations = openObservations(network, body, scheme);
  if (!observations.ok) return observations;
  const documents = openDocuments(network, body, observations.value, scheme);
  if (!documents.ok) return documents;
  const opened = { parent: parent.value, round: body.round, observations: observations.value, documents: documents.value };
  const tooNew = opened.observations.find((signed) => signed.observation.head.round > (body.parent?.round ?? 0));
  if (tooNew !== undefined) return fail(`observation of ${tooNew.signer} names a head newer than the parent`);
  return ok({ ...opened, ...nextRound({ network, ...opened }) });
}

function openParent(
  { config, configDigest, genesisConfigDigest, domain }: Network,
  { round, parent, memory }: RoundBody,
): Result<ParentRound | undefined, string> {
  if (parent === undefined && memory !== "0x") return fail("memory without a parent header");
  if (parent === undefined) {
    return configDigest === genesisConfigDigest ? ok(undefined) : fail("a first round under another config than genesis");
  }
  if (parent.round >= round) return fail("parent is not older than the round");
  // No certificate stands behind the parent yet: what the fold takes for granted of it is checked here.
  if (parent.timestamp !== parent.round * config.roundMs) return fail("parent's timestamp does not follow from its round");
  const bytes = fromHex(memory);
  if (keccakHex(bytes) !== parent.stateRoot) return fail("memory does not hash to the parent's stateRoot");
  const decoded = decodeMemory(bytes);
  if (!decoded.ok) return fail(`memory: ${decoded.error}`);
  const opened = { header: parent, digest: roundDigest(domain, parent), memory: decoded.value };
  if (configAfter(opened) !== configDigest) return fail("the parent names another config for the rounds that stand on it");
  const stranger = parent.configDigest === configDigest ? strangerIn(decoded.value, config) : undefined;
  if (stranger !== undefined) return fail(`memory: ${stranger} is no feed of the config`);
  return ok(opened);
}

/**
 * A feed or chain in memory that the config does not have. Only under the config that the memory was made under: in the first round
 * under another one, feeds of the one before are to be expected there, and the breaker forgets those that are gone.
 */
function strangerIn({ feeds }: BreakerMemory, config: NetworkConfig): FeedId | undefined {
  const known = new Set([...config.feeds.map(({ feed }) => feed), ...config.chains.map(({ chain }) => chainLeaf(chain))]);
  return feeds.find(({ feed }) => !known.has(feed))?.feed;
}

function openObservations(
  { committee, domain, configDigest }: Network,
  body: RoundBody,
  scheme: Secp256k1,
): Result<readonly SignedObservation[], string> {
  const opened: SignedObservation[] = [];
  let previous = -1;
  for (const [index, hex] of body.observations.entries()) {
    const decoded = decodeSignedObservation(fromHex(hex), domain, scheme);
    if (!decoded.ok) return fail(`observations[${index}]: ${decoded.error}`);
    const { observation, signer } = decoded.value;
    const position = memberIndex(committee, signer);
    if (position <= previous) return fail(`observations[${index}]: expected distinct members in committee order`);
    if (observation.round !== body.round) return fail(`observations[${index}]: expected round ${body.round}`);
    if (observation.configDigest !== configDigest) return fail(`observations[${index}]: another config digest`);
    previous = position;
    opened.push(decoded.value);
  }
  if (opened.length < committee.quorum) return fail(`expected at least ${committee.quorum} observations, found ${opened.length}`);
  return ok(opened);
}

/** Exactly the documents that the observations name, by ascending digest. */
function openDocuments(
  { config, domain }: Network,
  body: RoundBody,
  observations: readonly SignedObservation[],
  scheme: Secp256k1,
): Result<readonly SignedDocument[], string> {
  const named = [...new Set(observations.flatMap(({ observation }) => observation.documents))].sort(compareText);
  if (named.length !== body.documents.length) return fail(`expected ${named.length} documents, found ${body.documents.length}`);
  const opened: SignedDocument[] = [];
  for (const [index, hex] of body.documents.entries()) {
    const decoded = decodeSignedDocument(fromHex(hex), { governance: config.governance, domain, scheme });
    if (!decoded.ok) return fail(`documents[${index}]: ${decoded.error}`);
    if (decoded.value.digest !== named[index]) return fail(`documents[${index}]: not the one that an observation names`);
    opened.push(decoded.value);
  }
  return ok(opened);
}
