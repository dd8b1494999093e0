import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ChainWatch, type ChainWatchOptions, createChainWatch } from "../../../adapters/io/chain-watch.ts";
import type { RpcMetrics } from "../../../adapters/io/rpc-metrics.ts";

/** What the watch said aloud. */
export type Heard = { readonly lines: string[]; readonly standings: string[]; readonly dissents: string[] };

const quiet = (): void => undefined;

/** A watch with ports that listen; it polls quickly. */
export function openWatch(
  options: Pick<ChainWatchOptions, "chains" | "references" | "endpoints"> & { readonly settings?: ChainWatchOptions["settings"] },
): { readonly watch: ChainWatch; readonly heard: Heard } {
  const heard: Heard = { lines: [], standings: [], dissents: [] };
  const metrics: RpcMetrics = {
    onRequest: quiet,
    onFault: quiet,
    onHead: quiet,
    onStanding: ({ endpoint, standing }) => heard.standings.push(`${endpoint.slice(0, 1)} ${standing}`),
    onDissent: ({ endpoint, gauge }) => heard.dissents.push(`${endpoint.slice(0, 1)} ${gauge}`),
  };
  const say = (_: object, message: string): void => void heard.lines.push(message);
  const watch = createChainWatch({
    ...options,
    settings: { intervalMs: 60, pendingMs: 60, timeoutMs: 400, backoffBaseMs: 50, backoffCapMs: 200, ...options.settings },
    log: { info: say, warn: say, error: say },
    metrics,
    now: Date.now,
    random: () => 0.5,
  });
  return { watch, heard };
}

/** A change shows after a poll or two; a machine that is busy with other things may take its time. */
const PATIENCE_MS = 8_000;

/** Until it is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** A call's answer as the endpoint behind gives it, and what goes out in its place; `hang` never answers. */
export type Distortion = ((method: string, result: unknown) => unknown) | "hang" | undefined;

/** A provider between the node and a chain, which passes on what it is told, or lies, or hangs. */
export async function startProxy(upstream: string) {
  const state: { distortion: Distortion } = { distortion: undefined };
  const server = createServer((request, response) => {
    void (async () => {
      const body = await textOf(request);
      const { distortion } = state;
      if (distortion === "hang") return;
      const answer = await fetch(upstream, { method: "POST", body, headers: { "content-type": "application/json" } });
      const answers = (await answer.json()) as { id: number; result?: unknown }[];
      const calls = JSON.parse(body) as { id: number; method: string }[];
      const methods = new Map(calls.map(({ id, method }) => [id, method]));
      const out = answers.map((item) =>
        distortion === undefined || item.result === undefined
          ? item
          : { ...item, result: distortion(methods.get(item.id) ?? "", item.result) },
      );
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(out));
    })().catch(() => response.destroy());
  });
  await listen(server);
  return {
    /** A path as providers put their keys there. */
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3/c0ffee00c0ffee00`,
    distort: (distortion: Distortion) => {
      state.distortion = distortion;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
}
