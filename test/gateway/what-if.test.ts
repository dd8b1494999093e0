import { describe, expect, it } from "vitest";
import type { GatewayPorts } from "../../gateway/ports.ts";
import { type WhatIfView, whatIfSchema } from "../../gateway/what-if.ts";
import { ONE } from "../../protocol/amount.ts";
import { digestOf } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";
import { buildTestGateway } from "./support.ts";

const ROUTE = "/v1/governance/what-if";
type Question = Parameters<NonNullable<GatewayPorts["whatIf"]>>[0];

const outcome = {
  ...{ tripCount: 0, trips: [], rounds: { closed: 2, halfOpen: 0, open: 0 }, noneRounds: 0, longestPauseMs: 0, stretches: [] },
};
const view: WhatIfView = {
  ...{
    feed: feedId("ETH/USD"),
    configDigest: digestOf(7),
    changed: [{ threshold: "jumpBps", from: 300, to: 150 }],
    notReplayed: [],
  },
  looked: { from: 1, to: 2, fromAt: 1_000, toAt: 2_000, rounds: 2 },
  missing: { uncertified: 0, bodies: 0, resumed: 0, begins: null },
  before: outcome,
  after: {
    ...outcome,
    tripCount: 1,
    trips: [
      {
        ...{ from: { round: 2, timestamp: 2_000 }, to: null, sinceBefore: false, openedBy: ["jump"] },
        worst: [{ rule: "jump", unit: "Bps", measured: 200, limit: 150 }],
      },
    ],
    stretches: [{ state: "open", from: 2_000, to: 3_000 }],
  },
  plot: {
    ...{ at: [1_000, 2_000], stepMs: 1_000, prices: [[1_800n * ONE, 1_801n * ONE], null] },
    series: [{ threshold: "jumpBps", rule: "jump", unit: "Bps", worst: "largest", values: [200, null], after: [200, 20] }],
  },
};

async function open(answer: NonNullable<GatewayPorts["whatIf"]> = async () => ({ kind: "answer", whatIf: view })) {
  const asked: Question[] = [];
  const gateway = await buildTestGateway({
    whatIf: (question) => {
      asked.push(question);
      return answer(question);
    },
  });
  return { ...gateway, asked };
}

describe(`POST ${ROUTE}`, () => {
  it("asks with every threshold, the changed ones as changed, and shows both outcomes and the plot", async () => {
    const { post, asked } = await open();
    const reply = await post(ROUTE, { feed: "ETH/USD", thresholds: { jumpBps: 150 }, hours: 2 });
    expect(reply.status).toBe(200);
    expect(asked).toMatchObject([{ feed: "ETH/USD", hours: 2, thresholds: { jumpBps: 150, staleMs: 60_000 } }]);
    const shown = whatIfSchema.parse(reply.json());
    expect(shown.after.trips[0]?.worst).toEqual([{ rule: "jump", measuredBps: 200, limitBps: 150 }]);
    expect(shown.plot).toMatchObject({ fromAt: 1_000, low: ["1800", null], high: ["1801", null] });
    expect((await post(ROUTE, { feed: "ETH-USD" })).status).toBe(200);
    expect(asked.at(-1)).toMatchObject({ hours: 24, thresholds: { jumpBps: 300 } });
  });

  it("says how far the rounds are opened, and when to ask again", async () => {
    const { post } = await open(async () => ({ kind: "loading", loaded: 40, of: 3_600 }));
    const reply = await post(ROUTE, { feed: "ETH/USD", thresholds: {} });
    expect([reply.status, reply.headers["retry-after"], reply.json()]).toEqual([202, "1", { loaded: 40, of: 3_600 }]);
  });

  it.each([
    ["a feed that is none", { feed: "ETH/EUR" }, 404, /no feed/],
    ["a threshold above its ceiling", { feed: "ETH/USD", thresholds: { jumpBps: 10_001 } }, 400, /from 10 to 10000/],
    ["a threshold below its floor", { feed: "ETH/USD", thresholds: { jumpBps: 9 } }, 400, /from 10 to 10000/],
    ["a threshold that is none", { feed: "ETH/USD", thresholds: { jumpy: 9 } }, 400, /jumpy/],
    ["thresholds that do not hold together", { feed: "ETH/USD", thresholds: { jumpBps: 2_000 } }, 422, /less than gapBps/],
    ["more than a day", { feed: "ETH/USD", hours: 25 }, 400, /at most 24/],
    ["no time at all", { feed: "ETH/USD", hours: 0 }, 400, /above 0/],
    ["a body of another size", { feed: "E".repeat(5_000) }, 413, /larger/],
  ])("refuses %s, and asks nobody", async (_, question, status, says) => {
    const { post, asked } = await open();
    const reply = await post(ROUTE, question);
    expect(reply.status).toBe(status);
    expect(JSON.stringify(reply.json())).toMatch(says);
    expect(asked).toEqual([]);
  });

  it("tells why rounds cannot be replayed, and that nobody here could", async () => {
    const { post } = await open(() => Promise.reject(Object.assign(new Error("no priced round of ETH/USD"), { code: "replay" })));
    const refused = await post(ROUTE, { feed: "ETH/USD" });
    expect([refused.status, refused.json().detail]).toEqual([409, "no priced round of ETH/USD"]);
    expect((await (await buildTestGateway()).post(ROUTE, { feed: "ETH/USD" })).status).toBe(503);
  });

  it("has two places for a subscriber, however many addresses he makes of his /64", async () => {
    const { app } = await open(() => new Promise(() => undefined));
    const ask = (remoteAddress: string) =>
      app.inject({ method: "POST", url: ROUTE, payload: { feed: "ETH/USD" }, remoteAddress });
    for (const address of ["2001:db8::1", "2001:db8::2"]) void ask(address);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await ask("2001:db8::3:4:5:6")).statusCode).toBe(503);
  });

  it("is not asked with GET", async () => {
    const { get } = await open();
    expect((await get(ROUTE)).status).toBe(405);
  });
});
