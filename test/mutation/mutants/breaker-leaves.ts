import { guardsIn, type Mutant } from "../mutant.ts";

const WORKED = ["test/circuit-breaker/worked-rules.test.ts"];
const CHAINS = ["test/circuit-breaker/chain-leaf.test.ts"];
const CONFIGS = ["test/circuit-breaker/new-config.test.ts"];

/** What gauges and governance bring into the breaker: pegs, pauses, refusals, acceptances, and the chains' leaves. */
export const LEAF_GUARDS: readonly Mutant[] = [
  ...guardsIn("circuit-breaker/rules/peg.ts", WORKED, [
    ["peg-needs-a-price", "P3", "fires: facts.priced && measured > limit", "fires: measured > limit"],
    [
      "peg-rate-fresh",
      "P9",
      "rate === undefined || round.timestamp - rate.asOf > thresholds.quoteMs + round.roundMs",
      "rate === undefined",
    ],
    ["peg-rate-above-zero", "P1", "rate.value > 0n && rate.value <= MAX_AMOUNT ? rate.value : undefined", "rate.value"],
    [
      "peg-needs-a-target",
      "P5",
      "pegTarget === undefined ? 0 : moveBps(facts.price, pegTarget)",
      "moveBps(facts.price, pegTarget ?? 1n)",
    ],
  ]),
  ...guardsIn("circuit-breaker/hold.ts", WORKED, [
    ["peg-held-while-active", "P5", '!hasBit(active, "peg") || (disagreeing', "(disagreeing"],
    ["peg-held-starts-again", "P5", " || (disagreeing & ~byFew) !== 0) return pegHeld === 0n", ") return pegHeld === 0n"],
    [
      "peg-held-needs-agreement",
      "P5",
      "if (disagreeing !== 0 || pegTarget === undefined) return memory;",
      "if (pegTarget === undefined) return memory;",
    ],
    ["peg-rate-trusted", "P4", 'pegTrust === "rate" && ', ""],
    ["peg-rate-outweighed", "P5", " && pegHeld < 100n * BigInt(pegHoldMs)", ""],
    ["peg-rate-while-active", "P4", 'return hasBit(active, "peg") && pegTrust', "return pegTrust"],
  ]),
  ...guardsIn("circuit-breaker/interval.ts", WORKED, [
    ["interval-rate-high", "P4", "if (rate !== undefined && rate > hi) hi = rate;", ""],
  ]),
  ...guardsIn("circuit-breaker/rules/manual.ts", WORKED, [
    ["manual-ends", "P5", "Math.max(0, manual.until - timestamp)", "manual.until"],
    ["manual-none", "P6", "manual.action === NONE", "manual.action === 0"],
    ["manual-robust-hull", "P4", "manual.action === ROBUST", "manual.action === 0"],
  ]),
  ...guardsIn("circuit-breaker/verdict.ts", WORKED, [
    ["manual-none-is-none", "P6", 'if (hasBit(active, "manual") && forbidsAll(memory)) return "none";', ""],
  ]),
  ...guardsIn("circuit-breaker/rules/config.ts", WORKED, [
    ["config-is-told", "P6", "fires: refusalBps !== undefined", "fires: false"],
  ]),
  ...guardsIn("circuit-breaker/feed-step.ts", WORKED, [
    ["config-takes-no-action", "P6", "readings.fires & ~INFORMATION", "readings.fires"],
    ["manual-hull-while-open", "P4", ' || (hasBit(active, "manual") && asksForHull(memory))', ""],
  ]),
  ...guardsIn("circuit-breaker/rules/gap.ts", WORKED, [
    ["gap-accepted", "P5", "gapAt !== 0 && !gapAccepted && timestamp", "gapAt !== 0 && timestamp"],
  ]),
  ...guardsIn("circuit-breaker/rules.ts", WORKED, [
    ["peg-is-soft", "P5", '  peg: {\n    kind: "soft",', '  peg: {\n    kind: "hard",'],
    ["peg-stops-learning", "P4", 'stopsLearning: "firing",\n    read: readPeg,', 'stopsLearning: "never",\n    read: readPeg,'],
    ["manual-is-hard", "P6", '  manual: {\n    kind: "hard",', '  manual: {\n    kind: "soft",'],
    ["config-is-information", "P6", 'kind: "information",', 'kind: "hard",'],
  ]),
  ...guardsIn(
    "circuit-breaker/rules/restart.ts",
    ["test/circuit-breaker/learning.test.ts"],
    [["restart-counted", "P9", "if (outage) return { ...memory, restartAt: timestamp, rounds: 1 };", ""]],
  ),
  ...guardsIn("circuit-breaker/rules/congestion.ts", CHAINS, [
    ["fee-never-alone", "P5", "fee > FEE_FACTOR * feeEma ? 1 : 0", "fee > FEE_FACTOR * feeEma ? 2 : 0"],
    ["fee-floor", "P5", "fee >= floor.value && ", ""],
    ["inclusion-wait", "P3", "waitMs !== undefined && waitMs > WAIT_BLOCKS * blockMs ? 1 : 0", "0"],
    ["head-late", "P3", "halted ? 2 : late ? 1 : 0", "halted ? 2 : 0"],
    ["head-halted", "P3", "halted ? 2 : late ? 1 : 0", "late ? 1 : 0"],
    ["head-halted-least", "P5", "Math.max(HALTED_BLOCKS * blockMs, HALTED_MS)", "HALTED_BLOCKS * blockMs"],
    ["oracle-missed", "P3", "missedRounds > MOST_MISSED_ROUNDS ? 1 : 0", "0"],
    ["sequencer-down", "P3", "sequencerDown ? 2 : 0", "0"],
    ["congestion-at-two", "P3", "fires: measured >= LIMIT_POINTS", "fires: measured > LIMIT_POINTS"],
  ]),
  ...guardsIn("circuit-breaker/chain-step.ts", CHAINS, [
    [
      "chain-needs-both",
      "P9",
      "if (fee === undefined || headAt === undefined) return undefined;",
      "if (fee === undefined) return undefined;",
    ],
    ["chain-head-not-ahead", "P3", "Math.min(Number(head), timestamp)", "Number(head)"],
    ["chain-fee-above-zero", "P8", "fee > MIN_FEE ? saturateAmount(fee) : MIN_FEE", "saturateAmount(fee)"],
    ["chain-sequenced", "P5", "uptimeFeed !== undefined && value", "value"],
    [
      "chain-clear-time",
      "P9",
      "timestamp - congestedAt <= CLEAR_MS ? BIT.congestion : 0",
      "congestedAt < 0 ? BIT.congestion : 0",
    ],
    ["chain-clears", "P5", "congestedAt !== 0 && timestamp - congestedAt <= CLEAR_MS", "congestedAt !== 0"],
    ["fee-average-frozen", "P3", "fee === 1 ? memory : {", "false ? memory : {"],
    ["chain-raised", "P6", 'liquidateNone ? ["congestion"] : []', "[]"],
    ["chain-carried", "P3", "const priced = view.fee !== undefined;", "const priced = true;"],
  ]),
  ...guardsIn("circuit-breaker/breaker.ts", CONFIGS, [
    [
      "dropped-feeds-forgotten",
      "P8",
      "if (item === undefined || item.feed > feed) return undefined;",
      "if (item === undefined || item.feed !== feed) return undefined;",
    ],
    [
      "leaves-in-order",
      "P7",
      "return [...feeds, ...chains].sort((a, b) => compareText(a.memory.feed, b.memory.feed));",
      "return [...feeds, ...chains];",
    ],
  ]),
  ...guardsIn("circuit-breaker/clock.ts", CONFIGS, [
    ["leaders-of-one-committee", "P5", "underNewConfig ? Number.MAX_SAFE_INTEGER : ", ""],
  ]),
  ...guardsIn("circuit-breaker/learning.ts", CONFIGS, [
    [
      "basket-average-forgotten",
      "P5",
      "inBasket ? learnBasket(memory, clock.dtMs) : 0n",
      "inBasket ? learnBasket(memory, clock.dtMs) : memory.sysEma",
    ],
  ]),
];
