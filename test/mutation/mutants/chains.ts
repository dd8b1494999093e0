import { guardsIn, type Mutant } from "../mutant.ts";

const AGREEMENT = ["test/adapters/chain/agreement.test.ts"];
const TRANSLATORS = ["test/adapters/chain/translators.test.ts"];

/** What chains say through an operator's endpoints, of which one may lie, lag or hang. */
export const CHAIN_GUARDS: readonly Mutant[] = [
  ...guardsIn("adapters/chain/agreement.ts", AGREEMENT, [
    ["endpoints-median", "P1", "return sorted[sorted.length >> 1];", "return sorted[0];"],
    ["endpoints-majority", "P1", "(views.length >> 1) + 1", "1"],
    ["endpoints-majority-of-all", "P1", "(views.length >> 1) + 1", "(counted.length >> 1) + 1"],
    ["endpoints-gauge-majority", "P1", "if (sayers.length < majority) continue;", ""],
    ["endpoints-price-majority", "P1", "chosen === undefined || given.length < majority", "chosen === undefined"],
    ["endpoint-lagging", "P3", 'if (median - number > maxLagBlocks) return "lagging";', ""],
    ["endpoint-ahead", "P1", 'number - median > maxLagBlocks ? "ahead" : "counted"', '"counted"'],
    ["endpoint-silent", "P3", "view !== undefined && now - view.receivedAt <= maxAgeMs", "view !== undefined"],
    ["endpoint-price-age", "P3", "Math.min(at, chosen.quote.at)", "chosen.quote.at"],
  ]),
  ...guardsIn("adapters/chain/aggregator-v3.ts", TRANSLATORS, [
    ["chainlink-own-round", "P3", "if (answeredInRound < roundId) return", "if (false) return"],
    ["chainlink-above-zero", "P1", "if (signedOf(answer) <= 0n) return", "if (false) return"],
    ["chainlink-decimals", "P8", "if (decimals > MAX_DECIMALS) return", "if (false) return"],
  ]),
  ...guardsIn("adapters/chain/uptime.ts", TRANSLATORS, [
    ["uptime-known-state", "P3", "if (status !== 0n && status !== 1n) return", "if (false) return"],
    ["uptime-down", "P3", "up: status === 0n", "up: status !== 0n"],
  ]),
  ...guardsIn("adapters/chain/uniswap-v3.ts", TRANSLATORS, [
    ["twap-towards-less", "P1", " - (delta < 0n && delta % window !== 0n ? 1n : 0n)", ""],
    ["twap-tick-bound", "P8", "if (tick < -MAX_TICK || tick > MAX_TICK) return", "if (false) return"],
    ["spot-initialised", "P1", "if (root === 0n) return", "if (false) return"],
  ]),
  ...guardsIn(
    "adapters/chain/poll.ts",
    ["test/adapters/chain/quorum.test.ts", ...TRANSLATORS, ...AGREEMENT],
    [["sequencer-gauge", "P3", "up ? 0n : 1n", "up ? 1n : 0n"]],
  ),
];
