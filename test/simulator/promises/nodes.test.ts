import { describe, expect, it } from "vitest";
import { fromHex } from "../../../protocol/bytes.ts";
import { roundDigest } from "../../../protocol/eip712.ts";
import { CARRIED_BIT } from "../../../protocol/report.ts";
import type { Occurrence } from "../../../simulator/cluster/occurrence.ts";
import type { PromiseName } from "../../../simulator/promises/checker.ts";
import type { CheckerName } from "../../../simulator/promises/index.ts";
import { digestOf } from "../../support/network.ts";
import {
  calm,
  changeLeaf,
  changeRound,
  committedIn,
  digestsOf,
  insertAfter,
  judge,
  keys,
  lying,
  type Of,
  type Recording,
  withFacts,
  without,
} from "./recorded.ts";

const { facts } = calm;
const digests = digestsOf(calm.stream);
const middle = digests[30];
const last = digests.at(-1);
const commit = committedIn(calm.stream).find(({ certified }) => certified.digest === middle) as Of<"committed">;
const { header } = commit.certified.certificate;
const AT = commit.at;

function expectComplaint(name: CheckerName, promise: PromiseName, recording: Recording, what: RegExp) {
  const violations = judge([name], recording);
  expect(violations.map((violation) => violation.what).join("\n")).toMatch(what);
  expect(new Set(violations.map((violation) => violation.promise))).toEqual(new Set([promise]));
}

function afterCommit(...extra: readonly Occurrence[]): Recording {
  return insertAfter(
    calm,
    (occurrence) => occurrence === commit,
    () => extra,
  );
}

function event(node: number, code: Of<"event">["code"]): Of<"event"> {
  return { at: AT, kind: "event", node, level: "error", code, fields: { kind: "round", round: header.round } };
}

/** The round's sibling: certified by the same nodes, with a root that its body does not give. */
function sibling(): Of<"committed"> {
  const changed = { ...header, round: header.round, reportsRoot: digestOf(3) };
  const digest = roundDigest(facts.network.domain, changed);
  const signatures = keys.slice(0, 3).map(({ address, privateKey }) => ({
    signer: address,
    signature: facts.scheme.sign(fromHex(digest), privateKey),
  }));
  return { ...commit, certified: { ...commit.certified, digest, certificate: { header: changed, signatures } } };
}

describe("P6, one config", () => {
  it.each<[string, Recording, RegExp]>([
    [
      "another config",
      changeRound(calm, middle, (committed) => {
        const certificate = { ...committed.certified.certificate, header: { ...header, configDigest: digestOf(9) } };
        return { ...committed, certified: { ...committed.certified, certificate } };
      }),
      /certified under config 0x0909/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("one config", "P6", recording, what));
});

describe("P7, anyone can check", () => {
  const recomputed = digests.slice(1).find((digest) => Number.parseInt(digest.slice(2, 6), 16) % 8 === 0);
  const flip = (text: string) => `${text.slice(0, 700)}${text[700] === "0" ? "1" : "0"}${text.slice(701)}` as `0x${string}`;

  it.each<[string, Recording, RegExp]>([
    [
      "a body that does not give its header",
      changeRound(calm, recomputed, (committed) => ({
        ...committed,
        body: { ...committed.body, memory: flip(committed.body.memory) },
      })),
      /its body does not recompute: memory/,
    ],
    ["an orphan that does not", afterCommit(sibling()), /its body gives 0x[0-9a-f]{64}, not 0x/],
    [
      "observations in another order",
      changeRound(calm, middle, (committed) => ({
        ...committed,
        body: { ...committed.body, observations: committed.body.observations.toReversed() },
      })),
      /its observations and documents are not those of its inputsRoot/,
    ],
    [
      "a body that begins elsewhere",
      changeRound(calm, middle, (committed) => ({ ...committed, body: { ...committed.body, parent: header } })),
      /its body begins from round \d+, its parent is \d+/,
    ],
    [
      "two bodies of one certificate",
      changeRound(calm, middle, (committed) =>
        committed.node === 2 ? { ...committed, body: { ...committed.body, memory: flip(committed.body.memory) } } : committed,
      ),
      /nodes \d and \d hold different bodies of one certificate/,
    ],
    [
      "a parent that nobody has",
      without(calm, (occurrence) => occurrence.kind === "committed" && occurrence.certified.digest === middle),
      /honest node \d committed it, and nobody its parent 0x/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("recomputing", "P7", recording, what));
});

describe("P8, one bad thing is alone", () => {
  const late = (occurrence: Occurrence) => occurrence.kind === "sampled" && occurrence.at > AT && occurrence.node === 1;
  const blind: Recording = {
    facts,
    stream: calm.stream.map((occurrence) =>
      late(occurrence) && occurrence.kind === "sampled" ? { ...occurrence, entries: [] } : occurrence,
    ),
  };

  it.each<[string, Recording, RegExp]>([
    [
      "a healthy feed that a node does not see",
      blind,
      /ETH\/USD: node 1 has no price of it although all its sources are healthy/,
    ],
    [
      "a feed carried although enough honest nodes priced it",
      changeLeaf(calm, middle, ({ reasons }) => ({ reasons: reasons + 2 ** CARRIED_BIT })),
      /carried although 4 honest nodes priced it/,
    ],
    ["a fault inside", afterCommit(event(1, "internal-fault")), /node 1 failed inside: round \d+/],
    ["an honest node that halts", afterCommit(event(2, "guard-refused")), /honest node 2 stopped signing: guard-refused/],
    ["for the other reason", afterCommit(event(2, "key-used-elsewhere")), /honest node 2 stopped signing: key-used-elsewhere/],
    [
      "honest bytes rejected",
      afterCommit({ at: AT, kind: "judged", node: 0, from: 3, topic: "proposal", code: "derived" }),
      /honest node 0 rejects honest node 3's proposal: derived/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("isolation", "P8", recording, what));

  it("a byzantine node may halt and be rejected; a node with a wrong clock, a sick market or a cold poller may see nothing", () => {
    const halted = afterCommit(event(2, "key-used-elsewhere"), {
      at: AT,
      kind: "judged",
      node: 0,
      from: 2,
      topic: "proposal",
      code: "derived",
    });
    expect(judge(["isolation"], withFacts(halted, { byzantine: [2] }))).toEqual([]);
    const step = { at: 0, until: 9_000, fault: { kind: "clock-step", node: 1, ms: 60_000 } } as const;
    expect(judge(["isolation"], withFacts(blind, { faults: [step] }))).toEqual([]);
    expect(judge(["isolation"], withFacts(blind, { market: { ...facts.market, faultyShareBps: () => 1 } }))).toEqual([]);
    const pause = { at: 0, until: 900_000, fault: { kind: "pause", node: 1 } } as const;
    expect(judge(["isolation"], withFacts(blind, { faults: [pause] }))).toEqual([]);
  });
});

describe("P8, an honest leader's round", () => {
  const lost = without(calm, (occurrence) => occurrence.kind === "committed" && occurrence.certified.digest === last);

  it("is certified while everything around the nodes is in order", () => {
    const ends = committedIn(calm.stream).at(-1)?.at ?? 0;
    const recording = withFacts(lost, { endAt: ends + 3_000 });
    expectComplaint("synchrony", "P8", recording, /round \d+ of honest leader \d was certified never; in order: nodes 0 1 2 3/);
    const slow = changeRound(calm, middle, (committed) => ({ ...committed, at: committed.at + 2_500 }));
    expectComplaint("synchrony", "P8", slow, /was certified \d+ ms too late/);
  });

  it("may be lost while a link, a clock or a node is at fault, without a quorum, or to a byzantine leader", () => {
    const slow = changeRound(calm, middle, (committed) => ({ ...committed, at: committed.at + 2_500 }));
    const span = { at: AT - facts.startAt - 3_000, until: AT - facts.startAt };
    const partition = { ...span, fault: { kind: "partition", nodes: [0] } } as const;
    expect(judge(["synchrony"], withFacts(slow, { faults: [partition] }))).toEqual([]);
    const frozen = { ...span, fault: { kind: "venue-freeze", venue: 0 } } as const;
    expect(judge(["synchrony"], withFacts(slow, { faults: [frozen] }))).toHaveLength(1);
    const leader = header.round % 4;
    expect(judge(["synchrony"], withFacts(slow, { byzantine: [leader] }))).toEqual([]);
    const others = [0, 1, 2, 3].filter((node) => node !== leader).slice(0, 2);
    expect(judge(["synchrony"], withFacts(slow, { byzantine: others }))).toEqual([]);
    const down = insertAfter(
      slow,
      (occurrence) => occurrence.kind === "committed" && occurrence.at > AT - 3_000,
      ({ at }) => [{ at, kind: "stopped", node: leader }],
    );
    expect(judge(["synchrony"], down)).toEqual([]);
  });

  it("is lost to nobody's lies", () => {
    expect(judge(["synchrony"], lying)).toEqual([]);
  });
});

describe("progress after healing", () => {
  const lacking = (isGone: (occurrence: Of<"committed">) => boolean) =>
    without(calm, (occurrence) => occurrence.kind === "committed" && isGone(occurrence));
  const changeLate = (change: Parameters<typeof changeLeaf>[2]) =>
    digests.slice(10).reduce((recording, digest) => changeLeaf(recording, digest, change), calm as Recording);

  it.each<[string, Recording, RegExp]>([
    [
      "no certificate",
      lacking(({ certified }) => certified.certificate.header.timestamp >= facts.healAt),
      /no certificate in \d+ ms/,
    ],
    [
      "a late one",
      lacking(({ certified }) => {
        const { timestamp } = certified.certificate.header;
        return timestamp >= facts.healAt && timestamp < facts.healAt + 60_000;
      }),
      /no certificate/,
    ],
    ["a node left behind", lacking(({ node, at }) => node === 2 && at > facts.endAt - 20_000), /node 2 ends at head \d+, others/],
    ["a feed that does not close", changeLate({ state: "half-open" }), /ETH\/USD closed not in \d+ ms .* its bound is \d+/],
    ["a feed that opens again", changeLeaf(calm, last, { state: "open", reasons: 4 }), /ETH\/USD is open again .*: divergence/],
    [
      "also in a trial that ends before its bound",
      withFacts(changeLeaf(calm, last, { state: "open", reasons: 4 }), { endAt: facts.healAt + 90_000 }),
      /ETH\/USD is open again/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("progress", "progress", recording, what));

  it("asks no closing of a gap, nor of a trial too short for it, and lets a byzantine leader narrow his round", () => {
    const gap = changeLate({ state: "open", reasons: 2 ** 10 });
    expect(judge(["progress"], gap)).toEqual([]);
    const brief = withFacts(changeLate({ state: "half-open" }), { healAt: facts.endAt - 20_000 });
    expect(judge(["progress"], brief)).toEqual([]);
    const narrowed = changeLeaf(calm, last, { state: "open", reasons: 4 });
    expect(judge(["progress"], withFacts(narrowed, { byzantine: [1], healsByzantine: false }))).toEqual([]);
  });
});

describe("sound machines", () => {
  const started = { at: AT, kind: "started", node: 1, lostRecords: 0 } as const;
  const stopped = { at: AT, kind: "stopped", node: 1 } as const;
  const sampled = { at: AT, kind: "sampled", node: 1, round: header.round - 1, entries: [], shadows: [] } as const;

  it.each<[string, Recording, RegExp]>([
    ["two lives at once", afterCommit(started), /node 1 was started while it ran/],
    ["a life after death", afterCommit(stopped), /node 1 (sampled|sent|committed) while it was down/],
    ["two looks for one round", afterCommit(sampled), /asked for round \d+'s sample a second time/],
    ["a flood of events", afterCommit(...Array.from({ length: 400 }, () => event(1, "certified"))), /node 1 made 400 events/],
    [
      "a fault on gossip",
      afterCommit({ at: AT, kind: "judged", node: 1, from: 2, topic: "signature", code: "internal" }),
      /node 1 failed on a signature of node 2/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("soundness", "sound", recording, what));
});
