import { describe, expect, test } from "vitest";
import { genesisMemory } from "../../../circuit-breaker/genesis.ts";
import { DOCUMENT_CODES } from "../../../circuit-breaker/governance/codes.ts";
import { explainDocument } from "../../../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../../../circuit-breaker/governance/judge.ts";
import { configDigest } from "../../../protocol/config.ts";
import { resolveThresholds } from "../../../protocol/thresholds.ts";
import { type Case, empty, iso, waiting } from "./cases.ts";
import { CHANGE_CASES } from "./cases-changes.ts";
import { PAUSE_CASES } from "./cases-pauses.ts";
import {
  acceptOf,
  COUNCIL,
  configOf,
  createCouncil,
  ETH,
  GUARDIANS,
  HOUR,
  IN_FORCE,
  PENDING,
  proposal,
  QUORUM,
  removal,
  rollback,
  START,
  SUCCESSOR,
  viewOf,
} from "./council.ts";

const CASES = [...PAUSE_CASES, ...CHANGE_CASES];

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
  const chain = genesisMemory(viewOf(ETH, 1_800n, START), { timestamp: START, thresholds: resolveThresholds("major") });
  const feeds = [{ ...chain, gapAt: START - HOUR }];
  const judgement = { ...judgementOf({} as Case), memory: { feeds, governance: empty } };
  expect(judgeDocument(acceptOf({ by: QUORUM, gapAt: START - HOUR }), judgement)).toBe("taken");
  const other = acceptOf({ by: QUORUM, gapAt: START });
  expect(judgeDocument(other, judgement)).toBe("nothing");
  const words = `the gap of ETH/USD began at ${iso(START - HOUR)}, not at ${iso(START)}`;
  expect(explainDocument(other, "nothing", judgement)).toBe(words);
});

test("where there are no governors nothing is changed: guardians are no quorum of none", () => {
  const guardians = Object.entries(GUARDIANS).map(([name, address]) => ({ name, address }));
  const ungoverned = configOf({ governance: { guardians } });
  const replaces = configDigest(ungoverned);
  const by = Object.values(GUARDIANS);
  const council = createCouncil(waiting, ungoverned);
  const documents = [
    acceptOf({ by, config: PENDING }),
    rollback({ by, from: PENDING, to: replaces }),
    removal({ by, guardian: GUARDIANS.alice }),
    proposal({ by, replaces, config: configOf({ governance: { guardians }, version: 2, leaseMs: 90_000 }) }),
  ];
  for (const document of documents) expect(council.say(START, document)).toBe("too-few");
});
