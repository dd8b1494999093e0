import type { Topic } from "../../node/machine.ts";
import { decodeSignatureMessage, splitProposalMessage } from "../../node/wire.ts";
import { type Digest, fromHex, type Hex, toHex } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { EvidenceKind } from "../../protocol/evidence.ts";
import { decodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import { decodeSignedProposal } from "../../protocol/proposal.ts";
import type { TrialFacts } from "./checker.ts";
import type { Truth } from "./truth.ts";

/** A valid signature of a member under a digest of this kind and round, wherever it was seen. */
export type Statement = {
  readonly kind: EvidenceKind;
  readonly round: number;
  readonly digest: Digest;
  readonly signer: number;
  /** Of an observation: the round of the head it names. */
  readonly head?: number;
};

/** What messages say, each decoded once however many nodes send it on. */
export type Messages = {
  readonly statementsIn: (topic: Topic, bytes: Uint8Array) => readonly Statement[];
  readonly statementsOf: (certificate: Certificate) => readonly Statement[];
  /** Canonical signed bytes, as a body holds them; undefined for anything else. */
  readonly observation: (signed: Hex) => SignedObservation | undefined;
};

export function createMessages({ network, scheme }: TrialFacts, truth: Truth): Messages {
  const { domain } = network;
  const read = new WeakMap<Uint8Array, readonly Statement[]>();
  const observations = new Map<Hex, SignedObservation | undefined>();
  const digests = new Map<string, Digest>();

  const digestOf = (header: RoundHeader): Digest => {
    const key = Object.values(header).join(" ");
    const known = digests.get(key);
    if (known !== undefined) return known;
    const digest = roundDigest(domain, header);
    digests.set(key, digest);
    return digest;
  };

  const observation = (signed: Hex, bytes = fromHex(signed)): SignedObservation | undefined => {
    if (!observations.has(signed)) {
      const decoded = decodeSignedObservation(bytes, domain, scheme);
      observations.set(signed, decoded.ok ? decoded.value : undefined);
    }
    return observations.get(signed);
  };

  const signedHeader = (header: RoundHeader, signature: Hex): readonly Statement[] => {
    const digest = digestOf(header);
    const recovered = scheme.recover(fromHex(digest), signature);
    const signer = recovered === undefined ? -1 : truth.indexOf(recovered);
    if (signer < 0) return [];
    return [{ kind: "round", round: header.round, digest, signer }];
  };

  const statementsOf = ({ header, signatures }: Certificate): readonly Statement[] =>
    signatures.flatMap(({ signature }) => signedHeader(header, signature));

  const readers: { readonly [T in Topic]: (bytes: Uint8Array) => readonly Statement[] } = {
    observation: (bytes) => {
      const signed = observation(toHex(bytes), bytes);
      const signer = signed === undefined ? -1 : truth.indexOf(signed.signer);
      if (signed === undefined || signer < 0) return [];
      const { round, head } = signed.observation;
      return [{ kind: "observation", round, digest: signed.digest, signer, head: head.round }];
    },
    proposal: (bytes) => {
      const parts = splitProposalMessage(bytes);
      if (!parts.ok) return [];
      const { certificate } = parts.value;
      const quoted = certificate === undefined ? [] : statementsOf(certificate);
      const signed = decodeSignedProposal(parts.value.proposal, domain, scheme);
      const signer = signed.ok ? truth.indexOf(signed.value.signer) : -1;
      if (!signed.ok || signer < 0) return quoted;
      return [{ kind: "proposal", round: signed.value.proposal.header.round, digest: signed.value.digest, signer }, ...quoted];
    },
    signature: (bytes) => {
      const message = decodeSignatureMessage(bytes);
      return message.ok ? signedHeader(message.value.header, message.value.signature) : [];
    },
    certificate: (bytes) => {
      const certificate = decodeCertificate(bytes);
      return certificate.ok ? statementsOf(certificate.value) : [];
    },
  };

  return {
    statementsIn: (topic, bytes) => {
      const known = read.get(bytes);
      if (known !== undefined) return known;
      const statements = readers[topic](bytes);
      read.set(bytes, statements);
      return statements;
    },
    statementsOf,
    observation: (signed) => observation(signed),
  };
}
