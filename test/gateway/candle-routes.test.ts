import { describe, expect, it } from "vitest";
import { candlesSchema } from "../../gateway/candles.ts";
import { problemSchema } from "../../gateway/problems.ts";
import { twapSchema } from "../../gateway/twap.ts";
import { ONE } from "../../protocol/amount.ts";
import { networkOf } from "../support/rounds.ts";
import { buildTestGateway, until } from "./support.ts";
import { chainOf, type Price } from "./unsigned-rounds.ts";

/** A whole hour. */
const START = 498_694 * 3_600;
const AT = START * 1_000;
const network = networkOf(["ETH/USD", "NEW/USD"]);

function rising(count: number): readonly Price[] {
  return Array.from({ length: count }, (_, index): Price => ({ round: START + index, price: BigInt(1_000 + index) * ONE }));
}

async function open(prices: readonly Price[], options: Parameters<typeof buildTestGateway>[0] = {}) {
  const parts = await buildTestGateway({ network, rounds: chainOf(prices), ...options });
  const candles = async (query = "") => candlesSchema.parse((await parts.get(`/v1/feeds/ETH-USD/candles?${query}`)).json());
  const filled = (count: number, query = "limit=1000") =>
    until(async () => (await candles(query)).candles.filter(({ complete }) => complete).length >= count);
  return { ...parts, candles, filled };
}

describe("/v1/feeds/:id/candles", () => {
  it("sums minutes into any interval, oldest first, and says which are complete", async () => {
    const { candles, filled } = await open(rising(1_000));
    await filled(16);
    const minutes = await candles();
    expect(minutes).toMatchObject({ feed: "ETH/USD", interval: "1m", more: false });
    expect(minutes.candles.slice(0, 2)).toEqual([
      {
        ...{ startAt: AT, open: "1000", high: "1059", low: "1000", close: "1059", rounds: 60 },
        ...{ carriedRounds: 0, doubtedBps: 0, worstState: "closed", complete: true },
      },
      {
        ...{ startAt: AT + 60_000, open: "1060", high: "1119", low: "1060", close: "1119", rounds: 60 },
        ...{ carriedRounds: 0, doubtedBps: 0, worstState: "closed", complete: true },
      },
    ]);
    const five = (await candles("interval=5m")).candles;
    expect(
      five.map(({ startAt, open: first, close, rounds, complete }) => [startAt - AT, first, close, rounds, complete]),
    ).toEqual([
      [0, "1000", "1299", 300, true],
      [300_000, "1300", "1599", 300, true],
      [600_000, "1600", "1899", 300, true],
      [900_000, "1900", "1999", 100, false],
    ]);
    expect((await candles("interval=1h")).candles).toMatchObject([{ startAt: AT, rounds: 1_000, complete: false }]);
  });

  it("bounds the beginnings by from and to, both included, and gives the newest `limit` of them", async () => {
    const { candles, filled } = await open(rising(1_000));
    await filled(16);
    const starts = async (query: string) => (await candles(query)).candles.map(({ startAt }) => (startAt - AT) / 60_000);
    expect(await starts(`from=${AT + 60_000}&to=${AT + 180_000}`)).toEqual([1, 2, 3]);
    expect(await starts(`from=${AT + 60_001}&to=${AT + 180_001}`)).toEqual([2, 3]);
    expect(await starts(`interval=5m&from=${AT + 300_000}&to=${AT + 300_000}`)).toEqual([5]);
    const some = await candles("limit=2");
    expect([some.more, some.candles.map(({ startAt }) => (startAt - AT) / 60_000)]).toEqual([true, [15, 16]]);
    expect((await candles(`to=${AT - 1}`)).candles).toEqual([]);
  });

  it("follows the rounds as they come, with every doubt rounded up", async () => {
    const { candles, memory } = await open(rising(60));
    const more = chainOf(
      [
        { round: START + 60, price: 5n * ONE },
        { round: START + 61, price: 4n * ONE, carried: true, state: "open" },
        { round: START + 62, price: 6n * ONE },
      ],
      { parent: chainOf(rising(60)).at(-1)?.digest ?? "0x" },
    );
    for (const round of more) memory.publish(round);
    expect((await candles()).candles.at(-1)).toEqual({
      ...{ startAt: AT + 60_000, open: "5", high: "6", low: "5", close: "6", rounds: 3, carriedRounds: 1 },
      ...{ doubtedBps: 3_334, worstState: "open", complete: false },
    });
  });
});

describe("/v1/feeds/:id/twap", () => {
  it("is the mean over any time of what was covered, with the gaps told", async () => {
    const { get, filled } = await open(rising(1_000));
    await filled(16);
    const ask = async (query: string) => twapSchema.parse((await get(`/v1/feeds/ETH-USD/twap?${query}`)).json());
    // 1030 … 1629, each a second: the mean of the whole numbers is 1329.5.
    expect(await ask(`from=${AT + 30_000}&to=${AT + 630_000}`)).toEqual({
      ...{ feed: "ETH/USD", from: AT + 30_000, to: AT + 630_000, price: "1329.5", coveredMs: 600_000, gapMs: 0 },
      ...{ coverageBps: 10_000, rounds: 600, carriedRounds: 0, firstRound: START + 30, lastRound: START + 629 },
    });
    expect(await ask(`from=${AT + 250}&to=${AT + 1_250}`)).toMatchObject({ price: "1000.25", coveredMs: 1_000, rounds: 1 });
    const beyond = await ask(`from=${AT + 900_000}&to=${AT + 1_009_000}`);
    expect(beyond).toMatchObject({ coveredMs: 99_000, gapMs: 10_000, coverageBps: 9_082 });
  });

  it("without bounds is the last hour's, and none where too little is covered", async () => {
    const { get, filled } = await open(rising(1_000));
    await filled(16);
    const refused = await get("/v1/feeds/ETH-USD/twap");
    expect(problemSchema.parse(refused.json())).toMatchObject({ type: "urn:breakwater:problem:low-coverage", status: 422 });
    const asked = await get("/v1/feeds/ETH-USD/twap?minCoverageBps=2775");
    expect(asked.json()).toMatchObject({
      from: AT + 999_000 - 3_600_000,
      to: AT + 999_000,
      coveredMs: 999_000,
      coverageBps: 2_775,
    });
    expect((await get("/v1/feeds/ETH-USD/twap?minCoverageBps=2776")).status).toBe(422);
  });

  it("leaves out carried rounds and time without a lease, and never fills them", async () => {
    const { get } = await open([
      { round: START, price: 100n * ONE },
      { round: START + 1, price: 100n * ONE, carried: true },
      { round: START + 2, price: 200n * ONE },
      { round: START + 102, price: 900n * ONE },
    ]);
    const ask = () => get(`/v1/feeds/ETH-USD/twap?from=${AT}&to=${AT + 102_000}&minCoverageBps=5000`);
    await until(async () => (await ask()).status === 200);
    // (100 · 1 s + 200 · 60 s) / 61 s, truncated at the eighteenth decimal
    expect(twapSchema.parse((await ask()).json())).toMatchObject({
      ...{ price: "198.360655737704918032", coveredMs: 61_000, gapMs: 41_000, coverageBps: 5_980, rounds: 3, carriedRounds: 1 },
    });
  });

  it("is not answered from half of the rounds while a gateway that starts still reads them", async () => {
    const { get } = await open(rising(6_000));
    const ask = () => get(`/v1/feeds/ETH-USD/twap?from=${AT}&to=${AT + 5_900_000}`);
    const early = await ask();
    expect(problemSchema.parse(early.json()).type).toBe("urn:breakwater:problem:candles-awaited");
    expect(early.headers["retry-after"]).toBe("10");
    await until(async () => (await ask()).status === 200);
    expect((await ask()).json()).toMatchObject({ coveredMs: 5_900_000, rounds: 5_900 });
  });
});
