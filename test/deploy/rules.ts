import { parse } from "yaml";
import { textOf } from "./files.ts";

export type AlertRule = {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string; readonly runbook_url: string };
};
export type RecordRule = { readonly record: string; readonly expr: string };
type File = { readonly groups: readonly { readonly name: string; readonly rules: readonly (AlertRule | RecordRule)[] }[] };

const text = textOf("deploy", "prometheus", "rules", "breakwater.yml");

function isAlert(rule: AlertRule | RecordRule): rule is AlertRule {
  return "alert" in rule;
}

const { groups } = parse(text) as File;
const rules = groups.flatMap((group) => group.rules);
/** The recorded ones are first: promtool takes groups in any order unless it is told one. */
export const GROUPS: readonly string[] = groups.map(({ name }) => name);
export const ALERTS: readonly AlertRule[] = rules.filter(isAlert);
export const RECORDED: readonly RecordRule[] = rules.filter((rule): rule is RecordRule => !isAlert(rule));

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * The rules with every time that they wait or look back divided: `for`, ranges and offsets. Thresholds stay as they are. Nothing becomes
 * shorter than `leastS`, so that a range holds a few samples.
 *
 * @example scaledRules({ factor: 30, leastS: 4 }) // `for: 10m` → `for: 20s`, `[5m]` → `[10s]`, `for: 30s` → `for: 4s`
 */
export function scaledRules({ factor, leastS }: { readonly factor: number; readonly leastS: number }): string {
  const scaled = (duration: string): string => {
    const [, count = "0", unit = "s"] = /^(\d+)([smhd])$/.exec(duration) ?? [];
    const seconds = Number(count) * (SECONDS[unit] ?? 1);
    return seconds === 0 ? "0s" : `${Math.max(leastS, Math.round(seconds / factor))}s`;
  };
  return text
    .replaceAll(/^( +for: )(\w+)$/gm, (_, start: string, duration: string) => `${start}${scaled(duration)}`)
    .replaceAll(/\[(\w+)\]/g, (_, duration: string) => `[${scaled(duration)}]`)
    .replaceAll(/\boffset (\d+[smhd])/g, (_, duration: string) => `offset ${scaled(duration)}`);
}
