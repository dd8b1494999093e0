import { describe, expect, test } from "vitest";
import { createNetworkView, VIEW_ROUNDS } from "../../node/network-view.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { digestOf } from "../support/network.ts";

const NOW = 1_000_000;
const PEERS = [1, 2, 3].map((byte): Hex => `0x${"00".repeat(19)}0${byte}`);
const own = (round: number): Hex => `0x${round.toString(16).padStart(8, "0")}`;

type View = ReturnType<typeof createNetworkView>;
const valuesOf = (view: View, round: number, now = NOW) =>
  Object.fromEntries(view.gauges(round, now).map(({ gauge, value }) => [gauge, Number(value)]));

/** Observed and certified with this node's observation in it, unless told otherwise. */
function play(view: View, round: number, { certified = true, included = true } = {}): void {
  view.handle({ kind: "observed", round, observation: own(round) }, NOW);
  if (certified) view.handle({ kind: "certified", round, observations: [digestOf(1), ...(included ? [own(round)] : [])] }, NOW);
}

describe("the network as this node sees it", () => {
  test("nothing before the first round", () => {
    expect(createNetworkView().gauges(100, NOW)).toEqual([]);
  });

  test("nothing missed, ascending, without round trips where there are none", () => {
    const view = createNetworkView();
    for (let round = 1; round <= 100; round++) play(view, round);
    expect(view.gauges(101, NOW)).toEqual([
      { gauge: "net.lag", value: 0n, asOf: NOW },
      { gauge: "net.missed", value: 0n, asOf: NOW },
    ]);
  });

  test("a round without a certificate is missed, and what was observed of it lags", () => {
    const view = createNetworkView();
    for (let round = 1; round <= 100; round++) play(view, round, { certified: round % 10 !== 0 });
    expect(valuesOf(view, 102)).toEqual({ "net.missed": 6, "net.lag": 6 });
  });

  test("an observation that was left out lags, though its round was not missed", () => {
    const view = createNetworkView();
    for (let round = 1; round <= 100; round++) play(view, round, { included: round % 20 !== 0 });
    expect(valuesOf(view, 102)).toEqual({ "net.missed": 0, "net.lag": 3 });
  });

  test("the newest round may still be on its way", () => {
    const view = createNetworkView();
    for (let round = 1; round <= 100; round++) play(view, round, { certified: round < 100 });
    expect(valuesOf(view, 101)).toEqual({ "net.missed": 0, "net.lag": 0 });
    expect(valuesOf(view, 102)).toEqual({ "net.missed": 1, "net.lag": 1 });
  });

  test("a network that stands still is missed up to all sixty rounds", () => {
    const view = createNetworkView();
    play(view, 1);
    expect(valuesOf(view, 500)).toEqual({ "net.missed": VIEW_ROUNDS, "net.lag": 0 });
  });

  test("what lies before the first round is not counted", () => {
    const view = createNetworkView();
    play(view, 90);
    expect(valuesOf(view, 95)).toEqual({ "net.missed": 3, "net.lag": 0 });
  });

  test("a round that is backfilled was not missed after all, and an old one grows nothing", () => {
    const view = createNetworkView();
    for (let round = 1; round <= 100; round++) play(view, round, { certified: round !== 80 });
    expect(valuesOf(view, 102)).toEqual({ "net.missed": 1, "net.lag": 1 });
    view.handle({ kind: "certified", round: 80, observations: [own(80)] }, NOW);
    view.handle({ kind: "certified", round: 2, observations: [] }, NOW);
    expect(valuesOf(view, 102)).toEqual({ "net.missed": 0, "net.lag": 0 });
  });

  test("round trips: the median of each peer's median, of the last minute", () => {
    const view = createNetworkView();
    play(view, 1);
    const trip = (peer: number, ms: number, at = NOW) => view.handle({ kind: "trip", peer: PEERS[peer] ?? "0x", ms }, at);
    for (const ms of [900, 10, 11]) trip(0, ms);
    trip(1, 40.7);
    trip(2, 5_000);
    expect(valuesOf(view, 3)["net.rtt"]).toBe(40);
    // Five of each are kept.
    for (const ms of [20, 20, 20, 20, 20]) trip(2, ms);
    expect(valuesOf(view, 3)["net.rtt"]).toBe(20);
    trip(1, 70, NOW + 30_000);
    expect(valuesOf(view, 3, NOW + 60_001)["net.rtt"]).toBe(70);
    expect(valuesOf(view, 3, NOW + 90_001)["net.rtt"]).toBeUndefined();
  });
});
