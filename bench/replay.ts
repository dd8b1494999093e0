import { type ComputedRound, type FoldParent, foldRound, nextRound } from "../aggregator/round.ts";
import { assert } from "../protocol/assert.ts";
import { type BenchChain, foldChain } from "./chain.ts";
import { atLeast, formatCount, formatRatio, type Outcome, timeInTurns } from "./measure.ts";
import { hashOnly } from "./next-round.ts";

const NODES = 4;
const ROUNDS = 400;
const REPETITIONS = 9;
const TURN_MS = 100;
const AIM = 20_000;

/** Replay of one feed: the fold over its stored rounds, each on the result of the one before. */
export function benchReplay(): Outcome {
  const chain = foldChain({ feeds: 1, nodes: NODES, rounds: ROUNDS });
  assert(replay(chain).digest === chain.last.digest, "the replay ends in the round that the chain ended in");
  const ms = timeInTurns(
    {
      rounds: () => replay(chain),
      verdicts: () => replayVerdicts(chain),
      hashes: () => {
        for (let round = 0; round < ROUNDS; round++) hashOnly(chain);
      },
    },
    { repetitions: REPETITIONS, minMs: TURN_MS },
  );
  const perSecond = (total: number): number => (1_000 * ROUNDS) / total;
  const hashed = `${formatCount(perSecond(ms.hashes))}/s its hashes alone`;
  return {
    rows: [
      {
        what: "replay of one feed with all its roots",
        ours: `${formatCount(perSecond(ms.rounds))} rounds/s`,
        other: hashed,
        ratio: formatRatio(ms.hashes / ms.rounds),
        aim: atLeast(perSecond(ms.rounds), AIM, `${formatCount(AIM)}/s`),
      },
      {
        what: "  the same without roots: verdicts only",
        ours: `${formatCount(perSecond(ms.verdicts))} rounds/s`,
        other: hashed,
        ratio: formatRatio(ms.hashes / ms.verdicts),
        aim: atLeast(perSecond(ms.verdicts), AIM, `${formatCount(AIM)}/s`),
      },
    ],
    notes: [
      `${ROUNDS} rounds of ${NODES} observations, each on the result of the one before. With roots it is nextRound, which proves every`,
      "header; without, the quorum's view and the breaker alone, which is what trying other thresholds needs.",
    ],
  };
}

function replay({ inputs }: BenchChain): ComputedRound {
  let parent = inputs[0]?.parent;
  let last: ComputedRound | undefined;
  for (const input of inputs) {
    last = nextRound({ ...input, parent });
    parent = last;
  }
  assert(last !== undefined, "a chain has rounds");
  return last;
}

function replayVerdicts({ inputs }: BenchChain): unknown {
  let parent: FoldParent | undefined = inputs[0]?.parent;
  for (const input of inputs) {
    const { memory, timestamp } = foldRound({ ...input, parent });
    parent = { header: { round: input.round, timestamp, configDigest: input.network.configDigest }, memory };
  }
  return parent?.memory;
}
