import type { Outcome } from "./judge.ts";

const BEGIN = "<!-- mutants -->";
const END = "<!-- /mutants -->";

/** A Markdown table, one row a mutant, in the order of the list. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(
    ({ mutant, kind, by, seconds }) =>
      `| ${mutant.name} (${mutant.file}) | ${mutant.promise} | ${cell(kind === "caught" ? by : `**${kind}**: ${by}`)} | ${seconds.toFixed(1)} |`,
  );
  return ["| guard | promise | caught by | seconds |", "|---|---|---|---|", ...rows].join("\n");
}

/** The document with what stands between its two marker comments replaced; undefined without exactly one pair of them. */
export function placeTable(document: string, table: string): string | undefined {
  const begin = document.split(BEGIN);
  const end = document.split(END);
  if (begin.length !== 2 || end.length !== 2 || document.indexOf(BEGIN) > document.indexOf(END)) return undefined;
  return `${begin[0]}${BEGIN}\n${table}\n${END}${end[1]}`;
}

function cell(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
}
