import { expect, test } from "vitest";
import { createFetcher } from "../../node/io/fetcher.ts";
import type { Transport } from "../../node/io/transport-types.ts";
import type { Input } from "../../node/machine.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import { ok } from "../../protocol/result.ts";
import { testKey } from "../support/network.ts";

test("a hello's exchange begins where the stream is open: the protocol took a round trip of its own", async () => {
  let clock = 1_000;
  const heard: Input[] = [];
  const trips: number[] = [];
  const request: Transport["request"] = async ({ onOpen }) => {
    clock += 324;
    onOpen?.();
    clock += 324;
    return ok(Uint8Array.of(1));
  };
  const { greet, measure } = createFetcher({
    transport: { request },
    store: createMemoryStore({ now: () => clock }),
    handle: (input) => heard.push(input),
    now: () => clock,
    onTrip: (_, ms) => trips.push(ms),
  });
  await greet(testKey(1).address);
  expect(heard).toEqual([{ kind: "hello", from: testKey(1).address, bytes: Uint8Array.of(1), sentAt: 1_324, receivedAt: 1_648 }]);
  await measure(testKey(2).address);
  expect(heard).toHaveLength(1);
  expect(trips).toEqual([324, 324]);
});
