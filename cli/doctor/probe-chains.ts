import { headProbe } from "../../adapters/chain/head.ts";
import { encodeBatch, quantityOf, type RpcAnswer, readBatch } from "../../adapters/chain/json-rpc.ts";
import { createVenueHttp } from "../../adapters/io/http.ts";
import { nameEndpoint } from "../../adapters/io/rpc-url.ts";
import type { EndpointOutcome } from "./judge-chains.ts";

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
const CALLS = [{ method: "eth_chainId", params: [] }, ...headProbe.calls];

/** Which chain each of these endpoints shows, and up to which block. Total; no URL and no part of one is in what it says. */
export function probeChain(urls: readonly string[], now: () => number): Promise<readonly EndpointOutcome[]> {
  return Promise.all(urls.map((url, place) => probeEndpoint(url, place, now)));
}

async function probeEndpoint(url: string, place: number, now: () => number): Promise<EndpointOutcome> {
  const { label, redact } = nameEndpoint(url, place);
  const client = createVenueHttp({ baseUrl: url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, maxSockets: 1, now });
  try {
    const response = await client.send({ method: "POST", path: "", body: encodeBatch(CALLS), markets: [] });
    const read = readAnswers(readBatch(response, CALLS.length));
    return "reason" in read ? { label, ok: false, reason: redact(read.reason) } : { label, ok: true, ...read };
  } finally {
    client.destroy();
  }
}

function readAnswers([chain, ...rest]: readonly RpcAnswer[]) {
  const head = headProbe.read(rest);
  if (!head.ok) return { reason: `${head.error.code}: ${head.error.detail}` };
  const chainId = chain?.ok ? quantityOf(chain.value) : undefined;
  return chainId === undefined ? { reason: "malformed: eth_chainId: expected a quantity" } : { chainId, head: head.value };
}
