import { type Evidence, evidenceSchema, verifyEvidence } from "../../protocol/evidence.ts";
import { type Desk, type Refusal, refused } from "./desk.ts";

/** Two statements as JSON are under 3 kB. */
const MAX_EVIDENCE_BYTES = 8_192;
/** A liar can accuse himself as often as he likes: the first proofs suffice, as in a store. */
export const EVIDENCE_PER_SIGNER = 16;

/** The equivocations that are known: one of each signer, kind and round. */
export type Convictions = {
  readonly has: (evidence: Evidence) => boolean;
  readonly isFull: (evidence: Evidence) => boolean;
  readonly add: (evidence: Evidence) => void;
};

export function createConvictions(start: readonly Evidence[]): Convictions {
  const keys = new Map<string, Set<string>>();
  const keyOf = ({ kind, statements }: Evidence) => `${kind} ${statements[0].struct.round}`;
  const of = (evidence: Evidence) => keys.get(evidence.signer) ?? new Set();
  const add = (evidence: Evidence): void => {
    keys.set(evidence.signer, of(evidence).add(keyOf(evidence)));
  };
  for (const evidence of start) add(evidence);
  return {
    has: (evidence) => of(evidence).has(keyOf(evidence)),
    isFull: (evidence) => of(evidence).size >= EVIDENCE_PER_SIGNER,
    add,
  };
}

export type EvidenceJudgement =
  | { readonly kind: "convicted"; readonly evidence: Evidence }
  | { readonly kind: "known" }
  | Refusal;

/** Two statements of one key, under a config that is known; verified before they are kept. */
export function judgeEvidence({ way, convictions, scheme }: Desk, bytes: Uint8Array): EvidenceJudgement {
  const evidence = parseEvidence(bytes);
  if (evidence === undefined) return refused("malformed", "expected the JSON of two statements");
  if (convictions.has(evidence)) return { kind: "known" };
  if (convictions.isFull(evidence)) return refused("evidence-full", `${EVIDENCE_PER_SIGNER} of this signer are kept`);
  const { round, configDigest } = evidence.statements[0].struct;
  const network = way.find(configDigest);
  if (network === undefined) return refused("unknown-config", `round ${round} is of config ${configDigest}`);
  const verified = verifyEvidence(evidence, { ...network, scheme });
  if (!verified.ok) return refused("evidence", verified.error);
  convictions.add(evidence);
  return { kind: "convicted", evidence };
}

function parseEvidence(bytes: Uint8Array): Evidence | undefined {
  if (bytes.length > MAX_EVIDENCE_BYTES) return undefined;
  try {
    return evidenceSchema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))).data;
  } catch {
    // Not UTF-8, or not JSON.
    return undefined;
  }
}
