import { expect, test } from "vitest";
import { encodeProposalMessage, encodeSignatureMessage } from "../../../node/wire.ts";
import { ZERO_DIGEST } from "../../../protocol/bytes.ts";
import type { CertifiedRound } from "../../../protocol/round.ts";
import { FAULT_KINDS, type Fault } from "../../../simulator/cluster/fault.ts";
import type { Occurrence } from "../../../simulator/cluster/occurrence.ts";
import type { Violation } from "../../../simulator/promises/checker.ts";
import { faultWords } from "../../../simulator/trial/fault-words.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";
import { createStoryteller } from "../../../simulator/trial/story.ts";
import { type Item, tellInOrder } from "../../../simulator/trial/story-lines.ts";
import { certify, networkOf, verdict } from "../../support/rounds.ts";

const START = 1_800_000_000_250;
const FIRST = 1_800_000_000;
const network = networkOf(["BTC/USD", "ETH/USD"]);

const PLAN: Plan = {
  seed: 42,
  n: 4,
  setting: "second",
  byzantine: [{ node: 1, behaviour: "two-observations" }],
  skewsMs: [0, 12, -7, 3],
  delayMs: [5, 40],
  startsMs: [0, 0, 0, 0],
  faults: [],
  acts: [],
  safetyMs: 8_000,
  healsByzantine: true,
  downAfterHeal: [],
  healMs: 12_000,
};

/** Round by its place in the trial; ETH open from the second on. */
function roundAt(place: number, parent: CertifiedRound | undefined): CertifiedRound {
  const timestamp = (FIRST + place) * 1_000;
  const reasons = [{ rule: "jump", unit: "Bps", measured: 420, limit: 300 }] as const;
  const eth =
    place < 2 ? verdict("ETH/USD", timestamp) : verdict("ETH/USD", timestamp, { state: "open", liquidate: "robust" }, reasons);
  const verdicts = [verdict("BTC/USD", timestamp), eth];
  return certify({ network, round: FIRST + place, verdicts, parent: parent?.digest ?? ZERO_DIGEST });
}

/** Its leader proposes, these sign, node 0 and 3 commit. */
function playRound(
  { certificate }: CertifiedRound,
  certified: CertifiedRound | undefined,
  signers: readonly number[],
): Occurrence[] {
  const { header } = certificate;
  const at = header.timestamp + 300;
  const body = { round: header.round, parent: undefined, memory: "0x", observations: [], documents: [] } as const;
  const signature = `0x${"00".repeat(65)}` as const;
  const signed = { proposal: { header, observations: [] }, digest: ZERO_DIGEST, signer: "0x", signature } as const;
  return [
    {
      at,
      kind: "sent",
      node: header.round % 4,
      topic: "proposal",
      bytes: encodeProposalMessage(signed, undefined),
      to: undefined,
    },
    ...signers.map((node): Occurrence => {
      return {
        at: at + node,
        kind: "sent",
        node,
        topic: "signature",
        bytes: encodeSignatureMessage({ header, signature }),
        to: undefined,
      };
    }),
    ...(certified === undefined ? [] : [0, 3]).map((node): Occurrence => {
      return {
        at: at + 50 + node,
        kind: "committed",
        node,
        certified: certified ?? certify({ network, round: 0, verdicts: [] }),
        body,
        place: "head",
      };
    }),
  ];
}

const first = roundAt(1, undefined);
const second = roundAt(2, first);
const third = roundAt(3, second);
const fourth = roundAt(4, third);
const sixth = roundAt(6, fourth);
const crash = { at: 4_500, until: 7_000, fault: { kind: "crash", node: 2 } } as const;

const OCCURRENCES: readonly Occurrence[] = [
  { at: START, kind: "started", node: 0, lostRecords: 0 },
  ...playRound(first, first, [0, 1, 2, 3]),
  {
    at: START + 1_200,
    kind: "misbehaved",
    node: 1,
    behaviour: "two-observations",
    what: `two observations of round ${FIRST + 2}`,
  },
  {
    at: START + 1_300,
    kind: "misbehaved",
    node: 1,
    behaviour: "two-observations",
    what: `two observations of round ${FIRST + 2}`,
  },
  ...playRound(second, second, [0, 1, 2, 3]),
  ...playRound(third, third, [0, 1, 2, 3]),
  ...playRound(fourth, fourth, [0, 1, 2, 3]),
  { at: START + 4_500, kind: "fault", phase: "begins", planned: crash },
  { at: START + 4_500, kind: "stopped", node: 2 },
  ...playRound(sixth, undefined, [0, 1]),
  {
    at: START + 6_400,
    kind: "event",
    node: 3,
    level: "warn",
    code: "proposal-refused",
    fields: { round: FIRST + 6, why: "header" },
  },
  {
    at: START + 6_410,
    kind: "event",
    node: 0,
    level: "warn",
    code: "proposal-refused",
    fields: { round: FIRST + 6, why: "header" },
  },
  { at: START + 6_420, kind: "event", node: 0, level: "info", code: "certified", fields: { round: FIRST + 6 } },
  { at: START + 7_000, kind: "started", node: 2, lostRecords: 3 },
];

function tell(violations: readonly Violation[]): string {
  const storyteller = createStoryteller();
  for (const occurrence of OCCURRENCES) storyteller.witness(occurrence);
  return storyteller.tell({ plan: PLAN, network, startAt: START, violations }).join("\n");
}

test("the story of a small trial can be read", () => {
  const address = network.committee.members[3]?.address;
  const violation = {
    promise: "P2",
    at: START + 6_500,
    what: `${address} signed two headers for round ${FIRST + 6} of ETH/USD, ${first.digest} at ${START + 6_000}`,
  } as const;
  expect(tell([violation])).toMatchInlineSnapshot(`
    "seed 42: n = 4, f = 1, q = 3, network "second", rounds of 1000 ms, r0 is 1800000000
    byzantine: node1 two-observations; clocks off by 0, 12, -7, 3 ms
    any fault until +8.000 s, healed then, watched for 12 s more
    +0.000 s             node0 starts
    +1.100 s … +4.100 s  r1 … r4 (4 rounds) certified, signed by all
    +1.100 s             r1 breaker: closed, liquidate any (ETH/USD)
    +1.200 s … +1.300 s  node1 (two-observations): two observations of r2 ×2
    +2.100 s             r2 breaker: closed → open, liquidate robust, jump 420 of 300 Bps (ETH/USD)
    +4.500 s             fault: crash node2
    +4.500 s             node2 stops
    +4.750 s             r5: no proposal
    +6.050 s             r6 not certified: proposed by node2, signed by node0 node1
    +6.400 s … +6.410 s  proposal-refused (header) at node3 node0 ×2
    +6.500 s             VIOLATION P2: node3 signed two headers for r6 of ETH/USD, 0xa7f910… at +6.000 s
    +7.000 s             node2 starts; 3 promises are gone from its disk"
  `);
});

test("the breaker is told of the feeds that the violations name, else of all", () => {
  const about = (what: string) => tell([{ promise: "P5", at: START + 6_500, what }]);
  expect(about("ETH/USD stays open")).toContain("r2 breaker: closed → open, liquidate robust, jump 420 of 300 Bps (ETH/USD)");
  expect(about("ETH/USD stays open")).not.toContain("(BTC/USD");
  expect(about("BTC/USD stays open")).not.toContain("ETH/USD)");
  expect(about("the chain stands still")).toContain("r1 breaker: closed, liquidate any (BTC/USD, ETH/USD)");
});

test("numbers of rounds and instants are told from the start, amounts and foreign numbers are left alone", () => {
  const what = `round ${FIRST + 3}: 60005.1803194649094 of ${START + 1_500}, ${FIRST + 4}, 1803194649094.25, 4800000000, 0.1800000000000`;
  expect(tell([{ promise: "P1", at: START + 7_500, what }])).toContain(
    "VIOLATION P1: r3: 60005.1803194649094 of +1.500 s, r4, 1803194649094.25, 4800000000, 0.1800000000000",
  );
});

test("of one promise a few violations are told, the rest counted", () => {
  const story = tell(
    Array.from({ length: 9 }, (_, index) => ({ promise: "P1", at: START + 7_000 + index, what: `number ${index}` })),
  );
  expect(story.match(/VIOLATION P1: /g)).toHaveLength(3);
  expect(story).toContain("VIOLATION P1 again ×6");
});

test("repetitions between two things that stand alone are one line, and a long story is cut in its middle", () => {
  const item = (at: number, key: string | undefined, who: string): Item => {
    return { at, key, who, say: (names, times) => `${key ?? "alone"} ${names.join("+")} ${times}` };
  };
  const items = [
    item(30, "b", "x"),
    item(10, "a", "x"),
    item(20, "a", "y"),
    item(40, undefined, "x"),
    item(50, "a", "z"),
    item(60, "a", "z"),
  ];
  expect(tellInOrder(items, 0).map((line) => line.split(/ {2,}/))).toEqual([
    ["+0.010 s … +0.020 s", "a x+y 2"],
    ["+0.030 s", "b x 1"],
    ["+0.040 s", "alone x 1"],
    ["+0.050 s … +0.060 s", "a z 2"],
  ]);
  const long = tellInOrder(
    Array.from({ length: 1_000 }, (_, at) => item(at, undefined, "x")),
    0,
  );
  expect(long).toHaveLength(301);
  expect(long).toContain("… 700 lines left out …");
});

/** One of each kind, so that a field without a word would show. */
const WORDS: Readonly<Record<Fault["kind"], readonly [Fault, string]>> = {
  loss: [{ kind: "loss", percent: 30 }, "loss 30 %"],
  duplicate: [{ kind: "duplicate", percent: 5, nodes: [1] }, "duplicate 5 % node1"],
  reorder: [{ kind: "reorder", byMs: 200 }, "reorder by 200 ms"],
  slow: [{ kind: "slow", byMs: 800, nodes: [0, 2] }, "slow by 800 ms node0 node2"],
  partition: [{ kind: "partition", nodes: [0, 1] }, "partition node0 node1"],
  "one-way": [{ kind: "one-way", from: [0], to: [1, 2] }, "one-way from node0 to node1 node2"],
  clog: [{ kind: "clog", from: 3, to: 0 }, "clog from node3 to node0"],
  "clock-step": [{ kind: "clock-step", node: 1, ms: -3_000 }, "clock-step node1 -3000 ms"],
  "clock-drift": [{ kind: "clock-drift", node: 1, ppm: 500 }, "clock-drift node1 500 ppm"],
  crash: [{ kind: "crash", node: 2 }, "crash node2"],
  "crash-torn": [{ kind: "crash-torn", node: 2 }, "crash-torn node2"],
  "crash-lost": [{ kind: "crash-lost", node: 2, writes: 4 }, "crash-lost node2 4 writes"],
  "disk-wiped": [{ kind: "disk-wiped", node: 2 }, "disk-wiped node2"],
  "disk-restored": [{ kind: "disk-restored", node: 2, afterMs: 900 }, "disk-restored node2 after 900 ms"],
  "disk-full": [{ kind: "disk-full", node: 2 }, "disk-full node2"],
  pause: [{ kind: "pause", node: 2 }, "pause node2"],
  outage: [{ kind: "outage" }, "outage"],
  "market-jump": [{ kind: "market-jump", feed: "ETH/USD", bps: -900 }, "market-jump ETH/USD -900 bps"],
  "market-slide": [{ kind: "market-slide", feed: "ETH/USD", bps: 900 }, "market-slide ETH/USD +900 bps"],
  "market-wick": [{ kind: "market-wick", feed: "ETH/USD", bps: 900 }, "market-wick ETH/USD +900 bps"],
  "venue-offset": [{ kind: "venue-offset", venue: 3, bps: 50 }, "venue-offset venue3 +50 bps"],
  "venue-freeze": [{ kind: "venue-freeze", venue: 3 }, "venue-freeze venue3"],
  "venue-lag": [{ kind: "venue-lag", venue: 3, ms: 700 }, "venue-lag venue3 700 ms"],
  "venue-outage": [{ kind: "venue-outage", venue: 3 }, "venue-outage venue3"],
  "venue-wide": [{ kind: "venue-wide", venue: 3 }, "venue-wide venue3"],
  "venue-crossed": [{ kind: "venue-crossed", venue: 3 }, "venue-crossed venue3"],
  "shared-pool": [{ kind: "shared-pool", venues: [1, 2], bps: -70 }, "shared-pool venue1 venue2 -70 bps"],
  "chain-halt": [{ kind: "chain-halt" }, "chain-halt"],
  "chain-fee": [{ kind: "chain-fee" }, "chain-fee"],
  "chain-jam": [{ kind: "chain-jam" }, "chain-jam"],
};

test.each(FAULT_KINDS)("a %s is told whole", (kind) => {
  const [fault, words] = WORDS[kind];
  expect(faultWords(fault)).toBe(words);
});
