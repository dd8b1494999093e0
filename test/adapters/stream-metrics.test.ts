import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createVenueStreamMetrics } from "../../adapters/io/stream-metrics.ts";

test("a venue that is down shows as 0, one that nobody wants any more shows not at all, and ends are counted by why", async () => {
  const registry = new Registry();
  const metrics = createVenueStreamMetrics(registry);
  for (const venue of ["okx", "kraken"]) metrics.onUp({ venue, up: true });
  metrics.onMessage({ venue: "okx", code: "quote" });
  metrics.onMessage({ venue: "okx", code: "quote" });
  metrics.onReconnect({ venue: "okx", reason: "silent" });
  metrics.onUp({ venue: "okx", up: false });
  metrics.onStopped({ venue: "kraken" });
  const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines.toSorted()).toEqual([
    'breakwater_venue_stream_messages_total{venue="okx",code="quote"} 2',
    'breakwater_venue_stream_reconnects_total{venue="okx",reason="silent"} 1',
    'breakwater_venue_stream_up{venue="okx"} 0',
  ]);
});
