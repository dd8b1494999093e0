import { afterEach } from "vitest";
import type { PollerLog } from "../../adapters/io/reporter.ts";
import { createSocketRunner, type SocketOptions, type SocketRunner } from "../../adapters/io/socket-runner.ts";
import type { StreamMetrics } from "../../adapters/io/stream-metrics.ts";
import type { StreamSettings } from "../../adapters/stream-session.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";

export const MARKETS = ["BTC/USDT", "ETH/USDT"];
export const STREAM_VENUES = Object.keys(STREAMS) as (keyof typeof STREAMS)[];

/** A second is long in a test; the simulated market moves every quarter of one. */
export const QUICK: Partial<StreamSettings> = {
  freshMs: 1_800,
  settleMs: 600,
  answerMs: 1_500,
  backoffBaseMs: 100,
  backoffCapMs: 400,
  stableMs: 3_000,
};

export type Seen = {
  readonly codes: Map<string, number>;
  readonly reasons: Map<string, number>;
  readonly lines: string[];
  readonly ups: (boolean | "stopped")[];
};

export function watching(): Seen & { readonly log: PollerLog; readonly metrics: StreamMetrics } {
  const codes = new Map<string, number>();
  const reasons = new Map<string, number>();
  const lines: string[] = [];
  const ups: (boolean | "stopped")[] = [];
  const write = (_details: object, line: string) => void lines.push(line);
  return {
    codes,
    reasons,
    lines,
    ups,
    log: { info: write, warn: write, error: write },
    metrics: {
      onUp: ({ up }) => void ups.push(up),
      onStopped: () => void ups.push("stopped"),
      onMessage: ({ code }) => void codes.set(code, (codes.get(code) ?? 0) + 1),
      onReconnect: ({ reason }) => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1),
    },
  };
}

/** A market server a test, and runners that end with it. */
export function streamRig() {
  const runners: SocketRunner[] = [];
  const servers: MarketServer[] = [];
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.stop()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  const serve = async (port = 0): Promise<MarketServer> => {
    const listings = new Map(STREAM_VENUES.map((venue) => [venue, MARKETS]));
    const server = await startMarketServer({ seed: 7, listings, now: Date.now, port });
    servers.push(server);
    return server;
  };
  const run = (venue: keyof typeof STREAMS, url: string | undefined, over: Partial<SocketOptions> = {}) => {
    const seen = watching();
    const falling = new Set(MARKETS);
    const runner = createSocketRunner({
      adapter: STREAMS[venue],
      ...(url === undefined ? {} : { url }),
      markets: MARKETS,
      settings: QUICK,
      log: seen.log,
      metrics: seen.metrics,
      now: Date.now,
      random: Math.random,
      onFallback: ({ market, on }) => void (on ? falling.add(market) : falling.delete(market)),
      ...over,
    });
    runners.push(runner);
    runner.start();
    return { runner, falling, ...seen };
  };
  return { serve, run };
}
