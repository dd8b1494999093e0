import { z } from "zod";
import { type Digest, isHex } from "../protocol/bytes.ts";
import { type Committee, createCommittee } from "../protocol/committee.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../protocol/config.ts";
import { committeeDocumentSchema, headerSchema, roundSignatureSchema } from "../protocol/document.ts";
import { createDomain } from "../protocol/eip712.ts";
import { type Eras, firstEra, newestEra, nextEra } from "../protocol/era.ts";
import { MAX_MEMBERS } from "../protocol/proposal.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import type { Transition } from "../protocol/transition.ts";
import type { Trust } from "./verify.ts";

/** Transitions in one answer of a gateway; the rest is asked for after the last of them. */
const MAX_TRANSITIONS = 256;

/** `GET /v1/governance/transitions`: changes of the config in force, oldest first; from the beginning on, the genesis config too. */
const transitionsSchema = z.object({
  genesis: z.record(z.string(), z.unknown()).optional(),
  more: z.boolean(),
  transitions: z
    .array(
      z.object({
        config: z.record(z.string(), z.unknown()),
        certificate: z.object({ header: headerSchema, signatures: z.array(roundSignatureSchema).max(MAX_MEMBERS) }),
      }),
    )
    .max(MAX_TRANSITIONS),
});

/**
 * Trust in a committee as a file or a host states it: the caller vouches for where the document came from. What can be recomputed is:
 * f and q from the members, the salt from the network's name and its genesis digest. A fault names the field.
 */
export function trustCommittee(input: unknown): Result<Trust, string> {
  const parsed = committeeDocumentSchema.safeParse(input);
  if (!parsed.success) {
    return fail(
      parsed.error.issues.map(({ path, message }) => `${path.map(String).join(".") || "(top)"}: ${message}`).join("; "),
    );
  }
  const { network, domain, genesisConfigDigest, f, quorum, members } = parsed.data;
  if (new Set(members.map(({ address }) => address)).size < members.length) return fail("members: expected every address once");
  const committee = createCommittee(members);
  if (committee.f !== f) return fail(`f: ${members.length} members give ${committee.f}, found ${f}`);
  if (committee.quorum !== quorum) return fail(`quorum: ${members.length} members give ${committee.quorum}, found ${quorum}`);
  const derived = createDomain(network, genesisConfigDigest);
  if (derived.salt !== domain.salt) return fail("domain.salt: not that of this network's name and genesis config digest");
  return ok({ committee, domain: derived });
}

/**
 * Trust from the genesis digest alone: the document is only a carrier of the config, whose parsed form must hash to the digest.
 * The members come from that config. A network whose committee has changed since genesis is refused, because the document holds no
 * proof of the change.
 */
export function trustGenesis(input: unknown, genesis: Digest): Result<Trust, string> {
  if (!isHex(genesis, 32)) return fail("genesis: expected 0x and 64 lower-case hex digits");
  const stated = trustCommittee(input);
  if (!stated.ok) return stated;
  const { config } = committeeDocumentSchema.parse(input);
  if (config === undefined) return fail("config: missing; ask for /v1/committee?config=1");
  const parsed = parseNetworkConfig(config);
  if (!parsed.ok) return fail(parsed.error.map(({ path, expected }) => `config.${path}: ${expected}`).join("; "));
  const network = genesisNetwork(parsed.value);
  if (network.configDigest !== genesis) return fail(`config: its digest is ${network.configDigest}, not ${genesis}`);
  if (!sameMembers(network.committee, stated.value.committee)) {
    return fail("members: not those of the genesis config; the committee has changed since");
  }
  return ok(trustNetwork(network));
}

/** Trust in a network from its beginning, as far as nothing has changed: {@link followTransitions} leads on. */
export function trustNetwork(network: Network): Trust {
  return { committee: network.committee, domain: network.domain, eras: firstEra(network) };
}

/** What a gateway says of a network's changes, its configs parsed; nothing of it is verified yet. The fault names the field. */
export type Changes = {
  readonly genesis: Network | undefined;
  readonly transitions: readonly Transition[];
  readonly more: boolean;
};

export function parseChanges(input: unknown): Result<Changes, string> {
  const shape = transitionsSchema.safeParse(input);
  if (!shape.success) {
    return fail(shape.error.issues.map(({ path, message }) => `${path.map(String).join(".") || "(top)"}: ${message}`).join("; "));
  }
  const genesis = shape.data.genesis === undefined ? ok(undefined) : parseNetworkConfig(shape.data.genesis);
  if (!genesis.ok) return fail(genesis.error.map(({ path, expected }) => `genesis.${path}: ${expected}`).join("; "));
  const transitions: Transition[] = [];
  for (const [index, { config, certificate }] of shape.data.transitions.entries()) {
    const parsed = parseNetworkConfig(config);
    if (!parsed.ok) {
      return fail(parsed.error.map(({ path, expected }) => `transitions.${index}.config.${path}: ${expected}`).join("; "));
    }
    transitions.push({ config: parsed.value, certificate });
  }
  const founded = genesis.value === undefined ? undefined : genesisNetwork(genesis.value);
  return ok({ genesis: founded, transitions, more: shape.data.more });
}

/**
 * Trust that goes along with the network (DESIGN section 6): each transition is signed by a quorum of the committee before it as well as
 * by its own, so whoever trusts the beginning can check the way to the committee of today, and nobody who carries it has to be trusted.
 * What a carrier can do is to leave the newest out: then what the newest committee signs is refused, and what the one before it signs
 * counts longer than it should; own bounds on age are what is left against that.
 */
export function followTransitions(
  trust: Trust,
  transitions: readonly Transition[],
  { scheme }: { readonly scheme: Secp256k1 },
): Result<Trust, string> {
  let { eras } = trust;
  for (const transition of transitions) {
    if (eras === undefined) return fail("a committee that was only stated is no beginning to follow the network from");
    const next = nextEra(eras, transition, scheme);
    // Where the first round under a config turned out an orphan, its sibling leads there as well, and adds nothing.
    if (!next.ok && next.error.code === "same") continue;
    if (!next.ok) return fail(`the transition in round ${transition.certificate.header.round}: ${next.error.detail}`);
    eras = [...eras, next.value] satisfies Eras;
  }
  return ok(eras === undefined ? trust : { committee: newestEra(eras).network.committee, domain: trust.domain, eras });
}

function sameMembers(a: Committee, b: Committee): boolean {
  return a.members.length === b.members.length && a.members.every(({ address }, index) => address === b.members[index]?.address);
}
