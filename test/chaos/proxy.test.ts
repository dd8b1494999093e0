import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { between, openWire, type Wire } from "./proxy.ts";
import { sleep } from "./scenario.ts";

/** Long enough for loopback, short enough for a test. */
const SOON_MS = 300;

let servers: Server[];
let heard: string[];
let ends: number;
let wire: Wire;

beforeEach(async () => {
  heard = ["", ""];
  ends = 0;
  servers = await Promise.all([0, 1].map(listen));
  wire = await openWire(servers.map((server) => (server.address() as AddressInfo).port));
});
afterEach(async () => {
  await wire.close();
  // What one test leaves behind would be counted in the next.
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

it("passes both ways, and counts what passed each way", async () => {
  const caller = await call(0, 1);
  caller.write("ping");
  expect(await caller.hears("echo ping")).toBe(true);
  expect([wire.passed(0, 1), wire.passed(1, 0)]).toEqual([4, 9]);
});

it("one direction blocked: the other passes, what is held goes on in its order once it is open, and the end after it", async () => {
  const caller = await call(0, 1);
  caller.write("a");
  expect(await caller.hears("echo a")).toBe(true);
  wire.set((from, to) => from === 1 && to === 0, { blocked: true });
  caller.write("b");
  await sleep(SOON_MS);
  expect(heard[1]).toBe("ab");
  expect(caller.text()).toBe("echo a");
  wire.set((from) => from === 0, { blocked: true });
  caller.write("c");
  caller.end();
  await sleep(SOON_MS);
  expect([heard[1], ends]).toEqual(["ab", 0]);
  wire.heal();
  expect(await caller.hears("echo aecho becho c")).toBe(true);
  expect([heard[1], ends]).toEqual(["abc", 1]);
});

it("a call over a cut link is heard only when the link is whole", async () => {
  wire.set(between([0], [1]), { blocked: true });
  const caller = await call(0, 1);
  caller.write("a");
  await sleep(SOON_MS);
  expect(heard[1]).toBe("");
  wire.heal();
  expect(await caller.hears("echo a")).toBe(true);
});

it("a delay is kept in both directions", async () => {
  wire.set(() => true, { delayMs: 150 });
  const caller = await call(1, 0);
  const sentAt = performance.now();
  caller.write("a");
  expect(await caller.hears("echo a")).toBe(true);
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(295);
});

it("between: the directions across groups and no others", () => {
  const cut = between([0, 1], [2]);
  expect([cut(0, 2), cut(2, 1), cut(0, 1), cut(1, 0)]).toEqual([true, true, false, false]);
});

function listen(index: number): Promise<Server> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => undefined);
    socket.setEncoding("utf8").on("data", (text: string) => {
      heard[index] += text;
      socket.write(`echo ${text}`);
    });
    socket.once("end", () => {
      ends += 1;
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function call(from: number, to: number) {
  const socket = connect(wire.port(from, to), "127.0.0.1");
  let text = "";
  socket.on("error", () => undefined);
  socket.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  return {
    write: (more: string) => socket.write(more),
    end: () => socket.end(),
    text: () => text,
    hears: async (wanted: string): Promise<boolean> => {
      const end = performance.now() + 5_000;
      while (text !== wanted && performance.now() < end) await sleep(10);
      return text === wanted;
    },
  };
}
