import { afterEach, describe, expect, test } from "vitest";
import { createFollowHub, FOLLOW_LIMITS, type FollowLimits } from "../../gateway/io/follow-hub.ts";
import type { Outlet } from "../../gateway/io/outlets.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import { changedHistory, type Kept, quietHistory } from "./followed.ts";
import { until } from "./replica.ts";

const { history } = quietHistory(8);
const place = { id: "10.0.0.1", max: undefined };
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A follower in the test's hands: what it was sent, how much of it it took, and how it ended. */
function outlet() {
  const seen = { frames: [] as string[], buffered: 0, full: false, beats: 0, ended: "" };
  const written: unknown[] = [];
  let closed = (): void => undefined;
  const close = (how: string): void => {
    seen.ended = how;
    closed();
  };
  const made: Outlet = {
    form: "sse",
    open: () => undefined,
    write: (frame) => {
      written.push(frame);
      seen.frames.push(frame.toString());
    },
    notice: () => undefined,
    bufferedBytes: () => seen.buffered,
    isFull: () => seen.full,
    room: () => (seen.full ? new Promise(() => undefined) : new Promise((resolve) => setImmediate(resolve))),
    beat: () => {
      seen.beats += 1;
      return true;
    },
    end: () => close("end"),
    cut: () => close("cut"),
    onClose: (listener) => {
      closed = listener;
    },
  };
  return { made, seen, written };
}

function hubOver(kept: readonly Kept[], limits: Partial<FollowLimits> = {}, hasKeys = false) {
  const store = createMemoryStore({ now: () => 0 });
  for (const round of kept) store.saveRound(round);
  const tell = (): void => undefined;
  const log = { warn: tell, error: tell };
  const hub = createFollowHub({ store, limits: { ...FOLLOW_LIMITS, ...limits }, hasKeys, log });
  closing.push(hub.close);
  const publish = (round: Kept): void => {
    store.saveRound(round);
    hub.publish(round.certified);
  };
  return { hub, store, publish };
}

const [first, ...others] = history as readonly [Kept, ...Kept[]];

describe("followers", () => {
  test("that do not keep up are cut, and nobody else waits", async () => {
    const { hub, publish } = hubOver([first], { maxFollowerBytes: 1_000 });
    const [slow, quick] = [outlet(), outlet()];
    for (const { made } of [slow, quick]) hub.open(made, { after: undefined, place });
    await until("both live", () => slow.seen.frames.length === 1 && quick.seen.frames.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    slow.seen.buffered = 1_001;
    for (const round of others) publish(round);
    expect(slow.seen).toMatchObject({ ended: "cut" });
    expect(slow.seen.frames).toHaveLength(2);
    expect(quick.seen.frames).toHaveLength(history.length);
  });

  test("that stop reading while they catch up are cut after a heartbeat", async () => {
    const { hub } = hubOver(history, { heartbeatMs: 15 });
    const [stalled, quick] = [outlet(), outlet()];
    stalled.seen.full = true;
    for (const { made } of [stalled, quick]) hub.open(made, { after: undefined, place });
    await until("the stalled one cut", () => stalled.seen.ended === "cut");
    expect(quick.seen.ended).toBe("");
    expect(quick.seen.beats).toBeGreaterThan(0);
  });

  test("have their places, in all and of one address, and give them back", () => {
    const { hub } = hubOver([], { maxFollowers: 3, maxFollowersPerPlace: 2 });
    const [one, two, three] = [outlet(), outlet(), outlet()];
    for (const { made } of [one, two]) hub.open(made, { after: undefined, place });
    expect(hub.refusal(place)).toMatch(/2 followers from this address/);
    expect(hub.refusal({ id: "key:a", max: 0 })).toMatch(/0 followers/);
    hub.open(three.made, { after: undefined, place: { id: "10.0.0.2", max: undefined } });
    expect(hub.refusal({ id: "10.0.0.3", max: undefined })).toMatch(/all 3 places/);
    one.made.cut();
    expect(hub.refusal(place)).toBe(undefined);
  });

  test("without a key leave a share of the places to the holders of keys, where there are keys", () => {
    const stranger = (host: number) => ({ id: `10.0.0.${host}`, max: undefined });
    const holder = { id: "key:a", max: 100 };
    for (const hasKeys of [true, false]) {
      const { hub } = hubOver([], { maxFollowers: 4, keptForKeys: 2, maxFollowersPerPlace: 4 }, hasKeys);
      const taken = [outlet(), outlet()];
      for (const [host, { made }] of taken.entries()) hub.open(made, { after: undefined, place: stranger(host) });
      expect(hub.refusal(stranger(9))).toEqual(hasKeys ? "all 2 places of followers without a key are taken" : undefined);
      expect(hub.refusal(holder)).toBe(undefined);
      taken[0]?.made.cut();
      hub.open(outlet().made, { after: undefined, place: holder });
      expect(hub.refusal(stranger(9))).toBe(undefined);
    }
  });

  test("that four addresses open as many as they may leave room for others", () => {
    const { hub } = hubOver([]);
    for (const id of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]) {
      while (hub.refusal({ id, max: undefined }) === undefined) {
        hub.open(outlet().made, { after: undefined, place: { id, max: undefined } });
      }
    }
    expect(hub.refusal({ id: "10.0.0.5", max: undefined })).toBe(undefined);
  });

  test("are told every change of config as it was made once: there may be many, and each holds a whole config", async () => {
    const { transition } = changedHistory();
    const { hub, store } = hubOver([]);
    store.saveTransition(transition);
    const [one, two] = [outlet(), outlet()];
    for (const { made } of [one, two]) hub.open(made, { after: undefined, place });
    await until("both told", () => one.written.length === 1 && two.written.length === 1);
    expect(one.written[0]).toBe(two.written[0]);
  });

  test("that catch up are told what was made for others, as long as that takes little memory", async () => {
    for (const maxKeptBytes of [FOLLOW_LIMITS.maxKeptBytes, 1]) {
      const { hub } = hubOver(history, { maxKeptBytes });
      const [one, two] = [outlet(), outlet()];
      for (const { made, written } of [one, two]) {
        hub.open(made, { after: undefined, place });
        await until("all told", () => written.length === history.length);
      }
      expect(two.seen.frames).toEqual(one.seen.frames);
      const isSame = two.written.map((event, index) => event === one.written[index]);
      expect(new Set(isSame)).toEqual(new Set([maxKeptBytes > 1]));
    }
  });

  test("are told none of what has no body any more: nobody could verify it", async () => {
    const { hub, store } = hubOver([]);
    for (const { certified, body } of history)
      store.saveRound(certified === others[0]?.certified ? { certified } : { certified, body });
    const follower = outlet();
    hub.open(follower.made, { after: undefined, place });
    await until("the rest", () => follower.seen.frames.length === history.length - 1);
  });

  test("are ended with the hub", () => {
    const { hub } = hubOver([]);
    const follower = outlet();
    hub.open(follower.made, { after: undefined, place });
    hub.close();
    expect(follower.seen.ended).toBe("end");
  });
});
