import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { verifyText } from "../../client/verify.ts";
import { breakerTransitionSchema } from "../../gateway/breaker.ts";
import { parseLastEventId, resumeAfter } from "../../gateway/events.ts";
import { startGateway } from "../../gateway/io/server.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { scheme } from "../support/network.ts";
import { certifyChain, feedId, networkOf } from "../support/rounds.ts";
import { FEEDS, FIRST_ROUND, metric, openGateway, until } from "./support.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ALL_FEEDS = [...FEEDS, "NEW/USD"];
const network = networkOf(ALL_FEEDS);
/** Signed once and shared: rounds are facts. */
const CHAIN = certifyChain(network, FEEDS, FIRST_ROUND, 40);

async function start(count: number, options: Parameters<typeof openGateway>[0] = {}) {
  const parts = await openGateway({ network, rounds: CHAIN.slice(0, count), ...options });
  const gateway = await startGateway({ ...parts.options, host: "127.0.0.1", port: 0 });
  closers.push(() => gateway.close());
  const publishTo = (end: number) => {
    for (const round of CHAIN.slice(count, end)) parts.memory.publish(round);
  };
  return { ...parts, gateway, publishTo };
}

type Reader = {
  readonly head: string;
  /** Numbers of the rounds received so far. */
  readonly ids: () => readonly number[];
  readonly data: () => readonly string[];
  readonly text: () => string;
  /** Whether the reply came to its proper end, which a cut connection does not. */
  readonly ended: () => boolean;
  readonly closed: Promise<void>;
  readonly socket: Socket;
};

/** A reader on a bare socket, so that it can also stop reading. */
async function read(address: string, query: string, headers: Readonly<Record<string, string>> = {}): Promise<Reader> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  closers.push(() => {
    socket.destroy();
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /v1/stream?${query} HTTP/1.1\r\nhost: x\r\n${lines.join("")}\r\n`);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await until(() => received.includes("\r\n\r\n"));
  const [head = ""] = received.split("\r\n\r\n");
  // Chunk sizes stand on lines of their own between the events.
  const text = () =>
    received
      .slice(head.length + 4)
      .replace(/(^|\r\n)[0-9a-f]+\r\n/g, "")
      .replaceAll("\r\n", "");
  return {
    ...{ head, text, closed, socket },
    ended: () => received.endsWith("0\r\n\r\n"),
    ids: () => [...text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
    data: () => [...text().matchAll(/^data: (.+)$/gm)].map(([, data]) => data ?? ""),
  };
}

function numbers(rounds: readonly CertifiedRound[]): readonly number[] {
  return rounds.map(({ certificate }) => certificate.header.round);
}

describe("a reader", () => {
  it("gets the newest round at once, then each new one, as bundles that verify", async () => {
    const { gateway, publishTo } = await start(3);
    const reader = await read(gateway.address, "feeds=LINK-USD,BTC-USD", { origin: "https://lender.example" });
    expect(reader.head).toContain("200 OK");
    expect(reader.head.toLowerCase()).toContain("content-type: text/event-stream");
    expect(reader.head.toLowerCase()).toContain("access-control-allow-origin: *");
    await until(() => reader.ids().length === 1);
    publishTo(6);
    await until(() => reader.ids().length === 4);
    expect(reader.ids()).toEqual(numbers(CHAIN.slice(2, 6)));
    const trust = { committee: network.committee, domain: network.domain };
    for (const data of reader.data()) {
      expect(verifyText(data, { trust, scheme })).toMatchObject({
        ok: true,
        reports: [{ feed: "LINK/USD" }, { feed: "BTC/USD" }],
      });
    }
  });

  it("resumes after its last event: every stored round after it once, then the live ones", async () => {
    const { gateway, publishTo } = await start(30);
    const reader = await read(gateway.address, "feeds=ETH-USD", { "last-event-id": String(FIRST_ROUND + 4) });
    publishTo(34);
    await until(() => reader.ids().length >= 29);
    publishTo(34);
    await until(() => reader.ids().length === 29);
    expect(reader.ids()).toEqual(numbers(CHAIN.slice(5, 34)));
  });

  it("that is up to date gets only what is new", async () => {
    const { gateway, publishTo } = await start(3);
    const reader = await read(gateway.address, "feeds=ETH-USD", { "last-event-id": String(FIRST_ROUND + 2) });
    publishTo(4);
    await until(() => reader.ids().length > 0);
    expect(reader.ids()).toEqual([FIRST_ROUND + 3]);
  });

  it("that was away longer than is replayed is told so", async () => {
    const { gateway } = await start(20, { stream: { maxReplayRounds: 5 } });
    const reader = await read(gateway.address, "feeds=ETH-USD", { "last-event-id": String(FIRST_ROUND) });
    await until(() => reader.ids().length === 5);
    expect(reader.ids()).toEqual(numbers(CHAIN.slice(15, 20)));
    expect(reader.text()).toContain(`: rounds up to ${FIRST_ROUND + 14} are not replayed`);
  });

  it("gets the chosen feeds that have a price, and hears of a round that prices none of them nothing", async () => {
    const { gateway, publishTo } = await start(3);
    const some = await read(gateway.address, "feeds=NEW-USD,ETH-USD");
    const none = await read(gateway.address, "feeds=NEW-USD");
    publishTo(4);
    await until(() => some.ids().length === 2);
    expect(some.data().map((data) => JSON.parse(data).feeds.map((item: { feed: string }) => item.feed))).toEqual([
      ["ETH/USD"],
      ["ETH/USD"],
    ]);
    expect(none.ids()).toEqual([]);
  });

  it("hears of each chosen breaker that changed, under the round's id and before its bundle, live as in a replay", async () => {
    const { gateway, memory, publishTo } = await start(3);
    const change = (round: CertifiedRound | undefined, feed: string) => {
      if (round === undefined) throw new Error("the chain is longer");
      const { digest, certificate } = round;
      const { round: number, timestamp } = certificate.header;
      memory.kept.log.push({
        ...{ feed: feedId(feed), round: number, timestamp, digest, from: "closed", to: "open" },
        ...{ reasons: [], observations: [] },
      });
    };
    for (const feed of ["BTC/USD", "ETH/USD", "LINK/USD"]) change(CHAIN[4], feed);
    const live = await read(gateway.address, "feeds=ETH-USD,BTC-USD");
    await until(() => live.ids().length === 1);
    publishTo(6);
    await until(() => live.ids().length === 6);
    const resumed = await read(gateway.address, "feeds=ETH-USD,BTC-USD", { "last-event-id": String(FIRST_ROUND + 2) });
    await until(() => resumed.ids().length === 5);
    const [, , , fourth, fifth, sixth] = numbers(CHAIN);
    const named = `id: ${fifth}\nevent: breaker\ndata: `;
    for (const reader of [live, resumed]) {
      expect(reader.ids().slice(-5)).toEqual([fourth, fifth, fifth, fifth, sixth]);
      expect(reader.text().split(named)).toHaveLength(3);
      const entries = [...reader.text().matchAll(/event: breaker\ndata: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
      expect(entries.map((entry) => breakerTransitionSchema.parse(entry).feed)).toEqual(["BTC/USD", "ETH/USD"]);
      expect(reader.text().lastIndexOf(named)).toBeLessThan(reader.text().indexOf(`id: ${fifth}\ndata: `));
    }
  });

  it("of a quiet stream hears that it is alive", async () => {
    const { gateway } = await start(3, { stream: { heartbeatMs: 20 } });
    const reader = await read(gateway.address, "feeds=ETH-USD");
    await until(() => (reader.text().match(/^: heartbeat$/gm) ?? []).length >= 2);
  });
});

describe("when the lease is over (P3)", () => {
  it("a reader is told so instead of a price, and gets the rounds once they come", async () => {
    const { gateway, clock, memory } = await start(3);
    const ended = (FIRST_ROUND + 2 + 60) * 1_000;
    clock.now = ended + 1;
    const fresh = await read(gateway.address, "feeds=ETH-USD");
    const away = await read(gateway.address, "feeds=ETH-USD", { "last-event-id": String(FIRST_ROUND) });
    for (const reader of [fresh, away]) {
      await until(() =>
        reader.text().includes(`: nothing is permitted: the newest certificate, of round ${FIRST_ROUND + 2}, ended 1 ms ago`),
      );
    }
    await until(() => away.text().includes(`: the lease of round ${FIRST_ROUND + 1} has ended`));
    for (const round of certifyChain(network, FEEDS, FIRST_ROUND + 62, 2)) memory.publish(round);
    for (const reader of [fresh, away]) {
      await until(() => reader.ids().length === 2);
      expect(reader.ids()).toEqual([FIRST_ROUND + 62, FIRST_ROUND + 63]);
    }
  });

  it("a resumed reader hears of the changes it missed, and of no price that no longer holds", async () => {
    const { gateway, clock, memory } = await start(30);
    const changedIn = CHAIN[5];
    if (changedIn === undefined) throw new Error("the chain is longer");
    const { round, timestamp } = changedIn.certificate.header;
    memory.kept.log.push({
      ...{ feed: feedId("ETH/USD"), round, timestamp, digest: changedIn.digest, from: "closed", to: "open" },
      ...{ reasons: [], observations: [] },
    });
    clock.now = (FIRST_ROUND + 20 + 60) * 1_000;
    const reader = await read(gateway.address, "feeds=ETH-USD", { "last-event-id": String(FIRST_ROUND) });
    await until(() => reader.ids().at(-1) === FIRST_ROUND + 29);
    expect(reader.ids()).toEqual([round, ...numbers(CHAIN.slice(20, 30))]);
    expect(reader.text()).toContain(`id: ${round}\nevent: breaker\n`);
  });

  it("says so to a quiet stream too", async () => {
    const { gateway, clock } = await start(3, { stream: { heartbeatMs: 20 } });
    const reader = await read(gateway.address, "feeds=ETH-USD");
    await until(() => reader.ids().length === 1);
    expect(reader.text()).not.toContain("nothing is permitted");
    clock.now += 60_000;
    await until(() => reader.text().includes(": nothing is permitted"));
  });
});

describe("bounds", () => {
  const wide = Array.from({ length: 60 }, (_, index) => `A${index}/USD`);
  const wideNetwork = networkOf(wide);
  const wideFeeds = wide.map((feed) => feed.replace("/", "-")).join(",");

  it("a reader that does not read is dropped from its own full buffer; the others miss nothing", async () => {
    const rounds = certifyChain(wideNetwork, wide, FIRST_ROUND, 1);
    const later = certifyChain(wideNetwork, wide, FIRST_ROUND + 1, 150);
    const limit = 200_000;
    const { gateway, memory } = await start(0, { network: wideNetwork, rounds, stream: { maxReaderBytes: limit } });
    const slow = await read(gateway.address, `feeds=${wideFeeds}`);
    slow.socket.pause();
    const quick = await read(gateway.address, "feeds=A0-USD");
    for (const round of later) {
      memory.publish(round);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(async () => (await metric(gateway.address, 'breakwater_stream_readers_dropped_total{reason="slow"}')) === 1);
    await until(() => quick.ids().length === later.length + 1);
    expect(await metric(gateway.address, "breakwater_stream_readers")).toBe(1);
    slow.socket.resume();
    await slow.closed;
    expect(slow.ids().length).toBeLessThan(later.length);
    const resumed = await read(gateway.address, "feeds=A0-USD", { "last-event-id": String(slow.ids().at(-1)) });
    await until(() => resumed.ids().at(-1) === FIRST_ROUND + 150);
    expect(resumed.ids()[0]).toBe((slow.ids().at(-1) ?? 0) + 1);
  });

  it("a reader that stops while it catches up is let go as well", async () => {
    const rounds = certifyChain(wideNetwork, wide, FIRST_ROUND, 150);
    const now = () => FIRST_ROUND * 1_000;
    const { gateway } = await start(0, { network: wideNetwork, rounds, now, stream: { heartbeatMs: 300 } });
    const reader = await read(gateway.address, `feeds=${wideFeeds}`, { "last-event-id": String(FIRST_ROUND - 1) });
    reader.socket.pause();
    await until(async () => (await metric(gateway.address, 'breakwater_stream_readers_dropped_total{reason="stalled"}')) === 1);
    expect(await metric(gateway.address, "breakwater_stream_readers")).toBe(0);
  });

  it("beyond all places nobody is let in, whatever the address has left", async () => {
    const { gateway } = await start(3, { stream: { maxReaders: 2, maxReadersPerAddress: 5 } });
    for (let place = 0; place < 2; place++) await read(gateway.address, "feeds=ETH-USD");
    const refused = await fetch(`${gateway.address}/v1/stream?feeds=ETH-USD`, { signal: AbortSignal.timeout(5_000) });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ detail: "all 2 places are taken" });
  });

  it("readers are counted in all and by address, and a place that is left is free again", async () => {
    const { gateway } = await start(3, { stream: { maxReaders: 3, maxReadersPerAddress: 2 } });
    const first = await read(gateway.address, "feeds=ETH-USD");
    await read(gateway.address, "feeds=ETH-USD");
    const refused = await fetch(`${gateway.address}/v1/stream?feeds=ETH-USD`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
    expect(await refused.json()).toMatchObject({ detail: "2 readers from this address already" });
    first.socket.destroy();
    await until(async () => (await metric(gateway.address, "breakwater_stream_readers")) === 1);
    expect((await read(gateway.address, "feeds=ETH-USD")).head).toContain("200 OK");
  });
});

it("closing the gateway ends the streams and frees the port", async () => {
  const parts = await openGateway({ network, rounds: CHAIN.slice(0, 3) });
  const gateway = await startGateway({ ...parts.options, host: "127.0.0.1", port: 0 });
  const reader = await read(gateway.address, "feeds=ETH-USD");
  await until(() => reader.ids().length === 1);
  expect(reader.ended()).toBe(false);
  await gateway.close();
  await reader.closed;
  expect(reader.ended()).toBe(true);
  const again = await startGateway({
    ...(await openGateway()).options,
    host: "127.0.0.1",
    port: Number(new URL(gateway.address).port),
  });
  await again.close();
});

describe("where a stream begins", () => {
  const at = { newest: 1_000, maxReplay: 100 };
  it.each([
    ["no last event: with the newest", undefined, at, { after: 999, skipped: false }],
    ["a recent one: after it", 950, at, { after: 950, skipped: false }],
    ["at the bound", 900, at, { after: 900, skipped: false }],
    ["beyond the bound: at the bound, and it is said", 899, at, { after: 900, skipped: true }],
    ["a little ahead, from a quicker gateway: after it", 1_100, at, { after: 1_100, skipped: false }],
    ["far ahead, of no round of this network: with the newest", 1_101, at, { after: 999, skipped: false }],
    ["before the first round", undefined, { ...at, newest: undefined }, { after: -1, skipped: false }],
    ["before the first round, with a last event", 7, { ...at, newest: undefined }, { after: 7, skipped: false }],
  ])("%s", (_, lastEventId, where, expected) => {
    expect(resumeAfter(lastEventId, where)).toEqual(expected);
  });

  it.each(["", "-1", "1.5", "0x10", "01", "9007199254740992", "99999999999999999"])("%j is no round number", (text) => {
    expect(parseLastEventId(text)).toBeUndefined();
  });
});
