import { createConnection } from "node:net";
import type { Digest } from "../../protocol/bytes.ts";
import { answerParent } from "../child.ts";
import { createLedger, type Violations } from "./ledger.ts";
import { openProver, type Prover } from "./proof.ts";
import { answerDecoder, type Head } from "./wire.ts";

const CONNECTIONS = 16;
const TICK_MS = 5;
/** Requests that wait for a connection; beyond that the run is told that they were never sent. */
const MAX_WAITING = 5_000;
const RETRY_MS = 250;
/** An answer that takes longer counts as none. */
const TIMEOUT_MS = 5_000;

export type RequestKind = "feed" | "known" | "bundle" | "batch" | "candles" | "list";
/** Of twenty requests: `known` shows the tag of the last answer, so that nothing new is a 304. */
const MIX: Readonly<Record<RequestKind, number>> = { feed: 7, known: 5, bundle: 3, batch: 2, candles: 2, list: 1 };

export type RequestsOptions = {
  readonly gateways: readonly number[];
  readonly feeds: readonly string[];
  readonly genesis: Digest;
  readonly perSecond: number;
};

export type RequestsReport = {
  /** One row a request: ms after the start when it was due, ms from then to the answer, status (0: no answer), kind. */
  readonly rows: readonly (readonly [dueMs: number, tookMs: number, status: number, kind: RequestKind])[];
  /** Why there was no answer. */
  readonly failures: Readonly<Record<string, number>>;
  readonly violations: Violations;
  readonly told: readonly string[];
};

type Request = { readonly kind: RequestKind; readonly path: string; readonly dueAt: number };
type Line = { readonly send: (request: Request) => void; readonly isFree: () => boolean };

const options = JSON.parse(process.argv[2] ?? "{}") as RequestsOptions;
const ledger = createLedger();
const rows: [number, number, number, RequestKind][] = [];
const failures: Record<string, number> = {};
const waiting: Request[] = [];
const kinds = (Object.keys(MIX) as RequestKind[]).flatMap((kind) => Array.from({ length: MIX[kind] }, () => kind));
let startedAt = 0;

/** Requests fall due at a fixed rate whatever the answers take, and each is timed from when it was due: a stall shows in all it delayed. */
async function start(): Promise<void> {
  const prove = await openProver(`http://127.0.0.1:${options.gateways[0]}`, options.genesis);
  const lines = Array.from({ length: CONNECTIONS }, (_, index) => openLine(index, prove));
  startedAt = Date.now();
  let issued = 0;
  setInterval(() => {
    const now = Date.now();
    for (; issued < ((now - startedAt) * options.perSecond) / 1_000; issued++) {
      waiting.push(requestOf(issued, startedAt + (issued * 1_000) / options.perSecond));
    }
    while (waiting.length > MAX_WAITING) fail(waiting.shift(), "never sent");
    for (const line of lines) {
      const next = line.isFree() ? waiting.shift() : undefined;
      if (next !== undefined) line.send(next);
    }
  }, TICK_MS);
}

/** Spread over the kinds and the feeds by two steps that share no divisor with their numbers. */
function requestOf(number: number, dueAt: number): Request {
  const kind = kinds[(number * 7) % kinds.length] ?? "feed";
  const feed = options.feeds[number % options.feeds.length] ?? "";
  const some = [0, 1, 2].map((step) => options.feeds[(number + step) % options.feeds.length]).join(",");
  const path = {
    ...{ feed: `/v1/feeds/${feed}`, known: `/v1/feeds/${options.feeds[0]}`, bundle: `/v1/bundle?feeds=${some}` },
    ...{ batch: `/v1/feeds?ids=${some}`, candles: `/v1/feeds/${feed}/candles?interval=1m&limit=30`, list: "/v1/feeds" },
  }[kind];
  return { kind, path, dueAt };
}

/** One kept connection, one request at a time; when it ends it goes to the other gateway. */
function openLine(index: number, prove: Prover): Line {
  let [at, under, tag, ready]: [number, Request | undefined, string, boolean] = [index, undefined, "", false];
  let write: (text: string) => void = () => undefined;
  const connect = (): void => {
    const port = options.gateways[at % options.gateways.length] ?? 0;
    // A connection of its own account: one gateway never goes back, two need not stand at the same round.
    const account = { rounds: [], lags: [] };
    const socket = createConnection({ host: "127.0.0.1", port, noDelay: true, timeout: TIMEOUT_MS });
    let reason = "";
    const decoder = answerDecoder((head, body) => {
      const request = under;
      under = undefined;
      if (request === undefined) return;
      rows.push([request.dueAt - startedAt, Date.now() - request.dueAt, head.status, request.kind]);
      tag = request.kind === "known" ? (/^etag: (.*)$/im.exec(head.text)?.[1] ?? tag) : tag;
      judge(request, head, body, prove, account);
    });
    socket.on("data", (bytes) => {
      if (!decoder.take(bytes)) socket.destroy(new Error("bytes that are no answer"));
    });
    socket.once("connect", () => {
      ready = true;
    });
    socket.on("timeout", () => {
      if (under !== undefined) socket.destroy(new Error("no answer in time"));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    socket.once("close", () => {
      ready = false;
      fail(under, reason === "" ? "connection ended" : reason);
      [under, tag] = [undefined, ""];
      at += 1;
      setTimeout(connect, RETRY_MS);
    });
    write = (text) => void socket.write(text);
  };
  connect();
  return {
    isFree: () => ready && under === undefined,
    send: (request) => {
      under = request;
      const known = request.kind === "known" && tag !== "" ? `if-none-match: ${tag}\r\n` : "";
      write(`GET ${request.path} HTTP/1.1\r\nhost: load\r\n${known}\r\n`);
    },
  };
}

function judge(
  { kind, path }: Request,
  { status }: Head,
  body: Buffer,
  prove: Prover,
  account: { rounds: number[]; lags: number[] },
): void {
  if (status !== 200) return;
  const text = body.toString();
  if (kind === "candles" || kind === "list") {
    const { candles, feeds } = JSON.parse(text) as { readonly candles?: readonly object[]; readonly feeds?: readonly object[] };
    if (candles === undefined && (feeds?.length ?? 0) === 0) ledger.malformed(`${path}: ${text.slice(0, 80)}`);
    return;
  }
  const proven = prove(text);
  // The same round again is what polling is.
  if (proven.fault === undefined && proven.round === account.rounds.at(-1)) account.rounds.pop();
  ledger.take(account, proven, Date.now());
}

function fail(request: Request | undefined, reason: string): void {
  if (request === undefined) return;
  failures[reason] = (failures[reason] ?? 0) + 1;
  rows.push([request.dueAt - startedAt, Date.now() - request.dueAt, 0, request.kind]);
}

answerParent(
  async (question) => {
    const { kind } = question as { readonly kind: "pid" | "start" | "collect" };
    if (kind === "start") await start();
    if (kind !== "collect") return { pid: process.pid };
    return { rows, failures, violations: ledger.violations(), told: ledger.told() } satisfies RequestsReport;
  },
  async () => undefined,
);
