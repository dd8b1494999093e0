import { createServer } from "node:net";

/** Below the ephemeral range, so that no outgoing connection sits on a chosen port. */
const FIRST_PORT = 20_000;
const BLOCKS = 700;
const BLOCK = 16;

/** `api` and the four after it, `control`, `p2p` and the three after it: one block of free ports. */
export type DevnetPorts = { readonly api: number; readonly control: number; readonly p2p: number };

let next = process.pid % BLOCKS;

/** Starts from a block of this process's own, so that two test runs on one machine do not meet. */
export async function freePorts(): Promise<DevnetPorts> {
  for (let tried = 0; tried < BLOCKS; tried++) {
    const api = FIRST_PORT + next * BLOCK;
    next = (next + 1) % BLOCKS;
    const free = await Promise.all(Array.from({ length: BLOCK }, (_, offset) => isFree(api + offset)));
    if (free.every(Boolean)) return { api, control: api + 5, p2p: api + 6 };
  }
  throw new Error(`no block of ${BLOCK} free ports above ${FIRST_PORT}`);
}

/** Whether nothing listens on a loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
