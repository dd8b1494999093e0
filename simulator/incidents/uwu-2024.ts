import { decimal, during, everywhere, flat } from "./quotes.ts";
import type { Scenario, ScenarioFeed } from "./scenario.ts";

const SUSDE = "SUSDE/USD";
const TRUTH = flat("1.03");
const PUSHED = flat("0.99");
const SPELL = { from: 0, to: 600 };
const POOLS = ["curve-usdc", "curve-frax", "curve-dai", "curve-crvusd", "curve-gho"];
const OTHERS = ["uniswap", "bybit", "gate"];

/** Sources as a careful operator declares them: pools of one market maker are one group, whatever their number. */
const DECLARED: ScenarioFeed = {
  feed: SUSDE,
  preset: "staked",
  sources: [
    ...POOLS.map((venue) => ({ venue, market: SUSDE, weight: 1, group: "curve" })),
    ...OTHERS.map((venue) => ({ venue, market: SUSDE, weight: 1 })),
  ],
};

/** Five pools of one group pushed by four percent, down and back. */
export const UWU_2024: Scenario = {
  name: "uwu-2024",
  title: "UwU Lend: sUSDe from pools mostly of one group",
  sources: [
    {
      title: "QuillAudits, UwU Lend hack analysis",
      url: "https://quill-audits-git-beta-front-qa.vercel.app/blog/hack-analysis/uwu-lend-hack",
      says: "median of 11 sources, 5 of them spot prices of Curve pools; pushed 4 % down to $0.99, back at $1.03; $19.4 M",
    },
    {
      title: "UwU Lend, 2024",
      url: "https://www.blockchainbreaches.com/en/breaches/uwulend-2024",
      says: "other loans were liquidated at the price after it had been pushed back",
    },
  ],
  figures: ["$0.99 and $1.03", "5 of 11 sources moved"],
  assumed: [
    "the pools stay pushed for ten minutes; within one transaction nobody who polls would see them move",
    "three sources elsewhere instead of the averages over the same pools",
  ],
  startAt: Date.UTC(2024, 5, 10, 12),
  until: 3_600,
  feeds: [DECLARED],
  quotes: { ...everywhere(POOLS, SUSDE, during(SPELL, PUSHED, TRUTH)), ...everywhere(OTHERS, SUSDE, TRUTH) },
  truth: { [SUSDE]: TRUTH },
  refusedConfigs: [
    {
      what: "ten prices of Curve pools and one of Uniswap, as it was",
      feeds: [
        {
          ...DECLARED,
          sources: [
            ...POOLS.flatMap((venue) => ["spot", "average"].map((kind) => ({ venue: `${venue}-${kind}`, group: "curve" }))),
            { venue: "uniswap", group: "uniswap" },
          ].map((source) => ({ ...source, market: SUSDE, weight: 1 })),
        },
      ],
      path: `feeds[${SUSDE}].sources`,
    },
  ],
  expected: [
    {
      feed: SUSDE,
      ...SPELL,
      price: ["1.0295", "1.0305"],
      state: ["open"],
      liquidate: ["robust"],
      borrow: false,
      rules: ["divergence"],
      because: "a group's weight is capped at a third, so no group sets the price; its dissent is divergence",
    },
    { feed: SUSDE, from: 600, to: 3_600, price: ["1.0295", "1.0305"], because: "the price never moved" },
    { feed: SUSDE, from: 3_000, to: 3_600, state: ["closed"], because: "quiet time and half an hour of probing, then closed" },
  ],
  loans: [
    {
      name: "owes sUSDe",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("1160"), thresholdBps: 9_000 }],
        debt: [{ asset: "SUSDE", amount: decimal("1000") }],
      },
      seize: ["USD"],
      repay: ["SUSDE"],
      expected: [{ from: 0, to: 3_600, answers: ["refused"], because: "healthy at the price before, during and after" }],
    },
    {
      name: "long sUSDe",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "SUSDE", amount: decimal("1000"), thresholdBps: 9_000 }],
        debt: [{ asset: "USD", amount: decimal("910") }],
      },
      seize: ["SUSDE"],
      repay: ["USD"],
      expected: [{ from: 0, to: 3_600, answers: ["refused"], because: "healthy at the high end, and at the price" }],
    },
  ],
  borrowers: [
    {
      name: "borrows sUSDe while it looks cheap",
      loan: {
        numeraire: "USD",
        collateral: [{ asset: "USD", amount: decimal("1120"), thresholdBps: 9_000 }],
        debt: [{ asset: "SUSDE", amount: decimal("1000") }],
      },
      takes: "SUSDE",
      expected: [{ ...SPELL, allowed: false, because: "the borrowed asset's own borrow must be true" }],
    },
  ],
};
