import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { ALERT_KINDS } from "../../node/alert-message.ts";
import { ALERT_RULES } from "../../node/alert-rules.ts";
import { CONCERNS, type Concern, createConcerns } from "../../node/io/concerns.ts";
import { nodeKeyOf } from "../../node/io/keys.ts";
import { startTransport } from "../../node/io/transport.ts";
import type { Transport, TransportOptions } from "../../node/io/transport-types.ts";
import { scanSource } from "../architecture/scanner.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MANY = 9;

describe("every concern", () => {
  it("is a line with its code and its advice, the 1st, 2nd, 4th, 8th time for each subject, until it is over", () => {
    for (const [name, advice] of Object.entries(CONCERNS)) {
      const concern = name as Concern;
      const lines: [Record<string, unknown>, string][] = [];
      const concerns = createConcerns({ warn: (fields, text) => lines.push([fields as Record<string, unknown>, text]) });
      for (let i = 0; i < MANY; i++) concerns.warn(concern, "it happened", { from: "0xab" }, "0xab");
      expect(lines.map(([{ code, repeats, from }]) => [code, repeats, from])).toEqual(
        [1, 2, 4, 8].map((repeat) => [concern, repeat, "0xab"]),
      );
      expect(lines[0]?.[1]).toBe(`it happened; ${advice}`);
      expect(advice.length, concern).toBeGreaterThan(20);
      concerns.warn(concern, "it happened", {}, "another subject");
      expect(lines).toHaveLength(5);
      expect(concerns.clear(concern, "0xab")).toBe(MANY);
      concerns.warn(concern, "it happened", {}, "0xab");
      expect(lines.at(-1)?.[0].repeats).toBe(1);
    }
  });

  it("and every alert has advice as well", () => {
    for (const kind of ALERT_KINDS) expect(ALERT_RULES[kind].advice.length, kind).toBeGreaterThan(20);
  });
});

/**
 * Who may warn by itself: each takes its advice from a closed table of its own, or from a fault that names the remedy. Every other part
 * of a node warns through `createConcerns`.
 */
const CALL_SITES = [
  "adapters/io/chain-watch.ts",
  "adapters/io/reporter.ts",
  "adapters/io/rpc-endpoint.ts",
  "adapters/io/stream-reporter.ts",
  "cli/run-node.ts",
  "node/io/alerts.ts",
  "node/io/concerns.ts",
  "node/io/journal.ts",
  "node/io/keys.ts",
  "node/io/polling.ts",
  "node/io/process-faults.ts",
];

it("no part of a node warns without a table of advice", () => {
  const files = globSync(["node/**/*.ts", "adapters/io/*.ts", "cli/run-node.ts"], { cwd: ROOT }).sort();
  expect(files.length).toBeGreaterThan(50);
  const found = files.filter((file) =>
    /\blog\??\.(?:warn|error|fatal)\b/.test(scanSource(readFileSync(join(ROOT, file), "utf8")).code),
  );
  expect(found.filter((file) => !CALL_SITES.includes(file))).toEqual([]);
});

describe("concerns of the transport, through real ones", () => {
  const open: Transport[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((transport) => transport.stop()));
  });
  const lower = nodeKeyOf(new Uint8Array(32).fill(1));
  const higher = nodeKeyOf(new Uint8Array(32).fill(2));
  const committee = [lower.address, higher.address];
  const TOPIC = "breakwater/test/concerns";

  async function start(key: typeof lower, changes: Partial<TransportOptions> = {}) {
    const lines: { readonly code: string; readonly text: string }[] = [];
    const transport = await startTransport({
      key,
      committee,
      listen: ["/ip4/127.0.0.1/tcp/0"],
      peers: [],
      topics: [{ topic: TOPIC, maxBytes: 1_024 }],
      onGossip: () => "accept",
      onRequest: () => undefined,
      log: { info: () => undefined, warn: (fields, text) => lines.push({ ...(fields as { code: string }), text }) },
      metrics: { onGossip: () => undefined, onRequest: () => undefined, onLink: () => undefined, onRefused: () => undefined },
      ...changes,
    });
    open.push(transport);
    return { transport, lines };
  }
  async function pair(changes: Partial<TransportOptions>) {
    const server = await start(lower, changes);
    const [multiaddr = ""] = server.transport.addresses();
    const client = await start(higher, {
      peers: [{ address: lower.address, multiaddr }],
    });
    await expect.poll(() => client.transport.reachable(TOPIC).length, { timeout: 10_000 }).toBe(1);
    return { server, client };
  }
  const ask = (transport: Transport) =>
    transport.request({ to: lower.address, protocol: "hello", bytes: Uint8Array.of(1), timeoutMs: 2_000 });

  /** How each comes about, at the node that has to say it. */
  const TRIGGERS: readonly (readonly [concern: Concern, trigger: () => Promise<readonly { code: string; text: string }[]>])[] = [
    [
      "answer-too-long",
      async () => {
        const { server, client } = await pair({ onRequest: () => new Uint8Array(1024 * 1024) });
        await ask(client.transport);
        return server.lines;
      },
    ],
    [
      "request-unanswered",
      async () => {
        const { server, client } = await pair({
          onRequest: () => {
            throw new Error("a bug");
          },
        });
        await ask(client.transport);
        return server.lines;
      },
    ],
    [
      "judging-failed",
      async () => {
        const { server, client } = await pair({
          onGossip: () => {
            throw new Error("a bug");
          },
        });
        await client.transport.publish(TOPIC, Uint8Array.of(1));
        await expect.poll(() => server.lines.length, { timeout: 5_000 }).toBeGreaterThan(0);
        return server.lines;
      },
    ],
    [
      "no-connection",
      async () => {
        const { lines } = await start(lower, {
          peers: [{ address: higher.address, multiaddr: "/ip4/127.0.0.1/tcp/1" }],
        });
        await expect.poll(() => lines.length, { timeout: 10_000 }).toBeGreaterThan(0);
        return lines;
      },
    ],
  ];
  for (const [concern, trigger] of TRIGGERS) {
    it(`${concern} is told with what to do`, async () => {
      const lines = await trigger();
      await sleep(20);
      const line = lines.find(({ code }) => code === concern);
      expect(line?.text.endsWith(`; ${CONCERNS[concern]}`), JSON.stringify(lines)).toBe(true);
    });
  }
});
