import { join } from "node:path";
import { explainDocument } from "../../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../../circuit-breaker/governance/judge.ts";
import { stepGovernance } from "../../circuit-breaker/governance/step.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../../circuit-breaker/governance-memory.ts";
import { createKeyFile } from "../../node/io/keys.ts";
import { type Digest, keccakHex, utf8 } from "../../protocol/bytes.ts";
import { configDigest, genesisNetwork, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { decodeSignedDocument } from "../../protocol/governance-codec.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import { scheme, type TestKey, testKey, testKeys } from "../support/network.ts";
import { serve } from "./served.ts";

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

/** The real gateway over the real codec and the real fold, in which a document takes effect as soon as it is handed in. */
export async function serveGovernance({ takes = true }: { readonly takes?: boolean } = {}) {
  const network = genesisNetwork(parsed(RAW));
  const { config, configDigest } = network;
  let memory: GovernanceMemory = EMPTY_GOVERNANCE;
  let report: Report = REPORT;
  let replayed: unknown;
  const documents: SignedDocument[] = [];
  const hearing = { config, configDigest, parentConfigDigest: configDigest, timestamp: NOW, f: 1 };

  const submit = (bytes: Uint8Array): Receipt => {
    const decoded = decodeSignedDocument(bytes, { governance: config.governance, domain: network.domain, scheme });
    if (!decoded.ok) return { ok: false, code: "malformed", detail: decoded.error };
    const { document, digest } = decoded.value;
    const judgement = { ...hearing, carriers: 2, memory: { feeds: [], governance: memory } };
    const code = judgeDocument(document, judgement);
    if (code !== "taken") return { ok: false, code, detail: explainDocument(document, code, judgement) };
    documents.push(decoded.value);
    gateway.kept.documents.push({ digest, kind: document.kind, bytes });
    const round = { memory, round: NOW / 1_000, parentRound: NOW / 1_000 - 1, gapAt: () => 0 };
    const said = { documents: [{ digest, document, carriers: 2 }], views: new Map(), shadows: new Map() };
    if (takes) memory = stepGovernance({ ...hearing, ...round, ...said }).memory;
    return { ok: true, digest, code: document.kind === "config" ? "review" : "carried" };
  };

  const gateway = await serve(network, [], 0, {
    writes: { max: 1_000, windowMs: 1_000 },
    governance: () => memory,
    submit,
    replay: async (proposed, { to }) => {
      replayed = { config: proposed, to };
      return { digest: keccakHex(utf8(canonicalJson(report as unknown as Json))), report };
    },
  });
  return {
    address: gateway.address,
    close: gateway.close,
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
  };
}

type Receipt =
  | { readonly ok: true; readonly digest: Digest; readonly code: string }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** The digest of a config as governors sign it. */
export function digestOf(raw: unknown): Digest {
  return configDigest(parsed(raw));
}
