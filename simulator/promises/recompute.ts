import { recomputeBody } from "../../aggregator/round.ts";
import { concat, type Digest, fromHex, keccakHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { decodeRoundBody, encodeRoundBody } from "../../protocol/round-codec.ts";
import type { Occurrence } from "../cluster/occurrence.ts";
import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";

/** One round in so many is computed again in full. */
const SAMPLED = 8;

/**
 * P7: a body as it goes over the wire gives the certified header again; every node holds the same body; every certified round but the
 * first has a certified parent; the inputs are those that the header names.
 */
export const judgeRecomputing: CreateJudge = ({ facts, truth, messages, ledger, complain }) => {
  const { scheme } = facts;
  const first = new Map<Digest, Occurrence & { readonly kind: "committed" }>();
  const recomputed = new Set<Digest>();

  const recompute = (fact: RoundFact): void => {
    const { digest, body, network, at } = fact;
    const { round } = fact.header;
    if (recomputed.has(digest)) return;
    recomputed.add(digest);
    const decoded = decodeRoundBody(encodeRoundBody(body));
    const again = decoded.ok ? recomputeBody(network, decoded.value, scheme) : decoded;
    if (!again.ok) complain("P7", at, `round ${round}: its body does not recompute: ${again.error}`);
    else if (again.value.digest !== digest)
      complain("P7", at, `round ${round}: its body gives ${again.value.digest}, not ${digest}`);
  };

  const takeRound = (round: RoundFact): void => {
    const { header, body, parent, at } = round;
    const digests = body.observations.map((signed) => messages.observation(signed)?.digest ?? ZERO_DIGEST);
    const documents = body.documents.map((bytes) => keccakHex(fromHex(bytes)));
    if (keccakHex(concat(...[...digests, ...documents].map(fromHex))) !== header.inputsRoot) {
      complain("P7", at, `round ${header.round}: its observations and documents are not those of its inputsRoot`);
    }
    if (body.parent?.round !== parent?.header.round || body.parent?.stateRoot !== parent?.header.stateRoot) {
      complain(
        "P7",
        at,
        `round ${header.round}: its body begins from round ${body.parent?.round}, its parent is ${parent?.header.round}`,
      );
    }
    if (Number.parseInt(round.digest.slice(2, 6), 16) % SAMPLED === 0) recompute(round);
  };

  const compareBodies = (occurrence: Occurrence & { readonly kind: "committed" }): void => {
    const { digest, certificate } = occurrence.certified;
    const known = first.get(digest);
    if (known === undefined) first.set(digest, occurrence);
    else if (!isSameBody(known, occurrence)) {
      const { round } = certificate.header;
      complain(
        "P7",
        occurrence.at,
        `round ${round}: nodes ${known.node} and ${occurrence.node} hold different bodies of one certificate`,
      );
    }
  };

  /** Off the walk back from the newest certificate. */
  const orphans = (): readonly RoundFact[] => {
    const rounds = ledger().all();
    const walk = new Set<Digest>();
    let newest = rounds.reduce<RoundFact | undefined>(
      (latest, round) => (latest === undefined || round.header.round > latest.header.round ? round : latest),
      undefined,
    );
    for (; newest !== undefined; newest = newest.parent) walk.add(newest.digest);
    return rounds.filter(({ digest }) => !walk.has(digest));
  };

  return {
    witness: (occurrence) => {
      if (occurrence.kind === "committed") compareBodies(occurrence);
    },
    onRound: takeRound,
    finish: () => {
      orphans().forEach(recompute);
      for (const { certified, at, node } of ledger().parentless()) {
        const { round, parent } = certified.certificate.header;
        const who = truth.isHonest(node) ? "honest" : "byzantine";
        complain("P7", at, `round ${round}: ${who} node ${node} committed it, and nobody its parent ${parent}`);
      }
    },
  };
};

type Committed = Occurrence & { readonly kind: "committed" };

function isSameBody(a: Committed, b: Committed): boolean {
  if (a.body === b.body) return true;
  return a.body.memory === b.body.memory && isSame("observations") && isSame("documents");

  function isSame(field: "observations" | "documents"): boolean {
    const [one, other] = [a.body[field], b.body[field]];
    return one.length === other.length && one.every((bytes, index) => bytes === other[index]);
  }
}
