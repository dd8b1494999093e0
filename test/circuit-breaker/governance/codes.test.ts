import { describe, expect, test } from "vitest";
import { DOCUMENT_CODES, type DocumentCode } from "../../../circuit-breaker/governance/codes.ts";
import { explainDocument } from "../../../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../../../circuit-breaker/governance/judge.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory, MAX_PAUSES } from "../../../circuit-breaker/governance-memory.ts";
import { type Digest, ZERO_DIGEST } from "../../../protocol/bytes.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { GovernanceDocument } from "../../../protocol/governance.ts";
import {
  acceptOf,
  addressOf,
  BTC,
  COUNCIL,
  configOf,
  createCouncil,
  DAY,
  ETH,
  feedOf,
  GOVERNORS,
  GUARDIANS,
  HOUR,
  IN_FORCE,
  LINK,
  MINUTE,
  PENDING,
  pause,
  proposal,
  QUORUM,
  removal,
  rollback,
  START,
  SUCCESSOR,
  withdrawal,
} from "./council.ts";

const { alice, bob, carol } = GUARDIANS;
const OTHER: Digest = `0x${"77".repeat(32)}`;
const STRANGER = addressOf(0x99);
const DOGE = "DOGE/USD" as FeedId;

const empty = EMPTY_GOVERNANCE;
const acted = (address: `0x${string}`, nonce: number, usedMs = 0, usedAt = 0): GovernanceMemory => ({
  ...empty,
  keyholders: [{ address, nonce, usedMs, usedAt }],
});
const waiting: GovernanceMemory = {
  ...empty,
  pending: { configDigest: PENDING, activation: START + HOUR, feeds: [{ feed: ETH, agreedAt: 0, accepted: false }] },
};
const full: GovernanceMemory = {
  ...empty,
  pauses: Array.from({ length: MAX_PAUSES }, () => ({
    feed: BTC,
    action: "none" as const,
    until: START + HOUR,
    power: "governors" as const,
    refundUntil: 0,
    keyholders: QUORUM,
  })),
};

type Case = {
  readonly code: DocumentCode;
  readonly name: string;
  readonly document: GovernanceDocument;
  readonly memory?: GovernanceMemory;
  readonly carriers?: number;
  /** What a person is told, in part. */
  readonly says: string;
};

const soon = START + 10 * MINUTE;
const far = configOf({ version: 2, leaseMs: 15_000, chains: [] });
/** Rows of one code stand together; where two codes could be given, the one asked first is. */
const CASES: readonly Case[] = [
  { code: "taken", name: "a guardian's pause", document: pause({ by: [alice], until: soon }), says: "takes effect" },
  {
    code: "taken",
    name: "acceptance of a pending price",
    document: acceptOf({ by: QUORUM, config: PENDING }),
    memory: waiting,
    says: "takes effect",
  },
  { code: "taken", name: "a config with f+1 carriers", document: proposal({}), carriers: 2, says: "takes effect" },
  {
    code: "taken",
    name: "the last moment of a pause alone",
    document: pause({ by: [alice], until: START + 30 * MINUTE + 1_250 }),
    says: "takes effect",
  },
  {
    code: "taken",
    name: "governors for a day",
    document: pause({ by: QUORUM, feed: "*", until: START + DAY }),
    says: "takes effect",
  },

  {
    code: "replayed",
    name: "a used nonce",
    document: pause({ by: [alice], nonce: 7, until: 0 }),
    memory: acted(alice, 7),
    says: `${alice} used nonce 7 already, and this document says 7`,
  },
  {
    code: "replayed",
    name: "one used nonce of two",
    document: pause({ by: [alice, bob], nonce: 7, until: soon }),
    memory: acted(bob, 8),
    says: `${bob} used nonce 8`,
  },
  {
    code: "replayed",
    name: "a removed guardian",
    document: pause({ by: [alice], nonce: Number.MAX_SAFE_INTEGER, until: soon }),
    memory: acted(alice, Number.MAX_SAFE_INTEGER),
    says: "was removed",
  },
  { code: "replayed", name: "a nonce of zero", document: pause({ by: [alice], nonce: 0, until: soon }), says: "used nonce 0" },
  {
    code: "replayed",
    name: "the config in force",
    document: proposal({ config: COUNCIL, by: [STRANGER] }),
    says: "in force or pending already",
  },
  { code: "replayed", name: "the pending config", document: proposal({}), memory: waiting, says: "in force or pending already" },

  {
    code: "too-few",
    name: "none for all by one guardian",
    document: pause({ by: [alice], feed: "*", until: 0 }),
    says: "0 governors and 1 guardians signed; it takes two guardians or 3 governors",
  },
  {
    code: "too-few",
    name: "a pause by two of five governors",
    document: pause({ by: GOVERNORS.slice(0, 2), until: soon }),
    says: "2 governors and 0 guardians signed",
  },
  {
    code: "too-few",
    name: "a pause with a stranger's consent",
    document: pause({ by: [alice, STRANGER], until: soon }),
    says: "1 whom the config in force does not know",
  },
  {
    code: "too-few",
    name: "acceptance by two",
    document: acceptOf({ by: GOVERNORS.slice(0, 2), feed: DOGE }),
    says: "it takes 3 governors",
  },
  {
    code: "too-few",
    name: "acceptance by three guardians",
    document: acceptOf({ by: [alice, bob, carol], config: PENDING }),
    memory: waiting,
    says: "it takes 3 governors",
  },
  {
    code: "too-few",
    name: "a roll-back by two",
    document: rollback({ by: GOVERNORS.slice(0, 2), from: OTHER, to: OTHER }),
    says: "it takes 3 governors",
  },
  {
    code: "too-few",
    name: "a removal by two",
    document: removal({ by: GOVERNORS.slice(0, 2), guardian: alice }),
    says: "it takes 3 governors",
  },
  {
    code: "too-few",
    name: "a config by two",
    document: proposal({ by: GOVERNORS.slice(0, 2), replaces: OTHER }),
    says: "it takes 3 governors",
  },
  {
    code: "too-few",
    name: "a config by two and an unknown key",
    document: proposal({ by: [...GOVERNORS.slice(0, 2), STRANGER] }),
    says: "2 governors and 0 guardians signed, and 1 whom",
  },
  {
    code: "too-few",
    name: "a config by three and an unknown key",
    document: proposal({ by: [...QUORUM, STRANGER] }),
    says: "3 governors and 0 guardians signed, and 1 whom",
  },

  {
    code: "unknown-feed",
    name: "a pause of no feed",
    document: pause({ by: [alice], feed: DOGE, until: 0 }),
    says: "DOGE/USD is no feed or chain",
  },
  {
    code: "unknown-feed",
    name: "a pause of no chain",
    document: pause({ by: [alice], feed: "CHAIN/BASE" as FeedId, until: soon }),
    says: "CHAIN/BASE is no feed or chain",
  },
  {
    code: "unknown-feed",
    name: "acceptance of no feed",
    document: acceptOf({ by: QUORUM, feed: DOGE }),
    says: "DOGE/USD is no feed or chain",
  },

  {
    code: "over",
    name: "a pause that ends now",
    document: pause({ by: [alice], until: START }),
    says: `${START} is not after ${START}`,
  },

  {
    code: "too-long",
    name: "31 minutes alone",
    document: pause({ by: [alice], until: START + 31 * MINUTE }),
    says: "a pause by one guardian ends at most 1800000 ms ahead, this one 1860000 ms",
  },
  {
    code: "too-long",
    name: "a millisecond beyond what is tolerated",
    document: pause({ by: [alice], until: START + 30 * MINUTE + 1_251 }),
    says: "one guardian",
  },
  {
    code: "too-long",
    name: "61 minutes by two",
    document: pause({ by: [alice, bob], until: START + 61 * MINUTE }),
    says: "two guardians",
  },
  {
    code: "too-long",
    name: "25 hours by governors",
    document: pause({ by: QUORUM, until: START + 25 * HOUR }),
    says: "governors",
  },

  {
    code: "allowance",
    name: "a minute more than is left",
    document: pause({ by: [alice], until: soon }),
    memory: acted(alice, 0, 51 * MINUTE, START),
    says: `${alice} has 540000 ms left until ${START + 7 * DAY}`,
  },
  {
    code: "allowance",
    name: "one of two has none left",
    document: pause({ by: [alice, bob], until: soon }),
    memory: acted(bob, 0, 60 * MINUTE, START),
    says: `${bob} has 0 ms left`,
  },

  {
    code: "nothing",
    name: "no pause to withdraw",
    document: withdrawal({ by: [alice] }),
    says: "no pause of ETH/USD is theirs alone to withdraw",
  },
  { code: "nothing", name: "no gap to accept", document: acceptOf({ by: QUORUM, gapAt: START }), says: "ETH/USD has no gap" },
  {
    code: "nothing",
    name: "acceptance of a feed that is unchanged",
    document: acceptOf({ by: QUORUM, feed: LINK, config: PENDING }),
    memory: waiting,
    says: "no pending config waits",
  },
  {
    code: "nothing",
    name: "acceptance of another config",
    document: acceptOf({ by: QUORUM, config: OTHER }),
    memory: waiting,
    says: "no pending config waits",
  },
  {
    code: "nothing",
    name: "no config to roll back to",
    document: rollback({ by: QUORUM, from: IN_FORCE, to: ZERO_DIGEST }),
    says: "no config was in force before",
  },
  {
    code: "nothing",
    name: "a roll-back to another than the previous",
    document: rollback({ by: QUORUM, from: IN_FORCE, to: OTHER }),
    memory: { ...empty, previous: PENDING },
    says: `to ${PENDING} only`,
  },
  {
    code: "nothing",
    name: "removal of no guardian",
    document: removal({ by: QUORUM, guardian: STRANGER }),
    says: "is no guardian",
  },
  {
    code: "nothing",
    name: "removal of a governor",
    document: removal({ by: QUORUM, guardian: GOVERNORS[4] ?? STRANGER }),
    says: "is no guardian",
  },

  {
    code: "not-successor",
    name: "a config of another one",
    document: proposal({ replaces: OTHER }),
    says: `it replaces ${OTHER}, and ${IN_FORCE} is in force`,
  },
  {
    code: "not-successor",
    name: "an older version",
    document: proposal({ config: configOf({ leaseMs: 61_000 }), activation: START }),
    says: "version: expected more than 1",
  },
  {
    code: "not-successor",
    name: "another network's",
    document: proposal({ config: configOf({ version: 2, network: "other" }) }),
    says: "network: expected test",
  },
  {
    code: "not-successor",
    name: "another length of rounds",
    document: proposal({ config: configOf({ version: 2, roundMs: 2_000 }) }),
    says: "roundMs: expected 1000",
  },

  {
    code: "too-soon",
    name: "a millisecond before the timelock",
    document: proposal({ activation: START + 48 * HOUR - 1, config: far }),
    says: `expected ${START + 48 * HOUR} to ${START + 48 * HOUR + 30 * DAY}`,
  },
  {
    code: "too-late",
    name: "more than 30 days after it",
    document: proposal({ activation: START + 48 * HOUR + 30 * DAY + 1 }),
    says: "it activates at",
  },

  {
    code: "too-far",
    name: "a quarter of the lease",
    document: proposal({ config: far }),
    memory: waiting,
    says: "leaseMs: expected at most a factor of two from 60000",
  },

  {
    code: "busy",
    name: "another config is pending",
    document: proposal({ config: configOf({ version: 2, feeds: [feedOf(BTC), feedOf(ETH), feedOf(LINK, 7)] }) }),
    memory: waiting,
    carriers: 0,
    says: `${PENDING} is pending`,
  },
  {
    code: "busy",
    name: "the list of pauses is full of stronger ones",
    document: pause({ by: [alice], until: soon }),
    memory: full,
    says: "none of them is weaker",
  },

  {
    code: "waits",
    name: "only f carry a config",
    document: proposal({}),
    carriers: 1,
    says: "1 of the nodes needed carry it (2)",
  },
];

const judgementOf = ({ memory = empty, carriers = 2 }: Case) => ({
  config: COUNCIL,
  configDigest: IN_FORCE,
  parentConfigDigest: IN_FORCE,
  memory: { feeds: [], governance: memory },
  timestamp: START,
  f: 1,
  carriers,
});

describe.each(CASES)("$code: $name", (item) => {
  const { code, document, memory = empty, carriers = 2, says } = item;

  test("in the fold", () => {
    const council = createCouncil(memory);
    const { intake, memory: after } = council.round({ at: START, documents: [document], carriers });
    expect(intake.map((outcome) => outcome.code)).toEqual([code]);
    if (code === "taken") return;
    const untouched = createCouncil(memory).round({ at: START });
    expect(after).toEqual(untouched.memory);
  });

  test("asked alone, with a reason in words", () => {
    expect(judgeDocument(document, judgementOf(item))).toBe(code);
    const words = explainDocument(document, code, judgementOf(item));
    expect(words).toContain(says);
    expect(words).toMatch(/^[\x20-\x7e]{1,800}$/);
  });
});

test("every code has a row", () => {
  const shown = new Set(CASES.map(({ code }) => code));
  expect(DOCUMENT_CODES.filter((code) => !shown.has(code))).toEqual([]);
});

test("a document is judged by the config that the head decided on, in which nothing is pending", () => {
  const decided = { ...waiting, next: PENDING };
  const judgement = { ...judgementOf({ memory: decided } as Case), config: SUCCESSOR, configDigest: PENDING };
  expect(judgeDocument(rollback({ by: QUORUM, from: PENDING, to: IN_FORCE }), judgement)).toBe("taken");
  expect(judgeDocument(acceptOf({ by: QUORUM, config: PENDING }), judgement)).toBe("nothing");
});

test("a gap is read from the feeds' memory", () => {
  const council = createCouncil();
  const gaps = { [ETH]: START - HOUR };
  const gap = acceptOf({ by: QUORUM, gapAt: START - HOUR });
  expect(council.round({ at: START, gaps, documents: [gap] }).acceptedGaps).toEqual(new Set([ETH]));
});
