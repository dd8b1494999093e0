import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLog, createRedaction, secretsOf } from "../../node/io/log.ts";

type Line = { readonly level: number; readonly msg: string; readonly err?: Record<string, unknown> } & Record<string, unknown>;

function open(secrets: readonly string[] = [], level: "debug" | "info" | "warn" = "info") {
  const text: string[] = [];
  const log = createLog({ level, secrets, out: { write: (line) => text.push(line) } });
  return { log, text, lines: () => text.map((line) => JSON.parse(line) as Line) };
}

const KEY = "4f3c2b1a09d8e7f60123456789abcdef";
const QUOTED = 'quo"ted-secret-0123456789';

describe("secrets", () => {
  const config = {
    rpc: { ETHEREUM: [`https://rpc.example/v2/${KEY}`, "http://127.0.0.1:8545/ETHEREUM"] },
    alerts: [{ url: "https://hooks.example/services/T0/B0/Xy1234567890123456789012", secretFile: "x" }],
    redis: { url: "rediss://node:p4ssword-of-redis@redis.example:6379", rounds: 60 },
  };

  it("of what a gateway follows and relays to are the keys in paths", () => {
    const upstreams = [`https://rounds.example/k/${KEY}`, "http://10.0.0.1:8081"];
    expect(secretsOf({ rpc: {}, alerts: [], upstreams })).toEqual([KEY]);
  });

  it("of a config are the keys in paths, query values and passwords, and no plain words", () => {
    expect([...secretsOf(config)].sort()).toEqual([KEY, "Xy1234567890123456789012", "p4ssword-of-redis"].sort());
  });

  /** Wherever somebody puts one. */
  const PLACES: readonly (readonly [name: string, say: (log: ReturnType<typeof open>["log"], secret: string) => void])[] = [
    ["the message", (log, secret) => log.warn({}, `it said ${secret}`)],
    ["a field", (log, secret) => log.warn({ detail: secret }, "it said")],
    ["a nested field", (log, secret) => log.warn({ a: { b: [secret] } }, "it said")],
    ["an error's message and stack", (log, secret) => log.error({ err: new Error(`no ${secret}`) }, "it failed")],
    ["an error's cause", (log, secret) => log.error({ err: new Error("no", { cause: new Error(secret) }) }, "it failed")],
    [
      "what a library hangs on an error",
      (log, secret) => log.error({ err: Object.assign(new Error("no"), { config: { secret } }) }, "no"),
    ],
    ["a child's bindings", (log, secret) => log.child({ hook: secret }).info({}, "it said")],
  ];
  for (const [name, say] of PLACES) {
    it(`in ${name} are not written`, () => {
      for (const secret of [...secretsOf(config), QUOTED]) {
        const { log, text, lines } = open([...secretsOf(config), QUOTED]);
        say(log, secret);
        expect(lines()).toHaveLength(1);
        expect(text.join("")).not.toContain(secret);
        expect(text.join("")).not.toContain(JSON.stringify(secret).slice(1, -1));
      }
    });
  }

  it("user info and queries of any URL are cut, known to the config or not; paths and hosts stay", () => {
    const { log, lines } = open();
    log.info(
      { url: "https://user:pass@venue.example/api/v3?key=abc" },
      "asked wss://bob@stream.example/ws and http://plain.example/x",
    );
    expect(lines()[0]).toMatchObject({
      url: "https://venue.example/api/v3?…",
      msg: "asked wss://stream.example/ws and http://plain.example/x",
    });
    expect(createRedaction(["0123456789abcdef0"])("at https://user:pass@rpc.example/v2/0123456789abcdef0?key=1")).toBe(
      "at https://rpc.example/v2/…?…",
    );
  });

  it("an error is its type, message, code and stack", () => {
    const { log, lines } = open();
    log.error({ err: Object.assign(new TypeError("no"), { code: "E_NO", request: { headers: {} } }) }, "it failed");
    expect(Object.keys(lines()[0]?.err ?? {}).sort()).toEqual(["code", "message", "stack", "type"]);
    expect(lines()[0]?.err).toMatchObject({ type: "TypeError", message: "no", code: "E_NO" });
  });
});

it("the level is the config's", () => {
  const { log, lines } = open([], "warn");
  log.info({}, "not this");
  log.warn({}, "this");
  expect(lines().map(({ msg }) => msg)).toEqual(["this"]);
});

describe("a process", () => {
  const HOME = join(import.meta.dirname, "..", "..", "node", "io");
  async function run(script: string) {
    const setup = `
      import { createLog } from ${JSON.stringify(join(HOME, "log.ts"))};
      import { watchProcess } from ${JSON.stringify(join(HOME, "process-faults.ts"))};
      const stop = watchProcess(createLog({ level: "info", secrets: ["very-secret-0123456789"] }), process);
      const timer = setTimeout(() => process.exit(7), 5_000);
      ${script}`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", setup], { stdio: ["ignore", "pipe", "pipe"] });
    const out: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
    const [code] = (await once(child, "close")) as [number | null];
    const lines = out
      .join("")
      .split("\n")
      .filter((line) => line !== "");
    return { code, lines: lines.map((line) => JSON.parse(line) as Line), text: out.join("") };
  }

  for (const [name, script, code] of [
    ["a rejection that nobody handles", 'Promise.reject(new Error("lost very-secret-0123456789"));', "unhandled-rejection"],
    ["an exception that nobody catches", 'setTimeout(() => { throw new Error("lost"); });', "uncaught-exception"],
    ["a rejection with no error", "Promise.reject(undefined);", "unhandled-rejection"],
  ] as const) {
    it(`ends on ${name}: a fatal line with what to do, and exit code 1`, async () => {
      const { code: exit, lines, text } = await run(script);
      expect(exit).toBe(1);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ level: 60, code });
      expect(lines[0]?.msg).toMatch(/please report the line$/);
      expect(text).not.toContain("very-secret");
    });
  }

  it("goes on after a warning, which is a line; once it no longer listens, Node's own way is back", async () => {
    const { code, lines } = await run(
      'process.emitWarning("old", "DeprecationWarning"); setTimeout(() => { stop(); process.exit(process.listenerCount("unhandledRejection")); }, 50);',
    );
    expect(code).toBe(0);
    expect(lines.map(({ level, code: what }) => [level, what])).toEqual([[40, "process-warning"]]);
    expect(lines[0]?.msg).toMatch(/^DeprecationWarning: old; /);
  });
});
