import type { Digest } from "../../protocol/bytes.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";
import type { Statement } from "./messages.ts";

/**
 * P2: no number has two certificates, shown, hidden or possible; no honest node ever signs two things of one kind and round, and each
 * only after its record was durable; nobody is accused of what he did not do.
 */
export const judgeOneTruth: CreateJudge = ({ facts, truth, messages, complain }) => {
  const recorded = new Set<string>();
  const signed = new Map<string, Digest>();
  const headers = new Map<number, Map<Digest, Set<number>>>();
  const certified = new Map<number, Digest>();
  const split = new Set<number>();

  const takeStatement = (statement: Statement, at: number): void => {
    const { kind, round, digest, signer } = statement;
    const key = `${signer} ${kind} ${round}`;
    const standing = signed.get(key);
    if (standing === digest) return;
    if (standing === undefined) signed.set(key, digest);
    if (truth.isHonest(signer) && !truth.mayRepeat(signer)) {
      if (standing !== undefined) {
        complain("P2", at, `round ${round}: honest node ${signer} signed two ${kind}s: ${standing} and ${digest}`);
      }
      if (!recorded.has(`${key} ${digest}`)) {
        complain("P2", at, `round ${round}: honest node ${signer} sent ${kind} ${digest} before its record was durable`);
      }
    }
    if (kind === "round") countSigner(statement, at);
  };

  /** All byzantine keys can sign anything at any time: a header is within reach when honest signatures fill the rest of a quorum. */
  const countSigner = ({ round, digest, signer }: Statement, at: number): void => {
    const digests = headers.get(round) ?? new Map<Digest, Set<number>>();
    headers.set(round, digests);
    const signers = digests.get(digest) ?? new Set<number>();
    digests.set(digest, signers);
    if (truth.isHonest(signer)) signers.add(signer);
    if (digests.size < 2 || split.has(round)) return;
    const missing = truth.quorum - facts.byzantine.length;
    const within = [...digests].filter(([, honest]) => honest.size > 0 && honest.size >= missing);
    if (within.length < 2) return;
    split.add(round);
    const sides = within.map(([reached, honest]) => `${reached} (nodes ${[...honest].join(" ")})`).join(" and ");
    const liars = facts.byzantine.join(" ");
    complain(
      "P2",
      at,
      `round ${round}: two certificates within reach of a quorum of ${truth.quorum} with byzantine ${liars}: ${sides}`,
    );
  };

  const takeCertified = ({ header: { round }, certificate, digest, at }: RoundFact): void => {
    const standing = certified.get(round) ?? digest;
    certified.set(round, standing);
    if (standing !== digest) complain("P2", at, `round ${round}: two certificates, ${standing} and ${digest}`);
    const statements = messages.statementsOf(certificate);
    const signers = new Set(statements.filter((statement) => statement.digest === digest).map(({ signer }) => signer));
    if (signers.size < truth.quorum) {
      complain("P2", at, `round ${round}: ${digest} stands on ${signers.size} members' signatures, a quorum is ${truth.quorum}`);
    }
    for (const statement of statements) takeStatement(statement, at);
  };

  return {
    witness: (occurrence) => {
      const { at } = occurrence;
      if (occurrence.kind === "recorded") {
        const { kind, round, digest } = occurrence.record;
        recorded.add(`${occurrence.node} ${kind} ${round} ${digest}`);
      } else if (occurrence.kind === "sent") {
        for (const statement of messages.statementsIn(occurrence.topic, occurrence.bytes)) takeStatement(statement, at);
      } else if (occurrence.kind === "event" && occurrence.code === "equivocation") {
        const { signer, kind, round } = occurrence.fields;
        const accused = facts.network.committee.members.findIndex(({ address }) => address === signer);
        if (truth.isHonest(accused) && !truth.mayRepeat(accused)) {
          complain(
            "P2",
            at,
            `round ${round}: node ${occurrence.node} holds evidence of two ${kind}s against honest node ${accused}`,
          );
        }
      }
    },
    onRound: takeCertified,
  };
};
