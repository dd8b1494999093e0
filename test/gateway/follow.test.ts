import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { apiKeyDigest, formatApiKey } from "../../gateway/access.ts";
import { createEventSplitter, type StreamEvent } from "../../gateway/following/event-stream.ts";
import { decodeEvent, encodeEvent } from "../../gateway/io/follow-wire.ts";
import type { LogEntry } from "../../gateway/log.ts";
import { changedHistory, type Kept, roundEntry, transitionEntry } from "./followed.ts";
import { type Replica, startReplica, until } from "./replica.ts";

let changed: ReturnType<typeof changedHistory>;
let history: readonly Kept[];
let now: () => number;
beforeAll(() => {
  changed = changedHistory();
  ({ history } = changed);
  now = changed.world.now;
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function replica(options: Omit<Parameters<typeof startReplica>[0], "genesis" | "now"> = {}): Promise<Replica> {
  const started = await startReplica({ genesis: changed.before, now, ...options });
  closing.push(started.stop);
  return started;
}

/** Somebody who speaks HTTP: whatever `answer` makes of it. */
async function upstream(answer: (response: ServerResponse, url: string) => void): Promise<string> {
  const server: Server = createServer((request, response) => answer(response, request.url ?? ""));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const KEY = formatApiKey(new Uint8Array(32).fill(7));
const HOLDER = { name: "edge", sha256: apiKeyDigest(KEY), requestsPerMinute: 100, streams: 4 };
const EVENTS = { "content-type": "text/event-stream" };
const roundsOf = (kept: readonly Kept[]) => kept.map(({ body }) => body.round);
const walkOf = ({ store }: Replica) =>
  store.range({ from: 0, to: Number.MAX_SAFE_INTEGER }).map(({ certified }) => certified.digest);

/** Reads a log as it is written. */
async function openLog(base: string, query = "", headers: Record<string, string> = {}) {
  const controller = new AbortController();
  closing.push(() => controller.abort());
  const response = await fetch(`${base}/v1/follow${query}`, { headers, signal: controller.signal });
  const events: (StreamEvent & { readonly round: number | undefined })[] = [];
  const splitter = createEventSplitter(10_000_000);
  let text = "";
  void (async () => {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      for (const event of splitter.take(piece) ?? []) {
        const entry = event.name === "round" ? decodeEvent("round", event.data) : undefined;
        const round = history.find(
          ({ certified }) => entry?.ok && entry.value.kind === "round" && certified.digest === entry.value.digest,
        );
        events.push({ ...event, round: round?.body.round });
      }
    }
  })().catch(() => undefined);
  return { response, events, text: () => text, close: () => controller.abort() };
}

describe("GET /v1/follow", () => {
  test("tells changes of config first, then rounds ascending, then each new head", async () => {
    const { feed, gateway } = await replica();
    for (const kept of history.slice(0, -2)) feed(roundEntry(kept));
    const log = await openLog(gateway.address);
    expect(log.response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(log.response.headers.get("cache-control")).toBe("no-store");
    await until("the past", () => log.events.length === history.length - 1);
    for (const kept of history.slice(-2)) feed(roundEntry(kept));
    await until("the newest", () => log.events.length === history.length + 1);
    expect(log.events.map(({ name }) => name)).toEqual(["transition", ...history.map(() => "round")]);
    expect(log.events.slice(1).map(({ round }) => round)).toEqual(roundsOf(history));
    expect([...log.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(roundsOf(history));
  });

  test("resumes after a round, by query or by Last-Event-ID, which counts more", async () => {
    const { feed, gateway } = await replica();
    for (const kept of history) feed(roundEntry(kept));
    const [, , third, , , sixth] = roundsOf(history);
    const byQuery = await openLog(gateway.address, `?after=${third}`);
    const byHeader = await openLog(gateway.address, `?after=${third}`, { "last-event-id": String(sixth) });
    await until("both", () => byQuery.events.length === history.length - 2 && byHeader.events.length === history.length - 5);
    expect(byQuery.events[1]?.round).toBe(roundsOf(history)[3]);
    expect(byHeader.events[1]?.round).toBe(roundsOf(history)[6]);
  });

  test("sends no more of the past than it is bound to", async () => {
    const { feed, gateway } = await replica({ serving: { follow: { maxBackfill: 5, defaultBackfill: 3 } } });
    for (const kept of history) feed(roundEntry(kept));
    const [some, all] = [await openLog(gateway.address), await openLog(gateway.address, "?after=0")];
    await until("both", () => some.events.length >= 4 && all.events.length >= 6);
    expect(some.events.slice(1).map(({ round }) => round)).toEqual(roundsOf(history).slice(-3));
    expect(all.events.slice(1).map(({ round }) => round)).toEqual(roundsOf(history).slice(-5));
  });

  test("a change of config is told live, before the round that comes of it; a round that comes late is told late", async () => {
    const { feed, gateway } = await replica();
    const first = history.findIndex(({ certified }) => certified.certificate.header.configDigest !== changed.before.configDigest);
    for (const kept of history.slice(0, 3)) feed(roundEntry(kept));
    const log = await openLog(gateway.address, `?after=${roundsOf(history)[2]}`);
    await until("the opening", () => log.text() !== "");
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const kept of history.slice(4, first + 1)) feed(roundEntry(kept));
    feed(transitionEntry(changed.transition));
    feed(roundEntry(history[3] as Kept));
    for (const kept of history.slice(first + 1)) feed(roundEntry(kept));
    await until("all of it", () => log.events.filter(({ name }) => name === "round").length === history.length - 3);
    const names = log.events.map(({ name, round }) => (name === "round" ? round : name));
    expect(names.indexOf("transition")).toBe(names.indexOf(roundsOf(history)[first]) - 1);
    expect(names).toContain(roundsOf(history)[3]);
    expect(log.text()).not.toContain(`id: ${roundsOf(history)[3]}\n`);
  });

  test("has so many places, and says so", async () => {
    const { gateway } = await replica({ serving: { follow: { maxFollowers: 2, maxFollowersPerPlace: 2 } } });
    const [one] = [await openLog(gateway.address), await openLog(gateway.address)];
    expect((await fetch(`${gateway.address}/v1/follow`)).status).toBe(503);
    one?.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await openLog(gateway.address)).response.status).toBe(200);
  });

  test("is opened so often a minute by one caller, and no more: every opening is told the past anew", async () => {
    const { gateway } = await replica({ serving: { access: { required: false, keys: [HOLDER] } } });
    const open = async (headers = {}) => (await fetch(`${gateway.address}/v1/follow?after=-1`, { headers })).status;
    for (let opened = 0; opened < 60; opened += 1) expect(await open()).toBe(400);
    expect(await open()).toBe(429);
    expect(await open({ "x-api-key": KEY })).toBe(400);
    expect((await fetch(`${gateway.address}/v1/feeds`)).status).toBe(200);
  });

  test("names what it cannot read in a request", async () => {
    const { gateway } = await replica();
    for (const [query, headers] of [
      ["?after=-1", {}],
      ["?before=1", {}],
      ["", { "last-event-id": "x" }],
    ] as const) {
      expect((await fetch(`${gateway.address}/v1/follow${query}`, { headers })).status).toBe(400);
    }
  });

  test("takes no more followers once it drains", async () => {
    const { gateway } = await replica();
    await gateway.drain({ graceMs: 0 });
    expect((await fetch(`${gateway.address}/v1/follow`)).status).toBe(503);
  });
});

describe("a gateway that follows over HTTP", () => {
  test("comes to hold the same, and so does one that follows it", async () => {
    const source = await replica();
    for (const kept of history.slice(0, 8)) source.feed(roundEntry(kept));
    const second = await replica({ follows: [source.gateway.address] });
    const third = await replica({ follows: [second.gateway.address] });
    await until("the past at the third", () => walkOf(third).length === 8);
    for (const kept of history.slice(8)) source.feed(roundEntry(kept));
    await until("the newest at the third", () => walkOf(third).length === history.length);
    expect(walkOf(third)).toEqual(walkOf(source));
    expect(third.follower.network().configDigest).toBe(source.follower.network().configDigest);
    expect(third.published.map(({ certificate }) => certificate.header.round)).toEqual(roundsOf(history));
    expect(await third.registry.metrics()).toMatch(/follower_source_up\{source="127[^"]*"\} 1/);
  });

  test("loses nothing when what it follows dies and comes again, and does not ask for what it has", async () => {
    const asked: string[] = [];
    let live: ServerResponse | undefined;
    const base = await upstream((response, url) => {
      asked.push(url);
      response.writeHead(200, EVENTS);
      for (const kept of history.slice(0, asked.length * 3)) response.write(encodeEvent(roundEntry(kept), kept.body.round));
      live = response;
    });
    const follower = await replica({ follows: [base] });
    for (let round = 3; round <= 9; round += 3) {
      await until(`${round} rounds`, () => walkOf(follower).length === round);
      live?.destroy();
    }
    expect(asked.slice(0, 3)).toEqual([
      "/v1/follow",
      `/v1/follow?after=${roundsOf(history)[2]}`,
      `/v1/follow?after=${roundsOf(history)[5]}`,
    ]);
  });

  test("is named by its host alone where it is told of: a path may hold a key, and two behind one host stay two", async () => {
    const base = await upstream((response, url) => response.writeHead(url.startsWith("/t0ken") ? 500 : 404).end());
    const { host } = new URL(base);
    const follower = await replica({ follows: [`${base}/t0ken`, `${base}/0ther`] });
    await until("both refused", () =>
      [host, `${host}#2`].every((name) => follower.logged.some((line) => line.includes(`"${name}"`))),
    );
    const told = `${await follower.registry.metrics()} ${follower.logged.join()}`;
    expect(told).toContain(`breakwater_follower_source_up{source="${host}#2"} 0`);
    expect(told).not.toMatch(/t0ken|0ther/);
  });

  test("is shown the key that it gave, where it asks for one; without, or with another, nothing is followed", async () => {
    const source = await replica({ serving: { access: { required: true, keys: [HOLDER] } } });
    for (const kept of history) source.feed(roundEntry(kept));
    const url = source.gateway.address;
    const other = formatApiKey(new Uint8Array(32).fill(8));
    const [holder, nobody, stranger] = await Promise.all([
      replica({ follows: [{ url, key: KEY }] }),
      replica({ follows: [url] }),
      replica({ follows: [{ url, key: other }] }),
    ]);
    await until("all of it", () => walkOf(holder).length === history.length);
    for (const { logged, store } of [nobody, stranger]) {
      await until("it is said", () => logged.length > 0);
      expect(logged[0]).toContain("see keyFile");
      expect(logged.join()).not.toContain(other);
      expect(store.latest()).toBe(undefined);
    }
  });

  test("a silent source is let go, and asked again", async () => {
    let connections = 0;
    const base = await upstream((response) => {
      connections += 1;
      response.writeHead(200, EVENTS);
      response.write(": hello\n\n");
    });
    await replica({ follows: [base], reading: { silenceMs: 60 } });
    await until("connections again", () => connections >= 3);
  });

  test.each<[what: string, answer: (response: ServerResponse) => void]>([
    ["an error", (response) => response.writeHead(500).end("no")],
    ["a page", (response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>")],
    ["another place", (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
    ["an entry that is none", (response) => response.writeHead(200, EVENTS).write("event: round\ndata: {}\n\n")],
  ])("what answers with %s is no source: it is said, and asked again", async (_, answer) => {
    let connections = 0;
    const base = await upstream((response) => {
      connections += 1;
      answer(response);
    });
    const { logged } = await replica({ follows: [base] });
    await until("connections again", () => connections >= 3);
    expect(logged.join("\n")).toMatch(/is not followed: is it running, and is this its API's address\?/);
  });

  test("a source that sends it elsewhere is not followed there", async () => {
    let asked = 0;
    const elsewhere = await upstream((response) => {
      asked += 1;
      response.writeHead(200, EVENTS);
    });
    const base = await upstream((response, url) => response.writeHead(302, { location: `${elsewhere}${url}` }).end());
    const { logged } = await replica({ follows: [base] });
    await until("it is said", () => logged.length > 0);
    expect(logged[0]).toContain("is not followed");
    expect(asked).toBe(0);
  });

  test("a forger beside an honest source changes nothing, and is counted", async () => {
    const honest = await replica();
    const forged = history.map((kept, index): LogEntry => {
      const entry = roundEntry(kept);
      const part = index % 2 === 0 ? "certificate" : "body";
      const bytes = Uint8Array.from(entry[part]);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      return { ...entry, [part]: bytes };
    });
    const liar = await upstream((response) => {
      response.writeHead(200, EVENTS);
      for (const entry of forged) response.write(encodeEvent(entry, 1));
    });
    const follower = await replica({ follows: [liar, honest.gateway.address] });
    await until("the forgeries", () => follower.logged.some((line) => /forges|forge/.test(line)));
    for (const kept of history) honest.feed(roundEntry(kept));
    await until("the truth", () => walkOf(follower).length === history.length);
    expect(walkOf(follower)).toEqual(walkOf(honest));
    const metrics = await follower.registry.metrics();
    expect(metrics).toMatch(/follower_entries_total\{source="127[^"]*",code="(digest|body)"\} \d/);
    expect(metrics).toMatch(new RegExp(`code="head"\\} ${history.length}\\n`));
  });

  test("rounds that the store cannot keep are not published, and it goes on", async () => {
    const target = await replica();
    const { saveRound } = target.store;
    let broken = true;
    Object.assign(target.store, {
      saveRound: (round: Kept) => {
        if (broken) throw new Error("disk full");
        return saveRound(round);
      },
    });
    target.feed(roundEntry(history[0] as Kept));
    expect(target.published).toEqual([]);
    expect(target.logged.join()).toContain("look at the disk");
    broken = false;
    target.feed(roundEntry(history[1] as Kept));
    expect(target.published).toHaveLength(1);
  });
});

test.each([
  ["comments", `: ${"x".repeat(60_000)}\n\n`],
  ["events of unknown names", `event: later\ndata: ${"x".repeat(60_000)}\n\n`],
  [
    "what stands beside an entry",
    encodeEvent({ kind: "evidence", bytes: new Uint8Array(9) }).replace('"}', `","more":"${"x".repeat(1_000_000)}"}`),
  ],
])("a source that floods with %s is read no faster than one that sends entries", async (_, event) => {
  let taken = 0;
  const base = await upstream((response) => {
    response.writeHead(200, EVENTS);
    const more = (): void => {
      if (response.destroyed) return;
      response.write(event, () => {
        taken += event.length;
        setImmediate(more);
      });
    };
    more();
  });
  const pace = { entries: 100, entriesPerSecond: 100, bytes: 1_000_000, bytesPerSecond: 1_000_000 };
  await replica({ follows: [base], reading: { pace } });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // What lies in the sockets' buffers counts as taken here.
  expect(taken).toBeLessThan(16_000_000);
});
