import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { ALERT_CASES, type AlertCase } from "./alert-cases.ts";
import { pathOf } from "./files.ts";
import { ALERTS, GROUPS, scaledRules } from "./rules.ts";

/** A storage of its own for every case. */
const PROMTOOL_MS = 120_000;
const RULES = pathOf("deploy", "prometheus", "rules", "breakwater.yml");

describe("the alert rules", () => {
  it("pass promtool, as does the configuration that names them", () => {
    expect(promtool("check", "rules", RULES)).toMatch(/SUCCESS: \d+ rules found/);
    expect(promtool("check", "config", pathOf("deploy", "prometheus", "prometheus.yml"))).toContain("SUCCESS");
  });

  it("have one case each, and no case is of an alert that is not there", () => {
    expect(Object.keys(ALERT_CASES).sort()).toEqual(ALERTS.map(({ alert }) => alert).sort());
  });

  it.each(ALERTS.map((rule) => [rule.alert, rule] as const))("%s says how bad it is, what it is and what to do", (name, rule) => {
    expect(name).toMatch(/^Breakwater[A-Z]/);
    expect(["critical", "warning", "info"]).toContain(rule.labels.severity);
    expect(rule.for).toMatch(/^\d+[smh]$/);
    expect(rule.annotations.summary.length).toBeGreaterThan(20);
    expect(rule.annotations.action.length).toBeGreaterThan(40);
    expect(rule.annotations.runbook_url).toBe(`docs/operators.md#alert-${name.toLowerCase()}`);
  });

  it(
    "fire under what they are for, and not under what is close to it",
    () => {
      expect(runCases(ALERT_CASES)).toBe("");
    },
    PROMTOOL_MS,
  );

  it("are not taken to have fired when they have not", () => {
    const { BreakwaterNodeDown: row } = ALERT_CASES as Readonly<Record<"BreakwaterNodeDown", AlertCase>>;
    expect(runCases({ BreakwaterNodeDown: { ...row, fires: row.quiet } })).toMatch(/exp: \{\} 1E\+00\s+got: nil/);
    expect(runCases({ BreakwaterNodeDown: { ...row, quiet: row.fires } })).toMatch(/exp: nil\s+got: \{\} 1E\+00/);
  });

  it("can be hastened: every time that they wait or look back, no threshold", () => {
    const scaled = scaledRules({ factor: 30, leastS: 4 });
    expect(scaled).toContain("for: 20s");
    expect(scaled).toContain("offset 20s");
    expect(scaled).toMatch(/\[4s\]/);
    expect(scaled.match(/\[[^\]s]+\]|for: \d+[mhd]/g) ?? []).toEqual([]);
    expect(scaled).toContain("24 * 3600");
  });
});

/** @returns what promtool says of the cases that did not come out as they should; nothing when all did */
function runCases(cases: Readonly<Record<string, AlertCase>>): string {
  const folder = mkdtempSync(join(tmpdir(), "breakwater-promtool-"));
  try {
    const file = join(folder, "cases.yml");
    const tests = Object.entries(cases).flatMap(([alert, row]) => [
      testOf({ alert, name: `${alert} fires`, at: row.at, series: row.fires, fires: true }),
      testOf({ alert, name: `${alert} is quiet`, at: row.at, series: row.quiet, fires: false }),
    ]);
    writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: "15s", group_eval_order: GROUPS, tests }));
    const done = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    return done.status === 0 ? "" : `${done.stdout}${done.stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function testOf({
  alert,
  name,
  at,
  series,
  fires,
}: {
  readonly alert: string;
  readonly name: string;
  readonly at: string;
  readonly series: Readonly<Record<string, string>>;
  readonly fires: boolean;
}) {
  return {
    name,
    interval: "15s",
    input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}", alertstate="firing"}) > bool 0`,
        eval_time: at,
        exp_samples: fires ? [{ labels: "{}", value: 1 }] : [],
      },
    ],
  };
}

function promtool(...args: readonly string[]): string {
  return execFileSync("promtool", args, { encoding: "utf8" });
}
