import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Digest } from "../../protocol/bytes.ts";
import { answerParent } from "../child.ts";
import { createPayloadReader, type Told } from "./events.ts";
import { createLedger, type Violations } from "./ledger.ts";
import { WEBSOCKET_EVERY } from "./plan.ts";
import { openProver } from "./proof.ts";
import { createReader, type Reader, type ReaderStats } from "./reader.ts";

/** Of ten readers so many follow each selection: most a loan's two legs, some one feed, some everything. */
const SELECTIONS = { pair: 6, one: 3, all: 1 } as const;

export type ReadersOptions = {
  /** Ports. */
  readonly gateways: readonly number[];
  /** Slugs of all feeds; the first two are a loan's legs. */
  readonly feeds: readonly string[];
  readonly genesis: Digest;
  readonly readers: number;
  /** Numbers of these readers begin here: they decide who begins at which gateway. */
  readonly offset: number;
  readonly rampMs: number;
};

export type ReadersQuestion = { readonly kind: "pid" | "start" | "collect" };

export type ReadersReport = {
  readonly accounts: readonly { readonly rounds: readonly number[]; readonly lags: readonly number[] }[];
  readonly stats: readonly ReaderStats[];
  readonly violations: Violations;
  readonly told: readonly string[];
  readonly lateOnTheWire: number;
  readonly notices: number;
  readonly changes: number;
  /** How late this process's own timers ran: what of the latencies may be its own. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number };
};

const options = JSON.parse(process.argv[2] ?? "{}") as ReadersOptions;
const ledger = createLedger();
const delay = monitorEventLoopDelay({ resolution: 10 });
let readers: readonly Reader[] = [];
let [notices, changes] = [0, 0];

async function start(): Promise<void> {
  const prove = await openProver(`http://127.0.0.1:${options.gateways[0]}`, options.genesis);
  const read = createPayloadReader(prove);
  const onPayload = (payload: Buffer, reader: Reader): void => {
    const at = Date.now();
    const told = read(reader.form, reader.selection, payload);
    notices += told.notices;
    changes += told.changes;
    if (told.malformed !== undefined) ledger.malformed(told.malformed);
    takeRounds(reader, told, at);
  };
  readers = Array.from({ length: options.readers }, (_, index) => {
    const number = options.offset + index;
    const gateways = number % 2 === 0 ? options.gateways : [...options.gateways].reverse();
    const form = Math.floor(number / 2) % WEBSOCKET_EVERY === 0 ? "websocket" : "sse";
    return createReader({ form, selection: selectionOf(index), gateways, onPayload, onFault: ledger.malformed });
  });
  for (const [index, reader] of readers.entries()) setTimeout(reader.open, (index / readers.length) * options.rampMs);
  delay.enable();
}

function takeRounds(reader: Reader, { rounds }: Told, at: number): void {
  for (const proven of rounds) ledger.take(reader.account, proven, at);
  if (rounds.length === 0 || reader.awaySince === undefined) return;
  reader.stats.aways.push(at - reader.awaySince);
  reader.awaySince = undefined;
}

function selectionOf(index: number): string {
  const place = index % (SELECTIONS.pair + SELECTIONS.one + SELECTIONS.all);
  const count = place < SELECTIONS.pair ? 2 : place < SELECTIONS.pair + SELECTIONS.one ? 1 : options.feeds.length;
  return options.feeds.slice(0, count).join(",");
}

function collect(): ReadersReport {
  for (const reader of readers) reader.close();
  return {
    accounts: readers.map(({ account }) => account),
    stats: readers.map(({ stats }) => stats),
    violations: ledger.violations(),
    told: ledger.told(),
    ...{ lateOnTheWire: ledger.lateOnTheWire(), notices, changes },
    loopDelayMs: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
  };
}

answerParent(
  async (question) => {
    const { kind } = question as ReadersQuestion;
    if (kind === "start") await start();
    return kind === "collect" ? collect() : { pid: process.pid };
  },
  async () => undefined,
);
