import { describe, expect, test } from "vitest";
import { genesisMemory } from "../../../circuit-breaker/genesis.ts";
import { EMPTY_GOVERNANCE } from "../../../circuit-breaker/governance-memory.ts";
import { encodeMemory, type FeedMemory } from "../../../circuit-breaker/memory.ts";
import { BIT, INDEX } from "../../../circuit-breaker/rules/rule.ts";
import { GOSSIP_VERDICTS } from "../../../node/gossip-codes.ts";
import { ONE } from "../../../protocol/amount.ts";
import { toHex, ZERO_DIGEST } from "../../../protocol/bytes.ts";
import { CARRIED_BIT, type Report } from "../../../protocol/report.ts";
import type { CertifiedRound } from "../../../protocol/round.ts";
import { resolveThresholds } from "../../../protocol/thresholds.ts";
import type { Occurrence } from "../../../simulator/cluster/occurrence.ts";
import {
  type FeedStep,
  MECHANISMS,
  type Mechanism,
  mechanismsOf,
  mechanismsOfLeaf,
  TRANSITIONS,
  transitionOf,
  waivedIn,
} from "../../../simulator/trial/breaker-coverage.ts";
import { addCoverage, coverageFaults, createCoverage, EXPECTED, emptyCoverage } from "../../../simulator/trial/coverage.ts";
import { coverageLines, coverageMarkdown, formatCount, replaceCoverage } from "../../../simulator/trial/coverage-table.ts";
import { certify, feedId, networkOf, report, verdict } from "../../support/rounds.ts";

const NOW = 1_800_000_000_000;
const thresholds = resolveThresholds("major");
const MEMORY: FeedMemory = {
  ...genesisMemory(
    {
      feed: feedId("ETH/USD"),
      price: 1_800n * ONE,
      rawLow: 1_799n * ONE,
      rawHigh: 1_801n * ONE,
      observedAt: NOW - 900_100,
    },
    { timestamp: NOW - 900_000, thresholds },
  ),
};

type Sketch = {
  readonly now?: Partial<Report>;
  /** Null for a feed that begins. */
  readonly parent?: Partial<Report> | null;
  readonly before?: Partial<FeedMemory>;
  readonly after?: Partial<FeedMemory>;
};

function step({ now = {}, parent = {}, before = {}, after = {} }: Sketch): FeedStep {
  return {
    timestamp: NOW,
    thresholds,
    report: report("ETH/USD", NOW, now),
    parent: parent === null ? undefined : report("ETH/USD", NOW - 1_000, parent),
    before: parent === null ? undefined : { ...MEMORY, ...before },
    after: { ...MEMORY, ...after },
  };
}

const HALF = { state: "half-open" } as const;
const OPEN = { state: "open" } as const;

describe("breaker transitions", () => {
  const cases: readonly (readonly [ReturnType<typeof transitionOf>, Sketch])[] = [
    ["– → open", { now: OPEN, parent: null }],
    ["closed → open", { now: OPEN }],
    ["open → open", { now: OPEN, parent: OPEN }],
    ["open → half-open", { now: HALF, parent: OPEN }],
    ["half-open → open", { now: OPEN, parent: HALF }],
    [
      "half-open → half-open, a waived rule: budget back",
      { now: { ...HALF, reasons: BIT.jump }, parent: HALF, before: { agree: 9_000 }, after: { agree: 0, waived: BIT.jump } },
    ],
    [
      "half-open → half-open, a waived rule: budget back",
      { now: { ...HALF, reasons: BIT.jump }, parent: HALF, before: { agree: 0 }, after: { agree: 0, waived: BIT.jump } },
    ],
    [
      "half-open → half-open, a passing firing: no change",
      { now: { ...HALF, reasons: BIT.thin }, parent: HALF, before: { agree: 9_000 }, after: { agree: 9_000 } },
    ],
    [
      "half-open → half-open, a passing firing: no change",
      { now: { ...HALF, reasons: BIT.thin + 2 ** CARRIED_BIT }, parent: HALF, before: { agree: 0 }, after: { agree: 0 } },
    ],
    ["half-open → half-open, agreeing", { now: HALF, parent: HALF, before: { agree: 0 }, after: { agree: 1_000 } }],
    ["half-open → closed", { parent: HALF }],
    [undefined, {}],
    ["open → closed", { parent: OPEN }],
    ["closed → half-open", { now: HALF }],
  ];

  test.each(cases)("%s", (expected, sketch) => {
    expect(transitionOf(step(sketch))).toBe(expected);
  });

  test("every row has a case", () => {
    expect(TRANSITIONS.filter((row) => !cases.some(([expected]) => expected === row))).toEqual([]);
  });
});

describe("breaker mechanisms", () => {
  const openMs = (ms: number) => MEMORY.openMs.with(INDEX.jump, ms);
  const cases: readonly (readonly [Mechanism, Sketch])[] = [
    [
      "jump believed: corroborated hold",
      { before: { openMs: openMs(5_000) }, after: { openMs: openMs(5_000), waived: BIT.jump } },
    ],
    ["jump waived: cap", { before: { openMs: openMs(5_000) }, after: { openMs: openMs(6_000), waived: BIT.jump } }],
    ["jump unwaived: reversal", { before: { waived: BIT.jump }, after: { waived: 0 } }],
    ["gap latched", { after: { gapAt: NOW } }],
    ["gap returned", { before: { gapAt: NOW - 9_000 }, after: { anchor: 1_790n * ONE } }],
    ["gap expired", { before: { gapAt: NOW - thresholds.gapHoldMs - 1 } }],
    [
      "quiet time doubled by a trip",
      {
        now: { ...OPEN, reasons: BIT.dispersion },
        after: { trips: 1, fired: MEMORY.fired.with(INDEX.dispersion, NOW - thresholds.clearMs - 1) },
      },
    ],
    ["trips forgotten after a long closed time", { before: { trips: 2 } }],
    ["restart after an outage", { after: { restartAt: NOW } }],
    ["price carried", { now: { reasons: 2 ** CARRIED_BIT } }],
    ["borrowing permitted", { now: { borrow: true } }],
  ];
  const found = (sketch: Sketch) => [...mechanismsOfLeaf(step(sketch).report), ...mechanismsOf(step(sketch))];

  test.each(cases)("%s, and nothing else", (expected, sketch) => {
    expect(found({ ...sketch, now: { borrow: false, ...sketch.now } })).toEqual([expected]);
  });

  test("every one has a case, and a quiet step none", () => {
    expect(MECHANISMS.filter((name) => !cases.some(([expected]) => expected === name))).toEqual([]);
    expect(found({ now: { borrow: false } })).toEqual([]);
  });

  test("closing forgets a waived jump without a reversal", () => {
    const closing: Sketch = { parent: HALF, before: { ...HALF, waived: BIT.jump }, after: { state: "closed", waived: 0 } };
    expect(found({ ...closing, now: { borrow: false } })).toEqual([]);
    expect(waivedIn(step(closing))).toEqual([]);
    expect(waivedIn(step({ after: { waived: BIT.jump | BIT.thin }, before: { waived: BIT.thin } }))).toEqual(["jump"]);
  });
});

const network = networkOf(["ETH/USD"]);

function committed(certified: CertifiedRound, memory: FeedMemory | undefined, node = 0): Occurrence {
  const { header } = certified.certificate;
  const body = {
    round: header.round,
    parent: undefined,
    memory: memory === undefined ? "0x" : toHex(encodeMemory({ feeds: [memory], governance: EMPTY_GOVERNANCE })),
    observations: [],
    documents: [],
  } as const;
  return { at: header.timestamp, kind: "committed", node, certified, body, place: node === 0 ? "head" : "backfill" };
}

describe("a trial's coverage", () => {
  test("counts what happens, each transition once however many nodes commit the round", () => {
    const coverage = createCoverage({ n: 4, setting: "second" });
    const states = ["open", "half-open", "half-open", "closed"] as const;
    const agree = [0, 0, 1_000, 2_000];
    let parent: CertifiedRound | undefined;
    for (const [index, state] of states.entries()) {
      const leaf = verdict("ETH/USD", NOW + index * 1_000, { state, borrow: false, reasons: index === 0 ? BIT.restart : 0 });
      const round = certify({ network, round: NOW / 1_000 + index, verdicts: [leaf], parent: parent?.digest ?? ZERO_DIGEST });
      const memory = index === 0 ? undefined : { ...MEMORY, agree: agree[index - 1] ?? 0 };
      for (const node of [0, 1, 2]) coverage.witness(committed(round, memory, node));
      parent = round;
    }
    const crash = { at: 0, until: 9, fault: { kind: "crash", node: 1 } } as const;
    coverage.witness({ at: NOW, kind: "fault", phase: "begins", planned: crash });
    coverage.witness({ at: NOW, kind: "fault", phase: "ends", planned: crash });
    coverage.witness({ at: NOW, kind: "misbehaved", node: 1, behaviour: "silent", what: "says nothing" });
    coverage.witness({ at: NOW, kind: "judged", node: 1, from: 2, topic: "signature", code: "duplicate" });
    const fields = { round: 7, why: "header" };
    coverage.witness({ at: NOW, kind: "event", node: 1, level: "warn", code: "proposal-refused", fields });
    expect(coverage.finish(network)).toEqual({
      faults: { crash: 1 },
      byzantine: { silent: 1 },
      verdicts: { duplicate: 1 },
      transitions: {
        "– → open": 1,
        "open → half-open": 1,
        "half-open → half-open, agreeing": 1,
        "half-open → closed": 1,
      },
      rules: { restart: 1 },
      waived: {},
      mechanisms: {},
      events: { "proposal-refused": 1 },
      refusals: { header: 1 },
      acts: {},
      receipts: {},
      documents: {},
      changes: {},
      places: { head: 4, backfill: 8 },
      sizes: { "n = 4": 1 },
      settings: { second: 1 },
    });
  });

  test("a round whose parent nobody committed shows no transition", () => {
    const coverage = createCoverage({ n: 4, setting: "second" });
    const leaf = verdict("ETH/USD", NOW, { ...OPEN, borrow: false });
    coverage.witness(
      committed(certify({ network, round: NOW / 1_000, verdicts: [leaf], parent: `0x${"11".repeat(32)}` }), MEMORY),
    );
    expect(coverage.finish(network).transitions).toEqual({});
  });

  test("adds up, and names what was never reached and what must not happen", () => {
    const one = { ...emptyCoverage(), verdicts: { accepted: 2, internal: 1 }, transitions: { "open → closed": 1 } };
    const sum = addCoverage([one, one, { ...emptyCoverage(), verdicts: { accepted: 5 } }]);
    expect(sum.verdicts).toEqual({ accepted: 9, internal: 2 });
    const { missing, forbidden } = coverageFaults(sum);
    expect(forbidden).toEqual([
      { section: "verdicts", item: "internal" },
      { section: "transitions", item: "open → closed" },
    ]);
    const all = Object.values(EXPECTED).flat().length;
    expect(missing).toHaveLength(all - 1);
    expect(missing.filter(({ section }) => section === "verdicts")).toHaveLength(Object.keys(GOSSIP_VERDICTS).length - 2);
  });
});

describe("the coverage table", () => {
  const counts = addCoverage([{ ...emptyCoverage(), faults: { crash: 12_345, loss: 1 }, events: { "internal-fault": 1 } }]);

  test("says how many of each closed set were reached and lists what was not", () => {
    const text = coverageLines(counts).join("\n");
    expect(text).toContain("fault kinds that began: 2 of 30");
    expect(text).toContain("crash 12 345");
    expect(text).toMatch(/Never reached: faults duplicate · .*; byzantine silent · /);
    expect(text).toContain("Happened and must not: events internal-fault.");
    expect(coverageLines(counts).filter((line) => !line.includes("Never reached") && line.length > 120)).toEqual([]);
  });

  test("goes between the markers of a document and nowhere else", () => {
    const markdown = coverageMarkdown(counts, "10 seeds.");
    const document = "# A\n\n<!-- coverage -->\nold\n<!-- /coverage -->\n\nend\n";
    const replaced = replaceCoverage(document, markdown);
    expect(replaced).toContain(
      "# A\n\n<!-- coverage -->\n10 seeds.\n\n| what | reached | how often |\n|---|---|---|\n| fault kinds",
    );
    expect(replaced).toMatch(/must not: events internal-fault\.\n<!-- \/coverage -->\n\nend\n$/);
    expect(replaced).not.toContain("\nold\n");
    expect(replaceCoverage(replaced ?? "", markdown)).toBe(replaced);
    expect(replaceCoverage("no markers", markdown)).toBeUndefined();
  });

  test.each([
    [0, "0"],
    [999, "999"],
    [1_000, "1 000"],
    [12_345_678, "12 345 678"],
  ])("%i reads %s", (value, text) => {
    expect(formatCount(value)).toBe(text);
  });
});
