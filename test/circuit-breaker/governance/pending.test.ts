import { describe, expect, test } from "vitest";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../../../circuit-breaker/governance-memory.ts";
import { MAX_UINT32 } from "../../../circuit-breaker/integers.ts";
import { ZERO_DIGEST } from "../../../protocol/bytes.ts";
import { configDigest } from "../../../protocol/config.ts";
import {
  acceptOf,
  BTC,
  COUNCIL,
  type Council,
  configOf,
  createCouncil,
  DAY,
  ETH,
  feedOf,
  GOVERNORS,
  HOUR,
  IN_FORCE,
  LINK,
  MINUTE,
  PENDING,
  proposal,
  QUORUM,
  rollback,
  SECOND,
  START,
  SUCCESSOR,
} from "./council.ts";

const ACTIVATION = START + 48 * HOUR;
const DUE = ACTIVATION - 10 * MINUTE;
const PRICE = 1_800_000n;

/** A pending config that changes the feeds given, at some instant before its shadows are due. */
function pendingMemory(...feeds: readonly (typeof ETH)[]): GovernanceMemory {
  const changed = feeds.map((feed) => ({ feed, agreedAt: 0, accepted: false }));
  return { ...EMPTY_GOVERNANCE, pending: { configDigest: PENDING, activation: ACTIVATION, feeds: changed } };
}

/** One round a second, ETH/USD given the same price by both configs. */
function agree(council: Council, from: number, to: number) {
  let last = council.round({ at: from, prices: { [ETH]: PRICE }, shadows: { [ETH]: PRICE } });
  for (let at = from + SECOND; at <= to; at += SECOND) {
    last = council.round({ at, prices: { [ETH]: PRICE }, shadows: { [ETH]: PRICE } });
  }
  return last;
}

describe("a config is taken in", () => {
  test("with f+1 carriers, and names the feeds whose price it changes", () => {
    const council = createCouncil();
    expect(council.round({ at: START, documents: [proposal({})], carriers: 1 }).intake[0]?.code).toBe("waits");
    expect(council.memory().pending).toBeUndefined();
    expect(council.round({ at: START, documents: [proposal({})], carriers: 2 }).intake[0]?.code).toBe("taken");
    expect(council.memory().pending).toEqual({
      configDigest: PENDING,
      activation: ACTIVATION,
      feeds: [{ feed: ETH, agreedAt: 0, accepted: false }],
    });
  });

  test.each([
    ["looser", { jumpBps: 500 }],
    ["tighter", { jumpBps: 200 }],
  ])("a %s threshold is held by the same timelock", (_, thresholds) => {
    const config = configOf({ version: 2, thresholds });
    const council = createCouncil();
    expect(council.say(START, proposal({ config, activation: START + 48 * HOUR - 1 }))).toBe("too-soon");
    expect(council.say(START, proposal({ config, activation: START }))).toBe("too-soon");
    expect(council.say(START, proposal({ config, activation: START + 48 * HOUR }))).toBe("taken");
    const before = council.round({ at: ACTIVATION - SECOND });
    expect(before.memory.next).toBe(ZERO_DIGEST);
    const after = council.round({ at: ACTIVATION });
    expect(after.memory).toMatchObject({ next: configDigest(config), pending: undefined });
  });

  test("up to 30 days after the timelock, to the millisecond", () => {
    const latest = ACTIVATION + 30 * DAY;
    expect(createCouncil().say(START, proposal({ activation: latest + 1 }))).toBe("too-late");
    expect(createCouncil().say(START, proposal({ activation: latest }))).toBe("taken");
  });

  test("and its own approvals leave no nonce behind", () => {
    const council = createCouncil();
    council.say(START, proposal({}));
    expect(council.memory().keyholders).toEqual([]);
  });
});

describe("the shadow gate", () => {
  test("opens after 600 s of agreement, in the round of the activation time", () => {
    const council = createCouncil(pendingMemory(ETH));
    const waiting = agree(council, DUE, ACTIVATION - SECOND);
    expect(waiting.refusals.size).toBe(0);
    expect(waiting.memory.pending?.feeds[0]).toEqual({ feed: ETH, agreedAt: DUE, accepted: false });
    expect(waiting.memory.next).toBe(ZERO_DIGEST);
    const open = agree(council, ACTIVATION, ACTIVATION);
    expect(open.memory).toMatchObject({ next: PENDING, pending: undefined });
    expect(open.refusals.size).toBe(0);
  });

  test("asks nothing before shadows are due", () => {
    const { refusals, memory } = createCouncil(pendingMemory(ETH)).round({ at: DUE - SECOND, prices: { [ETH]: PRICE } });
    expect(refusals.size).toBe(0);
    expect(memory.pending?.feeds[0]?.agreedAt).toBe(0);
  });

  test("a shadow of configBps agrees; at configBps + 1 it never activates and says by how much", () => {
    const { configBps } = COUNCIL.feeds[1]?.thresholds ?? { configBps: 0 };
    expect(configBps).toBe(100);
    const base = 10_000_000n;
    const differing = (shadow: bigint) => {
      const council = createCouncil(pendingMemory(ETH));
      let last = council.round({ at: DUE, prices: { [ETH]: base }, shadows: { [ETH]: shadow } });
      for (let at = DUE + SECOND; at <= ACTIVATION + MINUTE && last.memory.next === ZERO_DIGEST; at += SECOND) {
        last = council.round({ at, prices: { [ETH]: base }, shadows: { [ETH]: shadow } });
      }
      return last;
    };
    expect(differing(10_100_999n).memory.next).toBe(PENDING);
    for (const shadow of [10_101_000n, 9_900_000n]) {
      const refused = differing(shadow);
      expect(refused.memory).toMatchObject({ next: ZERO_DIGEST, pending: { feeds: [{ agreedAt: 0 }] } });
      expect(refused.refusals).toEqual(new Map([[ETH, 101]]));
    }
  });

  test.each([
    ["without a shadow", { prices: { [ETH]: PRICE } }],
    ["without a price", { shadows: { [ETH]: PRICE } }],
  ])("one round %s restarts the 600 s", (_, said) => {
    const council = createCouncil(pendingMemory(ETH));
    agree(council, DUE, DUE + 5 * MINUTE);
    const missing = council.round({ at: DUE + 5 * MINUTE + SECOND, ...said });
    expect(missing.refusals).toEqual(new Map([[ETH, MAX_UINT32]]));
    expect(missing.memory.pending?.feeds[0]?.agreedAt).toBe(0);
    const resumed = DUE + 5 * MINUTE + 2 * SECOND;
    expect(agree(council, resumed, resumed + 10 * MINUTE - SECOND).memory.next).toBe(ZERO_DIGEST);
    expect(agree(council, resumed + 10 * MINUTE, resumed + 10 * MINUTE).memory.next).toBe(PENDING);
  });

  test("rounds that were missed within a lease break no run, an outage does", () => {
    const lease = createCouncil(pendingMemory(ETH));
    agree(lease, DUE, DUE + MINUTE);
    expect(agree(lease, DUE + 2 * MINUTE, DUE + 2 * MINUTE).memory.pending?.feeds[0]?.agreedAt).toBe(DUE);
    const outage = createCouncil(pendingMemory(ETH));
    agree(outage, DUE, DUE + MINUTE);
    const resumed = DUE + 2 * MINUTE + SECOND;
    expect(agree(outage, resumed, resumed).memory.pending?.feeds[0]?.agreedAt).toBe(resumed);
  });

  test("every changed feed has to agree", () => {
    const council = createCouncil(pendingMemory(BTC, ETH));
    const last = agree(council, DUE, ACTIVATION + MINUTE);
    expect(last.memory.next).toBe(ZERO_DIGEST);
    expect(last.refusals).toEqual(new Map([[BTC, MAX_UINT32]]));
  });

  test("governors accept one feed's price: the others still have to agree", () => {
    const council = createCouncil(pendingMemory(BTC, ETH));
    expect(council.say(DUE - HOUR, acceptOf({ by: GOVERNORS.slice(0, 2), feed: BTC, config: PENDING }))).toBe("too-few");
    expect(council.say(DUE - HOUR, acceptOf({ by: QUORUM, feed: BTC, config: PENDING }))).toBe("taken");
    expect(council.say(DUE - HOUR, acceptOf({ by: QUORUM, nonce: 2, feed: BTC, config: PENDING }))).toBe("nothing");
    const early = council.round({ at: DUE, prices: { [BTC]: PRICE } });
    expect(early.refusals).toEqual(new Map([[ETH, MAX_UINT32]]));
    expect(agree(council, DUE + SECOND, ACTIVATION).memory.next).toBe(ZERO_DIGEST);
    expect(agree(council, ACTIVATION + SECOND, ACTIVATION + SECOND).memory.next).toBe(PENDING);
  });

  test("acceptance does not shorten the timelock", () => {
    const council = createCouncil(pendingMemory(ETH));
    council.say(START, acceptOf({ by: QUORUM, config: PENDING }));
    expect(council.round({ at: ACTIVATION - SECOND }).memory.next).toBe(ZERO_DIGEST);
    expect(council.round({ at: ACTIVATION }).memory.next).toBe(PENDING);
  });

  test("lapses 24 h after its activation time, and makes way", () => {
    const council = createCouncil(pendingMemory(ETH));
    const kept = council.round({ at: ACTIVATION + DAY - SECOND, prices: { [ETH]: PRICE } });
    expect(kept.memory.pending?.configDigest).toBe(PENDING);
    const lapsed = council.round({ at: ACTIVATION + DAY, prices: { [ETH]: PRICE } });
    expect(lapsed.memory).toMatchObject({ pending: undefined, next: ZERO_DIGEST });
    expect(lapsed.refusals.size).toBe(0);
    const again = proposal({ activation: ACTIVATION + 5 * DAY });
    expect(council.say(ACTIVATION + DAY + SECOND, again)).toBe("taken");
  });
});

describe("a change of the config in force", () => {
  /** SUCCESSOR in force, COUNCIL before it. */
  function changed() {
    const council = createCouncil({ ...pendingMemory(ETH), pending: undefined, next: PENDING });
    council.round({ at: START, config: COUNCIL });
    council.round({ at: START + SECOND, config: SUCCESSOR });
    return council;
  }

  test("is remembered in its first round, with nothing pending and nothing decided", () => {
    const council = createCouncil();
    council.say(START, proposal({}));
    const { memory } = council.round({ at: START + SECOND, config: SUCCESSOR });
    expect(memory).toMatchObject({ previous: IN_FORCE, next: ZERO_DIGEST, pending: undefined });
    expect(council.round({ at: START + 2 * SECOND }).memory.previous).toBe(IN_FORCE);
  });

  test("is rolled back at once by m governors, to the config before and to no other", () => {
    const at = START + MINUTE;
    const third = configDigest(configOf({ version: 3 }));
    expect(changed().say(at, rollback({ by: GOVERNORS.slice(0, 2), from: PENDING, to: IN_FORCE }))).toBe("too-few");
    expect(changed().say(at, rollback({ by: QUORUM, from: PENDING, to: third }))).toBe("nothing");
    expect(changed().say(at, rollback({ by: QUORUM, from: third, to: IN_FORCE }))).toBe("nothing");
    const council = changed();
    const { memory, intake } = council.round({ at, documents: [rollback({ by: QUORUM, from: PENDING, to: IN_FORCE })] });
    expect(intake[0]?.code).toBe("taken");
    expect(memory.next).toBe(IN_FORCE);
    expect(council.round({ at: at + SECOND, config: COUNCIL }).memory).toMatchObject({ next: ZERO_DIGEST, previous: PENDING });
    expect(council.say(at + 2 * SECOND, rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }))).toBe("replayed");
  });

  test("once decided admits no second one in its round, and drops what was pending", () => {
    const third = configOf({ version: 3, feeds: SUCCESSOR_FEEDS });
    const council = changed();
    council.say(START + MINUTE, proposal({ config: third, replaces: PENDING, activation: START + 50 * HOUR }));
    expect(council.memory().pending?.configDigest).toBe(configDigest(third));
    const { intake, memory } = council.round({
      at: START + 2 * MINUTE,
      documents: [
        rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }),
        rollback({ by: GOVERNORS.slice(2), nonce: 2, from: PENDING, to: IN_FORCE }),
        proposal({
          config: configOf({ version: 4 }),
          replaces: PENDING,
          activation: START + 50 * HOUR,
          replayTo: START / SECOND + 120,
        }),
      ],
    });
    expect(intake.map(({ code }) => code)).toEqual(["taken", "nothing", "busy"]);
    expect(memory).toMatchObject({ next: IN_FORCE, pending: undefined });
  });

  test("a pending one is dropped by rolling it back to the one in force", () => {
    const council = createCouncil(pendingMemory(ETH));
    expect(council.say(START, rollback({ by: QUORUM, from: PENDING, to: PENDING }))).toBe("nothing");
    expect(council.say(START, rollback({ by: QUORUM, from: IN_FORCE, to: IN_FORCE }))).toBe("nothing");
    expect(council.say(START, rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }))).toBe("taken");
    expect(council.memory()).toMatchObject({ pending: undefined, next: ZERO_DIGEST });
  });

  test("a dropped one does not come back by its own document, however far ahead its activation; a new replay begins anew", () => {
    const early = { activation: ACTIVATION + 20 * DAY, replayTo: START / SECOND - 60 };
    const council = createCouncil();
    expect(council.say(START, proposal(early))).toBe("taken");
    expect(council.say(START + MINUTE, rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }))).toBe("taken");
    const dropped = START + MINUTE;
    expect(council.say(dropped + SECOND, proposal(early))).toBe("replayed");
    expect(council.say(dropped + SECOND, proposal({ ...early, replayTo: dropped / SECOND - 1 }))).toBe("replayed");
    expect(council.say(dropped + DAY, proposal({ ...early, replayTo: dropped / SECOND }))).toBe("taken");
  });

  test("nor does one that fell with a roll-back, when its base is in force again", () => {
    const council = changed();
    const third = { config: configOf({ version: 3, feeds: SUCCESSOR_FEEDS }), replaces: PENDING };
    const late = { ...third, activation: ACTIVATION + 20 * DAY, replayTo: START / SECOND };
    expect(council.say(START + MINUTE, proposal(late))).toBe("taken");
    council.say(START + 2 * MINUTE, rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }));
    council.round({ at: START + 3 * MINUTE, config: COUNCIL });
    council.say(START + 4 * MINUTE, rollback({ by: QUORUM, nonce: 2, from: IN_FORCE, to: PENDING }));
    const again = council.round({ at: START + 5 * MINUTE, config: SUCCESSOR, documents: [proposal(late)] });
    expect(again.intake[0]?.code).toBe("replayed");
  });
});

const SUCCESSOR_FEEDS = [feedOf(BTC), feedOf(ETH, 7), feedOf(LINK, 7)];

describe("a gap", () => {
  const gaps = { [ETH]: START - HOUR };

  test("is accepted by m governors, named by its beginning, once in a round", () => {
    const accept = acceptOf({ by: QUORUM, gapAt: START - HOUR });
    const again = acceptOf({ by: QUORUM, nonce: 2, gapAt: START - HOUR });
    const { acceptedGaps, intake } = createCouncil().round({ at: START, gaps, documents: [accept, again] });
    expect([...acceptedGaps]).toEqual([ETH]);
    expect(intake.map(({ code }) => code)).toEqual(["taken", "nothing"]);
  });

  test.each([START - HOUR - SECOND, START, 0])("consent to the one that began at %s is none to this one", (gapAt) => {
    const { acceptedGaps, intake } = createCouncil().round({ at: START, gaps, documents: [acceptOf({ by: QUORUM, gapAt })] });
    expect(acceptedGaps.size).toBe(0);
    expect(intake[0]?.code).toBe("nothing");
  });
});

test("where no gap is, there is none that began never", () => {
  const { acceptedGaps, intake } = createCouncil().round({ at: START, documents: [acceptOf({ by: QUORUM, gapAt: 0 })] });
  expect(acceptedGaps.size).toBe(0);
  expect(intake[0]?.code).toBe("nothing");
});

describe("certified rounds", () => {
  const ALL = 2n ** 60n - 1n;
  const rounds = (...numbers: readonly number[]) => {
    const council = createCouncil();
    for (const round of numbers) council.round({ at: round * SECOND });
    return council.memory().certified;
  };

  test("none was missed before the first", () => expect(rounds(5_000)).toBe(ALL));
  test("a missed one shows for sixty rounds", () => {
    expect(rounds(5_000, 5_002)).toBe(ALL - 0b10n);
    expect(rounds(5_000, 5_003, 5_004)).toBe(ALL - 0b1100n);
    expect(rounds(5_000, 5_002, 5_060, 5_061)).toBe((1n << 59n) | 0b11n);
    expect(rounds(5_000, 5_002, 5_060, 5_061, 5_062)).toBe(0b111n);
  });
  test("after sixty missed ones only this one stands", () => {
    expect(rounds(5_000, 5_059)).toBe((1n << 59n) | 1n);
    expect(rounds(5_000, 5_060)).toBe(1n);
    expect(rounds(5_000, 9_000_000)).toBe(1n);
  });
});

test("keyholders beyond the bound: who is in no config any more is forgotten, nobody else", () => {
  const strangers = Array.from({ length: 256 }, (_, index) => ({
    address: `0xff${index.toString(16).padStart(38, "0")}` as const,
    nonce: 9,
    usedMs: 0,
    usedAt: 0,
  }));
  const council = createCouncil({ ...EMPTY_GOVERNANCE, keyholders: strangers });
  expect(council.say(START, rollback({ by: QUORUM, from: IN_FORCE, to: PENDING }))).toBe("nothing");
  council.round({ at: START, documents: [acceptOf({ by: QUORUM, gapAt: START })], gaps: { [ETH]: START } });
  const { keyholders } = council.memory();
  expect(keyholders).toHaveLength(256);
  expect(keyholders.slice(0, 3).map(({ address }) => address)).toEqual(QUORUM);
  expect(keyholders[3]).toEqual(strangers[3]);
});
