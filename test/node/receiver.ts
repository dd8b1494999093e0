import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Delivery = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
};

/** What a receiver does with the n-th request that it gets, from 0. */
export type Answer = (response: ServerResponse, index: number) => void;

/** A webhook's receiver on this machine, as an operator would write one. */
export async function startReceiver(answer: Answer) {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      deliveries.push({ path: request.url ?? "", headers: request.headers, body, at: Date.now() });
      answer(response, deliveries.length - 1);
    });
    request.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    deliveries,
    port,
    url: `http://127.0.0.1:${port}/services/T0/B0/hookpath0123456789`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether a delivery is genuine and fresh, by the words of the documentation alone. */
export function isGenuine({ headers, body }: Delivery, secret: string, now = Date.now()): boolean {
  const fields = String(headers["x-breakwater-signature"]).split(",");
  const { t = "", v1 = "" } = Object.fromEntries(fields.map((field) => field.split("=")));
  const expected = createHmac("sha256", secret).update(`${t}.${body}`).digest();
  const given = Buffer.from(v1, "hex");
  return given.length === expected.length && timingSafeEqual(expected, given) && Math.abs(now / 1_000 - Number(t)) < 300;
}
