import { describe, expect, test } from "vitest";
import { ONE } from "../../protocol/amount.ts";
import { ok } from "../../protocol/result.ts";
import {
  type ControlledWorld,
  controlClearFaults,
  controlFaults,
  controlMarket,
  type WorldState,
} from "../../simulator/control.ts";

const STATE: WorldState = { at: 1, feeds: [], faults: [] };

function stub(): { world: ControlledWorld; calls: unknown[] } {
  const calls: unknown[] = [];
  const noted = (name: string) => (command: unknown) => {
    calls.push([name, command]);
    return ok(undefined);
  };
  const clearFaults = () => void calls.push(["clearFaults"]);
  return {
    world: { move: noted("move"), setPrice: noted("setPrice"), addFault: noted("addFault"), clearFaults, state: () => STATE },
    calls,
  };
}

describe("a good command is carried out and answers with the new state", () => {
  const rows: [handler: typeof controlMarket, body: unknown, call: unknown][] = [
    [
      controlMarket,
      { feed: "ETH/USD", moveBps: -4000, overMs: 5000 },
      ["move", { feed: "ETH/USD", moveBps: -4000, overMs: 5000 }],
    ],
    [controlMarket, { feed: "ETH/USD", moveBps: 5 }, ["move", { feed: "ETH/USD", moveBps: 5, overMs: 0 }]],
    [
      controlMarket,
      { feed: "ETH/USD", price: "1.12", overMs: 0 },
      ["setPrice", { feed: "ETH/USD", price: (112n * ONE) / 100n, overMs: 0 }],
    ],
    [
      controlFaults,
      { venue: "binance", market: "ETH/USDT", fault: "offset", bps: -3000 },
      ["addFault", { venue: "binance", market: "ETH/USDT", fault: "offset", bps: -3000 }],
    ],
    [controlFaults, { venue: "kraken", fault: "freeze" }, ["addFault", { venue: "kraken", fault: "freeze" }]],
    [controlFaults, { venue: "kraken", fault: "latency", ms: 900 }, ["addFault", { venue: "kraken", fault: "latency", ms: 900 }]],
    [
      controlFaults,
      { venue: "kraken", fault: "status", status: 503 },
      ["addFault", { venue: "kraken", fault: "status", status: 503 }],
    ],
    [controlFaults, { venue: "kraken", fault: "malformed" }, ["addFault", { venue: "kraken", fault: "malformed" }]],
    [controlFaults, { venue: "kraken", fault: "down" }, ["addFault", { venue: "kraken", fault: "down" }]],
    [controlClearFaults, undefined, ["clearFaults"]],
  ];
  for (const [handler, body, call] of rows) {
    test(JSON.stringify(body) ?? "DELETE /faults", () => {
      const { world, calls } = stub();
      expect(handler(world, body)).toEqual({ ok: true, value: STATE });
      expect(calls).toEqual([call]);
    });
  }
});

describe("a bad command names its field and does nothing", () => {
  const rows: [handler: typeof controlMarket, body: unknown, field: string][] = [
    [controlMarket, undefined, "body"],
    [controlMarket, "ETH/USD", "body"],
    [controlMarket, {}, "moveBps"],
    [controlMarket, { feed: "ETH/USD" }, "moveBps"],
    [controlMarket, { feed: "ETH/USD", moveBps: 1, price: "1" }, "moveBps"],
    [controlMarket, { moveBps: 1 }, "feed"],
    [controlMarket, { feed: 7, moveBps: 1 }, "feed"],
    [controlMarket, { feed: "ETH/USD", moveBps: 1.5 }, "moveBps"],
    [controlMarket, { feed: "ETH/USD", moveBps: -10_000 }, "moveBps"],
    [controlMarket, { feed: "ETH/USD", moveBps: "12abc" }, "moveBps"],
    [controlMarket, { feed: "ETH/USD", moveBps: 1, overMs: -1 }, "overMs"],
    [controlMarket, { feed: "ETH/USD", moveBps: 1, overMs: 1e9 }, "overMs"],
    [controlMarket, { feed: "ETH/USD", moveBps: 1, overms: 1 }, "overms"],
    [controlMarket, { feed: "ETH/USD", price: 1800 }, "price"],
    [controlMarket, { feed: "ETH/USD", price: "1e3" }, "price"],
    [controlMarket, { feed: "ETH/USD", price: "0" }, "price"],
    [controlMarket, { feed: "ETH/USD", price: "-5" }, "price"],
    [controlMarket, { feed: "ETH/USD", price: "1000000000001" }, "price"],
    [controlFaults, null, "body"],
    [controlFaults, { venue: "binance" }, "fault"],
    [controlFaults, { venue: "binance", fault: "earthquake" }, "fault"],
    [controlFaults, { fault: "down" }, "venue"],
    [controlFaults, { venue: "binance", fault: "offset" }, "bps"],
    [controlFaults, { venue: "binance", fault: "offset", bps: -10_001 }, "bps"],
    [controlFaults, { venue: "binance", fault: "latency", ms: 0 }, "ms"],
    [controlFaults, { venue: "binance", fault: "status", status: 99 }, "status"],
    [controlFaults, { venue: "binance", fault: "down", market: 5 }, "market"],
    [controlFaults, { venue: "binance", fault: "down", bps: 5 }, "bps"],
  ];
  for (const [handler, body, field] of rows) {
    test(`${handler.name} ${JSON.stringify(body)} → ${field}`, () => {
      const { world, calls } = stub();
      const done = handler(world, body);
      expect(done).toMatchObject({ ok: false, error: { field } });
      expect(!done.ok && done.error.problem.length > 0).toBe(true);
      expect(calls).toEqual([]);
    });
  }
});
