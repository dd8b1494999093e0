import { describe, expect, it } from "vitest";
import { createReplay, type ReplayedRound, type ReplayReport } from "../../aggregator/replay/report.ts";
import { type FoldParent, foldRound } from "../../aggregator/round.ts";
import { ONE } from "../../protocol/amount.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { SignedObservation } from "../../protocol/observation.ts";
import { changed } from "../client/changing.ts";
import { GOVERNORS, GUARDIANS, governance, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf, plainSources, testKeys } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const FIRST = 1_700_000_000;
const ETH = feedId("ETH/USD");
const PRICE = 1_900n * ONE;
const eth = { feed: ETH, preset: "major", sources: plainSources(ETH, 6) };
const network = governedNetwork({ governance: { ...governance(), timelockMs: 1_000, shadowMs: 1_000 }, feeds: [eth] });
const same = changed(network).config;
const [guardian] = GUARDIANS;
if (guardian === undefined) throw new Error("guardians were asked for");

/** A minute of rounds: four members, ETH up by 4 % from the tenth on, which opens its breaker; documents in the rounds given. */
function history(documents: Readonly<Record<number, SignedDocument>> = {}): readonly ReplayedRound[] {
  let parent: FoldParent | undefined;
  return Array.from({ length: 60 }, (_, index) => {
    const round = FIRST + index;
    const timestamp = round * 1_000;
    const price = index < 10 ? PRICE : (PRICE * 104n) / 100n;
    const entries = [{ feed: ETH, price, low: price, high: price, asOf: timestamp, groups: 6, topBps: 2_500, outsideBps: 0 }];
    const signed = documents[index] === undefined ? [] : [documents[index]];
    const observations = testKeys(4).map(({ address }): SignedObservation => {
      const said = { entries, gauges: [], shadows: [], documents: signed.map(({ digest }) => digest) };
      const head = { round: 0, digest: ZERO_DIGEST };
      const observation = { round, configDigest: network.configDigest, observer: address, head, ...said };
      return { observation, digest: ZERO_DIGEST, signer: address, signature: "0x" };
    });
    const folded = foldRound({ network, parent, round, observations, documents: signed });
    for (const { code } of folded.intake) if (index === 1) expect(code).toBe("taken");
    const taken = { parent, round, timestamp, observations, documents: signed, feeds: folded.feeds };
    parent = { header: { round, timestamp, configDigest: network.configDigest }, memory: folded.memory };
    return taken;
  });
}

function replayed(rounds: readonly ReplayedRound[], next: NetworkConfig) {
  const run = createReplay(network, next);
  rounds.forEach(run.take);
  const report: ReplayReport = run.finish([]);
  const [feed] = report.feeds;
  if (feed === undefined) throw new Error("there is one feed");
  return { report, feed };
}

/** Another change, whose shadows nobody gives: the feed refuses it from the next round on. */
function pendingChange(): SignedDocument {
  const other = changed(network, undefined, { version: 3, feeds: [{ ...eth, sources: plainSources(ETH, 7) }] });
  const names = { version: 3, replaces: network.configDigest, configDigest: other.configDigest, config: other.config };
  const activation = (FIRST + 3) * 1_000;
  return signedBy(GOVERNORS.slice(0, 3), { kind: "config", ...names, activation, replayTo: 0, replay: digestOf(1) }, network);
}

describe("the replay of what governance said", () => {
  it("leaves another change out, which the certified rounds waited with", () => {
    const { feed } = replayed(history({ 1: pendingChange() }), same);
    expect(feed.before).toMatchObject({ opens: 1, opensBy: { jump: 1, config: 1 } });
    expect(feed.after?.opensBy).toEqual({ jump: 1 });
  });

  it("leaves it out of the memory that it begins with as well", () => {
    const { feed } = replayed(history({ 1: pendingChange() }).slice(5), same);
    expect(feed.before?.opensBy).toEqual({ jump: 1, config: 1 });
    expect(feed.after?.opensBy).toEqual({ jump: 1 });
  });

  it("takes pauses as they were taken: a removed guardian's is refused again", () => {
    const removal = signedBy(GOVERNORS.slice(0, 3), { kind: "removal", guardian: guardian.address }, network);
    const until = (FIRST + 40) * 1_000;
    const pause = signedBy([guardian], { kind: "pause", feed: ETH, action: "none", until }, network);
    const alone = replayed(history({ 1: pause }), same).feed;
    expect(alone.before?.noneMs).toBeGreaterThan(30_000);
    expect(alone.after).toEqual(alone.before);
    const after = replayed(history({ 1: removal, 5: pause }), same).feed;
    expect(after.before?.noneMs).toBeLessThan(10_000);
    expect(after.after).toEqual(after.before);
  });
});

describe("the replay of a price that the proposed config changes", () => {
  const capped = (value: string, thresholds = {}) => {
    const cap = { value, at: FIRST * 1_000, growthBps: 0 };
    const sources = plainSources(ETH, 6).map((source) => ({ ...source, cap }));
    return changed(network, undefined, { feeds: [{ ...eth, sources, thresholds }] }).config;
  };

  it("shows the breaker that price: with a cap one percent above, the market's move is none", () => {
    const { feed } = replayed(history(), capped("1919"));
    expect(feed.before?.opens).toBe(1);
    expect(feed.after?.opens).toBe(0);
  });

  it("measures it by the limit in force, not by the one that it brings along", () => {
    const { report, feed } = replayed(history(), capped("1871.9", { configBps: 1_000 }));
    expect(feed.shadow).toMatchObject({ rounds: 60, beyond: 60 });
    expect(report.refusals).toHaveLength(1);
  });
});
