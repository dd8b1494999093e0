import type { Address } from "../protocol/bytes.ts";
import { encodeCertificate } from "../protocol/certificate.ts";
import { leaderOf } from "../protocol/committee.ts";
import { observationStatement, proposalStatement } from "../protocol/evidence.ts";
import { admit, admitSignature, noticeOwn } from "./admission.ts";
import { noticeDocuments } from "./carrying.ts";
import { assemble } from "./certifying.ts";
import { type Desk, emit } from "./desk.ts";
import { learnCertificate, noticeHead } from "./following.ts";
import type { Message } from "./gossip-judge.ts";
import type { Admission } from "./pool.ts";
import type { SignedHeader } from "./signatures.ts";

/** Puts a verified message where it belongs and draws what follows from it; says what became of it. */
export function keepMessage(desk: Desk, message: Message, from: Address): Admission {
  if (message.topic === "observation") return keepObservation(desk, message);
  if (message.topic === "proposal") return keepProposal(desk, message, from);
  if (message.topic === "signature") return keepSignature(desk, message.signed);
  const { certificate, digest } = message;
  const { round } = certificate.header;
  desk.seenCertificates.set(round, (desk.seenCertificates.get(round) ?? new Set()).add(digest));
  learnCertificate(desk, { certificate, digest }, [from]);
  return "accepted";
}

function keepObservation(desk: Desk, { signed }: Message & { readonly topic: "observation" }): Admission {
  const { round, head } = signed.observation;
  noticeOwn(desk, "observation", { round, digest: signed.digest, signer: signed.signer });
  const entry = { round, signer: signed.signer, digest: signed.digest, value: signed };
  const admission = admit(desk, desk.observations, entry, (a, b) => ({
    kind: "observation",
    signer: signed.signer,
    statements: [observationStatement(a), observationStatement(b)],
  }));
  if (admission !== "accepted" && admission !== "equivocation") return admission;
  noticeHead(desk, head, signed.signer);
  noticeDocuments(desk, signed);
  return admission;
}

function keepProposal(desk: Desk, { signed, certificate }: Message & { readonly topic: "proposal" }, from: Address): Admission {
  const { round, parent } = signed.proposal.header;
  noticeOwn(desk, "proposal", { round, digest: signed.digest, signer: signed.signer });
  const value = { signed, from, asked: new Set<string>(), open: true, unsound: false };
  const admission = admit(desk, desk.proposals, { round, signer: signed.signer, digest: signed.digest, value }, (a, b) => ({
    kind: "proposal",
    signer: signed.signer,
    statements: [proposalStatement(a.signed), proposalStatement(b.signed)],
  }));
  if (certificate !== undefined) learnCertificate(desk, { certificate, digest: parent }, [signed.signer, from]);
  return admission;
}

/** Any q signatures of one header are its certificate; the leader also says so on gossip. */
function keepSignature(desk: Desk, signed: SignedHeader): Admission {
  const { header, digest } = signed;
  const admission = admitSignature(desk, signed);
  if (desk.rounds.certificate(digest) !== undefined) return admission;
  const certificate = assemble(desk, { header, digest });
  if (certificate === undefined) return admission;
  learnCertificate(desk, { certificate, digest }, []);
  const committee = desk.networks.find(header.configDigest)?.committee;
  if (committee !== undefined && leaderOf(committee, header.round) === desk.key.address) {
    emit(desk, { kind: "publish", topic: "certificate", bytes: encodeCertificate(certificate) });
  }
  return admission;
}
