import { type Preset, THRESHOLDS, type ThresholdName, type Thresholds } from "../../protocol/thresholds.ts";
import type { Reason, WhatIf, WhatIfOutcome } from "../data/api.ts";
import { formatCount, formatNamed, formatSpan } from "./format.ts";
import { measureOf, RULE_WORDS, sayMeasure } from "./words.ts";

/** What can be drawn as a line across what was measured comes first; the others shape how a pause ends. */
export const DRAWN = [
  "jumpBps",
  "gapBps",
  "dispersionBps",
  "divergenceBps",
  "wantGroups",
  "topShareBps",
  "staleMs",
  "pegBps",
] as const;
export const UNDRAWN = ["confirmMs", "clearMs", "probeMs", "maxOpenMs", "refTauMs", "beta", "sysCapBps"] as const;
export type Tuned = (typeof DRAWN)[number] | (typeof UNDRAWN)[number];

/** What a person calls a threshold, beside the name that stands in the config. */
export const TUNED_WORDS: Readonly<Record<Tuned, string>> = {
  jumpBps: "Move off the average",
  gapBps: "Step in one round",
  dispersionBps: "Nodes disagree by",
  divergenceBps: "Weight of dissenting venues",
  wantGroups: "Independent groups wanted",
  topShareBps: "Heaviest group's share",
  staleMs: "Age of the price",
  pegBps: "Off the redemption rate",
  confirmMs: "Agreement that ends a jump",
  clearMs: "Quiet time",
  probeMs: "Length of the probe",
  maxOpenMs: "Longest pause of a rule",
  refTauMs: "Memory of the average",
  beta: "Share of the market's move",
  sysCapBps: "Market's move counted up to",
};

/** Positions of a slider; a keyboard's arrow moves by one. */
export const SLIDER_STEPS = 200;

/**
 * A threshold's place on its slider: equal steps are equal ratios, because a limit of 20 bps and one of 40 are as far apart as 1000 and
 * 2000. A floor of zero has its own first step.
 */
export function toPosition(name: ThresholdName, value: number): number {
  const { floor, ceiling } = THRESHOLDS[name];
  if (value <= floor) return 0;
  const least = Math.max(1, floor);
  return Math.min(SLIDER_STEPS, Math.max(1, Math.round((SLIDER_STEPS * Math.log(value / least)) / Math.log(ceiling / least))));
}

/** The value of a place, in numbers that people would write: two figures, within floor and ceiling. */
export function fromPosition(name: ThresholdName, position: number): number {
  const { floor, ceiling } = THRESHOLDS[name];
  if (position <= 0) return floor;
  if (position >= SLIDER_STEPS) return ceiling;
  const least = Math.max(1, floor);
  const exact = least * (ceiling / least) ** (position / SLIDER_STEPS);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(exact)) - 1);
  return Math.min(ceiling, Math.max(floor, Math.round(exact / unit) * unit));
}

/** The next place in a direction that has another value: small whole numbers share places. */
export function stepFrom(name: ThresholdName, value: number, by: number): number {
  for (let position = toPosition(name, value) + by; position >= 0 && position <= SLIDER_STEPS; position += Math.sign(by)) {
    const next = fromPosition(name, position);
    if (by > 0 ? next > value : next < value) return next;
  }
  return by > 0 ? THRESHOLDS[name].ceiling : THRESHOLDS[name].floor;
}

/** What stands in a number field is taken when it is whole and within floor and ceiling; else what is expected there. */
export function readValue(name: ThresholdName, text: string): { readonly value: number } | { readonly expected: string } {
  const { floor, ceiling } = THRESHOLDS[name];
  const value = Number(text);
  if (/^\d{1,9}$/.test(text.trim()) && value >= floor && value <= ceiling) return { value };
  return { expected: `a whole number from ${formatCount(floor)} to ${formatCount(ceiling)}` };
}

/** What is put to the gateway: only what differs. */
export function changesOf(inForce: Thresholds, values: Partial<Record<Tuned, number>>): Partial<Record<Tuned, number>> {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => inForce[name as Tuned] !== value));
}

/** Both outcomes as one sentence, for the eye and for who listens. */
export function sayOutcome({ before, after, changed, feed }: Pick<WhatIf, "before" | "after" | "changed" | "feed">): string {
  const now = `${sayTrips(before)}${before.longestPauseMs > 0 ? `, the longest of ${formatSpan(before.longestPauseMs)}` : ""}`;
  if (changed.length === 0) return `${feed} had ${now}.`;
  const what = changed.map(({ threshold, to }) => `${threshold} at ${formatNamed(threshold, to)}`).join(", ");
  if (isSame(before, after)) return `With ${what} nothing changes: ${now}.`;
  const then = `${sayTrips(after)}${after.longestPauseMs > 0 ? `, the longest of ${formatSpan(after.longestPauseMs)}` : ""}`;
  return `With ${what}: ${then}; as certified: ${now}.`;
}

function sayTrips({ tripCount }: WhatIfOutcome): string {
  return tripCount === 0 ? "no pause" : tripCount === 1 ? "one pause" : `${formatCount(tripCount)} pauses`;
}

function isSame(before: WhatIfOutcome, after: WhatIfOutcome): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

/** Share of the rounds in percent; a little is never shown as nothing, nor almost all as all. */
export function sayShare(rounds: number, of: number): string {
  if (of === 0) return "–";
  const percent = (rounds * 100) / of;
  if (rounds > 0 && percent < 0.1) return "< 0.1 %";
  if (rounds < of && percent > 99.9) return "> 99.9 %";
  return `${Math.round(percent * 10) / 10} %`;
}

/** What the answer could not look at, in words; empty when there is nothing to say. */
export function sayMissing({
  missing,
  notReplayed,
  looked,
}: Pick<WhatIf, "missing" | "notReplayed" | "looked">): readonly string[] {
  const { uncertified, bodies, resumed, begins } = missing;
  const span = formatSpan(looked.toAt - looked.fromAt);
  return [
    begins === null ? "" : `Only ${span} could be looked at: the rounds begin ${begins}.`,
    bodies === 0 ? "" : `${formatCount(bodies)} certified rounds are no longer here in full.`,
    resumed === 0
      ? ""
      : `Behind missing rounds the walk was taken up again ${formatCount(resumed)} times from what was certified.`,
    uncertified === 0 ? "" : `${formatCount(uncertified)} round numbers were never certified.`,
    notReplayed.length === 0
      ? ""
      : `${notReplayed.join(", ")} act${notReplayed.length === 1 ? "s" : ""} before nodes sign what they saw: no replay shows it.`,
  ].filter((text) => text !== "");
}

/** Why a feed was paused: its rules, each with how far it went. */
export function sayTrip({ openedBy, worst }: Pick<WhatIfOutcome["trips"][number], "openedBy" | "worst">): string {
  const sorted = [...worst].sort((a, b) => Number(openedBy.includes(b.rule)) - Number(openedBy.includes(a.rule)));
  return sorted.map((reason: Reason) => `${RULE_WORDS[reason.rule].title}: ${sayMeasure(measureOf(reason))}`).join("; ");
}

/** The lines that a proposal's network.yaml takes beside what stands there. */
export function toYaml(feed: string, changed: WhatIf["changed"], preset: Preset): string {
  const lines = changed.map(
    ({ threshold, from, to }) =>
      `      ${threshold}: ${to} # in force: ${from}, preset ${preset}: ${THRESHOLDS[threshold].presets[preset]}`,
  );
  return [`  - feed: ${feed}`, "    thresholds:", ...lines].join("\n");
}

/** From the file to the handed-in document, as docs/governance.md walks through it. */
export const PROPOSAL_COMMANDS: readonly string[] = [
  "breakwater governance replay next.yaml",
  "breakwater governance propose next.yaml --out proposal.json",
  "breakwater governance sign proposal.json --key <governor>.key.json",
  "breakwater governance submit proposal.json",
];
