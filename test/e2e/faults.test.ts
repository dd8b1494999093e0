import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { request, useDevnet, within } from "./devnet.ts";
import { amount, type RoundStream, summarize } from "./stream.ts";

/** Certificates with a fault in force that a case looks at, and more where a mean is taken. */
const WATCHED = 5;
const MEAN_OF = 15;
const TRUTH_MS = 200;
const SHIFT_LIMIT_BPS = 5;

type Sources = { readonly sources: readonly { venue: string; market: string; status: string; code?: string; price?: string }[] };
type Truth = { readonly at: number; readonly feeds: ReadonlyMap<string, bigint> };

const devnet = useDevnet();
const truth: Truth[] = [];
let feeds: readonly string[];
let apis: readonly string[];
let stream: RoundStream;
let truthTimer: NodeJS.Timeout;
beforeAll(async () => {
  feeds = await devnet().feeds();
  apis = (await devnet().nodes()).map(({ api }) => api);
  stream = devnet().stream(feeds);
  truthTimer = setInterval(() => void askTruth(), TRUTH_MS);
  await stream.more(MEAN_OF);
});
afterAll(() => {
  clearInterval(truthTimer);
  stream?.close();
});

/** Where a fault is counted: a poll that brought no quote, or a quote that was not believed. */
const FAULTS = "breakwater_venue_faults_total";
const DROPS = "breakwater_source_drops_total";
type Case = {
  readonly fault: string;
  readonly body: object;
  readonly venue: string;
  readonly metric: typeof FAULTS | typeof DROPS;
  readonly code: string;
};

it("one venue at −30 % moves no price by 5 bps, opens no breaker, and shows as an outlier in /sources and in the metrics", async () => {
  const venue = "coinbase";
  const start = stream.newest();
  const honest = new Map(feeds.map((feed) => [feed, meanDeviationBps(feed, { after: 0, to: start })]));
  await isAlone({ fault: "offset", body: { bps: -3_000 }, venue, metric: DROPS, code: "outlier" }, async () => {
    const from = stream.newest();
    await stream.more(MEAN_OF);
    for (const feed of feeds) {
      const shift = meanDeviationBps(feed, { after: from, to: stream.newest() }) - (honest.get(feed) ?? Number.NaN);
      expect(Math.abs(shift), `${feed} moved by ${shift} bps`).toBeLessThan(SHIFT_LIMIT_BPS);
    }
    const { sources } = await devnet().get<Sources>("/v1/feeds/ETH-USD/sources");
    const dropped = sources.filter(({ status }) => status === "dropped");
    expect(dropped).toEqual([expect.objectContaining({ venue, market: "ETH/USD", code: "outlier" })]);
    expect(amount(dropped[0]?.price ?? "0") * 10n).toBeLessThan((stream.of("ETH/USD").at(-1)?.price ?? 0n) * 8n);
  });
});

const CASES: readonly Case[] = [
  { fault: "freeze", body: {}, venue: "okx", metric: DROPS, code: "stale" },
  { fault: "latency", body: { ms: 20_000 }, venue: "binance", metric: FAULTS, code: "timeout" },
  { fault: "status", body: { status: 429 }, venue: "bybit", metric: FAULTS, code: "rate-limited" },
  { fault: "malformed", body: {}, venue: "bitstamp", metric: FAULTS, code: "malformed" },
  { fault: "down", body: {}, venue: "gemini", metric: FAULTS, code: "network" },
];

describe("each other fault on one venue is that venue's alone, and every node counts it under its code (P8)", () => {
  it.each(CASES.map((item) => [`${item.fault} of ${item.venue}: ${item.code}`, item] as const))("%s", async (_, item) => {
    await isAlone(item, () => stream.more(WATCHED));
  });
});

/** Sets the fault, waits until every node counts it, watches, clears it: nothing else may have moved meanwhile. */
async function isAlone({ fault, body, venue, metric, code }: Case, watch: () => Promise<void>): Promise<void> {
  const start = stream.newest();
  const before = await readMetrics();
  await devnet().post("/faults", { venue, fault, ...body });
  await within(30_000, `${metric} ${code} of ${venue} on every node`, async () => {
    const now = await readMetrics();
    return now.every((samples, node) => count(samples, metric, venue, code) > count(before[node] ?? [], metric, venue, code));
  });
  await watch();
  const after = await readMetrics();
  for (const api of apis) expect((await request(`${api}/health/ready`)).status, api).toBe(200);
  await clearFaults();
  for (const [node, samples] of after.entries()) expect(moved(before[node] ?? [], samples, venue), `node${node}`).toEqual([]);
  allClosedSince(start);
}

async function askTruth(): Promise<void> {
  const reply = await request(`${devnet().control}/market`).catch(() => undefined);
  const state = reply?.json as { at: number; feeds: { feed: string; price: string }[] } | undefined;
  if (state !== undefined)
    truth.push({ at: state.at, feeds: new Map(state.feeds.map(({ feed, price }) => [feed, amount(price)])) });
}

/** Mean of certified / true − 1 over the certificates of after < round ≤ to: against the walk as it stood when the quotes were made. */
function meanDeviationBps(feed: string, { after, to }: { readonly after: number; readonly to: number }): number {
  const deviations = stream.of(feed, after).flatMap(({ round, price, observedAt }) => {
    const real = truth.findLast(({ at }) => at <= observedAt)?.feeds.get(feed);
    return round > to || real === undefined ? [] : Number(((price - real) * 10_000_000n) / real) / 1_000;
  });
  expect(deviations.length, `${feed}: certificates to compare`).toBeGreaterThanOrEqual(MEAN_OF - 2);
  return deviations.reduce((sum, value) => sum + value, 0) / deviations.length;
}

function allClosedSince(round: number): void {
  for (const feed of feeds) {
    const views = stream.of(feed, round);
    const paused = views.filter(({ state, carried }) => state !== "closed" || carried);
    expect(paused, `${feed}: ${summarize(views)}`).toEqual([]);
    expect(views.length).toBeGreaterThanOrEqual(WATCHED);
  }
}

/** Until every source counts again on every node, so that one case's venue is not the next one's second. */
async function clearFaults(): Promise<void> {
  await devnet().remove("/faults");
  let dropped: readonly string[] = [];
  await within(
    30_000,
    "every source back in use",
    async () => {
      const paths = apis.flatMap((api) => feeds.map((feed) => `${api}/v1/feeds/${feed.replace("/", "-")}/sources`));
      const replies = await Promise.all(paths.map((path) => request(path)));
      dropped = replies.flatMap((reply) =>
        (reply.json as Sources).sources.flatMap(({ venue, code }) => (code === undefined ? [] : `${venue} ${code}`)),
      );
      return dropped.length === 0;
    },
    () => `; dropped: ${dropped.join(", ")}`,
  );
}

type MetricSample = { readonly name: string; readonly labels: string; readonly value: number };

/** The fault counters of every node, in the nodes' order. */
function readMetrics(): Promise<readonly (readonly MetricSample[])[]> {
  return Promise.all(
    apis.map(async (api) => {
      const { text } = await request(`${api}/metrics`);
      return text.split("\n").flatMap((line) => {
        const [, name, labels, value] = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
        return name === FAULTS || name === DROPS ? { name, labels: labels ?? "", value: Number(value) } : [];
      });
    }),
  );
}

function count(samples: readonly MetricSample[], metric: string, venue: string, code: string): number {
  return samples
    .filter(({ name, labels }) => name === metric && labels.includes(`venue="${venue}"`) && labels.includes(`code="${code}"`))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Counters of other venues that went up. */
function moved(before: readonly MetricSample[], after: readonly MetricSample[], venue: string): readonly string[] {
  const earlier = new Map(before.map(({ name, labels, value }) => [name + labels, value]));
  return after
    .filter(({ labels }) => !labels.includes(`venue="${venue}"`))
    .filter(({ name, labels, value }) => value > (earlier.get(name + labels) ?? 0))
    .map(({ name, labels }) => `${name}{${labels}}`);
}
