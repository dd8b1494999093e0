import { describe, expect, it } from "vitest";
import type { RoundMachine } from "../../node/machine.ts";
import { encodeSignedObservation } from "../../protocol/observation.ts";
import { AT, createNode, FIRST_ROUND, gossip, leaveQuarantine, observationBy, only } from "./one-node.ts";

/** When round FIRST_ROUND begins. */
const START = AT + 2_000;
const AHEAD_MS = 600_000;

function heard(machine: RoundMachine, now: number): string | undefined {
  const round = Math.floor(now / 1_000);
  const bytes = encodeSignedObservation(observationBy(0, { round }));
  return only(machine.handle(gossip("observation", bytes), now), "verdict")[0]?.code;
}

describe("a clock that was ten minutes ahead and is set right", () => {
  it("makes a node in quarantine greet at once and hear what is said now", () => {
    const machine = createNode(3);
    expect(only(machine.handle({ kind: "tick" }, AT + AHEAD_MS), "greet")).toHaveLength(1);
    expect(heard(machine, AT + AHEAD_MS)).toBe("accepted");
    expect(only(machine.handle({ kind: "tick" }, AT + 500), "greet")).toHaveLength(1);
    expect(heard(machine, AT + 600)).toBe("accepted");
    leaveQuarantine(machine, 3, AT + 1_500);
    expect(machine.status()).toMatchObject({ phase: "running" });
  });

  it("lets a running node take part again, signing no round that it signed while it was ahead", () => {
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    const ahead = FIRST_ROUND + AHEAD_MS / 1_000;
    expect(only(machine.handle({ kind: "tick" }, START + AHEAD_MS), "sample")).toMatchObject([{ round: ahead }]);
    const signed = only(
      machine.handle({ kind: "sampled", round: ahead, entries: [], gauges: [], shadows: [] }, START + AHEAD_MS),
      "persist",
    );
    expect(signed).toHaveLength(1);

    expect(only(machine.handle({ kind: "tick" }, START), "sample")).toMatchObject([{ round: FIRST_ROUND }]);
    expect(heard(machine, START + 10)).toBe("accepted");
    expect(machine.wakeAt()).toBeLessThanOrEqual(START + 1_000);
    expect(only(machine.handle({ kind: "tick" }, START + AHEAD_MS), "sample")).toEqual([]);
  });

  it("does not leave a fetch waiting for an hour that has not come", () => {
    const machine = createNode(3);
    leaveQuarantine(machine, 3);
    const named = { round: FIRST_ROUND + 599, digest: observationBy(0).digest };
    const ahead = observationBy(0, { round: FIRST_ROUND + 600, head: named });
    const asked = machine.handle(gossip("observation", encodeSignedObservation(ahead)), START + AHEAD_MS);
    expect(only(asked, "fetch")).toHaveLength(1);
    // Set right, the same question is a new one.
    const again = observationBy(0, { head: { round: FIRST_ROUND - 1, digest: named.digest } });
    const outputs = machine.handle(gossip("observation", encodeSignedObservation(again)), START + 20);
    expect(only(outputs, "fetch")).toMatchObject([{ want: { digest: named.digest } }]);
  });
});

it("a clock that is set back by less than messages may be off begins no round twice", () => {
  const machine = createNode(3);
  leaveQuarantine(machine, 3);
  expect(only(machine.handle({ kind: "tick" }, START + 2_000), "sample")).toHaveLength(1);
  for (const ms of [1_500, 500, 0]) expect(only(machine.handle({ kind: "tick" }, START + ms), "sample")).toEqual([]);
  expect(only(machine.handle({ kind: "tick" }, START + 2_500), "sample")).toEqual([]);
  expect(only(machine.handle({ kind: "tick" }, START + 3_000), "sample")).toHaveLength(1);
});
