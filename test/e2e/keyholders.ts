import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type NodeKey, readKeyFile } from "../../node/io/keys.ts";
import { type Address, type Digest, fromHex, toHex } from "../../protocol/bytes.ts";
import { configDigest, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { createDomain, type Domain } from "../../protocol/eip712.ts";
import type { DocumentContent, SignedDocument } from "../../protocol/governance.ts";
import { approveDocument, approvedDocument } from "../../protocol/governance-codec.ts";
import { decodeSignedObservation, type Observation } from "../../protocol/observation.ts";
import { scheme } from "../support/network.ts";
import { type Devnet, type Reply, request } from "./devnet.ts";

/** A development network's keyholder, by the name of his folder. */
export type Holder = { readonly name: string; readonly key: NodeKey; readonly flags: readonly string[] };

export async function holderOf({ folder }: Devnet, name: string): Promise<Holder> {
  const home = join(folder, "keyholders", name);
  const passwordFile = join(home, "password");
  const file = join(home, "key.json");
  const key = await readKeyFile(file, readFileSync(passwordFile, "utf8").trim());
  return { name, key, flags: ["--key", file, "--password-file", passwordFile] };
}

type Committee = {
  readonly network: string;
  readonly genesisConfigDigest: Digest;
  readonly configDigest: Digest;
  readonly config: unknown;
};

export async function configInForce(network: Pick<Devnet, "get">): Promise<{
  readonly config: NetworkConfig;
  readonly digest: Digest;
  readonly genesis: Digest;
  readonly domain: Domain;
}> {
  const committee = await network.get<Committee>("/v1/committee?config=1");
  const config = parseNetworkConfig(committee.config);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const { genesisConfigDigest: genesis, configDigest: digest } = committee;
  return { config: config.value, digest, genesis, domain: createDomain(committee.network, genesis) };
}

/** The config in force with edits, one version on; a fault of it is the test's own. */
export function successor(config: NetworkConfig, edit: (plain: { feeds: { feed: string; [field: string]: unknown }[] }) => void) {
  const plain = structuredClone({ ...config, version: config.version + 1 }) as unknown as Parameters<typeof edit>[0];
  edit(plain);
  const parsed = parseNetworkConfig(plain);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** With these keys, each with this nonce. */
export function signAs(holders: readonly Holder[], content: DocumentContent, domain: Domain, nonce: number): SignedDocument {
  return approvedDocument(
    content,
    holders.map(({ key }) => approveDocument(content, key, nonce, domain)),
  );
}

/** A config as governors propose it, with whatever replay it names; one that ends now unless told otherwise. */
export function proposal(
  config: NetworkConfig,
  of: { readonly replaces: Digest; readonly activation: number; readonly replayTo?: number; readonly replay?: Digest },
): Extract<DocumentContent, { readonly kind: "config" }> {
  const {
    replaces,
    activation,
    replayTo = Math.floor(Date.now() / config.roundMs),
    replay = `0x${"77".repeat(32)}` as Digest,
  } = of;
  const { version } = config;
  return { kind: "config", version, replaces, configDigest: configDigest(config), activation, replayTo, replay, config };
}

/** Hands bytes to one node, whatever it says. */
export function handIn(api: string, bytes: Uint8Array, path = "/v1/governance/documents"): Promise<Reply> {
  const body = JSON.stringify({ document: toHex(bytes) });
  return request(`${api}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body });
}

/** The code of a receipt or refusal. */
export function codeOf({ json }: Reply): string | undefined {
  return (json as { readonly code?: string } | undefined)?.code;
}

export async function nonceOf({ get }: Pick<Devnet, "get">, address: Address): Promise<number> {
  const { keyholders } = await get<{ keyholders: { address: Address; nonce: number }[] }>("/v1/governance/keyholders");
  return keyholders.find((holder) => holder.address === address)?.nonce ?? 0;
}

/** The observations that a certified round includes, out of its body. */
export async function observationsOf(api: string, round: number, domain: Domain): Promise<readonly Observation[]> {
  const { json } = await request(`${api}/v1/rounds/${round}?body=1`);
  const { body } = json as { readonly body: { readonly observations: readonly `0x${string}`[] } };
  return body.observations.map((hex) => {
    const decoded = decodeSignedObservation(fromHex(hex), domain, scheme);
    if (!decoded.ok) throw new Error(`round ${round}: ${decoded.error}`);
    return decoded.value.observation;
  });
}
