import { connect } from "node:net";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { startGateway } from "../../gateway/io/server.ts";
import { governedNetwork } from "../support/governance.ts";
import { digestOf } from "../support/network.ts";
import { openGateway } from "./support.ts";

const LARGE = 8 * 1024 * 1024;
const DOCUMENTS = "/v1/governance/documents";

async function open() {
  const submit = () => ({ ok: true, digest: digestOf(1), code: "carried" }) as const;
  const { options } = await openGateway({
    network: governedNetwork(),
    rounds: [],
    submit,
    registry: new Registry(),
    trustProxy: ["127.0.0.1"],
  });
  return startGateway({ ...options, host: "127.0.0.1", port: 0 });
}

/** A stranger who says how long his body is and brings none of it. */
async function drip(
  address: string,
  from: string,
  length: string,
): Promise<{ readonly first: Promise<string>; readonly end: () => void }> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const head = [`POST ${DOCUMENTS} HTTP/1.1`, "host: x", "content-type: application/json", `x-forwarded-for: ${from}`, length];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const first = new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data).split("\r\n")[0] ?? "")));
  await new Promise((resolve) => setTimeout(resolve, 30));
  return { first, end: () => socket.destroy() };
}

const post = async (address: string, from: string, bytes: number) => {
  const body = JSON.stringify({ document: `0x${"ab".repeat(bytes / 2)}` });
  const headers = { "content-type": "application/json", "x-forwarded-for": from };
  return (await fetch(`${address}${DOCUMENTS}`, { method: "POST", headers, body })).status;
};

test("few large bodies are read at once, one of an address; small ones never wait, and a place is free again when its request is over", async () => {
  const { address, close } = await open();
  const strangers = [];
  for (const from of ["1.1.1.1", "2.2.2.2", "2001:db8:1:2::3"])
    strangers.push(await drip(address, from, `content-length: ${LARGE}`));
  const again = await drip(address, "1.1.1.1", `content-length: ${LARGE}`);
  expect(await again.first).toBe("HTTP/1.1 503 Service Unavailable");
  expect(await post(address, "2001:db8:1:2:9:9:9:9", 200_000), "one subscriber's other address").toBe(503);
  strangers.push(await drip(address, "4.4.4.4", "transfer-encoding: chunked"));
  expect(await post(address, "5.5.5.5", 200_000)).toBe(503);
  expect(await post(address, "1.1.1.1", 400), "a pause").toBe(202);
  strangers[0]?.end();
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let index = 0; index < 6; index++) expect(await post(address, "5.5.5.5", 200_000)).toBe(202);
  for (const stranger of [...strangers, again]) stranger.end();
  await close();
});
