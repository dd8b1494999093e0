import { describe, expect, it } from "vitest";
import { createIncidentSuite } from "../../cli/review/incidents.ts";
import { planPlays } from "../../cli/review/plays.ts";
import { type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { runIncidents, SCENARIOS } from "../../simulator/incidents/suite.ts";
import { plainSources, testKeys } from "../support/network.ts";

const LONGTAIL = SCENARIOS.filter(({ feeds }) => feeds.some(({ preset }) => preset === "longtail")).map(({ name }) => name);

/** Longtail feeds by their jumpBps, and a major. */
function configOf(jumps: Readonly<Record<string, number>>): NetworkConfig {
  const feeds = Object.entries(jumps).map(([feed, jumpBps]) => ({ feed, preset: "longtail", thresholds: { jumpBps } }));
  const parsed = parseNetworkConfig({
    network: "test",
    rules: 1,
    committee: testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address })),
    feeds: [...feeds, { feed: "ETH/USD", preset: "major" }].map((feed) => ({ ...feed, sources: plainSources(feed.feed, 6) })),
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

describe("the incidents that a replay report holds", () => {
  it("are those with a preset whose thresholds change, and none when nothing changes", () => {
    const before = configOf({ "CRV/USD": 1_000, "MNGO/USD": 1_000 });
    expect(planPlays(before, before)).toEqual([]);
    const plays = planPlays(before, configOf({ "CRV/USD": 1_000, "MNGO/USD": 2_000 }));
    expect(plays.map(({ incident }) => incident)).toEqual(LONGTAIL);
    expect(plays.map(({ name }) => name)).toEqual(LONGTAIL.map((name) => `${name} as MNGO/USD`));
    for (const { before: was, after } of plays) {
      expect([was.longtail?.jumpBps, after.longtail?.jumpBps]).toEqual([1_000, 2_000]);
    }
  });

  it("are played once for each way in which feeds of a preset change, and only so many", () => {
    const names = Array.from({ length: 9 }, (_, index) => `T${index}/USD`);
    const jumps = (first: number) => Object.fromEntries(names.map((name, index) => [name, first + (index % 2) * 100]));
    const two = planPlays(configOf(jumps(1_000)), configOf(jumps(1_200)));
    expect(two.map(({ name }) => name)).toEqual(LONGTAIL.flatMap((name) => [`${name} as T0/USD`, `${name} as T1/USD`]));
    const nine = configOf(Object.fromEntries(names.map((name, index) => [name, 1_200 + index])));
    expect(() => planPlays(configOf(jumps(1_000)), nine)).toThrow(/longtail feeds change in more than 8 different ways/);
  });

  it("come out of a thread as they come out here, and are remembered", async () => {
    const suite = createIncidentSuite();
    const [before, after] = [configOf({ "CRV/USD": 1_000 }), configOf({ "CRV/USD": 2_000 })];
    const found = await suite.incidents(before, after);
    const thresholds = after.feeds.find(({ feed }) => feed === "CRV/USD")?.thresholds;
    const here = (only: string) =>
      runIncidents({ only, thresholdsOf: () => ({ ...thresholds, liquidateNone: [] }) }).map(({ summary }) => summary);
    expect(found.map((item) => [item.after])).toEqual(LONGTAIL.map(here));
    const startedAt = performance.now();
    expect(await suite.incidents(before, after)).toEqual(found);
    expect(performance.now() - startedAt, "remembered: no thread is started").toBeLessThan(200);
    await suite.stop();
  });

  it("are not waited for by a node that stops", async () => {
    const suite = createIncidentSuite();
    const asked = suite.incidents(configOf({ "CRV/USD": 1_000 }), configOf({ "CRV/USD": 2_000 }));
    const refused = expect(asked).rejects.toThrow(/stopped/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await suite.stop();
    await refused;
  });
});
