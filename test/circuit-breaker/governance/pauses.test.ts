import { describe, expect, test } from "vitest";
import { EMPTY_GOVERNANCE, MAX_PAUSES, type PauseMemory } from "../../../circuit-breaker/governance-memory.ts";
import type { Address } from "../../../protocol/bytes.ts";
import {
  BTC,
  CHAIN,
  COUNCIL,
  configOf,
  createCouncil,
  DAY,
  ETH,
  feedOf,
  GOVERNORS,
  GUARDIANS,
  HOUR,
  LINK,
  MINUTE,
  pause,
  QUORUM,
  RAW,
  removal,
  SECOND,
  START,
  used,
  withdrawal,
} from "./council.ts";

const { alice, bob, carol } = GUARDIANS;
const NONE = 2;
const ROBUST = 1;
const FREE = { action: 0, until: 0 };

describe("a pause stands over", () => {
  test("the feed that it names, in the round that takes it in", () => {
    const until = START + 5 * MINUTE;
    const { manualOf } = createCouncil().round({ at: START, documents: [pause({ by: [alice], until })] });
    expect(manualOf(ETH)).toEqual({ action: NONE, until });
    expect(manualOf(BTC)).toEqual(FREE);
    expect(manualOf(CHAIN)).toEqual(FREE);
  });

  test("every feed and every chain leaf when it names all", () => {
    const until = START + 5 * MINUTE;
    const { manualOf } = createCouncil().round({
      at: START,
      documents: [pause({ by: [alice], feed: "*", action: "robust", until })],
    });
    for (const leaf of [ETH, BTC, CHAIN]) expect(manualOf(leaf)).toEqual({ action: ROBUST, until });
  });

  test("one chain leaf", () => {
    const until = START + 5 * MINUTE;
    const { manualOf } = createCouncil().round({ at: START, documents: [pause({ by: [alice], feed: CHAIN, until })] });
    expect(manualOf(CHAIN)).toEqual({ action: NONE, until });
    expect(manualOf(ETH)).toEqual(FREE);
  });

  test("until the millisecond that it names, and no longer", () => {
    const until = START + 5 * MINUTE + 1;
    const council = createCouncil();
    council.say(START, pause({ by: [alice], until }));
    expect(council.round({ at: START + 5 * MINUTE }).manualOf(ETH)).toEqual({ action: NONE, until });
    const ends = createCouncil();
    ends.say(START, pause({ by: [alice], until: START + 5 * MINUTE }));
    const over = ends.round({ at: START + 5 * MINUTE });
    expect(over.manualOf(ETH)).toEqual(FREE);
    expect(over.memory.pauses).toEqual([]);
  });

  test("with the strictest action of several, and the latest end of that action", () => {
    const { manualOf } = createCouncil().round({
      at: START,
      documents: [
        pause({ by: [alice], feed: "*", action: "robust", until: START + 30 * MINUTE }),
        pause({ by: [bob], until: START + MINUTE }),
        pause({ by: [carol], until: START + 2 * MINUTE }),
        pause({ by: QUORUM, feed: BTC, action: "robust", until: START + HOUR }),
      ],
    });
    expect(manualOf(ETH)).toEqual({ action: NONE, until: START + 2 * MINUTE });
    expect(manualOf(BTC)).toEqual({ action: ROBUST, until: START + HOUR });
    expect(manualOf(LINK)).toEqual({ action: ROBUST, until: START + 30 * MINUTE });
  });
});

describe("who may pause", () => {
  test("two guardians all feeds for an hour, on both accounts", () => {
    const council = createCouncil();
    const until = START + HOUR;
    expect(council.say(START, pause({ by: [alice, bob], feed: "*", until }))).toBe("taken");
    expect(council.memory().pauses).toEqual([
      { feed: "*", action: "none", until, power: "guardians", refundUntil: until, keyholders: [alice, bob] },
    ]);
    expect([alice, bob, carol].map((guardian) => used(council, guardian, START))).toEqual([HOUR, HOUR, 0]);
  });

  test("governors for a day, on nobody's account", () => {
    const council = createCouncil();
    const until = START + DAY;
    expect(council.say(START, pause({ by: QUORUM, feed: "*", until }))).toBe("taken");
    expect(council.memory().pauses[0]).toMatchObject({ power: "governors", refundUntil: 0 });
    expect(council.memory().keyholders.map(({ usedMs, nonce }) => [usedMs, nonce])).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  test("a guardian whom two governors support has a guardian's power", () => {
    const council = createCouncil();
    expect(council.say(START, pause({ by: [alice, ...GOVERNORS.slice(0, 2)], until: START + HOUR }))).toBe("too-long");
    expect(council.say(START + SECOND, pause({ by: [alice, ...GOVERNORS.slice(0, 2)], until: START + MINUTE }))).toBe("taken");
    expect(used(council, alice, START)).toBe(59 * SECOND);
  });

  test("nobody by a quorum of none, in a network without governors", () => {
    const config = configOf({ governance: { guardians: RAW.governance.guardians } });
    const council = createCouncil(EMPTY_GOVERNANCE, config);
    expect(council.say(START, pause({ by: GOVERNORS, until: START + MINUTE }))).toBe("too-few");
    expect(council.say(START, pause({ by: [alice], until: START + HOUR }))).toBe("too-long");
    expect(council.say(START, pause({ by: [alice], until: START + MINUTE }))).toBe("taken");
  });
});

describe("a nonce", () => {
  test("counts once, and only rises", () => {
    const council = createCouncil();
    expect(council.say(START, pause({ by: [alice], nonce: 5, until: START + MINUTE }))).toBe("taken");
    expect(council.say(START + SECOND, pause({ by: [alice], nonce: 5, until: START + MINUTE }))).toBe("replayed");
    expect(council.say(START + SECOND, pause({ by: [alice], nonce: 4, until: START + MINUTE }))).toBe("replayed");
    expect(council.say(START + SECOND, pause({ by: [alice], nonce: 6, until: START + MINUTE }))).toBe("taken");
  });

  test("is not used up by a document that is refused", () => {
    const council = createCouncil();
    expect(council.say(START, pause({ by: [alice], until: START + DAY }))).toBe("too-long");
    expect(council.say(START + SECOND, pause({ by: [alice], until: START + MINUTE }))).toBe("taken");
  });

  test("of two in one round, the document of the smaller digest is heard first", () => {
    const twice = [
      pause({ by: [alice], nonce: 2, until: START + MINUTE }),
      pause({ by: [alice], nonce: 1, until: START + MINUTE }),
    ];
    const { intake } = createCouncil().round({ at: START, documents: twice });
    expect(intake.map(({ code }) => code)).toEqual(["taken", "replayed"]);
  });
});

describe("withdrawal", () => {
  function paused(...by: readonly Address[]) {
    const council = createCouncil();
    council.say(START, pause({ by, until: START + 30 * MINUTE }));
    return council;
  }

  test("by its owner ends it at once", () => {
    const council = paused(alice);
    const { manualOf } = council.round({ at: START + SECOND, documents: [withdrawal({ by: [alice] })] });
    expect(manualOf(ETH)).toEqual(FREE);
  });

  test("by another guardian, or of another feed, ends nothing", () => {
    expect(paused(alice).say(START + SECOND, withdrawal({ by: [bob] }))).toBe("nothing");
    expect(paused(alice).say(START + SECOND, withdrawal({ by: [alice], feed: BTC }))).toBe("nothing");
    expect(paused(alice).say(START + SECOND, withdrawal({ by: [alice], feed: "*" }))).toBe("nothing");
  });

  test("by a stranger or by two governors is too few", () => {
    expect(paused(alice).say(START + SECOND, withdrawal({ by: ["0x0000000000000000000000000000000000000099"] }))).toBe("too-few");
    expect(paused(alice).say(START + SECOND, withdrawal({ by: GOVERNORS.slice(0, 2) }))).toBe("too-few");
  });

  test("of what two signed takes both", () => {
    expect(paused(alice, bob).say(START + SECOND, withdrawal({ by: [alice] }))).toBe("nothing");
    const council = paused(alice, bob);
    expect(council.say(START + SECOND, withdrawal({ by: [alice, bob] }))).toBe("taken");
    expect([alice, bob].map((guardian) => used(council, guardian, START))).toEqual([SECOND, SECOND]);
  });

  test("by governors ends every pause of the scope, and gives back", () => {
    const council = paused(alice);
    council.say(START, pause({ by: QUORUM, until: START + HOUR }));
    council.say(START, pause({ by: [bob], feed: BTC, until: START + MINUTE }));
    expect(council.say(START + SECOND, withdrawal({ by: GOVERNORS.slice(2), nonce: 9 }))).toBe("taken");
    expect(council.memory().pauses.map(({ feed }) => feed)).toEqual([BTC]);
    expect(used(council, alice, START)).toBe(SECOND);
  });
});

describe("a removed guardian", () => {
  test("says nothing any more, and his pauses stand to their end", () => {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], until: START + MINUTE }));
    expect(council.say(START + SECOND, removal({ by: QUORUM, guardian: alice }))).toBe("taken");
    expect(council.round({ at: START + 2 * SECOND }).manualOf(ETH).action).toBe(NONE);
    const highest = pause({ by: [alice], nonce: Number.MAX_SAFE_INTEGER, until: START + MINUTE });
    expect(council.say(START + 3 * SECOND, highest)).toBe("replayed");
    expect(council.say(START + 3 * SECOND, pause({ by: [alice, bob], nonce: 50, until: START + MINUTE }))).toBe("replayed");
    expect(council.say(START + 3 * SECOND, removal({ by: QUORUM, nonce: 2, guardian: alice }))).toBe("nothing");
  });

  test("who never acted is removed as well", () => {
    const council = createCouncil();
    expect(council.say(START, removal({ by: QUORUM, guardian: carol }))).toBe("taken");
    expect(council.say(START + SECOND, pause({ by: [carol], until: START + MINUTE }))).toBe("replayed");
  });
});

describe("as many pauses as there may be", () => {
  const weak = (until: number): PauseMemory => ({
    ...{ feed: BTC, action: "robust", until, power: "guardian", refundUntil: until, keyholders: [bob] },
  });
  const filled = (item: PauseMemory) => ({ ...EMPTY_GOVERNANCE, pauses: Array.from({ length: MAX_PAUSES }, () => item) });

  test("the weakest gives way: one that ends sooner", () => {
    const council = createCouncil({
      ...EMPTY_GOVERNANCE,
      pauses: [weak(START + MINUTE), ...filled(weak(START + HOUR)).pauses.slice(1)],
    });
    expect(council.say(START, pause({ by: [alice], until: START + 10 * MINUTE }))).toBe("taken");
    expect(council.memory().pauses).toHaveLength(MAX_PAUSES);
    expect(council.memory().pauses.filter(({ feed }) => feed === ETH)).toHaveLength(1);
    expect(council.memory().pauses.filter(({ until }) => until === START + MINUTE)).toHaveLength(0);
  });

  test("to governors any guardian's", () => {
    const council = createCouncil(filled(weak(START + HOUR)));
    expect(council.say(START, pause({ by: QUORUM, until: START + MINUTE }))).toBe("taken");
    expect(council.memory().pauses.at(-1)).toMatchObject({ power: "governors" });
  });

  test("one that is no stronger than any finds no room", () => {
    const council = createCouncil(filled(weak(START + HOUR)));
    expect(council.say(START, pause({ by: [alice], until: START + 10 * MINUTE }))).toBe("busy");
  });
});

test("a pause of a feed that a new config no longer has is forgotten, others go on", () => {
  const smaller = configOf({ version: 2, feeds: [feedOf(BTC), feedOf(LINK)] });
  const council = createCouncil();
  const documents = [
    pause({ by: [alice], until: START + HOUR / 2 }),
    pause({ by: [bob], feed: "*", action: "robust", until: START + HOUR / 2 }),
  ];
  council.round({ at: START, documents });
  const { memory } = council.round({ at: START + SECOND, config: smaller });
  expect(memory.pauses.map(({ feed }) => feed)).toEqual(["*"]);
  expect(COUNCIL.feeds.map(({ feed }) => feed)).toContain(ETH);
});
