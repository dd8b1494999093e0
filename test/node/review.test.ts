import { describe, expect, it } from "vitest";
import { AS_EXPECTED, type IncidentReplay, replayDigest } from "../../aggregator/replay/report.ts";
import { createReviewer, type ReviewerParts } from "../../node/io/review.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { recordChain } from "../cli/recorded-chain.ts";
import { changed, transitionInto } from "../client/changing.ts";
import { governance, governedNetwork } from "../support/governance.ts";
import { digestOf, plainSources, scheme } from "../support/network.ts";

const REPLAY_ROUNDS = 5;
const network = governedNetwork({
  governance: { ...governance(), replayRounds: REPLAY_ROUNDS },
  feeds: [{ feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) }],
});
const next = changed(network, undefined, { leaseMs: 90_000 });
const { rounds } = recordChain(network, 12);
const LAST = numberAt(-1);

function numberAt(index: number): number {
  return rounds.at(index)?.certified.certificate.header.round ?? 0;
}

/** A store of these rounds; `without`: of which the bodies are gone. */
function storeOf({ from = 0, without = [] as readonly number[], since = [] as readonly number[] } = {}) {
  const stored = rounds.map(({ certified, body }) => ({ certified, body, number: certified.certificate.header.round }));
  const store: ReviewerParts["store"] = {
    range: (asked) =>
      stored.flatMap(({ certified, number }) =>
        number >= from && number >= asked.from && number <= asked.to ? [{ certified, orphan: false }] : [],
      ),
    bodyOf: (digest: Digest) => {
      const found = stored.find(({ certified }) => certified.digest === digest);
      return found === undefined || without.includes(found.number) ? undefined : found.body;
    },
    transitions: () => since.map((round) => transitionInto(network, round, [])),
  };
  return store;
}

function reviewerOf(parts: Partial<ReviewerParts> = {}) {
  return createReviewer({ store: storeOf(), network: () => network, scheme, incidents: async () => [], ...parts });
}

function proposal(replay: Digest, replayTo = LAST) {
  const { config, configDigest } = next;
  const content = {
    version: config.version,
    replaces: network.configDigest,
    configDigest,
    activation: 0,
    replayTo,
    replay,
    config,
  };
  return { kind: "config", ...content, approvals: [] } as const;
}

describe("a node's review of a proposed config", () => {
  it("agrees with the report that it comes to itself, and with no other", async () => {
    const reviewer = reviewerOf();
    const report = await reviewer.report(next.config, LAST);
    expect(report).toMatchObject({ replaces: network.configDigest, proposes: next.configDigest, refusals: [] });
    expect(await reviewer.review(proposal(replayDigest(report)))).toBe(true);
    expect(await reviewer.review(proposal(digestOf(7)))).toBe(false);
    expect(await reviewer.review(proposal(replayDigest(report), LAST - 1))).toBe(false);
  });

  it("agrees with nothing that its report refuses, though the document names that very report", async () => {
    const worse: readonly IncidentReplay[] = [{ name: "usde-2025", before: AS_EXPECTED, after: "missed" }];
    const reviewer = reviewerOf({ incidents: async () => worse });
    const report = await reviewer.report(next.config, LAST);
    expect(report.refusals).toEqual(["incident usde-2025: missed"]);
    expect(await reviewer.review(proposal(replayDigest(report)))).toBe(false);
  });

  it("goes over the last rounds that the config in force asks for, and over none of an earlier config", async () => {
    expect(await reviewerOf().report(next.config, LAST)).toMatchObject({
      from: LAST - REPLAY_ROUNDS + 1,
      to: LAST,
      rounds: REPLAY_ROUNDS,
    });
    const young = reviewerOf({ store: storeOf({ since: [LAST - 9, LAST - 1] }) });
    expect(await young.report(next.config, LAST)).toMatchObject({ from: LAST - 1, rounds: 2 });
  });

  it("comes to no report without the rounds that it would be about", async () => {
    const holed = reviewerOf({ store: storeOf({ without: [LAST - 2] }) });
    await expect(holed.report(next.config, LAST)).rejects.toMatchObject({ code: "replay" });
    const young = reviewerOf({ store: storeOf({ from: LAST + 1 }) });
    await expect(young.report(next.config, LAST)).rejects.toMatchObject({ code: "replay" });
  });

  it("waits for the round up to which a proposal was replayed, and not for ever", async () => {
    const document = proposal(replayDigest(await reviewerOf().report(next.config, LAST)));
    const whole = storeOf();
    let asked = 0;
    const behind: ReviewerParts["store"] = {
      ...whole,
      range: (span) => {
        asked += 1;
        return asked <= 2 ? [] : whole.range(span);
      },
    };
    expect(await reviewerOf({ store: behind }).review(document)).toBe(true);
    expect(asked).toBeGreaterThan(3);
    const stuck = reviewerOf({ store: { ...whole, range: () => [] }, catchUpMs: 300 });
    await expect(stuck.review(document)).rejects.toMatchObject({ code: "replay" });
  });

  it("works on one at a time, and on the next after one that failed", async () => {
    let running = 0;
    let most = 0;
    const incidents = async (): Promise<readonly IncidentReplay[]> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return [];
    };
    const reviewer = reviewerOf({ incidents });
    const failed = reviewer.report(next.config, 1);
    const others = [LAST, LAST - 1].map((to) => reviewer.report(next.config, to));
    await expect(failed).rejects.toMatchObject({ code: "replay" });
    expect((await Promise.all(others)).map(({ to }) => to)).toEqual([LAST, LAST - 1]);
    expect(most).toBe(1);
  });
});
