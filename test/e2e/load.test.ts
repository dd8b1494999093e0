import { spawn } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { LoadReport } from "../../bench/load/report.ts";

const MAIN = join(import.meta.dirname, "..", "..", "bench", "load", "main.ts");
const READERS = 200;
const FROZEN = 4;
/** The network's start, the run of a minute and a half, and the end of everything, on a busy machine. */
const RUN_MS = 420_000;

type Ended = { readonly code: number | null; readonly out: string; readonly said: string };

/** `npm run load` itself, in short: how late things are says nothing on a busy machine, but nothing may be lost, repeated or forged. */
function runLoad(): Promise<Ended> {
  const size = ["--minutes", "1.5", "--readers", `${READERS}`, "--requests", "40", "--frozen", `${FROZEN}`];
  const child = spawn(process.execPath, [MAIN, ...size, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, said]: [string[], string[]] = [[], []];
  child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out: out.join(""), said: said.join("") })));
}

describe("200 readers of two gateways, Redis and one gateway killed on the way", () => {
  let ended: Ended;
  let report: LoadReport;
  beforeAll(async () => {
    ended = await runLoad();
    if (ended.out === "") throw new Error(`no report: ${ended.said}`);
    report = JSON.parse(ended.out) as LoadReport;
  }, RUN_MS);

  test("Redis and a gateway were killed and came back, and no process ended otherwise", () => {
    for (const act of ["kill -9 redis", "redis started again", "kill -9 gateway-b", "gateway-b started again"]) {
      expect(ended.said).toContain(act);
    }
    const looks = report.memory.map(({ name, mostMb }) => ({ name, ran: mostMb > 0 }));
    for (const name of ["redis", "node0", "node3", "gateway-a", "gateway-b"]) expect(looks).toContainEqual({ name, ran: true });
  });

  test("no reader lost a round that a lease covered, had one twice, out of order, expired or unproven", () => {
    expect(report.told).toEqual([]);
    expect(report.violations).toEqual({
      ...{ lost: 0, silent: 0, order: 0, duplicate: 0 },
      ...{ expired: 0, unproven: 0, malformed: 0, deaths: 0 },
    });
    expect({ ok: report.ok, code: ended.code }).toEqual({ ok: true, code: 0 });
  });

  test("every reader was served all along, and those of the dead gateway went to the other one by themselves", () => {
    const { streams, judgement, certified } = report;
    expect(streams.readers).toBe(READERS);
    expect(certified).toBeGreaterThan(45);
    // A third of the run may be lost to leases that ended while Redis was dead.
    expect(judgement.delivered).toBeGreaterThan((READERS * certified) / 2);
    expect(streams.reconnected).toBeGreaterThanOrEqual(READERS / 2);
    expect(streams.away?.count).toBeGreaterThanOrEqual(READERS / 2);
    expect(judgement.behindCertificate.calm?.count).toBeGreaterThan(READERS * 10);
  });

  test("requests were answered, by 304 where nothing was new, and refused only while there was nothing to permit", () => {
    const { statuses, count } = report.requests;
    expect(count).toBeGreaterThan(40 * 60);
    expect(statuses.all["304"]).toBeGreaterThan(0);
    expect(statuses.calm["200"]).toBeGreaterThan(0);
    const unexpected = Object.keys(statuses.all).filter((status) => !["200", "304", "503", "no answer"].includes(status));
    expect(unexpected).toEqual([]);
    expect(statuses.calm["503"]).toBeUndefined();
  });
});
