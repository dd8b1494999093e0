import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { createEventSplitter } from "../../gateway/following/event-stream.ts";
import { decodeEvent, encodeEvent } from "../../gateway/io/follow-wire.ts";
import { MAIN, request, within } from "./devnet.ts";

export type GatewayProcess = {
  readonly api: string;
  readonly process: ChildProcess;
  readonly log: string;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
};

/** The real program on a port, until it answers; its folder keeps config and log, and a later start continues them. */
export async function startGatewayProcess(
  home: string,
  { port, ...config }: { readonly network: string; readonly port: number } & Record<string, unknown>,
): Promise<GatewayProcess> {
  await mkdir(home, { recursive: true });
  const [configFile, log] = [join(home, "gateway.yaml"), join(home, "gateway.log")];
  const api = { host: "127.0.0.1", port, requestsPerMinute: 1_000_000, streamsPerAddress: 2_000 };
  await writeFile(configFile, stringify({ ...config, api }));
  const out = openSync(log, "a");
  const child = spawn(process.execPath, [MAIN, "gateway", "--config", configFile], { stdio: ["ignore", out, out, "ipc"] });
  closeSync(out);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? code)),
  );
  const base = `http://127.0.0.1:${port}`;
  await within(60_000, `the gateway on port ${port}`, async () => {
    if (child.exitCode !== null) throw new Error(`the gateway ended with exit code ${child.exitCode}; see ${log}`);
    return (await request(`${base}/health/live`).catch(() => undefined))?.status === 200;
  });
  return { api: base, process: child, log, ended };
}

/** The lines of `/metrics` that hold this text. */
export async function metricsOf(api: string, text: string): Promise<readonly string[]> {
  return (await request(`${api}/metrics`)).text.split("\n").filter((line) => line.includes(text) && !line.startsWith("#"));
}

export type Liar = { readonly base: string; readonly forged: () => number; readonly stop: () => Promise<void> };

/**
 * Follows an honest process and serves its log with lies in it: a byte of certificate or body changed, a body of another round, another
 * digest stated, rounds again and again and out of order; never one that is true and new.
 */
export async function startLiar(honest: string): Promise<Liar> {
  let forged = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const controller = new AbortController();
    response.once("close", () => controller.abort());
    void relay(honest, controller.signal, (lie) => {
      forged += 1;
      response.write(lie);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forged: () => forged,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function relay(honest: string, signal: AbortSignal, lie: (event: string) => void): Promise<void> {
  const splitter = createEventSplitter(50_000_000);
  let before: Uint8Array | undefined;
  try {
    const response = await fetch(`${honest}/v1/follow`, { signal });
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      for (const { name, data } of splitter.take(piece) ?? []) {
        const entry = name === "round" ? decodeEvent("round", data) : undefined;
        if (entry?.ok !== true || entry.value.kind !== "round") continue;
        const { value } = entry;
        const changed = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
        const other = changed(Buffer.from(value.digest.slice(2), "hex"), 3);
        lie(encodeEvent({ ...value, certificate: changed(value.certificate, 300) }, 1));
        lie(encodeEvent({ ...value, body: changed(value.body, 400) }, 1));
        lie(encodeEvent({ ...value, digest: `0x${Buffer.from(other).toString("hex")}` }, 1));
        if (before !== undefined) lie(encodeEvent({ ...value, body: before }, 1));
        before = value.body;
      }
    }
  } catch {
    // The one who read hung up, or the honest one is gone.
  }
}
