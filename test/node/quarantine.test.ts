import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeQuarantine, type Report, readExchange } from "../../node/quarantine.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { encodeHello } from "../../node/wire.ts";
import { digestOf, testNetwork } from "../support/network.ts";
import { AT, codesOf, createNode, FIRST_ROUND, keyOf, keys, leaveQuarantine, network, only } from "./one-node.ts";

const TIMES = { roundMs: 1_000, maxSkewMs: 250 };

describe("an exchange of hellos", () => {
  it.each([
    [
      "compares clocks at its middle",
      { clock: 5_000, headRound: 0, sentAt: 4_980, receivedAt: 5_000 },
      { offsetMs: 10, heard: 5 },
    ],
    [
      "hears a head newer than the clock",
      { clock: 5_000, headRound: 9, sentAt: 5_000, receivedAt: 5_000 },
      { offsetMs: 0, heard: 9 },
    ],
    [
      "counts a slow peer's clock as behind",
      { clock: 4_000, headRound: 0, sentAt: 4_900, receivedAt: 5_100 },
      { offsetMs: -1_000, heard: 4 },
    ],
    ["takes as long as the skew allows", { clock: 250, headRound: 0, sentAt: 0, receivedAt: 500 }, { offsetMs: 0, heard: 0 }],
  ])("%s", (_, exchange, expected) => {
    expect(readExchange(exchange, TIMES)).toMatchObject(expected);
  });

  it.each([
    ["takes too long to compare", { clock: 250, headRound: 0, sentAt: 0, receivedAt: 501 }],
    ["ends before it began: our clock was set back", { clock: 250, headRound: 0, sentAt: 10, receivedAt: 9 }],
  ])("is unusable when it %s", (_, exchange) => {
    expect(readExchange(exchange, TIMES)).toBeUndefined();
  });
});

function judge({
  n = 4,
  own = 100,
  peers,
  guardNewest = -1,
  now = 0,
}: {
  readonly n?: number;
  readonly own?: number;
  readonly peers: readonly (readonly [offsetMs: number, heard: number, receivedAt?: number])[];
  readonly guardNewest?: number;
  readonly now?: number;
}) {
  const { committee } = testNetwork({}, n);
  const reports = new Map<`0x${string}`, Report>(
    peers.map(([offsetMs, heard, receivedAt = 0], index) => [`0x${index}`, { offsetMs, heard, receivedAt }]),
  );
  return judgeQuarantine({ own: { heard: own }, reports, guardNewest, committee, maxSkewMs: 250, now });
}

describe("the start-up quarantine", () => {
  it.each([
    ["waits for 2f+1 nodes, its own included", { peers: [[0, 100]] }, { kind: "waits", heard: 2, needed: 3 }],
    [
      "needs five of seven",
      {
        n: 7,
        peers: [
          [0, 100],
          [0, 100],
          [0, 100],
        ],
      },
      { kind: "waits", heard: 4, needed: 5 },
    ],
    [
      "does not count what was heard long ago",
      {
        peers: [
          [0, 100],
          [0, 100, -5_001],
        ],
      },
      { kind: "waits", heard: 2, needed: 3 },
    ],
    [
      "leaves two after the second highest of three",
      {
        peers: [
          [0, 103],
          [0, 101],
        ],
      },
      { kind: "leaves", firstRound: 103 },
    ],
    [
      "one liar cannot push it far ahead",
      {
        peers: [
          [0, 10 ** 12],
          [0, 101],
        ],
      },
      { kind: "leaves", firstRound: 103 },
    ],
    [
      "one liar cannot hold it back",
      {
        peers: [
          [0, 0],
          [0, 101],
        ],
      },
      { kind: "leaves", firstRound: 102 },
    ],
    [
      "counts its own clock",
      {
        own: 200,
        peers: [
          [0, 150],
          [0, 100],
        ],
      },
      { kind: "leaves", firstRound: 152 },
    ],
    [
      "starts above its own guard",
      {
        guardNewest: 500,
        peers: [
          [0, 101],
          [0, 101],
        ],
      },
      { kind: "leaves", firstRound: 501 },
    ],
    [
      "stays when the peers' clocks are ahead",
      {
        peers: [
          [400, 101],
          [300, 101],
        ],
      },
      { kind: "clock-off", offsetMs: 300 },
    ],
    [
      "stays when they are behind",
      {
        peers: [
          [-400, 101],
          [-300, 101],
        ],
      },
      { kind: "clock-off", offsetMs: -300 },
    ],
    [
      "one peer's wrong clock is not ours",
      {
        peers: [
          [9_000, 101],
          [10, 101],
        ],
      },
      { kind: "leaves", firstRound: 103 },
    ],
    [
      "the limit itself is allowed",
      {
        peers: [
          [250, 101],
          [250, 101],
        ],
      },
      { kind: "leaves", firstRound: 103 },
    ],
  ] as const)("%s", (_, input, expected) => {
    expect(judge(input)).toEqual(expected);
  });

  it("starts above whatever this key signed before, whatever f others say", () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 2 }),
        fc.nat(5_000),
        (signed, ahead, lie) => {
          // Honest clocks have reached what was signed, give or take the one round of skew; one of the three peers may say anything.
          const [a = 0, b = 0] = ahead;
          const verdict = judge({
            own: signed - 1,
            peers: [
              [0, signed - 1 + a],
              [0, lie],
              [0, signed - 1 + b],
            ],
          });
          expect(verdict.kind === "leaves" && verdict.firstRound > signed).toBe(true);
        },
      ),
    );
  });
});

describe("the machine in quarantine", () => {
  it("greets every second, asks for no sample, says so while it waits, and leaves when enough have answered", () => {
    const machine = createNode(0);
    const greetedAt: number[] = [];
    for (let ms = 0; ms <= 4_000; ms += 250) {
      const outputs = machine.handle({ kind: "tick" }, AT + ms);
      if (only(outputs, "greet").length > 0) greetedAt.push(ms);
      expect(only(outputs, "sample")).toEqual([]);
    }
    expect(greetedAt).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    const outputs = leaveQuarantine(machine, 0, AT + 4_100);
    expect(codesOf(outputs)).toEqual(["quarantine-left"]);
    expect(machine.status()).toMatchObject({ phase: "running", firstRound: FIRST_ROUND + 4 });
    expect(only(machine.handle({ kind: "tick" }, AT + 5_000), "sample")).toEqual([]);
    expect(only(machine.handle({ kind: "tick" }, AT + 6_000), "sample")).toEqual([{ kind: "sample", round: FIRST_ROUND + 4 }]);
  });

  it("follows the heads that hellos name", () => {
    const machine = createNode(0);
    const head = { round: FIRST_ROUND - 2, digest: digestOf(7) };
    const bytes = encodeHello({ clock: AT, head, quarantine: false });
    const outputs = machine.handle({ kind: "hello", from: keyOf(2).address, bytes, sentAt: AT, receivedAt: AT }, AT);
    expect(only(outputs, "fetch")).toMatchObject([
      { want: { kind: "certificate", digest: head.digest }, from: keyOf(2).address },
    ]);
  });

  it("starts above the newest record of its own guard, of any kind", () => {
    const record = { kind: "proposal" as const, round: FIRST_ROUND + 7, configDigest: network.configDigest, digest: digestOf(1) };
    const machine = createNode(0, { head: undefined, guard: [record], history: [], documents: [], transitions: [] });
    leaveQuarantine(machine, 0);
    expect(machine.status().firstRound).toBe(FIRST_ROUND + 8);
  });

  it.each([
    ["a stranger's", `0x${"12".repeat(20)}` as const, undefined],
    ["its own", keyOf(0).address, undefined],
    ["an undecodable", keyOf(1).address, Uint8Array.of(1, 2)],
  ])("counts no hello twice and %s not at all", (_, from, bytes) => {
    const machine = createNode(0);
    const hello = encodeHello({ clock: AT, head: NO_HEAD, quarantine: true });
    const say = (address: `0x${string}`, said = hello) =>
      machine.handle({ kind: "hello", from: address, bytes: said, sentAt: AT, receivedAt: AT }, AT);
    expect(codesOf(say(from, bytes))).toEqual(["hello-unusable"]);
    say(keyOf(1).address);
    say(keyOf(1).address);
    expect(machine.status().phase).toBe("quarantine");
    say(keyOf(2).address);
    expect(machine.status().phase).toBe("running");
    expect(keys).toHaveLength(4);
  });
});
