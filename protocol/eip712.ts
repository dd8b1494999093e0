import { encodeWords } from "./abi.ts";
import { concat, type Digest, fromHex, type Hex, keccak, keccakHex, toHex, utf8 } from "./bytes.ts";

const DOMAIN_TYPE = "EIP712Domain(string name,string version,bytes32 salt)";
const DOMAIN_NAME = "Breakwater";
const DOMAIN_VERSION = "1";

const ROUND_TYPEHASH = typeHash(
  "Round(uint64 round,uint64 timestamp,uint64 validUntil,bytes32 parent,bytes32 reportsRoot,bytes32 stateRoot,bytes32 inputsRoot,bytes32 configDigest)",
);
const OBSERVATION_TYPEHASH = typeHash("Observation(uint64 round,bytes32 configDigest,bytes32 contents)");
const PROPOSAL_TYPEHASH = typeHash("Proposal(uint64 round,bytes32 configDigest,bytes32 contents)");

/** No chain id: one certificate serves every chain. The salt ties it to one network and its genesis config. */
export type Domain = {
  readonly name: typeof DOMAIN_NAME;
  readonly version: typeof DOMAIN_VERSION;
  readonly salt: Digest;
  readonly separator: Digest;
};

/** salt = keccak256(utf8(network name) ‖ genesis config digest). */
export function createDomain(network: string, genesisConfigDigest: Digest): Domain {
  return domainOfSalt(toHex(keccak(concat(utf8(network), fromHex(genesisConfigDigest)))));
}

/** The domain from its salt alone, as a consumer reads it from `/v1/committee`. */
export function domainOfSalt(salt: Digest): Domain {
  const separator = keccakHex(
    concat(typeHash(DOMAIN_TYPE), keccak(utf8(DOMAIN_NAME)), keccak(utf8(DOMAIN_VERSION)), fromHex(salt)),
  );
  return { name: DOMAIN_NAME, version: DOMAIN_VERSION, salt, separator };
}

/** What q nodes sign each round; everything else hangs on its roots. Times in Unix ms. */
export type RoundHeader = {
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  /** Digest of the parent round's header, zero for the first. */
  readonly parent: Digest;
  readonly reportsRoot: Digest;
  readonly stateRoot: Digest;
  readonly inputsRoot: Digest;
  readonly configDigest: Digest;
};

export function roundDigest(domain: Domain, header: RoundHeader): Digest {
  return typedDigest(domain, ROUND_TYPEHASH, [
    header.round,
    header.timestamp,
    header.validUntil,
    header.parent,
    header.reportsRoot,
    header.stateRoot,
    header.inputsRoot,
    header.configDigest,
  ]);
}

/** What a node signs of an observation or a proposal: `contents` = keccak of the canonical bytes. */
export type SignedContents = { readonly round: number; readonly configDigest: Digest; readonly contents: Digest };

export function observationDigest(domain: Domain, { round, configDigest, contents }: SignedContents): Digest {
  return typedDigest(domain, OBSERVATION_TYPEHASH, [round, configDigest, contents]);
}

export function proposalDigest(domain: Domain, { round, configDigest, contents }: SignedContents): Digest {
  return typedDigest(domain, PROPOSAL_TYPEHASH, [round, configDigest, contents]);
}

/** keccak of a struct's type text: the first word of every hashed struct. */
export function typeHash(type: string): Uint8Array {
  return keccak(utf8(type));
}

/** keccak of 0x1901, the domain's separator and the hashed struct: what is signed. Texts come in already hashed. */
export function typedDigest(domain: Domain, type: Uint8Array, fields: readonly (number | Hex)[]): Digest {
  const struct = keccak(concat(type, encodeWords(fields)));
  return keccakHex(concat(Uint8Array.of(0x19, 0x01), fromHex(domain.separator), struct));
}
