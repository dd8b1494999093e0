import { GOSSIP_VERDICTS } from "../../../node/gossip-codes.ts";
import { type JudgeView, judgeGossip } from "../../../node/gossip-judge.ts";
import { TOPICS, type Topic } from "../../../node/machine.ts";
import { decodeSignatureMessage, encodeSignatureMessage, splitProposalMessage } from "../../../node/wire.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { decodeCertificate, encodeCertificate, verifyCertificate } from "../../../protocol/certificate.ts";
import { createWriter } from "../../../protocol/codec.ts";
import { memberIndex } from "../../../protocol/committee.ts";
import { decodeObservation, encodeObservation, encodeSignedObservation } from "../../../protocol/observation.ts";
import { decodeProposal, encodeProposal } from "../../../protocol/proposal.ts";
import type { Result } from "../../../protocol/result.ts";
import { SIGNATURE_BYTES } from "../../../protocol/secp256k1.ts";
import { scheme } from "../../support/network.ts";
import { joined } from "../mutate-bytes.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { FIRST_ROUND, honestChain, memberKey, network } from "./chain.ts";
import { resign } from "./resign.ts";

/** Of a network with one config. */
const VIEW: JudgeView = {
  ...{ scheme, round: FIRST_ROUND, seen: () => false },
  networkOf: (configDigest) => (configDigest === network.configDigest ? network : undefined),
  standingOf: ({ committee }, signer) => (memberIndex(committee, signer) < 0 ? "stranger" : "votes"),
  checkCertificate: (certificate) => {
    if (certificate.header.configDigest !== network.configDigest) return "unknown-config";
    return verifyCertificate(certificate, { ...network, scheme }).ok ? "certified" : "bad-certificate";
  },
};

/** Topic, signer, then the message as it came and as a member would have signed it. */
export const gossip: Target = {
  name: "gossip",
  about: "judgeGossip on all four topics and the decoders below it; one message has one encoding",
  covers: ["protocol/", "node/wire.ts", "node/gossip-judge.ts"],
  shape: "bytes",
  maxBytes: 64 * 1024,
  batch: 64,
  limitMs: 500,
  maxAllocation: 8 * 2 ** 20,
  dictionary: ["ETH/USD", "BTC/USD", "\x00\x00", "\xff\xff"],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  return honestChain(3).flatMap(({ observations, proposal, signatures, certificate }) => [
    ...observations.slice(0, 2).map((signed, index) => tagged("observation", index, encodeSignedObservation(signed))),
    tagged("proposal", 2, proposal),
    ...signatures.slice(0, 2).map((bytes, index) => tagged("signature", index, bytes)),
    tagged("certificate", 0, encodeCertificate(certificate)),
  ]);
}

function tagged(topic: Topic, signer: number, message: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(TOPICS.indexOf(topic), signer), message);
}

function execute(input: Uint8Array): string {
  const topic = TOPICS[(input[0] ?? 0) % TOPICS.length] ?? "observation";
  const message = input.subarray(2);
  const signed = resign(topic, message, memberKey(input[1] ?? 0));
  return `${topic} ${judge(topic, message)} ${signed === undefined ? "-" : judge(topic, signed)} ${checkEncoding(topic, message)}`;
}

function judge(topic: Topic, bytes: Uint8Array): string {
  const { code } = judgeGossip(topic, bytes, VIEW);
  ensure(Object.hasOwn(GOSSIP_VERDICTS, code), "a verdict's code is one of the table's");
  return code;
}

/** Two byte strings that decode to one message would be two messages to every cache on the way. */
function checkEncoding(topic: Topic, bytes: Uint8Array): string {
  const contents = bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES));
  if (topic === "observation") return sameAgain(contents, decodeObservation(contents), encodeObservation);
  if (topic === "signature") return sameAgain(bytes, decodeSignatureMessage(bytes), encodeSignatureMessage);
  if (topic === "certificate") return sameAgain(bytes, decodeCertificate(bytes), encodeCertificate);
  const parts = splitProposalMessage(bytes);
  if (!parts.ok) return classOf(parts.error);
  const { proposal, certificate } = parts.value;
  const writer = createWriter();
  writer.u16(proposal.length);
  writer.bytes(proposal);
  if (certificate !== undefined) writer.bytes(encodeCertificate(certificate));
  ensure(toHex(writer.finish()) === toHex(bytes), "a proposal message has one encoding");
  const inner = proposal.subarray(0, Math.max(0, proposal.length - SIGNATURE_BYTES));
  return sameAgain(inner, decodeProposal(inner), encodeProposal);
}

export function sameAgain<T>(bytes: Uint8Array, decoded: Result<T, string>, encode: (value: T) => Uint8Array): string {
  if (!decoded.ok) return classOf(decoded.error);
  ensure(toHex(encode(decoded.value)) === toHex(bytes), "what decodes has one encoding");
  return "decodes";
}
