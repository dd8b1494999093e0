import fc from "fast-check";
import { expect, test } from "vitest";
import type { Follower, FollowOutput } from "../../gateway/follower.ts";
import { REFUSAL_CODES } from "../../gateway/following/codes.ts";
import type { LogEntry } from "../../gateway/log.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import { changedHistory, codesOf, followerOf, quietHistory, roundEntry, transitionEntry } from "./followed.ts";

const RUNS = { numRuns: 150 };

/** What a store comes to hold. */
function keep(outputs: readonly FollowOutput[], store = createMemoryStore({ now: () => 0 })) {
  for (const output of outputs) {
    if (output.kind === "round") store.saveRound(output);
    if (output.kind === "transition") store.saveTransition(output.transition);
    if (output.kind === "document") store.saveDocument(output.document);
  }
  return store;
}

function describeOf(follower: Follower, outputs: readonly FollowOutput[]) {
  const store = keep(outputs);
  return {
    head: follower.head(),
    config: follower.network().configDigest,
    transitions: follower.transitions(),
    resumeAfter: follower.resumeAfter(),
    walk: store.range({ from: 0, to: Number.MAX_SAFE_INTEGER }).map(({ certified }) => certified.digest),
    orphans: store.orphans(),
    documents: store.documents({ limit: 100 }).map(({ digest }) => digest),
  };
}

test("in whatever order, from whomever and how often entries come, the same head, walk and config come of them", () => {
  const { world, before, history, transition } = changedHistory();
  const now = world.now();
  const entries: readonly LogEntry[] = [transitionEntry(transition), ...history.map(roundEntry)];
  const follower = followerOf(before);
  const expected = describeOf(
    follower,
    entries.flatMap((entry) => follower.handle({ from: "a", entry }, now)),
  );
  expect(expected.walk).toHaveLength(history.length);
  const shuffled = fc.shuffledSubarray([...entries], { minLength: entries.length });
  const repeats = fc.array(fc.nat(entries.length - 1), { maxLength: 8 });
  fc.assert(
    fc.property(shuffled, repeats, fc.infiniteStream(fc.constantFrom("a", "b", "c")), (order, again, sources) => {
      const shuffling = followerOf(before);
      const all = [...order, ...again.flatMap((index) => entries[index] ?? [])];
      const outputs = all.flatMap((entry) => shuffling.handle({ from: String(sources.next().value), entry }, now));
      expect(describeOf(shuffling, outputs)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
}, 60_000);

test("an entry with any one byte flipped is refused, or is one that is known", () => {
  const { world, history } = quietHistory(8);
  const kept = history.at(-1);
  if (kept === undefined) throw new Error("no history");
  const entry = roundEntry(kept);
  const known = history.slice(0, -1).map(roundEntry);
  const parts = fc.constantFrom("certificate", "body");
  fc.assert(
    fc.property(parts, fc.nat(), fc.integer({ min: 1, max: 255 }), (part, place, mask) => {
      const follower = followerOf(world.network);
      for (const item of known) follower.handle({ from: "a", entry: item }, world.now());
      const bytes = Uint8Array.from(entry[part]);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      const outputs = follower.handle({ from: "a", entry: { ...entry, [part]: bytes } }, world.now());
      expect(REFUSAL_CODES).toContain(codesOf(outputs)[0]);
      expect(outputs.filter(({ kind }) => kind !== "counted")).toEqual([]);
      // It has not poisoned the true one.
      expect(codesOf(follower.handle({ from: "b", entry }, world.now()))).toEqual(["head"]);
    }),
    RUNS,
  );
}, 60_000);

test("a transition with any one byte flipped leads nowhere", () => {
  const { world, before, transition } = changedHistory();
  const { kind, bytes: whole } = transitionEntry(transition) as Extract<LogEntry, { kind: "transition" }>;
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, mask) => {
      const follower = followerOf(before);
      const bytes = Uint8Array.from(whole);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      const outputs = follower.handle({ from: "a", entry: { kind, bytes } }, world.now());
      expect(REFUSAL_CODES).toContain(codesOf(outputs)[0]);
      expect(follower.network().configDigest).toBe(before.configDigest);
    }),
    RUNS,
  );
}, 60_000);
