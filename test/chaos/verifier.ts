import { readNetworkFile } from "../../cli/files.ts";
import { trustGenesis } from "../../client/committee.ts";
import type { Address, Digest } from "../../protocol/bytes.ts";
import { leaderOf } from "../../protocol/committee.ts";
import type { Network } from "../../protocol/config.ts";
import type { BundleDocument } from "../../protocol/document.ts";
import { type Report, reasonNames } from "../../protocol/report.ts";
import type { RoundDocument } from "../e2e/auditor.ts";
import { type Reply, request } from "../e2e/devnet.ts";
import { createLedger, type Ledger, showFinding } from "./ledger.ts";
import { isCarried } from "./promises.ts";
import type { Truth } from "./truth.ts";

const POLL_MS = 500;
const RECONNECT_MS = 250;
/** A node that is stopped or cut off does not answer; the verifier does not wait for it. */
const ANSWER_MS = 2_000;
/** Requests to one node while it is audited, before the next one is asked. */
const PATIENCE = 3;
/** Findings in a failure's message; one fault breaks many rounds. */
const MAX_SHOWN = 6;

export type Watched = { readonly name: string; readonly api: string };

export type Verifier = {
  readonly ledger: Ledger;
  readonly network: Network;
  readonly leaderOf: (round: number) => Address;
  /** Certified rounds known of, ascending; of one node, those that it showed. */
  readonly rounds: (node?: string) => readonly number[];
  readonly newest: (node?: string) => number;
  /** One feed through all certificates after a round. */
  readonly views: (feed: string, after: number) => readonly View[];
  /** A node whose clock is set wrong says nothing worth about leases while it is. */
  readonly distrustClock: (node: string, wrong: boolean) => void;
  /** Fetches and audits every body not seen yet, walks back to the first round, and throws what was found. */
  readonly settle: () => Promise<void>;
  readonly stop: () => void;
};

export type View = {
  readonly round: number;
  readonly arrivedAt: number;
  readonly state: Report["state"];
  readonly liquidate: Report["liquidate"];
  readonly borrow: boolean;
  readonly carried: boolean;
  readonly reasons: readonly string[];
};

/**
 * An onlooker over HTTP: follows the stream of every node, polls what each says of its newest round and its readiness, and keeps all of
 * it in a ledger. Its only other knowledge is the genesis file and the true market.
 */
export function startVerifier(options: {
  readonly networkFile: string;
  readonly nodes: readonly Watched[];
  readonly truth?: Truth;
}): Verifier {
  const { nodes, truth } = options;
  const network = readNetworkFile(options.networkFile);
  const ledger = createLedger({ network, ...(truth === undefined ? {} : { truth: truth.around }) });
  const controller = new AbortController();
  const distrusted = new Set<string>();
  const feeds = network.config.feeds.map(({ feed }) => feed.replace("/", "-")).join(",");
  for (const node of nodes) {
    void follow(node, { feeds, ledger, signal: controller.signal });
    void poll(node, { ledger, distrusted, signal: controller.signal });
  }
  const rounds = (node?: string): readonly number[] =>
    ledger.entries().flatMap(({ header, arrivals }) => (node === undefined || arrivals.has(node) ? header.round : []));
  return {
    ...{ ledger, network, rounds },
    leaderOf: (round) => leaderOf(network.committee, round),
    newest: (node) => rounds(node).at(-1) ?? 0,
    views: (feed, after) => viewsOf(ledger, feed, after),
    distrustClock: (node, wrong) => void (wrong ? distrusted.add(node) : distrusted.delete(node)),
    settle: () => settle(nodes, network, ledger),
    stop: () => {
      controller.abort();
      truth?.stop();
    },
  };
}

type Following = { readonly feeds: string; readonly ledger: Ledger; readonly signal: AbortSignal };

async function follow({ name, api }: Watched, { feeds, ledger, signal }: Following): Promise<void> {
  let last: number | undefined;
  while (!signal.aborted) {
    const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": String(last) };
    for await (const bundle of eventsOf(`${api}/v1/stream?feeds=${feeds}`, { headers, signal })) {
      last = bundle.round;
      ledger.bundle(name, Date.now(), bundle);
    }
    await sleep(RECONNECT_MS);
  }
}

/** Until the connection is cut, whoever cuts it. */
async function* eventsOf(url: string, init: RequestInit): AsyncGenerator<BundleDocument> {
  const response = await fetch(url, init).catch(() => undefined);
  if (!response?.ok || response.body === null) return;
  const chunks = response.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  for (let text = ""; ; ) {
    const chunk = await chunks.next().catch(() => undefined);
    if (chunk === undefined || chunk.done === true) return;
    const events = `${text}${chunk.value}`.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      // A named event is a breaker's change of state; what it says stands in the round's bundle as well.
      const lines = event.split("\n");
      const data = lines.some((line) => line.startsWith("event: ")) ? undefined : lines.find((line) => line.startsWith("data: "));
      if (data !== undefined) yield JSON.parse(data.slice("data: ".length)) as BundleDocument;
    }
  }
}

type Polling = { readonly ledger: Ledger; readonly distrusted: ReadonlySet<string>; readonly signal: AbortSignal };

async function poll({ name, api }: Watched, { ledger, distrusted, signal }: Polling): Promise<void> {
  while (!signal.aborted) {
    const sentAt = Date.now();
    const ready = await ask(`${api}/health/ready`);
    const latest = await ask(`${api}/v1/rounds/latest`);
    if (latest?.status === 200) {
      const document = latest.json as RoundDocument;
      ledger.latest(name, Date.now(), document);
      const { validUntil } = document.header;
      if (ready !== undefined && !distrusted.has(name)) ledger.ready(name, sentAt, { status: ready.status, validUntil });
    }
    await sleep(POLL_MS);
  }
}

/** Undefined when nobody answers. */
function ask(url: string): Promise<Reply | undefined> {
  return request(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
}

function viewsOf(ledger: Ledger, feed: string, after: number): readonly View[] {
  return ledger.entries().flatMap(({ header: { round }, reports, arrivals }) => {
    const report = reports?.find((item) => item.feed === feed);
    if (report === undefined || round <= after) return [];
    const { state, liquidate, borrow, reasons } = report;
    const arrivedAt = Math.min(...arrivals.values());
    return [{ round, arrivedAt, state, liquidate, borrow, carried: isCarried(report), reasons: reasonNames(reasons) }];
  });
}

/** The states of a feed as one line each time they change. */
export function showViews(views: readonly View[]): string {
  const lines = views.map(({ round, state, liquidate, borrow, carried, reasons }) => ({
    round,
    says: `${state}/${liquidate}${borrow ? "/borrow" : ""}${carried ? "/carried" : ""} [${reasons.join(" ")}]`,
  }));
  return lines.flatMap(({ round, says }, index) => (lines[index - 1]?.says === says ? [] : `${round}: ${says}`)).join("\n  ");
}

async function settle(nodes: readonly Watched[], network: Network, ledger: Ledger): Promise<void> {
  const heads = new Map<string, Digest>();
  for (const { name, api } of nodes) {
    const committee = await ask(`${api}/v1/committee?config=1`);
    if (committee?.status !== 200) continue;
    const trust = trustGenesis(committee.json, network.genesisConfigDigest);
    if (!trust.ok) throw new Error(`${name}: its committee is not that of the genesis file: ${trust.error}`);
    const latest = await ask(`${api}/v1/rounds/latest`);
    if (latest?.status === 200) heads.set(name, (latest.json as RoundDocument).digest);
  }
  const auditedUpTo = ledger.entries().at(-1)?.header.round ?? 0;
  await auditAll(nodes, ledger, auditedUpTo);
  ledger.close({ heads, auditedUpTo });
  const findings = ledger.findings();
  const shown = findings.slice(0, MAX_SHOWN).map(showFinding).join("\n");
  if (findings.length > 0) throw new Error(`${findings.length} broken promises\n${shown}`);
}

/** Every round known of, and every parent named on the way. Each is asked of another node first, so that all vouch for some. */
async function auditAll(nodes: readonly Watched[], ledger: Ledger, upTo: number): Promise<void> {
  const wanted = ledger
    .entries()
    .flatMap(({ header, observers }) => (observers === undefined && header.round <= upTo ? header.round : []));
  const asked = new Set(wanted);
  for (let round = wanted.shift(); round !== undefined; round = wanted.shift()) {
    const known = await auditRound(nodes, ledger, round);
    const parent = known?.body.parent?.round;
    const isNew = parent !== undefined && !asked.has(parent) && !ledger.entries().some(({ header }) => header.round === parent);
    if (!isNew) continue;
    asked.add(parent);
    wanted.push(parent);
  }
}

async function auditRound(nodes: readonly Watched[], ledger: Ledger, round: number): Promise<RoundDocument | undefined> {
  for (let tried = 0; tried < PATIENCE * nodes.length; tried++) {
    const node = nodes[(round + tried) % nodes.length];
    if (node === undefined) continue;
    const reply = await ask(`${node.api}/v1/rounds/${round}?body=1`);
    if (reply?.status !== 200) continue;
    const document = reply.json as RoundDocument;
    ledger.body(node.name, Date.now(), document);
    return document;
  }
  return undefined;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
