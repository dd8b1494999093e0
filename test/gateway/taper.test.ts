import { describe, expect, it } from "vitest";
import { createTaper } from "../../gateway/io/taper.ts";
import { memoryStore } from "../support/rounds.ts";
import { buildTestGateway } from "./support.ts";

describe("a taper", () => {
  it("tells the 1st, 2nd, 4th, 8th of a subject, and begins again once it works", () => {
    const { next, clear } = createTaper();
    const told = (times: number) => Array.from({ length: times }, () => next("disk")).filter((count) => count !== undefined);
    expect(told(10)).toEqual([1, 2, 4, 8]);
    expect(next("network")).toBe(1);
    clear("disk");
    expect(told(2)).toEqual([1, 2]);
  });
});

describe("a store that fails", () => {
  const broken = () => {
    throw new Error("disk I/O error");
  };

  it("costs whoever catches up his stream, and the log a line at the 1st, 2nd, 4th", async () => {
    const { app, logged } = await buildTestGateway({ store: { ...memoryStore([]).store, range: broken } });
    for (const url of ["/v1/stream?feeds=ETH-USD", "/v1/follow"]) {
      logged.length = 0;
      for (let time = 0; time < 5; time++) await app.inject({ url, headers: { "last-event-id": "1" } }).catch(() => undefined);
      expect(logged).toHaveLength(3);
      expect(logged[0]?.message).toContain("look at the disk of storage.path if it lasts");
    }
  });

  it("lets a follower go that it cannot tell of equivocations, rather than show him signs of life for ever", async () => {
    let fails = false;
    const { store } = memoryStore([]);
    const evidence: typeof store.evidence = (options) => (fails ? broken() : store.evidence(options));
    const { app, logged } = await buildTestGateway({ store: { ...store, evidence } });
    fails = true;
    const reply = await app.inject({ url: "/v1/follow" }).then(
      () => "ended",
      () => "cut",
    );
    expect([reply, logged.length]).toEqual(["cut", 1]);
  });

  it("is a fault of this program to whoever asks a route, told as such at the 1st, 2nd, 4th", async () => {
    const { get, logged } = await buildTestGateway({ store: { ...memoryStore([]).store, documents: broken } });
    for (let time = 0; time < 5; time++) expect((await get("/v1/governance/documents")).status).toBe(500);
    expect(logged.map(({ details }) => details)).toMatchObject([{ count: 1 }, { count: 2 }, { count: 4 }]);
    expect(logged[0]?.message).toContain("please report the line");
  });
});
