import type { CreateJudge } from "./judge.ts";
import type { RoundFact } from "./ledger.ts";

/**
 * P2, the part that makes a certified round stay: an honest node names its newest head and signs on nothing older, no round stands on a
 * parent older than a head it was told of, and within one life a head only moves to a later round: what was hidden and comes late
 * changes nothing.
 */
export const judgeHeadRule: CreateJudge = ({ truth, messages, complain }) => {
  const heads = new Map<number, number>();
  /** What each node held when it looked at the market for a round, and what its observation then named. */
  const atSample = new Map<string, number>();
  const named = new Map<string, number>();

  const takeRound = ({ header: { round }, included, certificate, parent, at }: RoundFact): void => {
    const parentRound = parent?.header.round ?? 0;
    for (const { node, observation } of included) {
      const head = observation.head.round;
      if (head > parentRound) {
        complain("P2", at, `round ${round}: parent ${parentRound} is older than head ${head}, named by node ${node}`);
      }
    }
    for (const { signer } of certificate.signatures) {
      const node = truth.indexOf(signer);
      const own = named.get(`${node} ${round}`) ?? 0;
      if (truth.isHonest(node) && own > parentRound) {
        complain("P2", at, `round ${round}: honest node ${node} named head ${own} and signed on parent ${parentRound}`);
      }
    }
  };

  const takeObservation = (node: number, bytes: Uint8Array, at: number): void => {
    for (const { kind, signer, round, head } of messages.statementsIn("observation", bytes)) {
      if (kind !== "observation" || signer !== node || head === undefined) continue;
      named.set(`${node} ${round}`, head);
      const held = atSample.get(`${node} ${round}`) ?? 0;
      if (head < held) complain("P2", at, `round ${round}: honest node ${node} named head ${head} and held ${held}`);
    }
  };

  const takeHead = (node: number, round: number, at: number): void => {
    const head = heads.get(node);
    if (head !== undefined && round <= head) complain("P2", at, `node ${node} went back from head ${head} to ${round}`);
    heads.set(node, round);
  };

  return {
    witness: (occurrence) => {
      const { kind, at } = occurrence;
      if (kind === "started") heads.delete(occurrence.node);
      else if (kind === "sampled") atSample.set(`${occurrence.node} ${occurrence.round}`, heads.get(occurrence.node) ?? 0);
      else if (kind === "sent" && occurrence.topic === "observation" && truth.isHonest(occurrence.node)) {
        takeObservation(occurrence.node, occurrence.bytes, at);
      } else if (kind === "committed" && truth.isHonest(occurrence.node) && occurrence.place === "head") {
        takeHead(occurrence.node, occurrence.certified.certificate.header.round, at);
      }
    },
    onRound: takeRound,
  };
};
