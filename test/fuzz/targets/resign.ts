import type { Topic } from "../../../node/machine.ts";
import { decodeSignatureMessage, encodeSignatureMessage, splitProposalMessage } from "../../../node/wire.ts";
import { concat, fromHex } from "../../../protocol/bytes.ts";
import { decodeCertificate, encodeCertificate } from "../../../protocol/certificate.ts";
import { createWriter } from "../../../protocol/codec.ts";
import { type RoundHeader, roundDigest } from "../../../protocol/eip712.ts";
import { decodeObservation, encodeSignedObservation, signObservation } from "../../../protocol/observation.ts";
import { decodeProposal, encodeSignedProposal, signProposal } from "../../../protocol/proposal.ts";
import { SIGNATURE_BYTES } from "../../../protocol/secp256k1.ts";
import { scheme, type TestKey } from "../../support/network.ts";
import { keys, network } from "./chain.ts";

/**
 * The same message as a member would have signed it: what a byzantine member can send gets past the signature and meets the rest.
 * Undefined when the bytes hold no message to sign.
 */
export function resign(topic: Topic, bytes: Uint8Array, key: TestKey): Uint8Array | undefined {
  return RESIGNERS[topic](bytes, key);
}

const RESIGNERS = {
  observation: (bytes, key) => {
    const decoded = decodeObservation(bytes.subarray(0, -SIGNATURE_BYTES));
    return decoded.ok ? encodeSignedObservation(signObservation(decoded.value, network.domain, key)) : undefined;
  },
  proposal: (bytes, key) => {
    const parts = splitProposalMessage(bytes);
    const decoded = parts.ok ? decodeProposal(parts.value.proposal.subarray(0, -SIGNATURE_BYTES)) : parts;
    if (!parts.ok || !decoded.ok) return undefined;
    const proposal = encodeSignedProposal(signProposal(decoded.value, network.domain, key));
    const writer = createWriter();
    writer.u16(proposal.length);
    const { certificate } = parts.value;
    return concat(writer.finish(), proposal, certificate === undefined ? new Uint8Array(0) : certify(certificate.header));
  },
  signature: (bytes, key) => {
    const decoded = decodeSignatureMessage(bytes);
    if (!decoded.ok) return undefined;
    const { header } = decoded.value;
    return encodeSignatureMessage({ header, signature: signHeader(header, key) });
  },
  certificate: (bytes) => {
    const decoded = decodeCertificate(bytes);
    return decoded.ok ? certify(decoded.value.header) : undefined;
  },
} satisfies Record<Topic, (bytes: Uint8Array, key: TestKey) => Uint8Array | undefined>;

function certify(header: RoundHeader): Uint8Array {
  const signatures = keys
    .slice(0, network.committee.quorum)
    .map((key) => ({ signer: key.address, signature: signHeader(header, key) }));
  return encodeCertificate({ header, signatures });
}

function signHeader(header: RoundHeader, { privateKey }: TestKey) {
  return scheme.sign(fromHex(roundDigest(network.domain, header)), privateKey);
}
