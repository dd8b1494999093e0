import { RULES, type RuleName } from "../protocol/report.ts";
import type { Reason } from "../protocol/round.ts";
import { readConfig } from "./rules/config.ts";
import { readCongestion } from "./rules/congestion.ts";
import { readDispersion } from "./rules/dispersion.ts";
import { readDivergence } from "./rules/divergence.ts";
import { readGap } from "./rules/gap.ts";
import { readJump } from "./rules/jump.ts";
import { readManual } from "./rules/manual.ts";
import { readPeg } from "./rules/peg.ts";
import { readRestart } from "./rules/restart.ts";
import type { ChainInput, Reading, Rule, RuleInput } from "./rules/rule.ts";
import { readStale } from "./rules/stale.ts";
import { readThin } from "./rules/thin.ts";

/** The rule table, in order of bit: a new rule is one file, one row in the thresholds and one row here. */
export const RULE_TABLE = {
  jump: {
    kind: "soft",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "while-open",
    read: readJump,
  },
  dispersion: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "while-open",
    read: readDispersion,
  },
  divergence: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "while-open",
    read: readDivergence,
  },
  thin: {
    kind: "soft",
    level: "robust",
    byLeader: true,
    disagrees: true,
    stopsLearning: "firing",
    read: readThin,
  },
  stale: {
    kind: "hard",
    level: "none",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readStale,
  },
  congestion: {
    kind: "hard",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    readChain: readCongestion,
  },
  peg: {
    kind: "soft",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "firing",
    read: readPeg,
  },
  config: {
    kind: "information",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readConfig,
  },
  restart: {
    kind: "hard",
    level: "none",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readRestart,
    readChain: readRestart,
  },
  manual: {
    kind: "hard",
    level: "robust",
    byLeader: false,
    disagrees: false,
    stopsLearning: "never",
    read: readManual,
    readChain: readManual,
  },
  gap: {
    kind: "hard",
    level: "robust",
    byLeader: false,
    disagrees: true,
    stopsLearning: "while-open",
    read: readGap,
  },
} as const satisfies Record<RuleName, Rule>;

type Row = { readonly name: RuleName; readonly index: number; readonly bit: number; readonly rule: Rule };

export const ROWS: readonly Row[] = RULES.map((name, index) => ({ name, index, bit: 1 << index, rule: RULE_TABLE[name] }));
export const SOFT_ROWS = ROWS.filter(({ rule }) => rule.kind === "soft");

export const SOFT = bitsWhere((rule) => rule.kind === "soft");
export const HARD = bitsWhere((rule) => rule.kind === "hard");
export const INFORMATION = bitsWhere((rule) => rule.kind === "information");
export const LEVEL_NONE = bitsWhere((rule) => rule.level === "none");
export const BY_LEADER = bitsWhere((rule) => rule.byLeader);
export const DISAGREES = bitsWhere((rule) => rule.disagrees);
export const STOPS_LEARNING = bitsWhere((rule) => rule.stopsLearning !== "never");
export const STOPS_LEARNING_WHILE_OPEN = bitsWhere((rule) => rule.stopsLearning === "while-open");

/** One rule of one kind of leaf, with the way to read it there. */
type Reader<T> = { readonly name: RuleName; readonly bit: number; readonly read: (input: T) => Reading };

const FEED_READERS = readersBy((rule) => rule.read);
const CHAIN_READERS = readersBy((rule) => rule.readChain);

/** What every rule of a leaf saw, in order of bit, and the bits of those that fire now. */
export type Readings = {
  readonly fires: number;
  readonly list: readonly Reading[];
  readonly readers: readonly Pick<Reader<never>, "name" | "bit">[];
};

export function readRules(input: RuleInput): Readings {
  return readAll(FEED_READERS, input);
}

export function readChainRules(input: ChainInput): Readings {
  return readAll(CHAIN_READERS, input);
}

/** The reasons whose bits are set, in order of bit. */
export function reasonsOf(bits: number, { list, readers }: Readings): readonly Reason[] {
  if (bits === 0) return [];
  return list.flatMap(({ unit, measured, limit }, position) => {
    const reader = readers[position];
    return reader === undefined || (bits & reader.bit) === 0 ? [] : [{ rule: reader.name, unit, measured, limit }];
  });
}

function readAll<T>(readers: readonly Reader<T>[], input: T): Readings {
  let fires = 0;
  const list = readers.map(({ bit, read }) => {
    const reading = read(input);
    if (reading.fires) fires |= bit;
    return reading;
  });
  return { fires, list, readers };
}

function readersBy<T>(readerOf: (rule: Rule) => ((input: T) => Reading) | undefined): readonly Reader<T>[] {
  return ROWS.flatMap(({ name, bit, rule }) => {
    const read = readerOf(rule);
    return read === undefined ? [] : [{ name, bit, read }];
  });
}

function bitsWhere(predicate: (rule: Rule) => boolean): number {
  return ROWS.reduce((bits, { bit, rule }) => (predicate(rule) ? bits | bit : bits), 0);
}
