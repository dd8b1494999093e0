import { performance } from "node:perf_hooks";
import type { Fold } from "../fold.ts";
import type { GuardRecord, Topic } from "../machine.ts";

/**
 * The way of a round through one node, and what each stage spans. `observe`, `propose`, `sign` and `certify` hold waiting as well:
 * for the disk, for the other members.
 */
export const STAGES = {
  sample: "from the venues' newest answers to this node's prices, gauges and shadows",
  observe: "from the sample to the signed observation's hand-over to gossip, its durable record between",
  propose: "as leader, from the own observation to the proposal: waiting for the others, the fold, the durable record",
  recompute: "one run of the fold over a round's inputs, to propose, to vote or to follow",
  sign: "from the decision to sign a header to the signature's hand-over to gossip, its durable record between",
  certify: "from the own signature to the certificate that made the round the head: waiting for the others",
  save: "one certified round and its body into the store",
  publish: "handing the saved head to everything that follows it here: streams, the log for gateways",
} as const;

export type Stage = keyof typeof STAGES;

/** Measures stages where they are carried out, on the monotonic clock. */
export type StageTimer = {
  /** A stage that is one call. */
  readonly time: <T>(stage: Stage, work: () => T) => T;
  readonly sampled: (round: number) => void;
  /** The durable record of something signed was asked for. */
  readonly promised: (record: Pick<GuardRecord, "kind" | "round">) => void;
  readonly published: (topic: Topic) => void;
  readonly certified: (round: number) => void;
};

type Mark = { readonly round: number; readonly at: number };

/**
 * @param onStage seconds that a stage took
 * @param now monotonic ms
 */
export function createStageTimer(
  onStage: (stage: Stage, seconds: number) => void,
  now: () => number = () => performance.now(),
): StageTimer {
  const marks = new Map<Stage, Mark>();
  /** The round of the newest promise of each kind: what is published follows its promise. */
  const rounds = new Map<GuardRecord["kind"], number>();
  const begin = (stage: Stage, round: number): void => void marks.set(stage, { round, at: now() });
  const end = (stage: Stage, round: number | undefined): void => {
    const mark = marks.get(stage);
    if (mark === undefined || mark.round !== round) return;
    marks.delete(stage);
    onStage(stage, Math.max(0, now() - mark.at) / 1_000);
  };
  const publishers: { readonly [Name in Topic]?: () => void } = {
    observation: () => {
      const round = rounds.get("observation");
      end("observe", round);
      if (round !== undefined) begin("propose", round);
    },
    proposal: () => end("propose", rounds.get("proposal")),
    signature: () => {
      const round = rounds.get("round");
      end("sign", round);
      if (round !== undefined) begin("certify", round);
    },
  };
  return {
    time: (stage, work) => {
      const at = now();
      try {
        return work();
      } finally {
        onStage(stage, Math.max(0, now() - at) / 1_000);
      }
    },
    sampled: (round) => begin("observe", round),
    promised: ({ kind, round }) => {
      rounds.set(kind, round);
      if (kind === "round") begin("sign", round);
    },
    published: (topic) => publishers[topic]?.(),
    certified: (round) => end("certify", round),
  };
}

/** The fold with its runs measured; the pure one knows no clock. */
export function timedFold(fold: Fold, { time }: Pick<StageTimer, "time">): Fold {
  return {
    ...fold,
    nextRound: (input) => time("recompute", () => fold.nextRound(input)),
    recomputeBody: (network, body, scheme) => time("recompute", () => fold.recomputeBody(network, body, scheme)),
  };
}
