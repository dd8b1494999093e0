import { describe, expect, it } from "vitest";
import type { BehaviourName } from "../../../simulator/byzantine/index.ts";
import { equivocates, NAMES, stage } from "./stage.ts";

/** The kinds of message that a behaviour signs twice in a round; whoever is not here never contradicts itself. */
const EQUIVOCATES: Partial<Record<BehaviourName, readonly string[]>> = {
  "split-observations": ["observation"],
  "two-observations": ["observation"],
  "split-parents": ["proposal", "round"],
  "split-subsets": ["proposal", "round"],
  "two-proposals": ["proposal"],
  "sign-both": ["proposal", "round"],
  "sign-own-headers": ["round"],
  "misnamed-observations": ["observation"],
  misshapen: ["observation"],
  "flood-observations": ["observation"],
  "flood-proposals": ["proposal"],
  "flood-signatures": ["round"],
  "future-rounds": ["observation"],
  "copied-key": ["observation"],
  "copied-key-unheard": ["observation", "proposal", "round"],
  "collude-split": ["proposal", "round"],
};

describe("one byzantine node of four", () => {
  it.each(NAMES)("%s misbehaves, is what it says it is, and breaks no promise", (name) => {
    const scene = stage(name);
    expect(scene.did.length).toBeGreaterThan(0);
    expect(equivocates(scene)).toEqual(EQUIVOCATES[name] ?? []);
    expect(scene.violations).toEqual([]);
    expect(scene.events.filter(({ code }) => code === "internal-fault")).toEqual([]);
    // A copied key is noticed; whatever else is signed behind the machine's back is hidden from it, so that it goes on.
    const stopped = scene.ownEvents.filter(({ code }) => code === "key-used-elsewhere").length > 0;
    expect(stopped).toBe(name === "copied-key");
  });

  it.each(["collude-price", "sign-both", "hidden-certificate"] as const)("%s is harmless to seven when two do it", (name) => {
    expect(stage(name, { n: 7, count: 2 }).violations).toEqual([]);
  });

  it("the same trial says the same, whatever the behaviour draws", () => {
    expect(stage("mutated-messages", { seconds: 30 }).did).toEqual(stage("mutated-messages", { seconds: 30 }).did);
  });
});

describe("one byzantine node too many", () => {
  it.each([
    ["collude-split", "P2"],
    ["collude-price", "P1"],
  ] as const)("%s breaks %s, and a checker says so", (name, promise) => {
    for (const [n, count] of [
      [4, 2],
      [7, 3],
    ] as const) {
      const broken = stage(name, { n, count }).violations.map((violation) => violation.promise);
      expect(broken).toContain(promise);
    }
  });
});
