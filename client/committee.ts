import { type Digest, isHex } from "../protocol/bytes.ts";
import { type Committee, createCommittee } from "../protocol/committee.ts";
import { genesisNetwork, parseNetworkConfig } from "../protocol/config.ts";
import { committeeDocumentSchema } from "../protocol/document.ts";
import { createDomain } from "../protocol/eip712.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { Trust } from "./verify.ts";

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
  return ok({ committee: network.committee, domain: network.domain });
}

function sameMembers(a: Committee, b: Committee): boolean {
  return a.members.length === b.members.length && a.members.every(({ address }, index) => address === b.members[index]?.address);
}
