import { BLACK_THURSDAY } from "./black-thursday.ts";
import { CAPO_2026 } from "./capo-2026.ts";
import { CBETH_2026 } from "./cbeth-2026.ts";
import { CRASH } from "./crash.ts";
import { CRASH_SERIES } from "./crash-series.ts";
import { DAI_2020 } from "./dai-2020.ts";
import { DECIMALS_2025 } from "./decimals-2025.ts";
import { DEUSD_2025 } from "./deusd-2025.ts";
import { LUNA_2022 } from "./luna-2022.ts";
import { MNGO_2022 } from "./mngo-2022.ts";
import type { ThresholdsOf } from "./network.ts";
import { OUTAGE } from "./outage.ts";
import { PYTH_2021 } from "./pyth-2021.ts";
import { AS_EXPECTED, type IncidentResult, notPlayed, runScenario } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import type { DataFiles, SeriesScenario } from "./series.ts";
import { SKRW_2019 } from "./skrw-2019.ts";
import { USDC_2023 } from "./usdc-2023.ts";
import { USDE_2025 } from "./usde-2025.ts";
import { UWU_2024 } from "./uwu-2024.ts";
import { WRSETH_2025 } from "./wrseth-2025.ts";

/** Told in full here: they need nothing else, so every node plays the same fourteen. */
export const SCENARIOS: readonly Scenario[] = [
  SKRW_2019,
  DAI_2020,
  PYTH_2021,
  LUNA_2022,
  MNGO_2022,
  UWU_2024,
  WRSETH_2025,
  USDE_2025,
  DEUSD_2025,
  CBETH_2026,
  CAPO_2026,
  DECIMALS_2025,
  OUTAGE,
  CRASH,
];

/** Played from recorded prices, where those are. */
export const SERIES: readonly SeriesScenario[] = [BLACK_THURSDAY, USDC_2023];

/** True crashes that are measured beside the suite. */
export const MEASURED: readonly SeriesScenario[] = CRASH_SERIES;

export const INCIDENT_NAMES: readonly string[] = [...SCENARIOS, ...SERIES, ...MEASURED].map(({ name }) => name);

export type SuiteOptions = {
  /** All of the suite without it; measured series only by name, or with data. */
  readonly only?: string;
  readonly thresholdsOf?: ThresholdsOf;
  /** Undefined: what needs recorded prices is left out. */
  readonly data?: DataFiles;
};

/** The suite one by one: a run of all takes seconds, and whoever waits wants to see it move. */
export function* playIncidents({ only, thresholdsOf, data }: SuiteOptions = {}): Generator<IncidentResult> {
  const wanted = ({ name }: { readonly name: string }) => only === undefined || only === name;
  for (const scenario of SCENARIOS) if (wanted(scenario)) yield runScenario(scenario, thresholdsOf);
  if (data === undefined) return;
  for (const series of [...SERIES, ...MEASURED]) if (wanted(series)) yield playSeries(series, data, thresholdsOf);
}

/**
 * The incident suite under the presets, or under other thresholds. Pure and the same everywhere: a replay report holds its outcome, so
 * without data (the default) nothing is read that one node may have and another not.
 *
 * @example
 * runIncidents({ thresholdsOf: () => ({ jumpBps: 400 }) }).filter(({ asExpected }) => !asExpected); // what such a change would cost
 */
export function runIncidents(options: SuiteOptions = {}): readonly IncidentResult[] {
  return [...playIncidents(options)];
}

/** Two runs of the suite as a replay report tells them: by name, "as expected" or what was not. */
export function compareIncidents(
  before: readonly IncidentResult[],
  after: readonly IncidentResult[],
): readonly { readonly name: string; readonly before: string; readonly after: string }[] {
  return before.map(({ name, summary }) => ({
    name,
    before: summary,
    after: after.find((result) => result.name === name)?.summary ?? AS_EXPECTED,
  }));
}

function playSeries(series: SeriesScenario, data: DataFiles, thresholdsOf: ThresholdsOf | undefined): IncidentResult {
  const missing = series.files.filter((file) => !data.has(file));
  if (missing.length > 0) return notPlayed(series, `not played: ${missing.join(", ")} not found`);
  const built = series.build(data);
  return built.ok ? runScenario(built.value, thresholdsOf) : notPlayed(series, `not played: ${built.error}`);
}
