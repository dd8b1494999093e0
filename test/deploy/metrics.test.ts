import { describe, expect, it } from "vitest";
import { ENTRY_CODES } from "../../gateway/following/codes.ts";
import { ENTRY_FAULTS } from "../../gateway/redis-entries.ts";
import { EVENT_LEVELS } from "../../node/events.ts";
import { ALERT_OUTCOMES } from "../../node/io/flow-metrics.ts";
import type { MachineStatus } from "../../node/machine.ts";
import { textOf } from "./files.ts";
import { labelsOfRecorded, readExpression, unknownIn } from "./promql.ts";
import { seriesOfCode } from "./registries.ts";
import { ALERTS, RECORDED } from "./rules.ts";

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
};
type Dashboard = {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
};

const exported = seriesOfCode();
const known = new Map(exported);
for (const { record, expr } of RECORDED) known.set(record, labelsOfRecorded(expr, known));
const dashboard = JSON.parse(textOf("deploy", "grafana", "dashboards", "breakwater.json")) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== "row");

/** In the dashboard a variable stands where a range or a matcher's value would. */
function unknownInPanel({ targets = [] }: Panel): readonly string[] {
  return targets.flatMap(({ expr }) => unknownIn(expr, known));
}

/** Labels whose values are a closed set in the code. */
const CODES: readonly (readonly [series: string, label: string, values: readonly string[]])[] = [
  ["breakwater_events_total", "code", Object.keys(EVENT_LEVELS)],
  ["breakwater_follower_entries_total", "code", [...ENTRY_CODES, ...ENTRY_FAULTS]],
  ["breakwater_alerts_sent_total", "outcome", ALERT_OUTCOMES],
  ["breakwater_phase", "phase", ["quarantine", "running", "halted"] satisfies readonly MachineStatus["phase"][]],
  ["breakwater_feed_sources", "status", ["used", "dropped"]],
  ["breakwater_own_inclusion_total", "included", ["yes", "no"]],
];

describe("what rules and dashboard read", () => {
  it.each([...RECORDED.map(({ record, expr }) => [record, expr]), ...ALERTS.map(({ alert, expr }) => [alert, expr])])(
    "%s reads what the code exports",
    (_, expr = "") => {
      expect(readExpression(expr).used.length).toBeGreaterThan(0);
      expect(unknownIn(expr, known)).toEqual([]);
    },
  );

  it.each(panels.map((panel) => [panel.title, panel] as const))("the panel %s reads what the code exports", (_, panel) => {
    expect(panel.targets?.length).toBeGreaterThan(0);
    expect(unknownInPanel(panel)).toEqual([]);
  });

  it.each(ALERTS.map((rule) => [rule.alert, rule] as const))("%s names only labels that its series have", (_, rule) => {
    const { used } = readExpression(rule.expr);
    const labels = new Set(["severity", "job", "instance", ...used.flatMap(({ series }) => [...(known.get(series) ?? [])])]);
    const named = [...JSON.stringify(rule.annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label);
    expect(named.filter((label) => !labels.has(label))).toEqual([]);
  });

  it.each([
    [
      "a series that nobody exports",
      "rate(breakwater_nonsense_total[5m]) > 0",
      "breakwater_nonsense_total is exported by nobody",
    ],
    ["a label that it has not", 'breakwater_peers{venue="kraken"} == 0', "breakwater_peers has no label venue"],
    ["a group by what is not there", "sum by (venue) (breakwater_peers)", "no series has the label venue to group by"],
    ["the parts of a histogram that is none", "breakwater_peers_bucket", "breakwater_peers_bucket is exported by nobody"],
  ])("the same reading finds %s", (_, expr, fault) => {
    expect(unknownIn(expr, known)).toEqual([fault]);
  });

  it.each(CODES)("names only values of %s{%s} that there are", (series, label, values) => {
    const named = [...RECORDED, ...ALERTS].flatMap(({ expr }) => valuesOf(expr, series, label));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((value) => !values.includes(value))).toEqual([]);
  });

  it("reads an expression as Prometheus does", () => {
    expect(
      readExpression('sum by (a, b) (rate(x_total{code!~"y|z", d="e"}[5m] offset 1h)) / on (a) group_left () w > bool 1e9'),
    ).toEqual({
      used: [
        { series: "x_total", labels: ["code", "d"] },
        { series: "w", labels: [] },
      ],
      grouped: ["a", "b", "a"],
    });
  });
});

describe("the Grafana dashboard", () => {
  it("has the sections that an operator looks for", () => {
    const rows = dashboard.panels.filter(({ type }) => type === "row").map(({ title }) => title);
    expect(rows).toEqual([
      "Rounds and lease",
      "Breakers",
      "Sources",
      "Committee",
      "Stages of the flow",
      "Gateways and readers",
      "Redis",
      "Processes",
    ]);
  });

  it("has its panels side by side: none over another, each with a description and the provisioned data source", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = new Set<string>();
    for (const { gridPos: at, title } of dashboard.panels) {
      expect(at.x + at.w, title).toBeLessThanOrEqual(24);
      for (let x = at.x; x < at.x + at.w; x++) {
        for (let y = at.y; y < at.y + at.h; y++) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
    const { uid } = (/uid: (?<uid>\w+)/.exec(textOf("deploy", "grafana", "provisioning", "datasources", "prometheus.yml"))
      ?.groups ?? {}) as {
      uid?: string;
    };
    for (const panel of panels) {
      expect(panel.description?.length, panel.title).toBeGreaterThan(5);
      expect(panel.datasource?.uid, panel.title).toBe(uid);
    }
  });

  it("shows everything of this project that is exported", () => {
    const shown = new Set([
      ...panels.flatMap(({ targets = [] }) =>
        targets.flatMap(({ expr }) => readExpression(expr).used.map(({ series }) => series)),
      ),
      ...RECORDED.flatMap(({ expr }) => readExpression(expr).used.map(({ series }) => series)),
    ]);
    const metrics = new Set([...exported.keys()].filter((name) => name.startsWith("breakwater_")).map(baseOf));
    const missing = [...metrics].filter((name) => ![...shown].some((series) => baseOf(series) === name));
    expect(missing.sort()).toEqual(LEFT_OUT);
  });
});

/** Read by whoever asks a question of one process; on a page for all they would say nothing. */
const LEFT_OUT = [
  "breakwater_connections_refused_total",
  "breakwater_gossip_relayed_total",
  "breakwater_peer_requests_total",
  "breakwater_rpc_block_gap_seconds",
  "breakwater_rpc_faults_total",
];

/** What an expression compares a label of a series with; the alternatives of a pattern each. */
function valuesOf(expr: string, series: string, label: string): readonly string[] {
  const matchers = [...expr.matchAll(new RegExp(`${series}\\{([^}]*)\\}`, "g"))].map(([, text = ""]) => text);
  return matchers.flatMap((text) => {
    const [, values = ""] = new RegExp(`${label}(?:=~|!~|!=|=)"([^"]*)"`).exec(text) ?? [];
    return values === "" ? [] : values.split("|");
  });
}

function baseOf(series: string): string {
  return series.replace(/_(bucket|sum|count)$/, "");
}
