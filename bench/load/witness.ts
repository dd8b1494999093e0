import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 500;
const ROUND = /^data: \{"round":(\d+),"timestamp":(\d+)/m;

/** When the network itself first had each round. */
export type Witness = {
  /** Round → the instant, Unix ms, at which the first of the nodes' own streams brought it. */
  readonly certified: ReadonlyMap<number, number>;
  readonly stop: () => void;
};

/**
 * Follows one feed on every node's own `/v1/stream`. A node publishes a round once it holds q signatures and has saved it, so this is later
 * than the certificate by the node's save, and by nothing of Redis or a gateway: breakwater_stage_seconds says how long a save takes.
 */
export function openWitness(nodes: readonly string[], feed: string): Witness {
  const ended = new AbortController();
  const certified = new Map<number, number>();
  for (const api of nodes) void follow(`${api}/v1/stream?feeds=${feed}`, ended.signal, certified);
  return { certified, stop: () => ended.abort() };
}

async function follow(url: string, signal: AbortSignal, certified: Map<number, number>): Promise<void> {
  while (!signal.aborted) {
    await readStream(url, signal, (round) => {
      if (!certified.has(round)) certified.set(round, Date.now());
    }).catch(() => undefined);
    await sleep(RETRY_MS);
  }
}

function readStream(url: string, signal: AbortSignal, onRound: (round: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        const events = text.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) {
          const round = ROUND.exec(event)?.[1];
          if (round !== undefined) onRound(Number(round));
        }
      });
      response.on("error", reject).on("close", resolve);
    });
    asked.on("error", reject).end();
  });
}
