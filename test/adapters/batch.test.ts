import { describe, expect, test } from "vitest";
import { eachOrAll } from "../../adapters/batch.ts";

const PATHS = { atMost: 2, each: (market: string) => `/one?m=${market}`, all: "/all" };

describe("eachOrAll", () => {
  test.each([
    [[], []],
    [["A"], ["/one?m=A"]],
    [
      ["A", "B"],
      ["/one?m=A", "/one?m=B"],
    ],
    [["A", "B", "C"], ["/all"]],
  ])("asks for %j by %j", (markets, paths) => {
    const requests = eachOrAll(markets, PATHS);
    expect(requests.map(({ path }) => path)).toEqual(paths);
    expect(requests.flatMap((request) => request.markets)).toEqual(markets);
  });
});
