import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { explainDocument } from "../../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../../circuit-breaker/governance/judge.ts";
import { stepGovernance } from "../../circuit-breaker/governance/step.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../../circuit-breaker/governance-memory.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import { type Digest, fromHex, type Hex, keccakHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { configDigest, genesisNetwork, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { decodeSignedDocument } from "../../protocol/governance-codec.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import { scheme, type TestKey, testKey, testKeys } from "../support/network.ts";

/** A whole second. */
export const NOW = 1_800_000_000_000;
export const PASSWORD = "correct horse";

const GUARDIANS = { alice: testKey(20), bob: testKey(21) };
const GOVERNORS = { dora: testKey(30), emil: testKey(31), fred: testKey(32) };
export const KEYS: Readonly<Record<string, TestKey>> = { ...GUARDIANS, ...GOVERNORS, stranger: testKey(40) };

const named = (keys: Readonly<Record<string, TestKey>>) => Object.entries(keys).map(([name, { address }]) => ({ name, address }));
const VENUES = ["binance", "coinbase", "kraken", "bitstamp", "okx", "gemini"];

/** The raw form of a network of venues with adapters: two of three governors, two guardians. */
export const RAW = {
  network: "harbour",
  rules: 1,
  committee: testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address })),
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  governance: { governors: named(GOVERNORS), quorum: 2, guardians: named(GUARDIANS) },
  feeds: ["BTC/USD", "ETH/USD"].map((feed) => ({
    feed,
    preset: "major",
    sources: VENUES.map((venue) => ({ venue, market: feed, weight: 1 })),
  })),
};

export function parsed(raw: unknown): NetworkConfig {
  const result = parseNetworkConfig(raw);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Key files of everybody, cheap to open. */
export async function writeKeys(folder: string): Promise<(name: string) => string> {
  const pathOf = (name: string) => join(folder, `${name}.key.json`);
  for (const [name, { privateKey }] of Object.entries(KEYS)) await createKeyFile(pathOf(name), PASSWORD, { n: 16, privateKey });
  return pathOf;
}

type Report = {
  readonly from: number;
  readonly to: number;
  readonly rounds: number;
  readonly feeds: readonly unknown[];
  readonly incidents: readonly unknown[];
  readonly refusals: readonly string[];
};

const totals = { rounds: 10, opens: 1, openMs: 60_000, halfOpenMs: 0, noneMs: 0, opensBy: {} };
export const REPORT: Report = {
  from: 1_799_999_000,
  to: 1_800_000_000,
  rounds: 1_001,
  feeds: [
    {
      feed: "ETH/USD",
      change: "price",
      shadow: { rounds: 1_001, unpriced: 0, beyond: 0, maxMoveBps: 12, lastMoveBps: 3 },
      before: totals,
      after: { ...totals, opens: 2 },
    },
  ],
  incidents: [{ name: "luna", before: "as expected", after: "as expected" }],
  refusals: [],
};

/** A node's API over the real codec and the real fold, in which a document takes effect as soon as it is handed in. */
export async function serveGovernance({ takes = true }: { readonly takes?: boolean } = {}) {
  const network = genesisNetwork(parsed(RAW));
  let memory: GovernanceMemory = EMPTY_GOVERNANCE;
  let report: Report = REPORT;
  let replayed: unknown;
  const documents: SignedDocument[] = [];
  const governance = network.config.governance;

  const submit = (bytes: Uint8Array): Answer => {
    const decoded = decodeSignedDocument(bytes, { governance, domain: network.domain, scheme });
    if (!decoded.ok) return problem(422, "malformed", decoded.error);
    const { document, digest } = decoded.value;
    const round = { config: network.config, configDigest: network.configDigest, parentConfigDigest: network.configDigest };
    const at = { ...round, timestamp: NOW, f: 1, carriers: 2 };
    const code = judgeDocument(document, { ...at, memory: { feeds: [], governance: memory } });
    if (code !== "taken") {
      return problem(409, code, explainDocument(document, code, { ...at, memory: { feeds: [], governance: memory } }));
    }
    documents.push(decoded.value);
    const input = { ...round, memory, round: NOW / 1_000, parentRound: NOW / 1_000 - 1, timestamp: NOW, f: 1, gapAt: () => 0 };
    const said = { documents: [{ digest, document, carriers: 2 }], views: new Map(), shadows: new Map() };
    if (takes) memory = stepGovernance({ ...input, ...said }).memory;
    return { status: 202, body: { digest, code: document.kind === "config" ? "review" : "carried" } };
  };

  const holders = () =>
    (["governor", "guardian"] as const).flatMap((role) =>
      governance[`${role}s`].map((holder) => {
        const used = memory.keyholders.find(({ address }) => address === holder.address);
        return { ...holder, role, nonce: used?.nonce ?? 0, usedMs: used?.usedMs ?? 0, usedAt: used?.usedAt ?? 0 };
      }),
    );

  const answer = (method: string, path: string, body: unknown): Answer => {
    switch (`${method} ${path}`) {
      case "GET /v1/committee":
      case "GET /v1/committee?config=1":
        return { status: 200, body: { ...committeeOf(network), config: network.config } };
      case "GET /v1/governance":
        return { status: 200, body: stateOf(network, memory) };
      case "GET /v1/governance/keyholders":
        return { status: 200, body: { keyholders: holders() } };
      case "GET /v1/governance/documents?limit=100":
        return { status: 200, body: { documents: documents.map(itemOf) } };
      case "POST /v1/breaker/pause":
      case "POST /v1/governance/documents":
        return submit(fromHex((body as { document: Hex }).document));
      case "POST /v1/governance/replay":
        replayed = body;
        return { status: 200, body: { digest: keccakHex(utf8(canonicalJson(report as unknown as Json))), report } };
      default: {
        const one = documents.find(({ digest }) => path.endsWith(digest));
        return one === undefined ? problem(404, "unknown-document", "no such document") : { status: 200, body: itemOf(one) };
      }
    }
  };

  const server: Server = createServer(async (request, response) => {
    const { status, body } = answer(request.method ?? "", request.url ?? "", await readBody(request));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    network,
    memory: () => memory,
    remember: (changed: Partial<GovernanceMemory>) => {
      memory = { ...memory, ...changed };
    },
    refuse: (...refusals: readonly string[]) => {
      report = { ...REPORT, refusals };
    },
    report: (changed: Report) => {
      report = changed;
    },
    replayed: () => replayed,
    documents: () => documents,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Answer = { readonly status: number; readonly body: unknown };

function problem(status: number, code: string, detail: string): Answer {
  return { status, body: { type: "about:blank", title: "The document would change nothing", status, detail, code } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : JSON.parse(text);
}

type Served = ReturnType<typeof genesisNetwork>;

function committeeOf({ config, configDigest: digest, genesisConfigDigest, committee, domain }: Served) {
  const { name, version, salt } = domain;
  return {
    network: config.network,
    domain: { name, version, salt },
    configDigest: digest,
    genesisConfigDigest,
    f: committee.f,
    quorum: committee.quorum,
    members: committee.members,
  };
}

function stateOf({ config, configDigest: digest }: Served, { pending, previous, pauses }: GovernanceMemory) {
  const { quorum, governors, guardians } = config.governance;
  return {
    ...{ configDigest: digest, version: config.version, quorum, governors, guardians },
    pending: pending ?? null,
    previous: previous === ZERO_DIGEST ? null : previous,
    pauses,
    transitions: [],
  };
}

function itemOf({ digest, document }: SignedDocument) {
  const { kind, approvals, ...content } = document;
  const shown = "config" in content ? { ...content, config: undefined } : content;
  return {
    digest,
    kind,
    content: shown,
    approvals: approvals.map(({ keyholder, nonce }) => ({ name: nameOf(keyholder), keyholder, nonce })),
  };
}

function nameOf(address: Digest): string | null {
  return Object.entries(KEYS).find(([, key]) => key.address === address)?.[0] ?? null;
}

/** The digest of a config as governors sign it. */
export function digestOf(raw: unknown): Digest {
  return configDigest(parsed(raw));
}
