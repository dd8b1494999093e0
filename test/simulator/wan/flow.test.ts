import { describe, expect, test } from "vitest";
import { createEventQueue } from "../../../simulator/cluster/events.ts";
import { createRandom, type Random } from "../../../simulator/random.ts";
import { createFlow, HEADER_BYTES, SEGMENT_BYTES } from "../../../simulator/wan/flow.ts";
import { createPort } from "../../../simulator/wan/port.ts";
import type { Law } from "../../../simulator/wan/window.ts";

const FAST_MBIT = 1_000_000;

/** Packets lost by their place among all that are sent, first attempts and repeats alike; no jitter. */
function losing(...places: readonly number[]): Random {
  let sent = 0;
  const below = (bound: number): number => {
    if (bound !== 1_000_000) return 0;
    sent += 1;
    return places.includes(sent) ? 0 : bound - 1;
  };
  return { below, u32: () => 0, gaussian: () => 0n };
}

function open({
  rttMs = 100,
  random = losing(),
  lossPpm = 10_000,
  law = "cubic" as Law,
  mbit = FAST_MBIT,
}: {
  rttMs?: number;
  random?: Random;
  lossPpm?: number;
  law?: Law;
  mbit?: number;
}) {
  const queue = createEventQueue(0);
  const arrivals: { name: string; at: number }[] = [];
  let again = 0;
  const flow = createFlow({
    queue,
    random,
    rttMs,
    lossPpm,
    law,
    up: createPort(mbit),
    down: createPort(mbit),
    onAgain: (bytes) => {
      again += bytes;
    },
  });
  const send = (name: string, packets: number) =>
    flow.send(packets * SEGMENT_BYTES, () => arrivals.push({ name, at: Math.round(queue.now()) }));
  return { queue, flow, send, arrivals, again: () => again };
}

describe("one way of a connection", () => {
  test("slow start: 82 packets leave as 10, 20, 40 and 12, so the last arrives after three round trips and a half", () => {
    const { queue, send, arrivals } = open({ lossPpm: 0 });
    send("observation", 82);
    queue.runUntil(10_000);
    expect(arrivals).toEqual([{ name: "observation", at: 350 }]);
  });

  test("a line of 10 Mbit/s takes 1.2 ms for a full packet, at each end", () => {
    const { queue, send, arrivals } = open({ lossPpm: 0, mbit: 10 });
    // Ten packets of 1512 bytes at 1250 bytes a ms: 12.1 ms up, 50 on the way, 12.1 down.
    send("ten", 10);
    queue.runUntil(10_000);
    expect(arrivals).toEqual([{ name: "ten", at: 74 }]);
  });

  test("what is lost is sent again after a round trip, and nothing behind it is delivered before", () => {
    const { queue, send, arrivals, again } = open({ random: losing(1) });
    send("five", 5);
    queue.at(10, () => send("one", 1));
    queue.runUntil(10_000);
    // Four packets behind the gap are acknowledged at 100; the repeat arrives at 150.
    expect(arrivals).toEqual([
      { name: "five", at: 150 },
      { name: "one", at: 150 },
    ]);
    expect(again()).toBe(SEGMENT_BYTES + HEADER_BYTES);
  });

  test.each([
    [100, 250],
    [324, 810],
    [10, 205],
  ])("a loss that nothing follows costs the time-out: %i ms of round trip, here at %i ms", (rttMs, at) => {
    const { queue, send, arrivals } = open({ rttMs, random: losing(1) });
    send("signature", 1);
    queue.runUntil(10_000);
    expect(arrivals).toEqual([{ name: "signature", at }]);
  });

  test("a repeat that is lost as well costs once more", () => {
    const { queue, send, arrivals } = open({ random: losing(1, 2) });
    send("signature", 1);
    queue.runUntil(10_000);
    expect(arrivals).toEqual([{ name: "signature", at: 450 }]);
  });

  test("what waits counts until it is delivered", () => {
    const { queue, send, flow } = open({ lossPpm: 0 });
    send("first", 10);
    send("second", 10);
    expect(flow.backlog()).toBe(20 * SEGMENT_BYTES);
    queue.runUntil(60);
    expect(flow.backlog()).toBe(10 * SEGMENT_BYTES);
    queue.runUntil(1_000);
    expect(flow.backlog()).toBe(0);
  });

  test("what waits on a closed one is never delivered", () => {
    const { queue, send, flow, arrivals } = open({ lossPpm: 0 });
    send("first", 10);
    send("second", 10);
    queue.at(60, flow.close);
    queue.runUntil(1_000);
    expect(arrivals.map(({ name }) => name)).toEqual(["first"]);
  });

  test("after idling a grown window is halved every time-out, down to ten", () => {
    const { queue, send, arrivals } = open({ lossPpm: 0 });
    send("grows", 150);
    // 10, 20, 40 and 80: the window is 150 at 400 ms. Two time-outs of 200 ms later, 38.
    queue.at(1_000, () => send("after", 80));
    queue.runUntil(10_000);
    const after = arrivals.find(({ name }) => name === "after");
    expect(after?.at).toBeGreaterThanOrEqual(1_150);
    const rested = open({ lossPpm: 0, law: "bbr" });
    rested.send("grows", 150);
    rested.queue.at(1_000, () => rested.send("after", 80));
    rested.queue.runUntil(10_000);
    expect(rested.arrivals.find(({ name }) => name === "after")?.at).toBe(1_050);
  });
});

describe("throughput at 1 % loss and 200 ms", () => {
  /** Over five minutes, so that the first slow start does not count. */
  const packetsPerSecond = (law: Law): number => {
    const { queue, send, arrivals } = open({ rttMs: 200, random: createRandom(1, "loss"), law });
    for (let index = 0; index < 60_000; index++) send(`${index}`, 1);
    queue.runUntil(300_000);
    return arrivals.length / ((arrivals.at(-1)?.at ?? 0) / 1_000);
  };

  test("Reno keeps to Mathis' law: 1.22 / √p packets a round trip are 61 a second, 89 kB", () => {
    expect(Math.abs(packetsPerSecond("reno") / 61 - 1)).toBeLessThan(0.1);
  });

  test("CUBIC's own law, 1.054 · (RTT / p)^¾, gives 10 packets here: it is Reno-friendly (RFC 9438 section 4.3), a little above", () => {
    expect(packetsPerSecond("cubic")).toBeGreaterThan(packetsPerSecond("reno"));
    expect(packetsPerSecond("cubic")).toBeLessThan(1.25 * 61);
  });

  test("BBR does not heed loss", () => {
    expect(packetsPerSecond("bbr")).toBeGreaterThan(10 * 61);
  });
});
