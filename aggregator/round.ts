import { stepBreaker } from "../circuit-breaker/breaker.ts";
import { type BreakerMemory, decodeMemory, EMPTY_MEMORY, encodeMemory } from "../circuit-breaker/memory.ts";
import { assert } from "../protocol/assert.ts";
import { concat, type Digest, fromHex, keccakHex, toHex, ZERO_DIGEST } from "../protocol/bytes.ts";
import { memberIndex } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../protocol/eip712.ts";
import { compareText } from "../protocol/feed.ts";
import { buildMerkleTree } from "../protocol/merkle.ts";
import { decodeSignedObservation, encodeSignedObservation, type SignedObservation } from "../protocol/observation.ts";
import { leafHash, reportTuple } from "../protocol/report.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { FeedVerdict, RoundBody } from "../protocol/round.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import { viewQuorum } from "./quorum.ts";

/** The certified round that a new one stands on. */
export type ParentRound = { readonly header: RoundHeader; readonly digest: Digest; readonly memory: BreakerMemory };

/** Where a round starts from and what its proposal puts in: observations of distinct members, in committee order, verified. */
export type RoundInput = {
  readonly network: Network;
  readonly parent: ParentRound | undefined;
  readonly round: number;
  readonly observations: readonly SignedObservation[];
};

export type ComputedRound = {
  readonly header: RoundHeader;
  readonly digest: Digest;
  readonly feeds: readonly FeedVerdict[];
  readonly memory: BreakerMemory;
};

/**
 * The fold: a pure, total function of the parent and the observations that every node, replay and auditor computes alike. Round,
 * timestamp and lease are derived from the number, never chosen.
 */
export function nextRound({ network, parent, round, observations }: RoundInput): ComputedRound {
  const { config, committee, configDigest, domain } = network;
  assert(parent === undefined || parent.header.round < round, "a round comes after its parent");
  const timestamp = round * config.roundMs;
  const validUntil = timestamp + config.leaseMs;
  const views = viewQuorum(
    observations.map((signed) => signed.observation),
    { config, f: committee.f, timestamp },
  );
  const { memory, feeds } = stepBreaker({
    config,
    committee,
    parent: parent === undefined ? undefined : { round: parent.header.round, timestamp: parent.header.timestamp },
    round,
    timestamp,
    validUntil,
    memory: parent?.memory ?? EMPTY_MEMORY,
    views,
  });
  const header: RoundHeader = {
    round,
    timestamp,
    validUntil,
    parent: parent?.digest ?? ZERO_DIGEST,
    reportsRoot: buildMerkleTree(feeds.map(({ report }) => leafHash(reportTuple(report)))).root,
    stateRoot: keccakHex(encodeMemory(memory)),
    inputsRoot: inputsRoot(observations),
    configDigest,
  };
  return { header, digest: roundDigest(domain, header), feeds, memory };
}

/** keccak of the observation digests in committee order, then the documents' digests, unique and ascending. */
function inputsRoot(observations: readonly SignedObservation[]): Digest {
  const documents = new Set(observations.flatMap((signed) => signed.observation.documents));
  const digests = [...observations.map((signed) => signed.digest), ...[...documents].sort(compareText)];
  return keccakHex(concat(...digests.map(fromHex)));
}

/** What a node keeps and serves of a round, so that anybody can compute it again. */
export function bodyOf({ parent, round, observations }: Omit<RoundInput, "network">): RoundBody {
  return {
    round,
    parent: parent?.header,
    memory: parent === undefined ? "0x" : toHex(encodeMemory(parent.memory)),
    observations: observations.map((signed) => toHex(encodeSignedObservation(signed))),
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
  const opened = { parent: parent.value, round: body.round, observations: observations.value };
  const tooNew = opened.observations.find((signed) => signed.observation.head.round > (body.parent?.round ?? 0));
  if (tooNew !== undefined) return fail(`observation of ${tooNew.signer} names a head newer than the parent`);
  return ok({ ...opened, ...nextRound({ network, ...opened }) });
}

function openParent({ config, domain }: Network, { round, parent, memory }: RoundBody): Result<ParentRound | undefined, string> {
  if (parent === undefined) return memory === "0x" ? ok(undefined) : fail("memory without a parent header");
  if (parent.round >= round) return fail("parent is not older than the round");
  // No certificate stands behind the parent yet: what the fold takes for granted of it is checked here.
  if (parent.timestamp !== parent.round * config.roundMs) return fail("parent's timestamp does not follow from its round");
  const bytes = fromHex(memory);
  if (keccakHex(bytes) !== parent.stateRoot) return fail("memory does not hash to the parent's stateRoot");
  const decoded = decodeMemory(bytes);
  if (!decoded.ok) return fail(`memory: ${decoded.error}`);
  const known = new Set(config.feeds.map(({ feed }) => feed));
  const stranger = decoded.value.feeds.find(({ feed }) => !known.has(feed));
  if (stranger !== undefined) return fail(`memory: ${stranger.feed} is no feed of the config`);
  return ok({ header: parent, digest: roundDigest(domain, parent), memory: decoded.value });
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
