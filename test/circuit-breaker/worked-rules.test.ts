import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { RULE_TABLE } from "../../circuit-breaker/rules.ts";
import { closedChain, ETH, networkWith } from "./chain.ts";
import { CALM, type Scene } from "./oracle/worked.ts";
import { HARD_EXAMPLES } from "./oracle/worked-hard-rules.ts";
import { SOFT_EXAMPLES } from "./oracle/worked-soft-rules.ts";

const EXAMPLES = [...SOFT_EXAMPLES, ...HARD_EXAMPLES];

/** Rows whose examples stand elsewhere, by the names they have there. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, name: string]>> = {
  "jump explained by the basket": ["rules.test.ts", "β times the basket's move, counted by its nearer end"],
  "jump explained only by a move of its sign": ["rules.test.ts", "a move the other way explains nothing"],
  "jump explained up to sysCapBps": ["rules.test.ts", "at most sysCapBps of it"],
  "jump waived turns round": ["timers.test.ts", "on the other side counts again"],
  "the action governance raised": [
    "verdict.test.ts",
    "a raised rule permits nothing while it is active, through its quiet time too",
  ],
  "a slide is believed sooner": ["scenarios.test.ts", "a slide alone is believed sooner than a step of the same depth"],
};

/** Fires, just does not, ends by each of its ends; and what B3 says of a rule beyond that. */
const ROWS: Readonly<Record<keyof typeof RULE_TABLE, readonly string[]>> = {
  jump: [
    ...["fires", "at its limit", "half limit when thin", "half limit within clearMs", "explained by the basket"],
    ...[
      "explained only by a move of its sign",
      "explained up to sysCapBps",
      "ends: quiet",
      "ends: corroborated",
      "ends: cap",
      "waived turns round",
    ],
  ],
  dispersion: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  divergence: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  thin: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  stale: ["fires", "at its limit", "ends: fresh quorum", "has no cap"],
  restart: ["fires", "at its limit", "ends: 3 fresh rounds"],
  gap: ["fires", "at its limit", "ends: move ≤ L", "ends: gapHoldMs"],
};
const GENERAL = [
  "gap's band grows",
  "a disagreement of one leader",
  "the action governance raised",
  "a slide is believed sooner",
];

/** The peg of a stable would join every example; those of the peg itself have a network of their own. */
const NETWORK = networkWith({ [ETH]: { preset: "stable", thresholds: { pegBps: 1_000 } } });

function play(scenes: readonly Scene[]) {
  const chain = closedChain(NETWORK, { price: CALM });
  let verdict: ReturnType<typeof chain.eth> | undefined;
  for (const { for: rounds = 1, apart = 1, view } of scenes) {
    for (let round = 0; round < rounds; round++) {
      const { ageMs = 300, ...seen } = view ?? {};
      const observedAt = chain.timestamp() + apart * 1_000 - ageMs;
      verdict = chain.eth(view === undefined ? undefined : { observedAt, ...seen }, apart - 1);
    }
  }
  if (verdict === undefined) throw new Error("an example has a round");
  return { ...verdict, memory: chain.memoryOf() };
}

describe("B3 by hand", () => {
  test.each(EXAMPLES.map((example) => [`${example.row} — ${example.name}`, example] as const))(
    "%s",
    (_name, { scenes, last }) => {
      const { report, reasons, memory } = play(scenes);
      if (last.report !== undefined) expect(report).toMatchObject(last.report);
      if (last.reasons !== undefined) expect(reasons).toEqual(last.reasons);
      if (last.memory !== undefined) expect(memory).toMatchObject(last.memory);
      if (last.reaches !== undefined) expect(report.low <= CALM).toBe(last.reaches);
    },
  );
});

test("every row of the table has an example, here or where it says", () => {
  const rows = [...Object.entries(ROWS).flatMap(([rule, aspects]) => aspects.map((aspect) => `${rule} ${aspect}`)), ...GENERAL];
  expect(Object.keys(ROWS)).toEqual(Object.keys(RULE_TABLE));
  const known = new Set([...EXAMPLES.map(({ row }) => row), ...Object.keys(ELSEWHERE)]);
  expect([...known].sort()).toEqual([...rows].sort());
  for (const [file, name] of Object.values(ELSEWHERE)) {
    expect(readFileSync(new URL(file, import.meta.url), "utf8"), file).toContain(`"${name}"`);
  }
});
