import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Recorded bodies are kept beside the checkout, not in it: their licence does not allow to pass them on. */
const FOLDER = new URL("../../../shared/data/exchanges/", import.meta.url);
const INSTANT = new URL("_cross-venue/2024-03-13T1110Z-BTCUSDT.json", FOLDER);
export const ABSENT = existsSync(INSTANT) ? undefined : "there is no ../shared/data/exchanges beside this checkout";

type Recorded = { readonly pair: string; readonly endpoint: string; readonly recorded_at: string; readonly body: unknown };
type Row = { readonly venue: string; readonly bid: string | null; readonly ask: string | null; readonly last: string };

/** Where a body says a time, and how: `day` and `clock` are Upbit's `20240313` and `111037`, on its own clock when `kst`. */
type TimeField = {
  readonly path: readonly (string | number)[];
  readonly unit: "ms" | "s" | "iso" | "day" | "clock" | "kst-day" | "kst-clock";
};

const KST_MS = 9 * 3_600_000;

/** Every field of a body that says a time. Kraken's and Bitfinex's bodies have none. */
const TIMES: Readonly<Record<string, readonly TimeField[]>> = {
  coinbase: [{ path: ["time"], unit: "iso" }],
  bitstamp: [{ path: ["timestamp"], unit: "s" }],
  gemini: [{ path: ["volume", "timestamp"], unit: "ms" }],
  okx: [{ path: ["data", 0, "ts"], unit: "ms" }],
  "crypto.com": [{ path: ["result", "data", 0, "t"], unit: "ms" }],
  mexc: [
    { path: ["openTime"], unit: "ms" },
    { path: ["closeTime"], unit: "ms" },
  ],
  upbit: [
    // Before trade_timestamp, which they are read from.
    { path: [0, "trade_date"], unit: "day" },
    { path: [0, "trade_time"], unit: "clock" },
    { path: [0, "trade_date_kst"], unit: "kst-day" },
    { path: [0, "trade_time_kst"], unit: "kst-clock" },
    { path: [0, "trade_timestamp"], unit: "ms" },
    { path: [0, "timestamp"], unit: "ms" },
  ],
  indodax: [{ path: ["ticker", "server_time"], unit: "s" }],
  luno: [{ path: ["timestamp"], unit: "ms" }],
};

/** The recorder quoted every number. These venues' documentation shows numbers in these fields: they are sent as such. */
const NUMBERS: Readonly<Record<string, RegExp>> = {
  gemini: /"(timestamp)":"(\d+)"/g,
  mexc: /"(openTime|closeTime)":"(\d+)"/g,
  upbit: /"((?:trade_)?timestamp|\w*(?:price|rate|volume)(?:_24h)?)":"(\d+(?:\.\d+)?)"/g,
  indodax: /"(server_time)":"(\d+)"/g,
  luno: /"(timestamp)":"(\d+)"/g,
};

export type RecordedVenues = {
  readonly rows: readonly Row[];
  readonly urlOf: (venue: string) => string;
  /** Requests that no recorded body answers, and how many each venue did answer. */
  readonly unanswered: readonly string[];
  readonly answered: ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
};

/**
 * Replays the tickers of one recorded quarter of a minute under `/<venue>`, each at the very path that was recorded. All times move
 * alike, so that the newest is now and the others are as much older as they were; `agedMs` makes one venue's older still.
 */
export async function serveRecorded(agedMs: Readonly<Record<string, number>>): Promise<RecordedVenues> {
  const { rows } = JSON.parse(readFileSync(INSTANT, "utf8")) as { rows: readonly Row[] };
  const recorded = new Map(rows.map(({ venue }) => [venue, recordedBody(venue)]));
  const newest = Math.max(
    ...[...recorded].flatMap(([venue, { body }]) => (TIMES[venue] ?? []).flatMap((at) => instantOf(body, at))),
  );
  const bodies = new Map([...recorded].map(([venue, record]) => [pathOf(venue, record), { venue, body: record.body }]));
  const unanswered: string[] = [];
  const answered = new Map<string, number>();
  const server = createServer((request, response) => {
    const known = bodies.get(decodeURIComponent(request.url ?? ""));
    if (known === undefined) {
      unanswered.push(request.url ?? "");
      response.writeHead(404).end();
      return;
    }
    const { venue, body } = known;
    answered.set(venue, (answered.get(venue) ?? 0) + 1);
    const text = shifted(venue, body, Date.now() - newest - (agedMs[venue] ?? 0));
    response.writeHead(200, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ rows, unanswered, answered },
    urlOf: (venue) => `http://127.0.0.1:${port}/${venue}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function recordedBody(venue: string): Recorded {
  const records = JSON.parse(readFileSync(new URL(`${venue}/rest-ticker.json`, FOLDER), "utf8")) as readonly Recorded[];
  const found = records.find(({ pair, recorded_at }) => pair === "BTC/USDT" && recorded_at?.startsWith("2024-03-13T11:1"));
  if (found === undefined) throw new Error(`${venue}: its body of that instant is not among the recorded ones`);
  return found;
}

/** @example pathOf("kraken", record); // "/kraken/0/public/Ticker?pair=XBTUSDT" */
function pathOf(venue: string, { endpoint }: Recorded): string {
  const { pathname, search } = new URL(endpoint.replace("GET ", ""));
  return `/${venue}${pathname}${search}`;
}

function shifted(venue: string, body: unknown, byMs: number): string {
  const moved = structuredClone(body);
  for (const field of TIMES[venue] ?? []) moveTime(moved, field, byMs);
  const text = JSON.stringify(moved);
  return NUMBERS[venue] === undefined ? text : text.replace(NUMBERS[venue], '"$1":$2');
}

/** The time that a field states; Upbit's split date and clock repeat its `trade_timestamp` and are not read. */
function instantOf(body: unknown, { path, unit }: TimeField): readonly number[] {
  const { value } = placeOf(body, path);
  if (unit === "ms") return [Number(value)];
  if (unit === "s") return [Number(value) * 1_000];
  return unit === "iso" ? [Date.parse(String(value))] : [];
}

function moveTime(body: unknown, field: TimeField, byMs: number): void {
  const { value, put } = placeOf(body, field.path);
  const [stated] = instantOf(body, field);
  const at = (stated ?? Number(placeOf(body, [0, "trade_timestamp"]).value)) + byMs;
  const text = timeText(at, field.unit);
  put(typeof value === "number" ? Number(text) : text);
}

function timeText(at: number, unit: TimeField["unit"]): string {
  switch (unit) {
    case "ms":
      return String(at);
    case "s":
      return String(Math.floor(at / 1_000));
    case "iso":
      // Coinbase writes microseconds.
      return new Date(at).toISOString().replace("Z", "099Z");
    case "day":
      return compact(at).slice(0, 8);
    case "clock":
      return compact(at).slice(8, 14);
    case "kst-day":
      return compact(at + KST_MS).slice(0, 8);
    case "kst-clock":
      return compact(at + KST_MS).slice(8, 14);
  }
}

/** @example compact(1710328237798); // "20240313111037798" */
function compact(at: number): string {
  return new Date(at).toISOString().replace(/\D/g, "");
}

function placeOf(body: unknown, path: readonly (string | number)[]) {
  const parent = path.slice(0, -1).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], body);
  const holder = parent as Record<string, unknown>;
  const key = String(path.at(-1));
  if (holder[key] === undefined) throw new Error(`no ${path.join(".")} in a recorded body`);
  return {
    value: holder[key],
    put: (value: unknown) => {
      holder[key] = value;
    },
  };
}
