import { guardsIn, type Mutant } from "../mutant.ts";

const PORTFOLIO = ["test/client/portfolio.test.ts"];
const GATEWAY = ["test/gateway/governance.test.ts", "test/gateway/submissions.test.ts"];

/** What a lending protocol makes of a round (BREAKER.md B10 and B11), and what a gateway makes of what is brought to it. */
export const PORTFOLIO_GUARDS: readonly Mutant[] = [
  ...guardsIn("client/portfolio.ts", PORTFOLIO, [
    ["liquidate-paused-collateral", "P4", "2n * high : 0n", "high : 0n"],
    ["liquidate-paused-debt", "P4", "2n * high : 0n", "2n * high : low"],
    ["liquidate-closed-price", "P4", 'if (trust === "closed") return price;', ""],
    ["liquidate-disputed-collateral", "P4", 'side === "collateral" ? high : low', 'side === "collateral" ? price : low'],
    ["liquidate-disputed-debt", "P4", 'side === "collateral" ? high : low', 'side === "collateral" ? high : price'],
    ["liquidate-bucket-half-open", "P4", 'asset.trust === "half-open" ? asset.price', 'asset.trust !== "none" ? asset.price'],
    ["liquidate-touches-no-paused", "P4", 'if (touched.some(({ trust }) => trust === "none")) return', "if (false) return"],
    ["liquidate-repaid-counts", "P4", "[...seize, ...repay].flatMap(", "seize.flatMap("],
    ["liquidate-seized-counts", "P4", "[...seize, ...repay].flatMap(", "repay.flatMap("],
    ["liquidate-smallest-budget", "P9", "Math.min(UNLIMITED_BPS, ...touched", "Math.max(0, ...touched"],
    ["liquidate-some-budget", "P9", "return budgetBps > 0", "return budgetBps >= 0"],
    ["liquidate-insolvent-only", "P5", "return backed < owed;", "return backed <= owed;"],
    ["liquidate-collateral-of-loan", "P4", "if (taken !== undefined) return `", "if (false) return `"],
    ["liquidate-debt-of-loan", "P4", "if (paid !== undefined) return `", "if (false) return `"],
    ["liquidate-something", "P4", "return seize.length === 0 || repay.length === 0 ?", "return false ?"],
    ["asset-chain-weaker", "P4", "item === own.trust || item === ground.trust", "item === own.trust"],
    ["asset-feed-weaker", "P4", "item === own.trust || item === ground.trust", "item === ground.trust"],
    ["asset-chain-budget", "P9", "Math.min(own.budgetBps, ground.budgetBps)", "own.budgetBps"],
    ["asset-chain-borrow", "P4", "own.borrow && ground.borrow", "own.borrow"],
    ["asset-robust-is-open", "P4", 'robust: "open", any: state', "robust: state, any: state"],
    ["borrow-no-collateral", "P4", "if (!borrow) return 0n;", ""],
    ["borrow-debt-mean", "P4", "return high > ema ? high : ema;", "return high;"],
    ["borrow-debt-high", "P4", "return high > ema ? high : ema;", "return ema;"],
    ["borrow-collateral-mean", "P4", "return low < ema ? low : ema;", "return low;"],
    ["borrow-collateral-low", "P4", "return low < ema ? low : ema;", "return ema;"],
    ["borrow-own", "P4", "if (!taken.value.borrow) return", "if (false) return"],
    [
      "borrow-without-debt",
      "P5",
      "if (takes === undefined && loan.debt.every(({ amount }) => amount === 0n)) return { ok: true };",
      "",
    ],
    ["trigger-closed", "P4", 'return asset.value.trust === "closed" ?', 'return asset.value.trust !== "none" ?'],
    ["portfolio-one-document", "P7", 'if (!answer.ok && answer.reason !== "paused") return answer;', ""],
    ["numeraire-ratio", "P1", "Number(a === DOLLAR) - Number(b === DOLLAR) || ", ""],
    ["bucket-ten-minutes", "P9", "grown < most ? grown : most", "grown"],
    ["bucket-drawn", "P9", "{ room: room - draw.repay, at: draw.now }", "{ room, at: draw.now }"],
    ["bucket-fits", "P9", "draw.repay <= room ?", "room > 0n ?"],
    ["bucket-share", "P9", "draw.limitPerHour * BigInt(draw.budgetBps)", "draw.limitPerHour * FULL_BPS"],
  ]),
  ...guardsIn("gateway/io/submission-routes.ts", GATEWAY, [
    ["gateway-own-faults", "P8", "if (!isReplayFault(error)) throw error;", ""],
    ["gateway-refusal-code", "P7", "    judgement: code,\n", ""],
  ]),
  ...guardsIn(
    "gateway/replay-desk.ts",
    ["test/gateway/replay-desk.test.ts"],
    [
      ["gateway-one-replay", "P8", "    if (working) return;\n", ""],
      ["gateway-replay-of-an-address", "P8", "if (isWaiting || jobs.length > MAX_WAITING)", "if (jobs.length > MAX_WAITING)"],
      ["gateway-replays-waiting", "P8", "if (isWaiting || jobs.length > MAX_WAITING)", "if (isWaiting)"],
      ["gateway-replay-once", "P8", "if (known !== undefined) return", "if (known === null) return"],
      ["gateway-replay-rests", "P8", "if (now() > startedAt) await rest(now() - startedAt);", ""],
      ["gateway-replay-for-somebody", "P8", "if (job.askers.every(({ isGone }) => isGone())) job.leave();\n      else ", ""],
      ["gateway-answers-bounded", "P8", "if (answers.size > MAX_ANSWERS) answers.delete(oldest);", "void oldest;"],
    ],
  ),
  ...guardsIn("gateway/document-reader.ts", GATEWAY, [
    ["gateway-decoded-bounded", "P8", "if (decoded.size >= MAX_DECODED && oldest !== undefined) decoded.delete(oldest);", ""],
    [
      "gateway-past-keyholders",
      "P7",
      "[network().config.governance, ...past.reverse(), genesis.governance]",
      "[network().config.governance]",
    ],
  ]),
];
