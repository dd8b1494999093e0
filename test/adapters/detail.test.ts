import { describe, expect, it } from "vitest";
import { ADAPTERS, VENUES } from "../../adapters/index.ts";
import { responseWith } from "./fixtures.ts";

/** Found by the fuzzer's target `adapters` (bitfinex, `["error",9…9]`): a fault's detail goes into logs, and megabytes went with it. */
const LONG = "9".repeat(20_000);
const WORDY = [
  `["error",10020,"${LONG}"]`,
  `["error",${LONG}]`,
  ...["code", "retCode", "label", "error", "error_code", "reason", "message", "status", "response_code", "err-code", "pair"].map(
    (key) => `{"${key}":"${LONG}"}`,
  ),
  `{"status":"error","err-code":"${LONG}","err-msg":"${LONG}"}`,
  `{"code":${LONG},"message":"${LONG}","msg":"${LONG}"}`,
  `{"error":["E${LONG}"]}`,
  `{"error":{"name":"${LONG}"}}`,
  `{"pair":"ETHXBT","status":"${LONG}"}`,
];

describe("a fault's detail is short, however long the venue's words are", () => {
  it.each(VENUES)("%s", (venue) => {
    const adapter = ADAPTERS[venue];
    const [request] = adapter.request(["ETH/BTC"]);
    if (request === undefined) throw new Error("a market is asked for");
    for (const body of WORDY) {
      for (const { answer } of adapter.parse(request, responseWith(body))) {
        expect(answer.ok).toBe(false);
        if (!answer.ok) expect(answer.error.detail.length, body.slice(0, 30)).toBeLessThanOrEqual(400);
      }
    }
  });
});
