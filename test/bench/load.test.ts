import { describe, expect, test } from "vitest";
import { createPayloadReader, readEvents, readMessage } from "../../bench/load/events.ts";
import { type Evidence, judge } from "../../bench/load/judge.ts";
import { createLedger } from "../../bench/load/ledger.ts";
import { parseOptions, planOf } from "../../bench/load/plan.ts";
import { createProver } from "../../bench/load/proof.ts";
import { plot, slopeOf, steadyStretches } from "../../bench/load/slope.ts";
import { answerDecoder, chunkedDecoder, clientFrame, socketDecoder } from "../../bench/load/wire.ts";
import { trustNetwork } from "../../client/committee.ts";
import { framesOf, noticeOf } from "../../gateway/events.ts";
import { toBundleDocument, toFeedDocument } from "../../protocol/document.ts";
import { certify, certifyChain, feedId, networkOf, verdict } from "../support/rounds.ts";

const ETH = feedId("ETH/USD");
const network = networkOf(["ETH/USD"]);
const [first, second] = certifyChain(network, ["ETH/USD"], 1_000, 2);
if (first === undefined || second === undefined) throw new Error("two rounds");
const bundle = (round: typeof first): string => JSON.stringify(toBundleDocument({ round, feeds: [ETH] }));
const prove = createProver(trustNetwork(network));
const PLAN = planOf({ durationMs: 600_000, readers: 1_000, requestsPerSecond: 200, frozen: 20 });

describe("the plan", () => {
  test("ten minutes: frozen readers at one, Redis dead at three, a gateway at six and a half, both back after 20 s", () => {
    expect(PLAN).toMatchObject({ rampMs: 10_000, frozenAt: 60_000 });
    expect(PLAN.outages.map(({ what, killAt, startAt }) => [what, killAt, startAt])).toEqual([
      ["redis", 180_000, 200_000],
      ["gateway", 390_000, 410_000],
    ]);
  });

  test.each([
    [["--minutes", "1"], "--minutes: expected a number from 1.5 to 120"],
    [["--minutes", "ten"], "--minutes: expected a number from 1.5 to 120"],
    [["--readers", "1.5"], "--readers: expected a number from 2 to 10000"],
    [["--readers", "2.5"], "--readers: expected a whole number"],
    [["--requests", "0"], "--requests: expected a number from 1 to 5000"],
  ])("%j: %s", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  test("the shortest run has room for both outages, one after the other", () => {
    const [redis, gateway] = planOf({ durationMs: 90_000, readers: 200, requestsPerSecond: 50, frozen: 4 }).outages;
    expect(redis?.calmAt).toBeLessThanOrEqual(gateway?.killAt ?? 0);
    expect(gateway?.calmAt).toBeLessThanOrEqual(90_000);
  });
});

describe("the wire", () => {
  const collector = () => {
    const seen: string[] = [];
    return {
      seen,
      head: ({ status }: { status: number }) => void seen.push(`head ${status}`),
      take: (bytes: Buffer) => void seen.push(bytes.toString()),
    };
  };
  /** Whole, and cut in two at every byte. */
  const cuts = (bytes: Buffer): readonly (readonly Buffer[])[] =>
    Array.from({ length: bytes.length }, (_, at) =>
      [bytes.subarray(0, at), bytes.subarray(at)].filter((part) => part.length > 0),
    );

  test("chunks come whole however they are cut", () => {
    const bytes = Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n");
    for (const parts of cuts(bytes)) {
      const { seen, head, take } = collector();
      const decoder = chunkedDecoder(head, take);
      expect(parts.map((part) => decoder.take(part))).not.toContain(false);
      expect(seen).toEqual(["head 200", "hello", "\r\n\r\n\r\n\r\n\r\n"]);
    }
  });

  test("messages of each length come whole however they are cut, and a ping is told", () => {
    const long = "x".repeat(300);
    const huge = "y".repeat(70_000);
    const frame = (head: readonly number[], text: string) => Buffer.concat([Buffer.from(head), Buffer.from(text)]);
    const sized = Buffer.alloc(10);
    sized[0] = 0x81;
    sized[1] = 127;
    sized.writeBigUInt64BE(70_000n, 2);
    const opening = Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    const bytes = Buffer.concat([opening, frame([0x81, 2], "hi"), frame([0x89, 1], "p"), frame([0x81, 126, 1, 44], long)]);
    for (const parts of cuts(bytes)) {
      const { seen, head, take } = collector();
      const decoder = socketDecoder(head, take, (ping) => void seen.push(`ping ${ping.toString()}`));
      for (const part of parts) decoder.take(part);
      expect(seen).toEqual(["head 101", "hi", "ping p", long]);
    }
    const { seen, head, take } = collector();
    const decoder = socketDecoder(head, take, () => undefined);
    for (const part of [opening, sized, Buffer.from(huge)]) decoder.take(part);
    expect(seen).toEqual(["head 101", huge]);
    expect(decoder.take(Buffer.from([0x82, 1, 0]))).toBe(false);
  });

  test("a pong is masked, as a client's frames are", () => {
    expect([...clientFrame(0xa, Buffer.from("p"))]).toEqual([0x8a, 0x81, 0, 0, 0, 0, 0x70]);
  });

  test("answers follow each other; a 304 has a length and no body", () => {
    const bytes = Buffer.from(
      "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n",
    );
    for (const parts of cuts(bytes)) {
      const seen: string[] = [];
      const decoder = answerDecoder(({ status }, body) => void seen.push(`${status} ${body.toString()}`));
      for (const part of parts) decoder.take(part);
      expect(seen).toEqual(["304 ", "200 {}", "503 "]);
    }
    expect(answerDecoder(() => undefined).take(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))).toBe(false);
  });
});

describe("what is read", () => {
  test("events and messages as the gateway writes them, proven", () => {
    const part = { kind: "round", round: 1_000, text: bundle(first) } as const;
    const change = { kind: "breaker", round: 1_000, text: "{}" } as const;
    for (const [form, read] of [
      ["sse", readEvents],
      ["websocket", readMessage],
    ] as const) {
      const told = framesOf(form, [change, part]).map((frame) => read(frame, prove));
      expect(told.flatMap(({ rounds }) => rounds)).toEqual([
        { round: 1_000, timestamp: 1_000_000, validUntil: first.certificate.header.validUntil, fault: undefined },
      ]);
      expect(told.reduce((sum, { changes }) => sum + changes, 0)).toBe(1);
      const notice = read(noticeOf(form, { code: "skipped", detail: "why" }), prove);
      expect(notice).toEqual({ rounds: [], changes: 0, notices: 1, malformed: undefined });
    }
  });

  test.each([
    ["an event under another round's id", () => readEvents(`id: 1001\ndata: ${bundle(first)}\n\n`, prove)],
    ["a chunk that ends within an event", () => readEvents(`id: 1000\ndata: ${bundle(first)}`, prove)],
    ["a message under another round's id", () => readMessage(`{"type":"round","id":7,"data":${bundle(first)}}`, prove)],
    ["a message of no known type", () => readMessage(`{"type":"price"}`, prove)],
  ])("%s is malformed", (_, read) => {
    expect(read().malformed).toBeDefined();
  });

  test("the same bytes are judged once, and other bytes by themselves", () => {
    let asked = 0;
    const read = createPayloadReader((text) => {
      asked += 1;
      return prove(text);
    });
    const frame = (round: typeof first) => Buffer.from(`id: ${round.certificate.header.round}\ndata: ${bundle(round)}\n\n`);
    for (let reader = 0; reader < 100; reader++) expect(read("sse", "ETH-USD", frame(first)).rounds[0]?.round).toBe(1_000);
    expect(asked).toBe(1);
    expect(read("sse", "ETH-USD", frame(second)).rounds[0]?.round).toBe(1_001);
    expect(asked).toBe(2);
  });

  test("a changed price, another committee's signatures, an array torn between two rounds: unproven", () => {
    expect(prove(bundle(first).replace('"price":"1800', '"price":"1801')).fault).toMatch(/price/);
    const others = networkOf(["ETH/USD", "BTC/USD"]);
    const forged = certify({ network: others, round: 1_000, verdicts: [verdict("ETH/USD", 1_000_000)] });
    expect(prove(bundle(forged)).fault).toBeDefined();
    const batch = [first, second].map((round) => toFeedDocument({ round, feed: ETH }));
    expect(prove(JSON.stringify(batch)).fault).toMatch(/several rounds/);
    expect(prove(JSON.stringify(batch.slice(0, 1))).fault).toBeUndefined();
    expect(prove("{").fault).toBeDefined();
  });
});

describe("a reader's account", () => {
  const proven = (round: number) => ({ round, timestamp: round * 1_000, validUntil: round * 1_000 + 15_000, fault: undefined });

  test.each([
    ["order", [proven(8), proven(7)], 8_100],
    ["duplicate", [proven(8), proven(8)], 8_100],
    ["expired", [proven(8)], 24_001],
    ["unproven", [{ ...proven(8), fault: "no quorum" }], 8_100],
  ] as const)("%s is one violation", (kind, rounds, at) => {
    const ledger = createLedger();
    const account = { rounds: [], lags: [] };
    for (const round of rounds) ledger.take(account, round, at);
    expect(ledger.violations()).toEqual({ order: 0, duplicate: 0, expired: 0, unproven: 0, malformed: 0, [kind]: 1 });
    expect(ledger.told()).toHaveLength(1);
  });

  test("what was under way when its lease ended is counted, and is none", () => {
    const ledger = createLedger();
    const account = { rounds: [], lags: [] };
    ledger.take(account, proven(8), 23_500);
    expect(ledger.lateOnTheWire()).toBe(1);
    expect(Object.values(ledger.violations()).every((count) => count === 0)).toBe(true);
    expect(account).toEqual({ rounds: [8], lags: [15_500] });
  });
});

describe("the judgement", () => {
  const from = 1_000_000;
  const startedAt = from * 1_000;
  const certifiedAt = (round: number): number => round * 1_000 + 150;
  const numbers = (first: number, count: number): readonly number[] => Array.from({ length: count }, (_, index) => first + index);
  const walk = numbers(from, 600);
  const evidence = (accounts: Evidence["accounts"]): Evidence => ({
    ...{ plan: PLAN, startedAt, endedAt: startedAt + 600_000, roundMs: 1_000, leaseMs: 15_000, accounts },
    certified: new Map(walk.map((round) => [round, certifiedAt(round)])),
  });
  const account = (rounds: readonly number[], lagOf: (round: number) => number = () => 200) => ({
    rounds,
    lags: rounds.map(lagOf),
  });

  test("who had every round lost none, 50 ms behind the certificate and 200 behind the timestamp", () => {
    const found = judge(evidence([account(walk)]));
    expect(found).toMatchObject({ lost: 0, losers: 0, passedOver: 0, silent: 0, delivered: 600 });
    expect(found.behindCertificate.calm).toMatchObject({ p50: 50, p99: 50, max: 50 });
    expect(found.behindTimestamp.all).toMatchObject({ p50: 200 });
  });

  test("one round left out while its lease ran is lost, and the reader is named", () => {
    const found = judge(evidence([account(walk), account(walk.filter((round) => round !== from + 100))]));
    expect(found).toMatchObject({ lost: 1, losers: 1, told: [`reader 1 lost 1: ${from + 100}`] });
  });

  test("of a pause of 20 s only what still had a lease must be made up for", () => {
    const back = from + 120;
    const away = walk.filter((round) => round < from + 100 || round >= back);
    // Back at the 120th second: the leases of the rounds from the 106th on still run.
    expect(judge(evidence([account(away)]))).toMatchObject({ lost: 14, passedOver: 6 });
    const madeUp = walk.filter((round) => round < from + 100 || round >= from + 106);
    const lagOf = (round: number) => (round >= from + 106 && round < back ? back * 1_000 + 200 - round * 1_000 : 200);
    expect(judge(evidence([account(madeUp, lagOf)]))).toMatchObject({ lost: 0, passedOver: 6 });
  });

  test("who stops hearing lost all that followed, but for the last seconds; who never heard is silent", () => {
    const found = judge(evidence([account(walk.slice(0, 590)), account([]), account(walk.slice(0, 596))]));
    expect(found).toMatchObject({ lost: 5, losers: 1, silent: 1 });
  });

  test("what was late in an outage stands apart from the rest", () => {
    const lagOf = (round: number) => (round >= from + 180 && round < from + 210 ? 9_000 : 200);
    const { behindCertificate } = judge(evidence([account(walk, lagOf)]));
    expect(behindCertificate.calm?.max).toBe(50);
    expect(behindCertificate.all?.max).toBe(8_850);
    expect(behindCertificate.beforeFrozen?.count).toBe(60 - PLAN.steadyAt / 1_000);
    expect(behindCertificate.withFrozen?.count).toBe(120);
  });
});

describe("growth of memory", () => {
  const every5s = (mb: (seconds: number) => number, pidOf: (seconds: number) => number = () => 1) =>
    Array.from({ length: 120 }, (_, index) => ({ atMs: index * 5_000, mb: mb(index * 5), pid: pidOf(index * 5) }));
  const stretches = steadyStretches(PLAN);

  test("a leak of 6 MB a minute is found under noise, with an error that covers it", () => {
    const found = slopeOf(
      every5s((s) => 100 + s / 10 + (((s / 5) * 7) % 5)),
      stretches,
    );
    expect(found?.mbPerMinute).toBeCloseTo(6, 0);
    expect(Math.abs((found?.mbPerMinute ?? 0) - 6)).toBeLessThan(3 * (found?.standardError ?? 0));
  });

  test("a step at a named instant is no growth", () => {
    const found = slopeOf(
      every5s((s) => (s < 390 ? 100 : 180) + (s % 10 === 0 ? 1 : 0)),
      stretches,
    );
    expect(found?.mbPerMinute).toBeCloseTo(0, 1);
  });

  test("alike neighbours widen the error", () => {
    const wave = slopeOf(
      every5s((s) => 100 + 10 * Math.sin(s / 40)),
      stretches,
    );
    const noise = slopeOf(
      every5s((s) => 100 + 10 * Math.sin(s * 40)),
      stretches,
    );
    expect(wave?.standardError).toBeGreaterThan(2 * (noise?.standardError ?? 0));
  });

  test("a stretch in which the process was started anew, or too few looks, say nothing", () => {
    expect(
      slopeOf(
        every5s(
          (s) => s,
          (s) => s,
        ),
        stretches,
      ),
    ).toBeUndefined();
    expect(slopeOf(every5s((s) => s).slice(0, 10), stretches)).toBeUndefined();
  });

  test("the plot rises from left to right, and is blank where there was nothing", () => {
    const points = [0, 1, 3].map((index) => ({ atMs: index * 1_000, mb: 10 * index, pid: 1 }));
    expect(plot(points, 4_000, 4)).toBe("▁▃ █");
  });
});
