import { createServer } from "node:net";
import { z } from "zod";
import { authorizationOf } from "../../gateway/upstream.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { probePeer } from "../../node/io/peer-probe.ts";
import type { Address } from "../../protocol/bytes.ts";
import { digestSchema } from "../../protocol/document.ts";
import { getJson } from "../http.ts";
import type { ApiOutcome, PortState } from "./judge-ports.ts";

const TIMEOUT_MS = 3_000;
const ANY_HOST: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

const committeeSchema = z.object({ network: z.string().max(32), genesisConfigDigest: digestSchema, configDigest: digestSchema });

/** Whether the node could listen for its peers there, or does: the key that answers says. */
export async function probeListen(address: string, self: Address | undefined): Promise<PortState> {
  const [, family = "", host = "", , port = ""] = address.split("/");
  const bound = family.startsWith("dns") ? { kind: "free" as const } : await tryBinding(host, Number(port));
  if (bound.kind !== "taken") return bound;
  const proof = await probePeer(`/${family}/${ANY_HOST[host] ?? host}/tcp/${port}`, { timeoutMs: TIMEOUT_MS });
  return proof.ok && proof.address !== undefined && proof.address === self ? { kind: "own" } : bound;
}

/** Whether the API could be served there, or is by a process of this network, which is taken for this one's own. */
export async function probeApiPort(
  { host, port }: { readonly host: string; readonly port: number },
  genesis: string,
): Promise<PortState> {
  const bound = await tryBinding(host, port);
  if (bound.kind !== "taken") return bound;
  const answer = await probeApi(apiUrl(host, port));
  return answer.ok && answer.genesisConfigDigest === genesis ? { kind: "own" } : bound;
}

export function apiUrl(host: string, port: number): string {
  const name = ANY_HOST[host] ?? host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Which network an API serves, asked with the API key it gave if it gave one. Total. */
export async function probeApi(base: string, key?: string): Promise<ApiOutcome> {
  try {
    const headers = { ...authorizationOf(key) };
    const { body } = await getJson(`${base.replace(/\/+$/, "")}/v1/committee`, { timeoutMs: TIMEOUT_MS, headers });
    const parsed = committeeSchema.safeParse(body);
    return parsed.success ? { ok: true, ...parsed.data } : { ok: false, reason: "it does not answer as a node or gateway does" };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { ok: false, reason: error.message };
  }
}

function tryBinding(host: string, port: number): Promise<PortState> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "EADDRINUSE" ? { kind: "taken" } : { kind: "refused", reason: error.code ?? error.message });
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve({ kind: "free" })));
  });
}
