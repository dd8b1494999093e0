import { assert } from "../../protocol/assert.ts";
import type { Address } from "../../protocol/bytes.ts";
import { type ConfigFault, genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Preset, ThresholdOverrides } from "../../protocol/thresholds.ts";
import type { Scenario, ScenarioFeed } from "./scenario.ts";

/** The smallest committee that bears a faulty member. */
const NODES = 4;

/** The addresses of a scenario's people: nobody signs in a scenario, so they need no keys. */
export const GOVERNORS = [addressOf("a1"), addressOf("a2"), addressOf("a3")] as const;
export const GUARDIAN = addressOf("b1");

/**
 * Feeds that have been listed for long: a season of days would only lengthen every scenario's prologue, and nothing here is about new
 * listings.
 */
const SEASONED: ThresholdOverrides = { seasonMs: 1_000 };

/** Thresholds to run under instead of a preset's own; a scenario's overrides stand above them. */
export type ThresholdsOf = (preset: Preset) => ThresholdOverrides;

/** A scenario's own small network. Proposed thresholds may not fit it: then the faults name what was expected. */
export function scenarioNetwork(scenario: Scenario, thresholdsOf: ThresholdsOf): Result<Network, readonly ConfigFault[]> {
  const parsed = parseNetworkConfig(networkInput(scenario, scenario.feeds, thresholdsOf));
  return parsed.ok ? ok(genesisNetwork(parsed.value)) : parsed;
}

/** The faults of a config that the scenario says must not load. */
export function faultsOf(scenario: Scenario, feeds: readonly ScenarioFeed[]): readonly ConfigFault[] {
  const parsed = parseNetworkConfig(networkInput(scenario, feeds, () => ({})));
  return parsed.ok ? [] : parsed.error;
}

function networkInput({ name, roundMs = 1_000, network = {} }: Scenario, feeds: readonly ScenarioFeed[], of: ThresholdsOf) {
  return {
    network: name,
    rules: 1,
    roundMs,
    committee: Array.from({ length: NODES }, (_, index) => ({ name: `node${index}`, address: addressOf(`c${index}`) })),
    governance: {
      governors: GOVERNORS.map((address, index) => ({ name: `governor${index}`, address })),
      quorum: 2,
      guardians: [{ name: "guardian", address: GUARDIAN }],
    },
    ...network,
    feeds: feeds.map((feed) => ({
      ...feed,
      sources: feed.sources.map((source) => ({ ...source })),
      thresholds: { ...of(feed.preset), ...SEASONED, ...feed.thresholds },
    })),
  };
}

function addressOf(tail: string): Address {
  assert(tail.length === 2, "an address of a scenario ends in two digits");
  return `0x${"0".repeat(38)}${tail}`;
}

/** What a refused config says of itself. */
export function faultText(faults: readonly ConfigFault[]): string {
  return faults.map(({ path, expected }) => `${path}: ${expected}`).join("; ");
}
