import { describe, expect, test } from "vitest";
import { goodAnswer, QUICK, quickPoller, type Seen, stateOf, toyAdapter, toyRig, until } from "./toy-venue.ts";

const { serve, run } = toyRig();

describe("polling", () => {
  test("one batched request answers all markets, again and again", async () => {
    const server = await serve(goodAnswer);
    const { poller, seen } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD", "B/USD"], baseUrl: server.url }]);
    await until(() => server.asked.length >= 3);
    expect(server.asked.every((markets) => markets.join() === "A/USD,B/USD")).toBe(true);
    const state = stateOf(poller, "toy", "B/USD");
    expect(state?.quote).toEqual({ market: "B/USD", last: 101n });
    expect(state?.fault).toBeUndefined();
    expect(state !== undefined && state.sentAt <= state.receivedAt && state.receivedAt <= Date.now()).toBe(true);
    expect(new Set(seen.requests)).toEqual(new Set(["toy ok"]));
  });

  test("sends a POST with its body and its content type", async () => {
    const bodies: string[] = [];
    const server = await serve((_markets, response, request) => {
      let text = `${request.method} ${request.headers["content-type"]} `;
      request.on("data", (chunk) => {
        text += String(chunk);
      });
      request.on("end", () => {
        bodies.push(text);
        response.end('{"A/USD":"7"}');
      });
    });
    const post = toyAdapter("toy", { request: (markets) => [{ method: "POST", path: "/t", body: '{"type":"x"}', markets }] });
    const { poller } = run([{ adapter: post, markets: ["A/USD"], baseUrl: `${server.url}/` }]);
    await until(() => stateOf(poller, "toy", "A/USD")?.quote?.last === 7n);
    expect(bodies[0]).toBe('POST application/json {"type":"x"}');
  });

  test("never overlaps itself: an answer slower than the interval is waited for", async () => {
    let atOnce = 0;
    let most = 0;
    const server = await serve((markets, response, request) => {
      most = Math.max(most, ++atOnce);
      setTimeout(() => {
        atOnce -= 1;
        goodAnswer(markets, response, request);
      }, QUICK.intervalMs * 3);
    });
    run([{ adapter: toyAdapter("toy"), markets: ["A/USD"], baseUrl: server.url }]);
    await until(() => server.asked.length >= 4);
    expect(most).toBe(1);
  });

  test("keeps to its sockets when it has more requests than they are", async () => {
    let atOnce = 0;
    let most = 0;
    const server = await serve((markets, response, request) => {
      most = Math.max(most, ++atOnce);
      setTimeout(() => {
        atOnce -= 1;
        goodAnswer(markets, response, request);
      }, 10);
    });
    const each = toyAdapter("toy", {
      request: (markets) => markets.map((market) => ({ method: "GET", path: `/t?m=${market}`, markets: [market] })),
    });
    const markets = ["A/USD", "B/USD", "C/USD", "D/USD", "E/USD", "F/USD", "G/USD"];
    const { poller } = run([{ adapter: each, markets, baseUrl: server.url, settings: { maxSockets: 2 } }]);
    await until(() => poller.snapshot().size === markets.length);
    expect(most).toBe(2);
  });

  for (const { name, poll, over } of [
    { name: "the adapter's, shared by those at one address", poll: {}, over: { addressSharedBy: 100 } },
    { name: "the operator's own", poll: { requestsPerSecond: 10 }, over: {} },
  ]) {
    test(`keeps to the budget: ${name}`, async () => {
      const server = await serve(goodAnswer);
      const each = toyAdapter("toy", {
        request: (markets) => markets.map((market) => ({ method: "GET", path: `/t?m=${market}`, markets: [market] })),
      });
      const markets = ["A/USD", "B/USD", "C/USD", "D/USD", "E/USD", "F/USD"];
      const startedAt = performance.now();
      run([{ adapter: each, markets, baseUrl: server.url, ...poll }], over);
      await until(() => server.asked.length >= markets.length);
      // Ten a second: three at once, then one every 100 ms.
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(295);
    });
  }

  test("a slow venue delays no other", async () => {
    const slow = await serve(() => undefined);
    const quick = await serve(goodAnswer);
    const { poller } = run([
      { adapter: toyAdapter("slow"), markets: ["A/USD"], baseUrl: slow.url },
      { adapter: toyAdapter("quick"), markets: ["A/USD"], baseUrl: quick.url },
    ]);
    await until(() => quick.asked.length >= 5);
    expect(slow.asked.length).toBe(1);
    expect(stateOf(poller, "slow", "A/USD")).toBeUndefined();
    expect(stateOf(poller, "quick", "A/USD")?.quote?.last).toBe(100n);
  });

  test("goes on when the wall clock is set back", async () => {
    const server = await serve(goodAnswer);
    let wall = 1_800_000_000_000;
    const { poller } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD"], baseUrl: server.url }], { now: () => wall });
    await until(() => stateOf(poller, "toy", "A/USD")?.sentAt === wall);
    wall -= 3_600_000;
    await until(() => stateOf(poller, "toy", "A/USD")?.sentAt === wall);
  });

  test("a parser that throws is a malformed answer of its own venue and an error in the log", async () => {
    const server = await serve(goodAnswer);
    const broken = toyAdapter("broken", {
      parse: () => {
        throw new TypeError("cannot read properties of undefined");
      },
    });
    const { poller, seen } = run([{ adapter: broken, markets: ["A/USD"], baseUrl: server.url }]);
    await until(() => stateOf(poller, "broken", "A/USD")?.fault !== undefined);
    expect(stateOf(poller, "broken", "A/USD")?.fault?.code).toBe("malformed");
    expect(seen.errors[0]).toContain("this is a bug");
  });

  test("a base URL that is none is refused at once, naming the venue and not the password in it", () => {
    const adapter = toyAdapter("toy");
    expect(() => quickPoller([{ adapter, markets: ["A/USD"], baseUrl: "ftp://me:secret@host" }])).toThrow(/^venue toy: .*http/);
    expect(() => quickPoller([{ adapter, markets: ["A/USD"], baseUrl: "not a url, secret" }])).not.toThrow(/secret/);
  });
});

describe("a venue's own time", () => {
  test("nothing is sent to the venue before Retry-After, and other venues go on", async () => {
    const other = await serve(goodAnswer);
    let limitedAt = 0;
    let second: { afterMs: number; otherAsked: number } | undefined;
    const limited = await serve((markets, response, request) => {
      if (limitedAt === 0) {
        limitedAt = performance.now();
        response.writeHead(429, { "retry-after": "1" }).end();
      } else {
        second ??= { afterMs: performance.now() - limitedAt, otherAsked: other.asked.length };
        goodAnswer(markets, response, request);
      }
    });
    run([
      { adapter: toyAdapter("limited"), markets: ["A/USD"], baseUrl: limited.url },
      { adapter: toyAdapter("other"), markets: ["A/USD"], baseUrl: other.url },
    ]);
    await until(() => second !== undefined);
    // The node counts from when it had the answer, by a clock of whole milliseconds.
    expect(second?.afterMs).toBeGreaterThan(998);
    expect(second?.otherAsked).toBeGreaterThan(1);
  });
});

describe("a market the venue does not know", () => {
  test("a refused batch is taken apart, the bad market is set aside, the others go on as a batch with no gap in their quotes", async () => {
    let delisted = false;
    const server = await serve((markets, response, request) => {
      if (delisted && markets.includes("BAD/USD")) response.writeHead(400).end();
      else goodAnswer(markets, response, request);
    });
    const markets = ["A/USD", "BAD/USD", "C/USD"];
    const { poller, seen } = run([{ adapter: toyAdapter("toy"), markets, baseUrl: server.url }]);
    await until(() => poller.snapshot().size === 3);
    delisted = true;
    await until(() => server.asked.filter((m) => m.join() === "BAD/USD").length === 3);
    await until(() => server.asked.slice(-3).every((m) => m.join() === "A/USD,C/USD"));
    expect(stateOf(poller, "toy", "BAD/USD")).toMatchObject({ fault: { code: "unknown-market" } });
    expect(stateOf(poller, "toy", "BAD/USD")?.quote).toBeUndefined();
    expect(stateOf(poller, "toy", "A/USD")?.fault).toBeUndefined();
    expect(seen.faults).toEqual(["toy BAD/USD unknown-market", "toy BAD/USD unknown-market", "toy BAD/USD unknown-market"]);
    expect(seen.infos[0]).toContain("asking for each alone");
    expect(server.asked.filter((m) => m.join() === "BAD/USD").length).toBe(3);
  });

  test("comes back into the batch when a rare probe finds it again", async () => {
    let listed = false;
    const server = await serve((markets, response, request) => {
      if (!listed && markets.includes("NEW/USD")) response.writeHead(400).end();
      else goodAnswer(markets, response, request);
    });
    const settings = { quarantineMs: 80 };
    const { poller } = run([{ adapter: toyAdapter("toy"), markets: ["A/USD", "NEW/USD"], baseUrl: server.url, settings }]);
    await until(() => server.asked.filter((m) => m.join() === "NEW/USD").length >= 4);
    listed = true;
    await until(() => stateOf(poller, "toy", "NEW/USD")?.quote !== undefined);
    await until(() => server.asked.at(-1)?.join() === "A/USD,NEW/USD");
  });
});

describe("stop", () => {
  test("ends what is under way, closes every socket, sends nothing more, and reports no fault of its own making", async () => {
    const server = await serve(() => undefined);
    const quick = await serve(goodAnswer);
    const venues = [
      { adapter: toyAdapter("hanging"), markets: ["A/USD"], baseUrl: server.url },
      { adapter: toyAdapter("quick"), markets: ["A/USD"], baseUrl: quick.url },
    ];
    const { poller, seen } = run(venues);
    await until(() => server.asked.length === 1 && quick.asked.length >= 2);
    await poller.stop();
    const askedAtStop = quick.asked.length;
    await until(() => server.sockets() === 0 && quick.sockets() === 0);
    await new Promise((resolve) => setTimeout(resolve, QUICK.intervalMs * 4));
    expect([server.asked.length, quick.asked.length]).toEqual([1, askedAtStop]);
    expect(faultsOf(seen)).toEqual([]);
  });
});

function faultsOf(seen: Seen): string[] {
  return [...seen.faults, ...seen.warnings, ...seen.errors];
}
