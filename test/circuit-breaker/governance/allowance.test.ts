import { describe, expect, test } from "vitest";
import { refund } from "../../../circuit-breaker/governance/allowance.ts";
import { BTC, createCouncil, DAY, GUARDIANS, HOUR, MINUTE, pause, QUORUM, SECOND, START, used, withdrawal } from "./council.ts";

const { alice, bob } = GUARDIANS;

describe("the allowance", () => {
  test("is an hour: two pauses of half an hour, and not a millisecond more", () => {
    const council = createCouncil();
    const half = 30 * MINUTE;
    expect(council.say(START, pause({ by: [alice], until: START + half }))).toBe("taken");
    expect(council.say(START + half, pause({ by: [alice], nonce: 2, until: START + 2 * half }))).toBe("taken");
    expect(used(council, alice, START + half)).toBe(HOUR);
    expect(council.say(START + 2 * half, pause({ by: [alice], nonce: 3, until: START + 2 * half + 1 }))).toBe("allowance");
    expect(council.say(START + 2 * half, pause({ by: [bob], until: START + 3 * half }))).toBe("taken");
  });

  test("comes back whole seven days after the end of the last pause, and no part of it sooner", () => {
    const council = createCouncil();
    const half = 30 * MINUTE;
    council.say(START, pause({ by: [alice], until: START + half }));
    council.say(START + 3 * DAY, pause({ by: [alice], nonce: 2, until: START + 3 * DAY + half }));
    const back = START + 10 * DAY + half;
    expect(used(council, alice, back - 1)).toBe(HOUR);
    expect(council.say(back - SECOND, pause({ by: [alice], nonce: 3, until: back }))).toBe("allowance");
    expect(council.say(back, pause({ by: [alice], nonce: 3, until: back + half }))).toBe("taken");
    expect(used(council, alice, back)).toBe(half);
  });

  test("comes back by the pause that ends last, not by the one that was said last", () => {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], until: START + 30 * MINUTE }));
    council.say(START + SECOND, pause({ by: [alice], nonce: 2, feed: BTC, until: START + 2 * SECOND }));
    expect(used(council, alice, START + 7 * DAY + 30 * MINUTE - 1)).toBe(30 * MINUTE + SECOND);
    expect(used(council, alice, START + 7 * DAY + 30 * MINUTE)).toBe(0);
  });

  test("pays for robust as for none", () => {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], feed: "*", action: "robust", until: START + 20 * MINUTE }));
    expect(used(council, alice, START)).toBe(20 * MINUTE);
  });

  test("gets back what a withdrawal leaves unspent", () => {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], until: START + 30 * MINUTE }));
    expect(council.say(START + 10 * MINUTE, withdrawal({ by: [alice] }))).toBe("taken");
    expect(used(council, alice, START + 10 * MINUTE)).toBe(10 * MINUTE);
  });

  test("is never below nothing, whatever a memory says that a pause gives back", () => {
    const account = { address: alice, nonce: 1, usedMs: MINUTE, usedAt: START };
    expect(refund([account], { payees: [alice], ms: 2 * MINUTE })).toEqual([{ ...account, usedMs: 0 }]);
  });
});

describe("a pause that another extends counts for both", () => {
  const at = START + 10 * MINUTE;

  /** Alice until minute 20; Bob, from minute 10, until minute 35. */
  function extended() {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], until: START + 20 * MINUTE }));
    expect(council.say(at, pause({ by: [bob], action: "robust", until: START + 35 * MINUTE }))).toBe("taken");
    return council;
  }

  test("the one who extends pays his span, the other what was added", () => {
    const council = extended();
    expect(used(council, bob, at)).toBe(25 * MINUTE);
    expect(used(council, alice, at)).toBe(20 * MINUTE + 15 * MINUTE);
    expect(council.memory().pauses[1]).toMatchObject({ until: START + 35 * MINUTE, refundUntil: START + 20 * MINUTE });
  });

  test("an account ends at the whole allowance", () => {
    const council = createCouncil();
    council.say(START, pause({ by: [alice], nonce: 1, feed: BTC, until: START + 30 * MINUTE }));
    council.say(START + SECOND, pause({ by: [alice], nonce: 2, until: START + 25 * MINUTE + SECOND }));
    council.say(START + 2 * SECOND, pause({ by: [bob], until: START + 30 * MINUTE + 2 * SECOND }));
    expect(used(council, alice, START + 2 * SECOND)).toBe(HOUR);
  });

  test("what was added stays spent when the extension is withdrawn", () => {
    const council = extended();
    expect(council.say(START + 15 * MINUTE, withdrawal({ by: [bob] }))).toBe("taken");
    expect(used(council, bob, START + 15 * MINUTE)).toBe(20 * MINUTE);
    expect(used(council, alice, START + 15 * MINUTE)).toBe(35 * MINUTE);
    expect(council.memory().pauses).toHaveLength(1);
  });

  test("a withdrawal after the shared part gives nothing back and charges nothing, nor does that of a governors' pause", () => {
    const council = extended();
    expect(council.say(START + 25 * MINUTE, withdrawal({ by: [bob] }))).toBe("taken");
    expect(used(council, bob, START + 25 * MINUTE)).toBe(25 * MINUTE);
    const governed = createCouncil();
    governed.say(START, pause({ by: QUORUM, until: START + DAY }));
    expect(governed.say(START + MINUTE, withdrawal({ by: QUORUM }))).toBe("taken");
    expect(governed.memory().keyholders.map(({ usedMs }) => usedMs)).toEqual([0, 0, 0]);
  });

  test("not of another feed, nor within the time that stands anyway, nor one's own, nor governors'", () => {
    const until = START + 20 * MINUTE;
    const cases = [
      pause({ by: [bob], feed: BTC, until: until + MINUTE }),
      pause({ by: [bob], until }),
      pause({ by: QUORUM, until: START + DAY }),
    ];
    for (const second of cases) {
      const council = createCouncil();
      council.say(START, pause({ by: [alice], until }));
      expect(council.say(START + MINUTE, second)).toBe("taken");
      expect(used(council, alice, START)).toBe(20 * MINUTE);
    }
    const own = createCouncil();
    own.say(START, pause({ by: [alice], until }));
    own.say(START + 10 * MINUTE, pause({ by: [alice], nonce: 2, until: START + 30 * MINUTE }));
    expect(used(own, alice, START)).toBe(40 * MINUTE);
    expect(own.memory().pauses[1]).toMatchObject({ refundUntil: START + 30 * MINUTE });
  });

  test("a guardian who extends governors' pause pays alone", () => {
    const council = createCouncil();
    council.say(START, pause({ by: QUORUM, until: START + MINUTE }));
    council.say(START, pause({ by: [bob], until: START + 10 * MINUTE }));
    expect(council.memory().keyholders.filter(({ usedMs }) => usedMs > 0)).toEqual([
      { address: bob, nonce: 1, usedMs: 10 * MINUTE, usedAt: START + 10 * MINUTE },
    ]);
    expect(council.memory().pauses[1]).toMatchObject({ refundUntil: START + 10 * MINUTE });
  });
});
