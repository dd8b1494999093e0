import { z } from "zod";
import { type Address, type Digest, fromHex, keccakHex } from "./bytes.ts";
import { type Committee, memberIndex } from "./committee.ts";
import { addressSchema, countSchema, digestSchema, headerSchema, signatureSchema } from "./document.ts";
import { type Domain, observationDigest, proposalDigest, roundDigest } from "./eip712.ts";
import { encodeObservation, type SignedObservation } from "./observation.ts";
import { encodeProposal, type SignedProposal } from "./proposal.ts";
import { fail, ok, type Result } from "./result.ts";
import type { Secp256k1 } from "./secp256k1.ts";

/** What one key may sign once a round and config: the kinds of the pinned EIP-712 structs. */
export const EVIDENCE_KINDS = ["observation", "proposal", "round"] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

const contentsStatementSchema = z.strictObject({
  struct: z.strictObject({ round: countSchema, configDigest: digestSchema, contents: digestSchema }),
  signature: signatureSchema,
});
const roundStatementSchema = z.strictObject({ struct: headerSchema, signature: signatureSchema });

/**
 * Equivocation (DESIGN section 5): two signatures of one key over two digests of the same kind, round and config digest. Never made
 * by an honest node, whose guard is keyed by kind and round. It holds only numbers and hex, so this is its JSON form as well.
 */
export const evidenceSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.enum(["observation", "proposal"]),
    signer: addressSchema,
    statements: z.tuple([contentsStatementSchema, contentsStatementSchema]),
  }),
  z.strictObject({
    kind: z.literal("round"),
    signer: addressSchema,
    statements: z.tuple([roundStatementSchema, roundStatementSchema]),
  }),
]);
export type Evidence = z.infer<typeof evidenceSchema>;

/** A signed struct of an observation or a proposal, without the bytes behind its `contents`. */
export type ContentsStatement = z.infer<typeof contentsStatementSchema>;
/** A signed round header. */
export type RoundStatement = z.infer<typeof roundStatementSchema>;

export function observationStatement({ observation, signature }: SignedObservation): ContentsStatement {
  const { round, configDigest } = observation;
  return { struct: { round, configDigest, contents: keccakHex(encodeObservation(observation)) }, signature };
}

export function proposalStatement({ proposal, signature }: SignedProposal): ContentsStatement {
  const { round, configDigest } = proposal.header;
  return { struct: { round, configDigest, contents: keccakHex(encodeProposal(proposal)) }, signature };
}

/** Why two statements convict nobody, in the order in which it is checked. */
export const EVIDENCE_FAULTS = ["stranger", "round", "config", "same", "signature"] as const;
export type EvidenceFault = (typeof EVIDENCE_FAULTS)[number];

/**
 * The member whom the evidence convicts. Faults: `stranger` (the signer is no member), `round` and `config` (the statements are of
 * two rounds or configs, which an honest node may sign), `same` (one digest, twice), `signature` (one of them is not the signer's).
 */
export function verifyEvidence(
  evidence: Evidence,
  { committee, domain, scheme }: { readonly committee: Committee; readonly domain: Domain; readonly scheme: Secp256k1 },
): Result<Address, EvidenceFault> {
  const { signer, statements } = evidence;
  const [first, second] = statements;
  if (memberIndex(committee, signer) < 0) return fail("stranger");
  if (first.struct.round !== second.struct.round) return fail("round");
  if (first.struct.configDigest !== second.struct.configDigest) return fail("config");
  const digests = digestsOf(evidence, domain);
  if (digests[0] === digests[1]) return fail("same");
  const signed = statements.every(({ signature }, index) => {
    const digest = digests[index];
    return digest !== undefined && scheme.recover(fromHex(digest), signature) === signer;
  });
  return signed ? ok(signer) : fail("signature");
}

function digestsOf(evidence: Evidence, domain: Domain): readonly Digest[] {
  if (evidence.kind === "round") return evidence.statements.map(({ struct }) => roundDigest(domain, struct));
  const digest = evidence.kind === "observation" ? observationDigest : proposalDigest;
  return evidence.statements.map(({ struct }) => digest(domain, struct));
}
