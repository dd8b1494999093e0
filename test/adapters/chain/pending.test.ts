import { describe, expect, test } from "vitest";
import { createPendingTracker, MAX_FOLLOWED, type PendingTransaction } from "../../../adapters/chain/pending.ts";
import { digestOf } from "../../support/network.ts";

const fees = { baseFee: 100n, tip: 2n };
const paying = (byte: number, cap = 200n, tip = 5n): PendingTransaction => ({ hash: digestOf(byte), cap, tip });
const seen = (at: number, newest = 7) => ({ fees, newest, at });
const block = (...transactions: readonly PendingTransaction[]) => ({ number: 8n, transactions });

describe("the wait of pending transactions", () => {
  test("only those that bid base fee and tip are followed", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1, 101n), paying(2, 102n), paying(3, 200n, 1n), paying(4, 102n, 2n)), seen(0));
    expect(tracker.following()).toEqual([digestOf(2), digestOf(4)]);
  });

  test("the newest block in place of the pending one is no sample", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1)), seen(0, 8));
    expect(tracker.following()).toEqual([]);
    expect(tracker.medianWaitMs(9_000)).toBeUndefined();
  });

  test("a wait lasts from first sight to inclusion, and those still waiting count", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1), paying(2), paying(3)), seen(1_000));
    tracker.sample(block(paying(1), paying(2), paying(3)), seen(2_000));
    tracker.settle(digestOf(1), "included", 2_000);
    tracker.settle(digestOf(1), "included", 9_000);
    expect(tracker.medianWaitMs(2_000)).toBe(1_000);
    // 1 000 included, two still waiting for 5 000: the median is theirs.
    expect(tracker.medianWaitMs(6_000)).toBe(5_000);
    tracker.settle(digestOf(2), "waiting", 6_000);
    expect(tracker.following()).toEqual([digestOf(2), digestOf(3)]);
  });

  test("one that was replaced is waited for by nobody", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1)), seen(0));
    tracker.settle(digestOf(1), "gone", 60_000);
    expect(tracker.medianWaitMs(60_000)).toBeUndefined();
  });

  test("an inclusion is forgotten after a minute", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1)), seen(0));
    tracker.settle(digestOf(1), "included", 3_000);
    expect(tracker.medianWaitMs(63_000)).toBe(3_000);
    expect(tracker.medianWaitMs(63_001)).toBeUndefined();
  });

  test("a clock set back is no negative wait", () => {
    const tracker = createPendingTracker();
    tracker.sample(block(paying(1)), seen(5_000));
    expect(tracker.medianWaitMs(1_000)).toBe(0);
    tracker.settle(digestOf(1), "included", 1_000);
    expect(tracker.medianWaitMs(1_000)).toBe(0);
  });

  test("the sample is bounded, and chosen by hash whatever the block's order", () => {
    const tracker = createPendingTracker();
    const many = Array.from({ length: 60 }, (_, index) => paying(60 - index));
    tracker.sample(block(...many), seen(0));
    expect(tracker.following()).toEqual([1, 2, 3, 4].map(digestOf));
    for (let at = 1; at < 20; at++) tracker.sample(block(...many), seen(at));
    expect(tracker.following()).toHaveLength(MAX_FOLLOWED);
  });
});
