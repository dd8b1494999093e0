import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type AlertMessage, alertMessageSchema } from "../../node/alert-message.ts";
import { createAlerts, readAlertHooks } from "../../node/io/alerts.ts";
import { createConcerns } from "../../node/io/concerns.ts";
import type { AlertOutcome } from "../../node/io/flow-metrics.ts";
import { createWebhook, signBody, type WebhookTimes } from "../../node/io/webhook.ts";
import { type Answer, isGenuine, startReceiver } from "./receiver.ts";

const SECRET = "a-secret-of-some-length";
/** As in production, but a hundredth of the time. */
const TIMES: WebhookTimes = { timeoutMs: 250, giveUpMs: 1_200, baseMs: 20, capMs: 60 };
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function message(id: string, at = Date.now()): AlertMessage {
  return {
    ...{ version: 1, id, at, network: "test", node: { address: "0xab", name: "alpha" }, kind: "peers-lost", status: "firing" },
    ...{ severity: "critical", text: `[test alpha] ${id}`, subjects: [], total: 1, firing: 1 },
  };
}

type Line = { readonly code: string; readonly text: string; readonly fields: Readonly<Record<string, unknown>> };

function openHook(url: string, times: Partial<WebhookTimes> = TIMES) {
  const lines: Line[] = [];
  const ends: (readonly [id: string, outcome: AlertOutcome])[] = [];
  const waiting = new Set<() => void>();
  const hook = createWebhook({
    url,
    secret: SECRET,
    label: "0 receiver",
    concerns: createConcerns({ warn: (fields, text) => lines.push({ ...(fields as Line), fields: { ...fields }, text }) }),
    onOutcome: ({ id }, outcome) => {
      ends.push([id, outcome]);
      for (const wake of waiting) wake();
    },
    now: Date.now,
    random: Math.random,
    times,
  });
  cleanups.push(hook.stop);
  const settled = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (ends.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { hook, lines, ends, settled };
}

async function receiver(answer: Answer) {
  const started = await startReceiver(answer);
  cleanups.push(started.close);
  return started;
}

const reply =
  (...statuses: readonly number[]): Answer =>
  (response, index) =>
    response.writeHead(statuses[Math.min(index, statuses.length - 1)] ?? 500).end("ok");

describe("a delivery", () => {
  it("is JSON of the documented shape with a text, signed so that a receiver can tell, and is not told of again", async () => {
    const { deliveries, url } = await receiver(reply(200));
    const { hook, ends, lines, settled } = openHook(url);
    hook.send(message("one"));
    await settled(1);
    expect(ends).toEqual([["one", "delivered"]]);
    expect(lines).toEqual([]);
    const [delivery] = deliveries;
    if (delivery === undefined) throw new Error("nothing came");
    expect(deliveries).toHaveLength(1);
    expect(delivery.headers["content-type"]).toBe("application/json");
    expect(delivery.headers["x-breakwater-delivery"]).toBe("one");
    expect(alertMessageSchema.parse(JSON.parse(delivery.body))).toMatchObject({ id: "one", text: "[test alpha] one" });
    expect(isGenuine(delivery, SECRET)).toBe(true);
    expect(isGenuine(delivery, `${SECRET}!`), "another secret").toBe(false);
    expect(isGenuine({ ...delivery, body: delivery.body.replace("one", "two") }, SECRET), "another body").toBe(false);
    expect(isGenuine(delivery, SECRET, Date.now() + 600_000), "replayed later").toBe(false);
  });

  it("the signature is that of the docstring's example", () => {
    expect(signBody("{}", { secret: "0123456789abcdef", at: 1_795_300_123 })).toBe(
      "t=1795300123,v1=9e8bfada9c36e603275e5a8d2935043cae24bd0dfea94ed1229f5c145e37a8bf",
    );
  });

  it("user info in the URL authorizes it, and is in no line of the log", async () => {
    const { deliveries, url } = await receiver(reply(500, 200));
    const { hook, lines, settled } = openHook(url.replace("http://", "http://user:passw0rd@"));
    hook.send(message("one"));
    await settled(1);
    expect(deliveries[0]?.headers.authorization).toBe(`Basic ${Buffer.from("user:passw0rd").toString("base64")}`);
    expect(lines).not.toEqual([]);
    expect(JSON.stringify(lines)).not.toMatch(/passw0rd|hookpath|a-secret/);
  });
});

/** How a receiver fails at first, in order; then it answers 200, and the message is there once it does. */
const PASSING: readonly (readonly [name: string, first: Answer, why: RegExp])[] = [
  ["answers 500", reply(500), /HTTP 500/],
  ["answers 429", reply(429), /HTTP 429/],
  ["hangs", () => undefined, /no answer in 250 ms/],
  ["breaks the connection", (response) => response.destroy(), /ECONNRESET/],
];

describe("a receiver that passes through trouble", () => {
  for (const [name, first, why] of PASSING) {
    it(`${name}, then 200: delivered, the same id and body signed again, in order, and one line`, async () => {
      const started = await receiver((response, index) => (index < 2 ? first(response, index) : response.writeHead(200).end()));
      const { hook, lines, ends, settled } = openHook(started.url);
      hook.send(message("one"));
      hook.send(message("two"));
      await settled(2);
      expect(ends).toEqual([
        ["one", "delivered"],
        ["two", "delivered"],
      ]);
      expect(started.deliveries.map(({ headers }) => headers["x-breakwater-delivery"])).toEqual(["one", "one", "one", "two"]);
      expect(new Set(started.deliveries.slice(0, 3).map(({ body }) => body)).size).toBe(1);
      for (const delivery of started.deliveries) expect(isGenuine(delivery, SECRET)).toBe(true);
      expect(lines.map(({ code }) => code)).toEqual(["alert-failing", "alert-failing"]);
      expect(lines[0]?.text).toMatch(why);
      expect(lines[0]?.text).toMatch(/; it is tried again for an hour/);
    });
  }

  it("is not there at all until it is", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const { hook, lines, ends, settled } = openHook(`http://127.0.0.1:${port}/hook`, { ...TIMES, giveUpMs: 300 });
    hook.send(message("one"));
    await settled(1);
    expect(ends).toEqual([["one", "lost"]]);
    expect(lines.at(-1)?.code).toBe("alert-lost");
    expect(lines[0]?.text).toContain("ECONNREFUSED");
  });

  it("an answer without end is read to its bound and no further", async () => {
    let written = 0;
    const started = await receiver((response) => {
      response.writeHead(200);
      const timer = setInterval(() => {
        written += 1;
        response.write(Buffer.alloc(32 * 1024));
      }, 5);
      response.once("close", () => clearInterval(timer));
    });
    const { hook, ends, settled } = openHook(started.url, { ...TIMES, timeoutMs: 5_000 });
    const before = Date.now();
    hook.send(message("one"));
    await settled(1);
    expect(ends).toEqual([["one", "delivered"]]);
    expect(Date.now() - before).toBeLessThan(2_000);
    expect(written).toBeLessThan(64);
  });
});

describe("a receiver that refuses for good", () => {
  for (const status of [301, 302, 307, 400, 401, 404, 410]) {
    it(`${status}: one attempt, lost, and said so; the next message is tried`, async () => {
      const elsewhere = await receiver(reply(200));
      const started = await receiver((response, index) =>
        index === 0 ? response.writeHead(status, { location: elsewhere.url }).end() : response.writeHead(200).end(),
      );
      const { hook, lines, ends, settled } = openHook(started.url);
      hook.send(message("one"));
      hook.send(message("two"));
      await settled(2);
      expect(ends).toEqual([
        ["one", "lost"],
        ["two", "delivered"],
      ]);
      expect(elsewhere.deliveries, "a redirect is not followed").toEqual([]);
      expect(lines.map(({ code }) => code)).toEqual(["alert-refused"]);
      expect(lines[0]?.text).toContain(`HTTP ${status}`);
    });
  }
});

describe("bounds", () => {
  it("is given up after its time, counted from when the message was made; attempts come ever more slowly", async () => {
    const started = await receiver(reply(503));
    const { hook, ends, settled } = openHook(started.url);
    const at = Date.now();
    hook.send(message("one", at));
    await settled(1);
    expect(ends).toEqual([["one", "lost"]]);
    expect(Date.now() - at).toBeLessThanOrEqual(TIMES.giveUpMs + TIMES.timeoutMs);
    expect(started.deliveries.length).toBeGreaterThan(5);
    expect(started.deliveries.length).toBeLessThan(60);
    hook.send(message("stale", at - 10_000));
    await settled(2);
    expect(ends.at(-1)).toEqual(["stale", "lost"]);
  });

  it("one in flight; of more than 64 the oldest are dropped, counted and told of", async () => {
    let open = 0;
    let most = 0;
    const started = await receiver((response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(200).end();
      }, 15);
    });
    const { hook, lines, ends, settled } = openHook(started.url, { ...TIMES, giveUpMs: 60_000, timeoutMs: 5_000 });
    for (let index = 0; index < 70; index++) hook.send(message(String(index)));
    await settled(70);
    expect(most).toBe(1);
    const dropped = ends.filter(([, outcome]) => outcome === "dropped").map(([id]) => id);
    expect(dropped).toEqual(["0", "1", "2", "3", "4", "5"]);
    const delivered = ends.filter(([, outcome]) => outcome === "delivered").map(([id]) => id);
    expect(delivered).toEqual(Array.from({ length: 64 }, (_, index) => String(index + 6)));
    expect(lines[0]?.code).toBe("alert-dropped");
  });

  it("a stop does not wait for a receiver that hangs", async () => {
    const started = await receiver(() => undefined);
    const { hook } = openHook(started.url, { ...TIMES, timeoutMs: 60_000 });
    hook.send(message("one"));
    await expect.poll(() => started.deliveries.length).toBe(1);
    const before = Date.now();
    await hook.stop();
    expect(Date.now() - before).toBeLessThan(1_000);
  });
});

describe("from an input to the receivers", () => {
  const IDENTITY = { network: "test", node: { address: "0xab", name: "alpha" } };
  const HALTED = { kind: "status", phase: "halted", connected: 3, quorum: 3, roundMs: 1_000 } as const;

  it("each hook gets the message with its own secret; the log has it too, by level, and no secret", async () => {
    const [a, b] = [await receiver(reply(200)), await receiver(reply(200))];
    const lines: unknown[][] = [];
    const counts: string[] = [];
    const log = {
      info: (...line: unknown[]) => lines.push(["info", ...line]),
      warn: (...line: unknown[]) => lines.push(["warn", ...line]),
    };
    const alerts = createAlerts({
      identity: IDENTITY,
      hooks: [
        { url: a.url, secret: "secret of the first hook" },
        { url: b.url, secret: "secret of the second hook" },
      ],
      log,
      metrics: { onAlert: (kind, outcome) => counts.push(`${kind} ${outcome}`) },
      now: Date.now,
      times: TIMES,
    });
    cleanups.push(alerts.stop);
    alerts.handle(HALTED);
    await expect.poll(() => counts).toEqual(["halted delivered", "halted delivered"]);
    const [first, second] = [a.deliveries[0], b.deliveries[0]];
    if (first === undefined || second === undefined) throw new Error("nothing came");
    expect(isGenuine(first, "secret of the first hook")).toBe(true);
    expect(isGenuine(second, "secret of the second hook")).toBe(true);
    expect(first.body).toBe(second.body);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.[0]).toBe("warn");
    expect(lines[0]?.[2]).toMatch(/What to do: find out who else holds its key/);
    expect(JSON.stringify(lines)).not.toMatch(/secret of|hookpath/);
  });

  it("an input that no alert can be made of costs a line, not the round that it came from", () => {
    const lines: string[] = [];
    const warn = (_: object, text: string): void => void lines.push(text);
    const alerts = createAlerts({
      identity: IDENTITY,
      hooks: [],
      log: { info: () => undefined, warn },
      metrics: { onAlert: () => undefined },
      now: Date.now,
    });
    alerts.handle({ ...HALTED, kind: "sampled" } as never);
    expect(lines[0]).toMatch(/^an alert could not be made of sampled: .*; a bug in this program/);
  });
});

describe("secrets", () => {
  it("come from files without their last line break; short, missing and readable ones are told of", async () => {
    const folder = await mkdtemp(join(tmpdir(), "breakwater-hooks-"));
    cleanups.push(() => rm(folder, { recursive: true }));
    const files = { good: join(folder, "good"), short: join(folder, "short"), none: join(folder, "none") };
    await writeFile(files.good, "0123456789abcdef\n", { mode: 0o600 });
    await writeFile(files.short, "short\n", { mode: 0o600 });
    const lines: string[] = [];
    const log = { warn: (_: object, text: string) => lines.push(text) };
    const read = (secretFile: string) => readAlertHooks([{ url: "https://hooks.example/x", secretFile }], log);
    expect(await read(files.good)).toEqual([{ url: "https://hooks.example/x", secret: "0123456789abcdef" }]);
    expect(lines).toEqual([]);
    await expect(read(files.short)).rejects.toThrow(/short: expected a secret of 16 to 1024 characters/);
    await expect(read(files.none)).rejects.toThrow(/none: cannot read the webhook's secret/);
    const open = join(folder, "open");
    await writeFile(open, "0123456789abcdef", { mode: 0o644 });
    await read(open);
    expect(lines).toEqual([`${open} holds a webhook's secret; others on this machine may read the secret: chmod 600`]);
  });
});
