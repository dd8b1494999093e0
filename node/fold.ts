import { bodyOf, nextRound, recomputeBody } from "../aggregator/round.ts";
import { explainDocument } from "../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../circuit-breaker/governance/judge.ts";

/** The pure fold, and its judgement of one document by itself. */
export type Fold = {
  readonly nextRound: typeof nextRound;
  readonly bodyOf: typeof bodyOf;
  readonly recomputeBody: typeof recomputeBody;
  readonly judgeDocument: typeof judgeDocument;
  readonly explainDocument: typeof explainDocument;
};

/** The one that every node runs. */
export const FOLD: Fold = { nextRound, bodyOf, recomputeBody, judgeDocument, explainDocument };
