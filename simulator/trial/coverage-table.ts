import { type CoverageCounts, type CoverageItem, coverageFaults, EXPECTED, SECTIONS, type Section } from "./coverage.ts";

const TITLES = {
  faults: "fault kinds that began",
  byzantine: "byzantine behaviours that misbehaved",
  verdicts: "gossip verdicts given",
  transitions: "breaker transitions (BREAKER.md B6)",
  rules: "rules active, in feed rounds",
  waived: "soft rules waived",
  mechanisms: "breaker mechanisms",
  events: "node events",
  refusals: "proposals refused, by reason",
  acts: "acts of keyholders and of those who are none",
  receipts: "answers to documents",
  documents: "documents in certified rounds, by kind",
  changes: "changes of config",
  places: "rounds committed, by place",
  sizes: "committee sizes, in trials",
  settings: "networks, in trials",
} as const satisfies Record<Section, string>;

const OPENING = "<!-- coverage -->";
const CLOSING = "<!-- /coverage -->";
/** Columns of the text form. */
const WIDTH = 118;
const INDENT = "    ";

/** What was counted, for a terminal: a title a section with how many of the expected were reached, then every count. */
export function coverageLines(counts: CoverageCounts): readonly string[] {
  return [...linesOf(counts, () => true), ...faultLines(counts).map((line) => `  ${line}`)];
}

/** The same of one trial, which reaches little: only what it did. */
export function reachedLines(counts: CoverageCounts): readonly string[] {
  return linesOf(counts, (times) => times > 0);
}

function linesOf(counts: CoverageCounts, isShown: (times: number) => boolean): readonly string[] {
  return SECTIONS.flatMap((section) => {
    const shown = itemsOf(counts, section).filter(([, times]) => isShown(times));
    const title = `  ${TITLES[section]}: ${reached(counts, section)}`;
    return shown.length === 0 ? [] : [title, ...wrap(shown.map(([item, times]) => `${item} ${formatCount(times)}`))];
  });
}

/** The same as a Markdown table, under a sentence that says what run it is of. */
export function coverageMarkdown(counts: CoverageCounts, headline: string): string {
  const rows = SECTIONS.map((section) => {
    const items = itemsOf(counts, section).map(([item, times]) => `${item} ${formatCount(times)}`);
    return `| ${TITLES[section]} | ${reached(counts, section)} | ${items.join(" · ")} |`;
  });
  return [headline, "", "| what | reached | how often |", "|---|---|---|", ...rows, "", ...faultLines(counts)].join("\n");
}

/** The document with what stands between the markers replaced; undefined when it has no such place. */
export function replaceCoverage(document: string, markdown: string): string | undefined {
  const from = document.indexOf(OPENING);
  const to = document.indexOf(CLOSING);
  if (from < 0 || to < from) return undefined;
  return `${document.slice(0, from + OPENING.length)}\n${markdown}\n${document.slice(to)}`;
}

/** Groups of three by a thin space. @example formatCount(12345); // "12 345" */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}

function faultLines(counts: CoverageCounts): readonly string[] {
  const { missing, forbidden } = coverageFaults(counts);
  return [`Never reached: ${bySection(missing)}.`, `Happened and must not: ${bySection(forbidden)}.`];
}

/** @example bySection([{ section: "faults", item: "loss" }, { section: "faults", item: "clog" }]); // "faults loss · clog" */
function bySection(items: readonly CoverageItem[]): string {
  if (items.length === 0) return "nothing";
  const groups = Map.groupBy(items, ({ section }) => section);
  return [...groups].map(([section, group]) => `${section} ${group.map(({ item }) => item).join(" · ")}`).join("; ");
}

function reached(counts: CoverageCounts, section: Section): string {
  const expected: readonly string[] = EXPECTED[section];
  return `${expected.filter((item) => (counts[section][item] ?? 0) > 0).length} of ${expected.length}`;
}

/** In the expected order, what nobody expected after it. */
function itemsOf(counts: CoverageCounts, section: Section): readonly (readonly [string, number])[] {
  const expected: readonly string[] = EXPECTED[section];
  const others = Object.keys(counts[section]).filter((item) => !expected.includes(item));
  return [...expected, ...others].map((item) => [item, counts[section][item] ?? 0]);
}

function wrap(items: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    const longer = line === "" ? item : `${line} · ${item}`;
    if (INDENT.length + longer.length <= WIDTH || line === "") line = longer;
    else {
      lines.push(INDENT + line);
      line = item;
    }
  }
  return line === "" ? lines : [...lines, INDENT + line];
}
