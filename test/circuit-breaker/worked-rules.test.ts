import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { RULE_TABLE } from "../../circuit-breaker/rules.ts";
import { closedChain, ETH, networkWith } from "./chain.ts";
import { GOVERNED, governorsSay } from "./governors.ts";
import { CALM, type Example, type Scene } from "./oracle/worked.ts";
import { GOVERNED_EXAMPLES, SIBLINGS } from "./oracle/worked-governed-rules.ts";
import { HARD_EXAMPLES } from "./oracle/worked-hard-rules.ts";
import { SOFT_EXAMPLES } from "./oracle/worked-soft-rules.ts";

const EXAMPLES = [...SOFT_EXAMPLES, ...HARD_EXAMPLES, ...GOVERNED_EXAMPLES];

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
  "congestion fires": ["chain-leaf.test.ts", "two points of different signals: robust, in that round"],
  "congestion at its limit": ["chain-leaf.test.ts", "one point is none: %s"],
  "congestion ends: 5 min": ["chain-leaf.test.ts", "ends when 5 min have passed below two points, and goes through half-open"],
  "congestion has no cap": ["chain-leaf.test.ts", "a day of it is open to its end"],
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
  congestion: ["fires", "at its limit", "ends: 5 min", "has no cap"],
  peg: ["fires", "at its limit", "ends: quiet", "ends: cap"],
  config: ["fires", "at its limit", "beside an active rule"],
  restart: ["fires", "at its limit", "ends: 3 fresh rounds"],
  manual: ["fires", "ends: until", "ends: withdrawn", "spends nothing", "runs beside the others"],
  gap: ["fires", "at its limit", "ends: move ≤ L", "ends: an accept", "ends: gapHoldMs"],
};
const GENERAL = [
  "gap's band grows",
  "peg's rate joins the interval",
  "peg's rate is fresh",
  "peg's rate leaves at pegHoldMs",
  "a disagreement about a peg",
  "a disagreement of one leader",
  "the action governance raised",
  "a slide is believed sooner",
];

const REFERENCE = {
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  references: [
    {
      ...{ name: "steth", chain: "ETHEREUM", market: "ETH/USD" },
      read: { kind: "exchange-rate", contract: `0x${"ae".repeat(20)}`, method: "getRate", decimals: 18 },
    },
  ],
};
const NETWORKS = new Map(
  Object.entries(SIBLINGS).map(([name, setup]) => [name, networkWith({ [ETH]: setup }, { ...GOVERNED, ...REFERENCE })]),
);

function play({ of = "plain", scenes }: Pick<Example, "of" | "scenes">) {
  const chain = closedChain(NETWORKS.get(of), { price: CALM });
  let verdict: ReturnType<typeof chain.eth> | undefined;
  for (const { for: rounds = 1, apart = 1, ...scene } of scenes) {
    for (let round = 0; round < rounds; round++) {
      const now = chain.timestamp() + apart * 1_000;
      const { ageMs = 300, ...seen } = scene.view ?? {};
      if (round === 0 && scene.shadow !== undefined) chain.propose(now);
      const view = scene.view === undefined ? undefined : { observedAt: now - ageMs, ...seen };
      verdict = chain.eth(view, apart - 1, {
        gauges: scene.rate === undefined ? {} : { "rate.steth": { value: scene.rate.value, asOf: now - scene.rate.ageMs } },
        shadows: new Map(scene.shadow === undefined ? [] : [[ETH, scene.shadow]]),
        documents: round === 0 ? documentsOf(scene, now, chain.memoryOf().gapAt) : [],
      });
    }
  }
  if (verdict === undefined) throw new Error("an example has a round");
  return { ...verdict, memory: chain.memoryOf() };
}

function documentsOf({ pause, acceptGap }: Scene, now: number, gapAt: number) {
  const say = governorsSay({ nonce: now });
  if (pause !== undefined) return [say.pause(ETH, pause.action, pause.forMs === 0 ? 0 : now + pause.forMs)];
  return acceptGap ? [say.acceptGap(ETH, gapAt)] : [];
}

describe("B3 by hand", () => {
  test.each(EXAMPLES.map((example) => [`${example.row} — ${example.name}`, example] as const))(
    "%s",
    (_name, { last, ...example }) => {
      const { report, reasons, memory } = play(example);
      if (last.report !== undefined) expect(report).toMatchObject(last.report);
      if (last.reasons !== undefined) expect(reasons).toEqual(last.reasons);
      if (last.memory !== undefined) expect(memory).toMatchObject(last.memory);
      if (last.reaches !== undefined) expect(report.low <= CALM).toBe(last.reaches);
      if (last.spans !== undefined) expect(report.low <= CALM && CALM <= report.high).toBe(last.spans);
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
