import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createRpcMetrics } from "../../../adapters/io/rpc-metrics.ts";
import { nameEndpoint } from "../../../adapters/io/rpc-url.ts";

describe("an endpoint's name", () => {
  const rows: readonly (readonly [url: string, detail: string, shown: string])[] = [
    ["https://a.example/v3/0123456789abcdef", "https://a.example/v3/0123456789abcdef: timed out", "a.example: timed out"],
    ["https://a.example/v3/0123456789abcdef", "error 401: bad key 0123456789abcdef", "error 401: bad key …"],
    ["https://a.example/?key=0123456789abcdef", "no such key 0123456789abcdef", "no such key …"],
    [
      "https://username:p%40ssw0rd!@a.example/eth",
      "username and p@ssw0rd! at https://a.example/eth",
      "… and … at https://a.example/eth",
    ],
    ["https://a.example/v3/eth", "error 3: v3 of eth reverted", "error 3: v3 of eth reverted"],
  ];
  test.each(rows)("%s: %s", (url, detail, shown) => {
    const { label, redact } = nameEndpoint(url, 2);
    expect(label).toBe("2 a.example");
    expect(redact(detail)).toBe(shown);
  });
});

test("metrics of an endpoint", async () => {
  const registry = new Registry();
  const metrics = createRpcMetrics(registry);
  const labels = { chain: "ETHEREUM", endpoint: "0 a.example" };
  metrics.onRequest({ ...labels, code: "ok", ms: 20 });
  metrics.onFault({ ...labels, read: "fees", code: "timeout" });
  metrics.onHead({ ...labels, number: 7, gapMs: undefined });
  metrics.onHead({ ...labels, number: 9, gapMs: 12_000 });
  metrics.onStanding({ ...labels, standing: "lagging" });
  metrics.onDissent({ ...labels, gauge: "fee.ETHEREUM" });
  const text = await registry.metrics();
  for (const line of [
    'breakwater_rpc_request_seconds_count{chain="ETHEREUM",endpoint="0 a.example",code="ok"} 1',
    'breakwater_rpc_faults_total{chain="ETHEREUM",endpoint="0 a.example",read="fees",code="timeout"} 1',
    'breakwater_rpc_head_block{chain="ETHEREUM",endpoint="0 a.example"} 9',
    'breakwater_rpc_block_gap_seconds{chain="ETHEREUM",endpoint="0 a.example"} 12',
    'breakwater_rpc_standing_total{chain="ETHEREUM",endpoint="0 a.example",standing="lagging"} 1',
    'breakwater_rpc_dissents_total{chain="ETHEREUM",endpoint="0 a.example",gauge="fee.ETHEREUM"} 1',
  ])
    expect(text).toContain(line);
});
