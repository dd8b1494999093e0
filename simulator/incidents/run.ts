import { type Difference, type ExpectationRecord, watchExpectation } from "./expectations.ts";
import { faultsOf, faultText, scenarioNetwork, type ThresholdsOf } from "./network.ts";
import { type PlayedRound, playScenario } from "./play.ts";
import { type Breach, type LoanRecord, watchBorrower, watchClosed, watchLoan } from "./promises.ts";
import type { Scenario } from "./scenario.ts";

/** More of a kind says nothing new. */
const MAX_FAULTS = 12;

/**
 * `caught`: everything as expected. `missed`: a certificate, or a permission that follows from one, that did harm, or a rule that did not
 * come. `false pause`: nothing of that, but a verdict narrower than expected. `absent`: the data it is played from is not there.
 */
export type Outcome = "caught" | "missed" | "false pause" | "absent";

/** How long a feed stood in each state from the incident's zero on. */
export type StateTimes = {
  readonly feed: string;
  readonly noneMs: number;
  readonly robustMs: number;
  readonly probingMs: number;
  /** The longest stretch, uninterrupted, in which disputed loans waited: open or not priced. */
  readonly longestShutMs: number;
  readonly opens: number;
};

export type IncidentResult = {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
  /** "as expected", or what was not. */
  readonly summary: string;
  readonly asExpected: boolean;
  /** The most rounds that an expected verdict came late. */
  readonly roundsLate: number;
  readonly rounds: number;
  readonly feeds: readonly StateTimes[];
  readonly loans: readonly Omit<LoanRecord, "fault">[];
  readonly faults: readonly string[];
};

export const AS_EXPECTED = "as expected";

/** Plays one scenario and judges it. Pure: the same scenario and thresholds give the same result. */
export function runScenario(scenario: Scenario, thresholdsOf: ThresholdsOf = () => ({})): IncidentResult {
  const network = scenarioNetwork(scenario, thresholdsOf);
  if (!network.ok) {
    const { name, title } = scenario;
    return withoutRounds({ name, title, outcome: "missed" }, `no config under these thresholds: ${faultText(network.error)}`);
  }
  const expectations = scenario.expected.map(watchExpectation);
  const closed = watchClosed(scenario);
  const loans = (scenario.loans ?? []).map((stake) => watchLoan(stake, scenario));
  const borrowers = (scenario.borrowers ?? []).map((borrower) => watchBorrower(borrower, scenario));
  const times = createTimes();
  const breaches: Breach[] = [];
  let rounds = 0;
  for (const round of playScenario(network.value, scenario)) {
    rounds += 1;
    for (const watched of expectations) watched.take(round);
    breaches.push(...closed(round), ...[...loans, ...borrowers].flatMap((watched) => watched.take(round)));
    times.take(round);
  }
  return conclude(scenario, {
    expectations: expectations.map((watched) => watched.record()),
    loans: loans.map((watched) => watched.record()),
    others: [
      ...borrowers.flatMap((watched) => watched.fault() ?? []),
      ...configFaults(scenario),
      ...pauseFaults(scenario, times.list()),
    ],
    breaches,
    rounds,
    feeds: times.list(),
  });
}

type Findings = {
  readonly expectations: readonly ExpectationRecord[];
  readonly loans: readonly LoanRecord[];
  readonly others: readonly Difference[];
  readonly breaches: readonly Breach[];
  readonly rounds: number;
  readonly feeds: readonly StateTimes[];
};

function conclude({ name, title }: Scenario, { expectations, loans, others, breaches, rounds, feeds }: Findings): IncidentResult {
  const differences = [
    ...[...new Set(breaches.map(({ promise }) => promise))].map((promise) => describeBreach(promise, breaches)),
    ...[...expectations, ...loans].flatMap(({ fault }) => fault ?? []),
    ...others,
  ];
  const faults = differences.slice(0, MAX_FAULTS).map(({ text }) => text);
  const worst = differences.some(({ kind }) => kind === "wide") ? "missed" : "false pause";
  return {
    name,
    title,
    outcome: differences.length === 0 ? "caught" : worst,
    summary: differences.length === 0 ? AS_EXPECTED : faults.join(" | "),
    asExpected: differences.length === 0,
    roundsLate: Math.max(0, ...expectations.map(({ late }) => late)),
    rounds,
    feeds,
    loans: loans.map(({ fault: _, ...rest }) => rest),
    faults,
  };
}

function describeBreach(promise: Breach["promise"], breaches: readonly Breach[]): Difference {
  const ofIt = breaches.filter((breach) => breach.promise === promise);
  const [first] = ofIt;
  const text = `${promise} in ${ofIt.length} rounds, first at ${first?.second} s: ${first?.detail}`;
  return { kind: promise === "insolvent-loan-waits" ? "narrow" : "wide", text };
}

function configFaults(scenario: Scenario): readonly Difference[] {
  return (scenario.refusedConfigs ?? []).flatMap(({ what, feeds, path }) => {
    const faults = faultsOf(scenario, feeds);
    return faults.some((fault) => fault.path === path)
      ? []
      : [{ kind: "wide", text: `${what}: expected a config refused at ${path}, found ${faultText(faults) || "it loads"}` }];
  });
}

function pauseFaults({ longestPauseMs = {} }: Scenario, feeds: readonly StateTimes[]): readonly Difference[] {
  return feeds.flatMap(({ feed, longestShutMs }) => {
    const most = longestPauseMs[feed];
    if (most === undefined || longestShutMs <= most) return [];
    return [{ kind: "narrow", text: `${feed}: disputed loans waited ${longestShutMs} ms, at most ${most} ms` }];
  });
}

/** A scenario whose data is not there. Not as expected: whoever asked for it learns that he did not get it. */
export function notPlayed({ name, title }: Pick<Scenario, "name" | "title">, why: string): IncidentResult {
  return withoutRounds({ name, title, outcome: "absent" }, why);
}

function withoutRounds(
  { name, title, outcome }: Pick<IncidentResult, "name" | "title" | "outcome">,
  why: string,
): IncidentResult {
  return { name, title, outcome, summary: why, asExpected: false, roundsLate: 0, rounds: 0, feeds: [], loans: [], faults: [why] };
}

function createTimes() {
  const known = new Map<string, { -readonly [K in keyof StateTimes]: StateTimes[K] } & { shutMs: number; state: string }>();
  return {
    take: ({ second, sinceMs, feeds }: PlayedRound) => {
      if (second < 0) return;
      for (const { report } of feeds) {
        const { feed, state, liquidate } = report;
        const times = known.get(feed) ?? {
          feed,
          noneMs: 0,
          robustMs: 0,
          probingMs: 0,
          longestShutMs: 0,
          opens: 0,
          shutMs: 0,
          state: "closed",
        };
        known.set(feed, times);
        const forMs = second === 0 ? 0 : sinceMs;
        if (liquidate === "none") times.noneMs += forMs;
        else if (liquidate === "robust") times.robustMs += forMs;
        else if (state === "half-open") times.probingMs += forMs;
        times.shutMs = liquidate === "any" ? 0 : times.shutMs + forMs;
        times.longestShutMs = Math.max(times.longestShutMs, times.shutMs);
        if (state === "open" && times.state !== "open") times.opens += 1;
        times.state = state;
      }
    },
    list: (): readonly StateTimes[] => [...known.values()].map(({ shutMs: _, state: __, ...times }) => times),
  };
}
