import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { NodePrice } from "../../aggregator/price.ts";
import { ALERT_KINDS } from "../../node/alert-message.ts";
import { createClockOffset } from "../../node/clock-offset.ts";
import { EVENT_LEVELS } from "../../node/events.ts";
import { createInclusion } from "../../node/inclusion.ts";
import { ALERT_OUTCOMES } from "../../node/io/flow-metrics.ts";
import { createNodeMetrics, type NodeMetrics } from "../../node/io/metrics.ts";
import { createStageTimer, STAGES, type Stage } from "../../node/io/stages.ts";
import { readVersion } from "../../node/io/version.ts";
import manifest from "../../package.json" with { type: "json" };
import type { FeedId } from "../../protocol/feed.ts";
import { testKey } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

/** Every series of the house's own metrics, as Prometheus would read it. */
async function seriesOf({ registry }: NodeMetrics): Promise<ReadonlyMap<string, number>> {
  const text = await registry.metrics();
  const lines = text.split("\n").filter((line) => line.startsWith("breakwater_"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

describe("from the start, before anything happened", () => {
  it("every counter with closed labels is there at 0: the first event has a rate", async () => {
    const series = await seriesOf(createNodeMetrics());
    const expected = [
      ...Object.keys(STAGES).map((stage) => `breakwater_stage_seconds_count{stage="${stage}"}`),
      ...["yes", "no"].map((included) => `breakwater_own_inclusion_total{included="${included}"}`),
      ...ALERT_KINDS.flatMap((kind) =>
        ALERT_OUTCOMES.map((outcome) => `breakwater_alerts_sent_total{kind="${kind}",outcome="${outcome}"}`),
      ),
      ...Object.keys(EVENT_LEVELS).map((code) => `breakwater_events_total{code="${code}"}`),
      'breakwater_gossip_messages_total{topic="proposal",verdict="reject",code="bad-signature"}',
      'breakwater_peer_requests_total{protocol="fetch",side="server",code="busy"}',
      "breakwater_sibling_certificates_total",
    ];
    expect(expected.filter((name) => series.get(name) !== 0)).toEqual([]);
  });

  it("what is not known yet is not there: a clock without peers, a disk that was not asked", async () => {
    const series = await seriesOf(createNodeMetrics());
    expect([...series.keys()].filter((name) => /clock_offset|free_bytes|feed_sources/.test(name))).toEqual([]);
  });

  it("says its version, and in each stage's words what it spans", async () => {
    const metrics = createNodeMetrics();
    expect((await seriesOf(metrics)).get(`breakwater_build_info{version="${manifest.version}"}`)).toBe(1);
    const help = (await metrics.registry.metrics())
      .split("\n")
      .find((line) => line.startsWith("# HELP breakwater_stage_seconds "));
    for (const [stage, span] of Object.entries(STAGES)) expect(help).toContain(`${stage}: ${span}`);
  });
});

describe("what happened", () => {
  it("is counted and shown in the units of its name", async () => {
    const metrics = createNodeMetrics();
    metrics.onStage("save", 0.02);
    metrics.onInclusion(true);
    metrics.onInclusion(false);
    metrics.onInclusion(false);
    metrics.onClockOffset(-250);
    metrics.onFreeBytes(4_096);
    metrics.onAlert("halted", "delivered");
    const series = await seriesOf(metrics);
    expect(series.get('breakwater_stage_seconds_sum{stage="save"}')).toBe(0.02);
    expect(series.get('breakwater_own_inclusion_total{included="yes"}')).toBe(1);
    expect(series.get('breakwater_own_inclusion_total{included="no"}')).toBe(2);
    expect(series.get("breakwater_clock_offset_seconds")).toBe(-0.25);
    expect(series.get("breakwater_storage_free_bytes")).toBe(4_096);
    expect(series.get('breakwater_alerts_sent_total{kind="halted",outcome="delivered"}')).toBe(1);
    metrics.onClockOffset(undefined);
    expect((await seriesOf(metrics)).has("breakwater_clock_offset_seconds")).toBe(false);
  });

  it("sources of a feed: used, dropped, and gone with the feed", async () => {
    const metrics = createNodeMetrics();
    const sample = (feeds: readonly string[]) => {
      const prices = new Map<FeedId, NodePrice>();
      for (const feed of feeds.map(feedId)) {
        const source = { venue: "kraken", market: feedId("ETH/USD"), weight: 1, group: "kraken", convert: [] };
        prices.set(feed, { feed, sources: [{ source }, { source, drop: { code: "stale", detail: "" } }, { source }] });
      }
      return { at: 0, entries: [], prices };
    };
    metrics.onSample(sample(["ETH/USD", "BTC/USD"]));
    const shown = async () =>
      [...(await seriesOf(metrics))].filter(([name]) => name.startsWith("breakwater_feed_sources")).sort();
    expect(await shown()).toEqual([
      ['breakwater_feed_sources{feed="BTC/USD",status="dropped"}', 1],
      ['breakwater_feed_sources{feed="BTC/USD",status="used"}', 2],
      ['breakwater_feed_sources{feed="ETH/USD",status="dropped"}', 1],
      ['breakwater_feed_sources{feed="ETH/USD",status="used"}', 2],
    ]);
    metrics.onSample(sample(["ETH/USD"]));
    expect((await shown()).map(([name]) => name).filter((name) => name.includes("BTC"))).toEqual([]);
  });
});

describe("stages", () => {
  /** A clock that is set by hand. */
  function open() {
    const seen: [Stage, number][] = [];
    let now = 0;
    const timer = createStageTimer(
      (stage, seconds) => seen.push([stage, seconds]),
      () => now,
    );
    return { seen, timer, at: (ms: number) => (now = ms) };
  }

  it("of a round that this node leads: each from its own beginning to its own end", () => {
    const { seen, timer, at } = open();
    timer.sampled(7);
    at(10);
    timer.promised({ kind: "observation", round: 7 });
    at(30);
    timer.published("observation");
    at(130);
    timer.promised({ kind: "proposal", round: 7 });
    timer.promised({ kind: "round", round: 7 });
    at(150);
    timer.published("proposal");
    at(160);
    timer.published("signature");
    at(260);
    timer.certified(7);
    timer.time("save", () => at(265));
    expect(seen).toEqual([
      ["observe", 0.03],
      ["propose", 0.12],
      ["sign", 0.03],
      ["certify", 0.1],
      ["save", 0.005],
    ]);
  });

  it("what belongs to another round ends nothing: a certificate come late, a proposal of nobody", () => {
    const { seen, timer, at } = open();
    timer.promised({ kind: "round", round: 7 });
    timer.published("signature");
    at(50);
    timer.certified(6);
    timer.promised({ kind: "proposal", round: 8 });
    timer.published("proposal");
    timer.published("certificate");
    expect(seen).toEqual([["sign", 0]]);
  });

  it("work that throws is measured, and throws", () => {
    const { seen, timer, at } = open();
    const work = (): never => {
      at(5);
      throw new Error("full");
    };
    expect(() => timer.time("save", work)).toThrow("full");
    expect(seen).toEqual([["save", 0.005]]);
  });
});

describe("own inclusion", () => {
  it("is a round whose body holds the very bytes that this node published for it", () => {
    const inclusion = createInclusion();
    inclusion.observed(7, "0xaa");
    expect(inclusion.isIncluded({ round: 7, observations: ["0xbb", "0xaa"] })).toBe(true);
    expect(inclusion.isIncluded({ round: 7, observations: ["0xbb"] })).toBe(false);
    expect(inclusion.isIncluded({ round: 8, observations: ["0xaa"] })).toBe(false);
    inclusion.observed(67, "0xcc");
    expect(inclusion.isIncluded({ round: 7, observations: ["0xaa"] }), "forgotten after a minute").toBe(false);
  });
});

describe("the clock's offset", () => {
  const [a, b, c] = [testKey(1).address, testKey(2).address, testKey(3).address];

  it("is the peers' median, each by its fastest exchange, while they are fresh", () => {
    const clock = createClockOffset();
    expect(clock.offsetMs(0)).toBeUndefined();
    clock.heard({ peer: a, clock: 5_000, sentAt: 4_980, receivedAt: 5_000 });
    expect(clock.offsetMs(5_000)).toBe(10);
    clock.heard({ peer: a, clock: 9_000, sentAt: 4_000, receivedAt: 5_200 });
    expect(clock.offsetMs(5_200), "a slow exchange says less").toBe(10);
    clock.heard({ peer: b, clock: 5_300, sentAt: 5_280, receivedAt: 5_300 });
    clock.heard({ peer: c, clock: 9_999_999, sentAt: 5_300, receivedAt: 5_300 });
    expect(clock.offsetMs(5_300), "one that lies is outvoted").toBe(10);
    expect(clock.offsetMs(5_300 + 60_001)).toBeUndefined();
  });

  it("an answer from before its question says nothing", () => {
    const clock = createClockOffset();
    clock.heard({ peer: a, clock: 5_000, sentAt: 5_001, receivedAt: 5_000 });
    expect(clock.offsetMs(5_000)).toBeUndefined();
  });
});

describe("the version", () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  it("is that of the package around the file, from the source as from dist/node/io; unknown without one", async () => {
    expect(readVersion()).toBe(manifest.version);
    const home = await mkdtemp(join(tmpdir(), "breakwater-version-"));
    folders.push(home);
    const built = join(home, "dist", "node", "io");
    await mkdir(built, { recursive: true });
    expect(readVersion(built)).toBe("unknown");
    await writeFile(join(home, "dist", "package.json"), JSON.stringify({ name: "another", version: "9.9.9" }));
    await writeFile(join(home, "package.json"), JSON.stringify({ name: "breakwater", version: "1.2.3" }));
    expect(readVersion(built)).toBe("1.2.3");
  });
});
