import { setTimeout as sleep } from "node:timers/promises";
import { StreamMessageEvent } from "@libp2p/interface";
import { expect, it } from "vitest";
import { createBudget } from "../../node/budget.ts";
import { type PacedStream, paceStream } from "../../node/io/transport-gossip.ts";

function openStream() {
  const events = new EventTarget();
  const calls: string[] = [];
  const stream = {
    readStatus: "readable",
    pause: () => {
      calls.push("pause");
      stream.readStatus = "paused";
    },
    resume: () => {
      calls.push("resume");
      stream.readStatus = "readable";
    },
    addEventListener: events.addEventListener.bind(events),
  };
  const receive = (bytes: number) => events.dispatchEvent(new StreamMessageEvent(new Uint8Array(bytes)));
  return { stream: stream as PacedStream, calls, receive, close: () => events.dispatchEvent(new Event("close")) };
}

const now = () => performance.now();
const budget = () => ({
  messages: createBudget({ perSecond: 1_000, burst: 10 }, now()),
  bytes: createBudget({ perSecond: 1_000, burst: 100 }, now()),
});

it("a stream is not read while its peer owes bytes, and read again when the debt is paid", async () => {
  const { stream, calls, receive } = openStream();
  paceStream(stream, budget(), { now, stopped: new AbortController().signal });
  receive(50);
  expect(calls).toEqual([]);
  receive(150);
  expect(calls).toEqual(["pause"]);
  await sleep(60);
  expect(calls).toEqual(["pause"]);
  await sleep(200);
  expect(calls).toEqual(["pause", "resume"]);
});

it("a debt of messages stops the reading as well", () => {
  const { stream, calls, receive } = openStream();
  const peer = budget();
  paceStream(stream, peer, { now, stopped: new AbortController().signal });
  peer.messages.charge(60, now());
  receive(1);
  expect(calls).toEqual(["pause"]);
});

it.each(["stream closes", "transport stops"])("nothing is resumed once the %s", async (end) => {
  const { stream, calls, receive, close } = openStream();
  const stop = new AbortController();
  paceStream(stream, budget(), { now, stopped: stop.signal });
  receive(200);
  if (end === "stream closes") close();
  else stop.abort();
  await sleep(200);
  expect(calls).toEqual(["pause"]);
});
