import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { replayCommand } from "../../cli/commands/replay.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { openStore } from "../../node/io/store.ts";
import type { Network } from "../../protocol/config.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { type RecordedChain, recordChain, recordedNetwork } from "./recorded-chain.ts";
import { serve } from "./served.ts";
import { run, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-replay-"));
const network = recordedNetwork(["BTC/USD", "ETH/USD"]);
const chain = recordChain(network, 24, { changes: true });
const [first, last] = [chain.rounds[0], chain.rounds.at(-1)].map((item) => item?.certified.certificate.header.round ?? 0);
const numberOf = (index: number) => chain.rounds[index]?.certified.certificate.header.round ?? 0;

const networkFile = writeNetwork("network.yaml", network);
const storeFile = join(folder, "node.sqlite");
fill(storeFile, chain);
const gateway = await serve(network, [], 0, { genesis: network.config });
for (const { certified, body } of chain.rounds) gateway.publish(certified, body);
gateway.kept.transitions.push(...chain.transitions);
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

/** JSON is YAML. */
function writeNetwork(name: string, { config }: Network): string {
  const path = join(folder, name);
  writeFileSync(path, canonicalJson(config as unknown as Json));
  return path;
}

function fill(path: string, { rounds, transitions }: RecordedChain): void {
  const store = openStore({ path, domain: network.domain });
  for (const round of rounds) store.saveRound(round);
  for (const transition of transitions) store.saveTransition(transition);
  store.close();
}

async function replay(args: readonly string[], overrides: Partial<Terminal> = {}) {
  const terminal = session(overrides);
  const error = await run(replayCommand(terminal), "--network", networkFile, ...args).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  if (error !== undefined) expect([error.name, error.stack]).toEqual(["OperationalError", expect.anything()]);
  return { printed: terminal.printed(), noted: terminal.noted(), message: error?.message };
}

/** The store's file with one of its rows changed behind SQLite's back, as it were. */
function altered(name: string, change: (db: DatabaseSync) => void): string {
  const path = join(folder, name);
  copyFileSync(storeFile, path);
  const db = new DatabaseSync(path);
  change(db);
  db.close();
  return path;
}

function changeBody(db: DatabaseSync, round: number, change: (body: RoundBody) => object): void {
  const { body } = db.prepare("SELECT body FROM bodies WHERE round = ?").get(round) as { body: Uint8Array };
  const changed = change(JSON.parse(zstdDecompressSync(body).toString("utf8")) as RoundBody);
  db.prepare("UPDATE bodies SET body = ? WHERE round = ?").run(zstdCompressSync(JSON.stringify(changed)), round);
}

/** The text with one hex digit changed. */
function flip(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`;
}

describe("replay", () => {
  it("finds every stored round as it was certified, across a change of config and a missed round", async () => {
    expect(chain.transitions).toHaveLength(1);
    expect((last ?? 0) - (first ?? 0)).toBe(24);
    const { printed, message } = await replay(["--store", storeFile]);
    expect(message).toBeUndefined();
    expect(printed).toMatch(new RegExp(`^rounds +${first} to ${last} of `, "m"));
    expect(printed).toMatch(/^config +followed over one change of config/m);
    expect(printed).toMatch(/^recomputed +24 rounds in .*, [\d ]+ rounds\/s$/m);
    expect(printed).toMatch(/^every one is, byte for byte, what was certified$/m);
  });

  it("does the same over an API", async () => {
    const { printed, message } = await replay(["--url", `${gateway.address}/`, "--from", String(first)]);
    expect(message).toBeUndefined();
    expect(printed).toMatch(/^recomputed +24 rounds/m);
    const some = await replay(["--url", gateway.address, "--from", String(numberOf(10)), "--to", String(numberOf(12))]);
    expect(some.printed).toMatch(/^recomputed +3 rounds/m);
  });

  it("says how far it is", async () => {
    let clock = 0;
    const now = () => {
      clock += 700;
      return clock;
    };
    const { noted } = await replay(["--store", storeFile], { now });
    expect(noted).toMatch(/^round \d+: [\d ]+ rounds in \d+\.\d s, \d+ rounds\/s$/m);
  });

  it("counts rounds whose bodies are gone, and is not satisfied with nothing", async () => {
    const pruned = altered("pruned.sqlite", (db) => db.prepare("DELETE FROM bodies WHERE round < ?").run(numberOf(20)));
    const { printed, message } = await replay(["--store", pruned, "--from", String(first)]);
    expect(message).toBeUndefined();
    expect(printed).toMatch(/^recomputed +4 rounds/m);
    expect(printed).toMatch(/^ +20 rounds without a body: retention let it go$/m);
    expect((await replay(["--store", pruned])).printed).toContain(`rounds       ${numberOf(20)} to ${last} of`);
    const bare = altered("bare.sqlite", (db) => db.prepare("DELETE FROM bodies").run());
    expect((await replay(["--store", bare])).message).toMatch(/no body of rounds .* is kept: nothing to recompute$/);
  });

  const byName: readonly (readonly [string, number, (db: DatabaseSync, round: number) => void, RegExp])[] = [
    [
      "one byte of one observation",
      9,
      (db, round) =>
        changeBody(db, round, (body) => {
          const [one = "0x", two = "0x", ...rest] = body.observations;
          return { ...body, observations: [one, flip(two, 200), ...rest] };
        }),
      /body: observations\[1\]: signed by another than its observer|body: observations\[1\]: bad signature/,
    ],
    [
      "one byte of the memory",
      9,
      (db, round) => changeBody(db, round, (body) => ({ ...body, memory: flip(body.memory, 2_000) })),
      /body: memory does not hash to the parent's stateRoot/,
    ],
    [
      "one observation left out",
      9,
      (db, round) => changeBody(db, round, (body) => ({ ...body, observations: body.observations.slice(1) })),
      /header\.inputsRoot: certified as 0x/,
    ],
    [
      "a document left out",
      4,
      (db, round) => changeBody(db, round, (body) => ({ ...body, documents: [] })),
      /body: expected 1 documents, found 0/,
    ],
    [
      "a body that is none",
      9,
      (db, round) => changeBody(db, round, (body) => ({ ...body, observations: ["0xZZ"] })),
      /body: observations\.0: expected lower-case hex/,
    ],
    [
      "bytes that are no body",
      9,
      (db, round) => db.prepare("UPDATE bodies SET body = ? WHERE round = ?").run(new Uint8Array(40).fill(7), round),
      /body: .*a record is damaged/,
    ],
    [
      "a leaf's price",
      9,
      (db, round) =>
        db
          .prepare(
            `UPDATE reports SET verdict = json_replace(verdict, '$[0]', '1') WHERE id = (SELECT id FROM rounds WHERE round = ?)
             AND feed = (SELECT id FROM feeds WHERE feed = 'ETH/USD')`,
          )
          .run(round),
      /leaf ETH\/USD: price recorded as 1, computed 200\d+/,
    ],
    [
      "what a rule measured",
      1,
      (db, round) =>
        db
          .prepare(
            `UPDATE reports SET verdict = json_replace(verdict, '$[12][0][2]', 77) WHERE id = (SELECT id FROM rounds WHERE round = ?)
             AND feed = (SELECT id FROM feeds WHERE feed = 'ETH/USD')`,
          )
          .run(round),
      /reasons ETH\/USD: recorded as .*"measuredRounds":77/,
    ],
    [
      "one byte of a certificate's signature",
      9,
      (db, round) => {
        const { certificate } = db.prepare("SELECT certificate FROM rounds WHERE round = ?").get(round) as {
          certificate: Uint8Array;
        };
        const bytes = Uint8Array.from(certificate);
        bytes[bytes.length - 10] = (bytes.at(-10) ?? 0) ^ 1;
        db.prepare("UPDATE rounds SET certificate = ? WHERE round = ?").run(bytes, round);
      },
      /certificate: signature/,
    ],
  ];
  it.each(byName)("names the round and the part after a change of %s", async (name, index, change, expected) => {
    const round = numberOf(index);
    const path = altered(`${name}.sqlite`, (db) => change(db, round));
    const { message } = await replay(["--store", path]);
    expect(message).toContain(`: round ${round} is not what was certified: `);
    expect(message).toMatch(expected);
    const before = await replay(["--store", path, "--to", String(round - 1)]);
    expect(before.message).toBeUndefined();
  });

  it("names a change of config that the store left out or made up", async () => {
    const forgotten = altered("forgotten.sqlite", (db) => db.prepare("DELETE FROM transitions").run());
    const changedIn = chain.transitions[0]?.certificate.header.round;
    expect((await replay(["--store", forgotten])).message).toContain(
      `round ${changedIn} is not what was certified: certificate: config`,
    );
    const later = altered("later.sqlite", (db) => {
      const { certificate } = db.prepare("SELECT certificate FROM rounds WHERE round = ?").get(last ?? 0) as {
        certificate: Uint8Array;
      };
      db.prepare("UPDATE transitions SET round = ?, certificate = ?").run(last ?? 0, certificate);
    });
    expect((await replay(["--store", later])).message).toContain(`round ${changedIn} is not what was certified`);
  });

  it("asks for one source, a span that holds something, and the network's own file", async () => {
    expect((await replay([])).message).toMatch(/^--store: expected this or --url/);
    expect((await replay(["--store", storeFile, "--url", gateway.address])).message).toMatch(/^--store: expected this or --url/);
    expect((await replay(["--url", gateway.address])).message).toMatch(/^--from: expected the first round/);
    expect((await replay(["--store", storeFile, "--from", "x"])).message).toMatch(/^--from: expected a whole number/);
    expect((await replay(["--store", storeFile, "--from", String((last ?? 0) + 1)])).message).toMatch(/holds rounds up to \d+/);
    expect((await replay(["--store", join(folder, "none.sqlite")])).message).toMatch(/no such file/);
    const elsewhere = writeNetwork("elsewhere.yaml", recordedNetwork(["BTC/USD"]));
    const { message } = await replay(["--store", storeFile, "--network", elsewhere]);
    expect(message).toBeDefined();
  });
});
