import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";

/** How often each node is asked for its newest round. */
const PROBE_MS = 500;
const PROBE_TIMEOUT_MS = 400;
/** A node this many rounds behind the newest does not serve the network. */
const MAX_LAG_ROUNDS = 3;

export type Upstream = { readonly name: string; readonly api: string };
export type NetworkProxy = { readonly close: () => Promise<void> };

/**
 * One address for the whole development network: every request goes to the first node that keeps up, so a killed node costs its own
 * requests at most. It proves nothing; what it passes on is signed.
 *
 * @throws when the port is taken.
 */
export async function startProxy({
  port,
  upstreams,
}: {
  readonly port: number;
  readonly upstreams: readonly Upstream[];
}): Promise<NetworkProxy> {
  const newest = new Map<string, number>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const probe = async (): Promise<void> => {
    await Promise.all(upstreams.map(async ({ api }) => newest.set(api, await newestRound(api))));
    if (!closed) timer = setTimeout(() => void probe(), PROBE_MS);
  };
  const choose = (): string => {
    const best = Math.max(...upstreams.map(({ api }) => newest.get(api) ?? -1));
    const chosen = upstreams.find(({ api }) => (newest.get(api) ?? -1) >= Math.max(0, best - MAX_LAG_ROUNDS));
    return (chosen ?? upstreams[0])?.api ?? "";
  };
  const server = fastify({ forceCloseConnections: true });
  await server.register(httpProxy, {
    upstream: "",
    replyOptions: {
      getUpstream: choose,
      onError: (reply, { error }) => {
        void reply
          .code(502)
          .type("application/problem+json")
          .send({
            type: "about:blank",
            title: "Bad Gateway",
            status: 502,
            detail: `no node of the development network answered: ${error.message}`,
          });
      },
    },
  });
  await server.listen({ host: "127.0.0.1", port });
  await probe();
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await server.close();
    },
  };
}

/** −1 when the node does not answer, 0 when it has no round yet. */
async function newestRound(api: string): Promise<number> {
  try {
    const response = await fetch(`${api}/v1/rounds/latest`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    if (!response.ok) return 0;
    const body = (await response.json()) as { header?: { round?: unknown } };
    return typeof body.header?.round === "number" ? body.header.round : 0;
  } catch {
    return -1;
  }
}
