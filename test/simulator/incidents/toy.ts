import { decimal, everywhere, flat } from "../../../simulator/incidents/quotes.ts";
import { equalSources, type LoanAtStake, type Scenario } from "../../../simulator/incidents/scenario.ts";

export const TOY_FEED = "TOY/USD";
export const TOY_VENUES = ["one", "two", "three", "four", "five", "six"];

/** A quiet minute at 100 of a feed with six sources; a test changes what it is about. */
export function toy(overrides: Partial<Scenario> = {}): Scenario {
  return {
    name: "toy",
    title: "Nothing happens",
    sources: [],
    figures: [],
    assumed: [],
    startAt: Date.UTC(2026, 0, 1),
    until: 60,
    feeds: [{ feed: TOY_FEED, preset: "large", sources: equalSources(TOY_VENUES, TOY_FEED) }],
    quotes: everywhere(TOY_VENUES, TOY_FEED, flat("100")),
    truth: { [TOY_FEED]: flat("100") },
    expected: [],
    ...overrides,
  };
}

/** One TOY at 80 % against so many dollars. */
export function toyLoan(debt: string, expected: LoanAtStake["expected"] = []): LoanAtStake {
  return {
    name: `owes ${debt}`,
    loan: {
      numeraire: "USD",
      collateral: [{ asset: "TOY", amount: decimal("1"), thresholdBps: 8_000 }],
      debt: [{ asset: "USD", amount: decimal(debt) }],
    },
    seize: ["TOY"],
    repay: ["USD"],
    expected,
  };
}
