import { guardsIn, type Mutant } from "../mutant.ts";
import { LEAF_GUARDS } from "./breaker-leaves.ts";

const RULES = ["test/circuit-breaker/rules.test.ts"];
const STATES = ["test/circuit-breaker/state-machine.test.ts", "test/circuit-breaker/scenarios.test.ts"];
const TIMERS = ["test/circuit-breaker/timers.test.ts", "test/circuit-breaker/scenarios.test.ts"];
const LEARNING = ["test/circuit-breaker/learning.test.ts"];
const VERDICTS = ["test/circuit-breaker/verdict.test.ts"];
const INTEGERS = ["test/circuit-breaker/integers.test.ts"];

export const BREAKER_GUARDS: readonly Mutant[] = [
  ...guardsIn("circuit-breaker/integers.ts", INTEGERS, [
    ["move-saturates", "P8", "bps < 4_294_967_295n ? Number(bps) : MAX_UINT32", "Number(bps)"],
    ["move-from-zero", "P8", "if (min <= 0n) return MAX_UINT32;", "if (min <= 0n) return 0;"],
    ["move-of-the-smaller", "P5", "const min = a < b ? a : b;", "const min = b;"],
    ["isqrt-exact", "P7", "if (next >= root) return root;", "return next;"],
    ["amount-saturates", "P8", "return amount > MAX_AMOUNT ? MAX_AMOUNT : amount;", "return amount;"],
    ["count-saturates", "P8", "return Math.min(count, MAX_UINT32);", "return count;"],
  ]),
  ...guardsIn(
    "circuit-breaker/clock.ts",
    [...TIMERS, ...RULES],
    [
      ["outage-detected", "P9", "outage: dtMs > leaseMs,", "outage: false,"],
      ["timers-ignore-outages", "P5", "tickMs: Math.min(dtMs, MAX_TICK_ROUNDS * roundMs),", "tickMs: dtMs,"],
      ["leaders-to-hold", "P5", "leadersToHold: f + 1,", "leadersToHold: 1,"],
    ],
  ),
  ...guardsIn("circuit-breaker/genesis.ts", STATES, [["genesis-restarts", "P9", "rounds: 0,", "rounds: 4,"]]),
  ...guardsIn("circuit-breaker/rules/jump.ts", RULES, [
    ["jump-needs-a-price", "P3", "fires: facts.priced && measured > limit", "fires: measured > limit"],
    ["jump-market-by-direction", "P5", "Math.sign(systemicBps) === facts.direction ?", "systemicBps !== 0 ?"],
    ["jump-market-capped", "P5", "beta * Math.min(Math.abs(systemicBps), sysCapBps)", "beta * Math.abs(systemicBps)"],
    ["jump-hysteresis", "P5", "const hysteresis = firedAt !== 0 && timestamp - firedAt <= clearMs;", "const hysteresis = false;"],
  ]),
  ...guardsIn("circuit-breaker/facts.ts", RULES, [
    ["jump-half-when-thin", "P5", "jumpLimitBps: thin ? Math.floor(jumpBps / 2) : jumpBps,", "jumpLimitBps: jumpBps,"],
  ]),
  ...guardsIn("circuit-breaker/rules/dispersion.ts", RULES, [
    ["dispersion-fires", "P5", "fires: priced && measured > thresholds.dispersionBps", "fires: false"],
  ]),
  ...guardsIn("circuit-breaker/rules/divergence.ts", RULES, [
    ["divergence-fires", "P5", "fires: priced && outsideBps > limit", "fires: false"],
  ]),
  ...guardsIn("circuit-breaker/rules/thin.ts", RULES, [
    ["thin-not-priced", "P3", "return view === undefined || view.groups", "return view !== undefined && view.groups"],
    ["thin-groups", "P1", "view.groups < thresholds.wantGroups || ", ""],
    ["thin-top-share", "P1", " || view.topBps > thresholds.topShareBps", ""],
  ]),
  ...guardsIn("circuit-breaker/rules/stale.ts", RULES, [
    ["stale-fires", "P3", "fires: measured > thresholds.staleMs", "fires: false"],
  ]),
  ...guardsIn("circuit-breaker/rules/restart.ts", RULES, [
    ["restart-rounds", "P9", "fires: rounds <= restartRounds,", "fires: false,"],
    ["restart-fresh-quotes", "P9", "if (rounds > restartRounds && observedAt < restartAt)", "if (false)"],
  ]),
  ...guardsIn(
    "circuit-breaker/rules/gap.ts",
    [...RULES, "test/circuit-breaker/timers.test.ts"],
    [
      [
        "gap-latches",
        "P5",
        "if (gapAt !== 0 && !gapAccepted && timestamp - gapAt <= thresholds.gapHoldMs) return { gapAt, accepted: false };",
        "",
      ],
      ["gap-ends", "P5", "timestamp - gapAt <= thresholds.gapHoldMs", "timestamp >= gapAt"],
      ["gap-returns", "P5", "if (moves.priced && moves.moveBps <= moves.jumpLimitBps) return { gapAt: 0, accepted: false };", ""],
      ["gap-again", "P5", "if (moves.priced && isBeyondBand(", "if (moves.priced && gapAt === 0 && isBeyondBand("],
      ["gap-band-grows", "P5", "BAND_MS + Math.max(0, sincePricedMs - GRACE_MS)", "BAND_MS"],
    ],
  ),
  ...guardsIn(
    "circuit-breaker/rules.ts",
    [...RULES, ...STATES, ...VERDICTS],
    [
      [
        "stale-is-none",
        "P3",
        '  stale: {\n    kind: "hard",\n    level: "none",',
        '  stale: {\n    kind: "hard",\n    level: "robust",',
      ],
      ["stale-is-hard", "P3", '  stale: {\n    kind: "hard",', '  stale: {\n    kind: "soft",'],
      [
        "restart-is-none",
        "P9",
        '  restart: {\n    kind: "hard",\n    level: "none",',
        '  restart: {\n    kind: "hard",\n    level: "robust",',
      ],
      ["gap-is-hard", "P5", '  gap: {\n    kind: "hard",', '  gap: {\n    kind: "soft",'],
      [
        "dispersion-by-leader",
        "P5",
        '  dispersion: {\n    kind: "soft",\n    level: "robust",\n    byLeader: true,',
        '  dispersion: {\n    kind: "soft",\n    level: "robust",\n    byLeader: false,',
      ],
      [
        "thin-disagrees",
        "P5",
        '  thin: {\n    kind: "soft",\n    level: "robust",\n    byLeader: true,\n    disagrees: true,',
        '  thin: {\n    kind: "soft",\n    level: "robust",\n    byLeader: true,\n    disagrees: false,',
      ],
      [
        "jump-stops-learning",
        "P5",
        'disagrees: false,\n    stopsLearning: "while-open",\n    read: readJump,',
        'disagrees: false,\n    stopsLearning: "never",\n    read: readJump,',
      ],
    ],
  ),
  ...guardsIn("circuit-breaker/activity.ts", STATES, [
    ["hold-after-f+1-leaders", "P5", "countBits(rounds) >= clock.leadersToHold", "countBits(rounds) >= 1"],
    [
      "hold-within-n-rounds",
      "P5",
      "BigInt.asUintN(leaders, rounds << BigInt(roundsSinceParent))",
      "rounds << BigInt(roundsSinceParent)",
    ],
    ["quiet-time-capped", "P5", ", thresholds.clearCapMs);", ", Number.MAX_SAFE_INTEGER);"],
    ["quiet-time-doubles", "P5", "2 ** Math.min(memory.trips, MAX_DOUBLINGS)", "1"],
    ["quiet-time-ends", "P5", "clock.timestamp - firedAt <= quietMs", "clock.timestamp >= firedAt"],
    ["quiet-time-holds", "P5", "firedAt !== 0 && clock.timestamp - firedAt <= quietMs", "firedAt === clock.timestamp"],
  ]),
  ...guardsIn("circuit-breaker/state-machine.ts", STATES, [
    ["tighten-at-once", "P3", "activity.active === 0 ? memory :", "(activity.active & ~activity.passing) === 0 ? memory :"],
    [
      "no-closed-without-probe",
      "P9",
      'state: "half-open", since: clock.timestamp, agree: 0',
      'state: "closed", since: clock.timestamp, agree: 0',
    ],
    ["probe-time", "P9", "if (agree < thresholds.probeMs) return", "if (agree < 0) return"],
    ["probe-begins-again", "P9", "if (held !== 0) return { ...memory, agree: 0 };", ""],
    ["probe-waits-while-narrowed", "P9", "if (passing !== 0) return memory;", ""],
    ["hard-rule-opens", "P3", "(rules & HARD) !== 0 || ", ""],
    ["waived-never-re-opens", "P5", "(rules & SOFT & ~waived) !== 0", "(rules & SOFT) !== 0"],
    ["soft-rule-opens", "P4", " || (rules & SOFT & ~waived) !== 0", ""],
    ["re-anchor-on-entry", "P5", "{ ...reanchor(memory), state:", "{ ...memory, state:"],
    [
      "waiver-ends-with-event",
      "P5",
      'state: "open", since: clock.timestamp, waived: 0, dir: 0',
      'state: "open", since: clock.timestamp',
    ],
    ["event-ends-with-closed", "P5", "closedAt: clock.timestamp, waived: 0, dir: 0", "closedAt: clock.timestamp"],
    ["trips-forgotten-late", "P5", "if (clock.timestamp - memory.closedAt < thresholds.resetMs) return opened;", ""],
  ]),
  ...guardsIn(
    "circuit-breaker/hold.ts",
    ["test/circuit-breaker/worked-rules.test.ts"],
    [
      [
        "corroboration-against-one-leader",
        "P5",
        "{ fires, active, byFew }: Activity, {",
        "{ fires, active, passing: byFew }: Activity, {",
      ],
    ],
  ),
  ...guardsIn("circuit-breaker/hold.ts", TIMERS, [
    ["corroboration-starts-again", "P5", "if ((disagreeing & ~byFew) !== 0) return { ...memory, stepMax, corrob: 0n };", ""],
    ["corroboration-needs-agreement", "P5", "if (disagreeing !== 0) return { ...memory, stepMax };", ""],
    ["corroboration-takes-its-time", "P5", "if (corrob < 100n * BigInt(thresholds.confirmMs))", "if (false)"],
    [
      "corroboration-least-speed",
      "P5",
      "Math.max(100, Math.floor(((facts.moveBps - stepMax) * 100) / facts.jumpLimitBps))",
      "Math.floor(((facts.moveBps - stepMax) * 100) / facts.jumpLimitBps)",
    ],
    ["corroboration-of-steps", "P5", "const stepMax = Math.max(memory.stepMax, facts.stepBps);", "const stepMax = 0;"],
  ]),
  ...guardsIn(
    "circuit-breaker/open-time.ts",
    [...INTEGERS, ...TIMERS],
    [
      ["open-time-saturates", "P7", "saturateMs(ms + clock.tickMs)", "ms + clock.tickMs"],
      ["open-time-capped", "P5", "(openMs[index] ?? 0) >= capMs", "false"],
      ["open-time-least", "P5", "BigInt(minOpenMs), BigInt(maxOpenMs)", "0n, BigInt(maxOpenMs)"],
      ["open-time-most", "P5", "BigInt(minOpenMs), BigInt(maxOpenMs)", "BigInt(minOpenMs), BigInt(Number.MAX_SAFE_INTEGER)"],
      ["open-time-behind-gap", "P5", 'hasBit(active, "gap") ? BIT.jump : 0', "0"],
      [
        "reversal-within-cap",
        "P5",
        "if ((memory.openMs[INDEX.jump] ?? 0) >= openCapMs(thresholds, marketVolatility)) return memory;",
        "",
      ],
      ["reversal-by-direction", "P5", "|| facts.direction === memory.dir", ""],
    ],
  ),
  ...guardsIn("circuit-breaker/meter.ts", TIMERS, [
    ["hull-while-open", "P4", 'memory.state === "open" && hasBit(active & ~memory.waived, "jump")', "false"],
    ["hull-budget", "P5", "wanted && left < budgetMs * DAY", "wanted"],
    ["hull-is-metered", "P5", "metered ? left + BigInt(clock.tickMs) * DAY : left", "left"],
    ["hull-budget-leaks", "P5", "memory.spent - BigInt(clock.dtMs) * budgetMs", "memory.spent"],
  ]),
  ...guardsIn("circuit-breaker/learning.ts", LEARNING, [
    ["no-learning-while-doubted", "P4", "if ((fires & STOPS_LEARNING & ~waived) !== 0) return true;", ""],
    [
      "no-learning-while-open",
      "P4",
      'return state === "open" && (active & STOPS_LEARNING_WHILE_OPEN & ~waived) !== 0;',
      "return false;",
    ],
    ["no-learning-without-price", "P3", "if (!priced || isDoubted(memory, activity))", "if (isDoubted(memory, activity))"],
    ["sample-clipped", "P5", "Math.min(moveBps(price, sampleP), jumpBps)", "moveBps(price, sampleP)"],
    ["sample-capped", "P5", "annualised < cap ? annualised : cap", "annualised"],
    [
      "sample-grid",
      "P5",
      "if (sinceMs < sampleMs) return { v, sampleP, sampleAt };",
      "if (sinceMs <= 0) return { v, sampleP, sampleAt };",
    ],
    ["volatility-bounds", "P5", "clamp(isqrt(v * ONE), fractionOf(volFloorBps), fractionOf(volCapBps))", "isqrt(v * ONE)"],
    ["volatility-fits-leaf", "P8", "return sigma < MAX_UINT64 ? sigma : MAX_UINT64;", "return sigma;"],
  ]),
  ...guardsIn(
    "circuit-breaker/basket.ts",
    ["test/circuit-breaker/basket.test.ts"],
    [
      ["basket-of-three", "P5", "present.length < MIN_PRESENT || ", ""],
      ["basket-weight", "P5", " || totalWeight(present) * 5 < totalWeight(others) * 3", ""],
      ["basket-without-thin", "P5", "!priced || thin || gap", "!priced || gap"],
      ["basket-without-gap", "P5", "|| gap.gapAt !== 0 ||", "||"],
      ["basket-without-itself", "P5", "items.filter((item) => item.feed !== feed)", "items"],
      ["basket-nearest-end", "P5", "return moveBps(rawLow, sysEma);", "return moveBps(rawHigh, sysEma);"],
    ],
  ),
  ...guardsIn(
    "circuit-breaker/interval.ts",
    [...INTEGERS, ...VERDICTS],
    [
      ["interval-at-most-whole", "P8", "deviations < ONE ? deviations : ONE", "deviations"],
      ["interval-high-saturates", "P8", "saturateAmount((hi * (ONE + h) + ONE - 1n) / ONE)", "(hi * (ONE + h) + ONE - 1n) / ONE"],
      ["interval-covers-lease", "P3", "3n * sd(volatility, Math.max(0, forMs))", "0n"],
      ["interval-hull-low", "P4", "anchor !== undefined && anchor < raw.rawLow ? anchor : raw.rawLow", "raw.rawLow"],
      ["interval-hull-high", "P4", "anchor !== undefined && anchor > raw.rawHigh ? anchor : raw.rawHigh", "raw.rawHigh"],
    ],
  ),
  ...guardsIn(
    "circuit-breaker/feed-step.ts",
    [...VERDICTS, ...TIMERS],
    [
      ["price-is-the-quorums", "P4", "price: facts.price,\n      ...interval,", "price: metered.anchor,\n      ...interval,"],
      ["gap-hull-while-open", "P4", 'hasBit(active, "gap") || (hasBit(active, "manual")', '(hasBit(active, "manual")'],
      ["carried-bit", "P3", "told + (facts.priced ? 0 : 2 ** CARRIED_BIT)", "told"],
      ["gap-accepted-whole", "P5", "fires: fires & ~BIT.jump", "fires"],
    ],
  ),
  ...guardsIn("circuit-breaker/verdict.ts", VERDICTS, [
    ["borrow-needs-closed", "P4", 'state === "closed" && active === 0 &&', "active === 0 &&"],
    ["borrow-needs-no-reason", "P4", "active === 0 && round.priced", "round.priced"],
    ["borrow-needs-a-price", "P3", "active === 0 && round.priced && seasoned", "active === 0 && seasoned"],
    ["borrow-needs-a-season", "P9", "round.priced && seasoned", "round.priced"],
    [
      "no-budget-below-any",
      "P4",
      'liquidate === "any" ? budgetOf(memory, round.thresholds) : 0',
      "budgetOf(memory, round.thresholds)",
    ],
    ["none-is-none", "P3", '!== 0) return "none";', '!== 0) return "robust";'],
    ["governance-raises", "P6", "(LEVEL_NONE | bitsOf(thresholds.liquidateNone))", "LEVEL_NONE"],
    ["open-is-robust", "P4", 'return memory.state === "open" || !priced', "return !priced"],
    ["carried-is-robust", "P3", "|| !priced || passing !== 0", "|| passing !== 0"],
    ["passing-is-robust", "P4", "|| !priced || passing !== 0", "|| !priced"],
    ["budget-grows-slowly", "P9", "Math.floor(((BPS - BUDGET_FLOOR_BPS) * agree) / probeMs)", "BPS - BUDGET_FLOOR_BPS"],
  ]),
  ...guardsIn(
    "circuit-breaker/memory.ts",
    ["test/circuit-breaker/memory.test.ts"],
    [
      [
        "memory-feed-order",
        "P7",
        'if (compareText(previous, memory.feed) >= 0) reader.refuse("feeds not in ascending order");',
        "",
      ],
      [
        "memory-price-bound",
        "P8",
        "const price = () => amount(1n, MAX_AMOUNT);",
        "const price = () => amount(0n, 2n ** 255n - 1n);",
      ],
      ["memory-waived-bound", "P7", "waived: count(MAX_RULE_BITS),", "waived: count(MAX_UINT32),"],
      ["memory-ends", "P7", "const fault = reader.end();", "const fault = reader.fault();"],
    ],
  ),
  ...LEAF_GUARDS,
];
