import { z } from "zod";
import { OperationalError } from "../../node/io/operational-error.ts";
import { type Digest, keccakHex, toHex, utf8 } from "../../protocol/bytes.ts";
import { configDigest, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { addressSchema, digestSchema } from "../../protocol/document.ts";
import { createDomain, type Domain } from "../../protocol/eip712.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import { type Answer, getJson, postJson } from "../http.ts";

/** A day of rounds is recomputed while the caller waits. */
const REPLAY_TIMEOUT_MS = 1_800_000;
const MAX_SHOWN = 100;

const count = z.int().min(0);
const committeeSchema = z.object({
  network: z.string().max(32),
  domain: z.object({ salt: digestSchema }),
  configDigest: digestSchema,
  genesisConfigDigest: digestSchema,
  config: z.unknown().optional(),
});
const namedSchema = z.object({ name: z.string().max(32), address: addressSchema });
const keyholderSchema = namedSchema.extend({
  role: z.enum(["governor", "guardian"]),
  nonce: count,
  usedMs: count,
  usedAt: count,
});
const keyholdersSchema = z.object({ keyholders: z.array(keyholderSchema) });
const governanceSchema = z.object({
  configDigest: digestSchema,
  version: count,
  quorum: count,
  governors: z.array(namedSchema),
  guardians: z.array(namedSchema),
  pending: z
    .object({
      configDigest: digestSchema,
      activation: count,
      feeds: z.array(z.object({ feed: z.string(), agreedAt: count, accepted: z.boolean() })),
    })
    .nullable(),
  previous: digestSchema.nullable(),
  pauses: z.array(
    z.object({
      feed: z.string(),
      action: z.enum(["robust", "none"]),
      until: count,
      power: z.string(),
      keyholders: z.array(addressSchema),
    }),
  ),
  transitions: z.array(z.object({ round: count, configDigest: digestSchema })),
});
const itemSchema = z.object({
  digest: digestSchema,
  kind: z.string(),
  content: z.record(z.string(), z.unknown()).nullish(),
  approvals: z.array(z.object({ name: z.string().nullable(), keyholder: addressSchema, nonce: count })).optional(),
  /** Of a proposal, where it is asked for by its digest. */
  config: z.unknown().optional(),
});
const itemsSchema = z.object({ documents: z.array(itemSchema) });
const submittedSchema = z.object({ digest: digestSchema, code: z.string() });
const totalsSchema = z.object({ opens: count, openMs: count, noneMs: count }).nullable();
const replaySchema = z.object({
  digest: digestSchema,
  report: z.looseObject({
    from: count,
    to: count,
    rounds: count,
    feeds: z.array(
      z.looseObject({
        feed: z.string(),
        change: z.string(),
        shadow: z.looseObject({ rounds: count, beyond: count, maxMoveBps: count }).nullable(),
        before: z.looseObject(totalsSchema.unwrap().shape).nullable(),
        after: z.looseObject(totalsSchema.unwrap().shape).nullable(),
      }),
    ),
    incidents: z.array(z.looseObject({ name: z.string(), before: z.string(), after: z.string() })),
    refusals: z.array(z.string()),
  }),
});

export type Keyholder = z.infer<typeof keyholderSchema>;
export type GovernanceState = z.infer<typeof governanceSchema>;
export type DocumentItem = z.infer<typeof itemSchema>;
export type Replay = z.infer<typeof replaySchema>;

/** A node's API, and the network that it says it belongs to: in whose domain everything is signed. */
export type NodeApi = {
  readonly url: string;
  readonly network: string;
  readonly configDigest: Digest;
  readonly domain: Domain;
};

/**
 * Asks a node which network it serves.
 *
 * @param genesis the digest that the members published: another network is refused, so that nothing is signed for it
 * @throws OperationalError `untrusted`, or why nobody answered
 */
export async function openNode(address: string, genesis: string | undefined): Promise<NodeApi> {
  const url = address.replace(/\/+$/, "");
  const { network, domain, configDigest, genesisConfigDigest } = read(committeeSchema, await getJson(`${url}/v1/committee`));
  const own = createDomain(network, genesisConfigDigest);
  if (own.salt !== domain.salt)
    throw untrusted(`${url}: its domain is not that of network ${network}, genesis ${genesisConfigDigest}`);
  if (genesis !== undefined && genesis !== genesisConfigDigest) {
    throw untrusted(`${url}: its genesis digest is ${genesisConfigDigest}, not ${genesis}`);
  }
  return { url, network, configDigest, domain: own };
}

export async function fetchKeyholders({ url }: NodeApi): Promise<readonly Keyholder[]> {
  return read(keyholdersSchema, await getJson(`${url}/v1/governance/keyholders`)).keyholders;
}

export async function fetchGovernance({ url }: NodeApi): Promise<GovernanceState> {
  return read(governanceSchema, await getJson(`${url}/v1/governance`));
}

/** The config in force, checked against the digest that the node states. */
export async function fetchConfig({ url }: NodeApi): Promise<NetworkConfig> {
  const answer = read(committeeSchema, await getJson(`${url}/v1/committee?config=1`));
  const parsed = parseNetworkConfig(answer.config);
  if (parsed.ok && configDigest(parsed.value) === answer.configDigest) return parsed.value;
  throw untrusted(`${url}: the config that it gives is not the one of ${answer.configDigest}, which it says is in force`);
}

export async function fetchDocuments({ url }: NodeApi): Promise<readonly DocumentItem[]> {
  return read(itemsSchema, await getJson(`${url}/v1/governance/documents?limit=${MAX_SHOWN}`)).documents;
}

export async function fetchDocument({ url }: NodeApi, digest: Digest): Promise<DocumentItem> {
  return read(itemSchema, await getJson(`${url}/v1/governance/documents/${digest}`));
}

/**
 * What a config would have done, as the node recomputes it.
 *
 * @param to the last round of it; the newest one when undefined
 * @throws OperationalError `untrusted` when the report is not what its digest names
 */
export async function fetchReplay({ url }: NodeApi, config: NetworkConfig, to: number | undefined): Promise<Replay> {
  const body = { config, ...(to === undefined ? {} : { to }) };
  const answer = await postJson(`${url}/v1/governance/replay`, body, { timeoutMs: REPLAY_TIMEOUT_MS });
  const replay = read(replaySchema, answer);
  if (keccakHex(utf8(canonicalJson(replay.report as unknown as Json))) === replay.digest) return replay;
  throw untrusted(`${url}: the replay report that it gives is not the one of its digest ${replay.digest}`);
}

/** Hands a document in: `carried`, or `review` for a config whose replay the node computes first. */
export async function submitDocument({ url }: NodeApi, { bytes, document }: SignedDocument): Promise<"carried" | "review"> {
  const path = document.kind === "pause" ? "/v1/breaker/pause" : "/v1/governance/documents";
  const { code } = read(submittedSchema, await postJson(`${url}${path}`, { document: toHex(bytes) }));
  return code === "review" ? "review" : "carried";
}

function read<T>(schema: z.ZodType<T>, { url, body }: Answer): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new OperationalError(`${url}: not a Breakwater node's answer: ${issue?.path.join(".")}: ${issue?.message}`, {
    code: "not-a-node",
  });
}

function untrusted(message: string): OperationalError {
  return new OperationalError(message, { code: "untrusted" });
}
