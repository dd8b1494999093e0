import { MAX_LAG_BLOCKS } from "../../adapters/chain/agreement.ts";
import type { Head } from "../../adapters/chain/head.ts";
import type { ChainConfig } from "../../protocol/config.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";

/** BREAKER.md B13: a head as old as this counts as trouble of the chain. */
const OLD_BLOCKS = 10;
const OLD_MS = 60_000;

/** What one endpoint said; its label is its place and host, never its key. */
export type EndpointOutcome = { readonly label: string } & (
  | { readonly ok: true; readonly chainId: bigint; readonly head: Head }
  | { readonly ok: false; readonly reason: string }
);

/** One line an endpoint, and one for what they say together. No endpoints are no fault: the other nodes' gauges count. */
export function judgeChain(
  { chain, blockMs }: ChainConfig,
  endpoints: readonly EndpointOutcome[],
  now: number,
): readonly Finding[] {
  const check = `chain ${chain}`;
  if (endpoints.length === 0) return [fine(check, "no rpc: this node says nothing of it")];
  const heard = endpoints.flatMap((endpoint) => (endpoint.ok ? [endpoint] : []));
  const chainId = mostFrequent(heard.map((endpoint) => endpoint.chainId));
  const same = heard.filter((endpoint) => endpoint.chainId === chainId);
  const median = same.map(({ head }) => head.number).sort((a, b) => a - b)[same.length >> 1] ?? 0;
  const counted = same.filter(({ head }) => Math.abs(head.number - median) <= MAX_LAG_BLOCKS + Math.trunc(1_000 / blockMs));
  const lines = endpoints.map((endpoint) =>
    judgeEndpoint(`rpc ${chain} ${endpoint.label}`, endpoint, { chainId, median, counted }),
  );
  return [...lines, judgeTogether(check, { endpoints, counted, chainId, blockMs, now })];
}

type Heard = Extract<EndpointOutcome, { readonly ok: true }>;

function judgeEndpoint(
  check: string,
  endpoint: EndpointOutcome,
  {
    chainId,
    median,
    counted,
  }: { readonly chainId: bigint | undefined; readonly median: number; readonly counted: readonly Heard[] },
): Finding {
  if (!endpoint.ok) return warning(check, endpoint.reason, "look at its provider or choose another; the others count meanwhile");
  const { number } = endpoint.head;
  if (endpoint.chainId !== chainId) {
    return warning(
      check,
      `chain id ${endpoint.chainId}, the others ${chainId}`,
      "it shows another chain: correct the URL in node.yaml",
    );
  }
  if (!counted.includes(endpoint)) {
    const where = number < median ? `${median - number} blocks behind` : `${number - median} blocks ahead of`;
    return warning(check, `block ${number}, ${where} the median`, "it is left out; if that lasts, choose another provider");
  }
  return fine(check, `chain id ${endpoint.chainId}, block ${number}`);
}

function judgeTogether(
  check: string,
  {
    endpoints,
    counted,
    chainId,
    blockMs,
    now,
  }: {
    readonly endpoints: readonly EndpointOutcome[];
    readonly counted: readonly Heard[];
    readonly chainId: bigint | undefined;
    readonly blockMs: number;
    readonly now: number;
  },
): Finding {
  const agreed = `${counted.length} of ${endpoints.length} endpoints agree`;
  if (counted.length <= endpoints.length >> 1) {
    return failure(check, agreed, "more than half must, or this node says nothing of the chain: put the endpoints above right");
  }
  const newest = Math.max(...counted.map(({ head }) => head.at));
  const ageMs = now - newest;
  const measured = `${agreed} on chain id ${chainId}, head ${Math.round(ageMs / 1_000)} s old`;
  if (ageMs > Math.max(OLD_BLOCKS * blockMs, OLD_MS))
    return warning(check, measured, "the chain stands still, or all of these providers do");
  return fine(check, measured);
}

function mostFrequent(values: readonly bigint[]): bigint | undefined {
  const counts = Map.groupBy(values, (value) => value);
  return [...counts].sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
