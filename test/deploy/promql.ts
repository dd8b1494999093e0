/** Words of PromQL that are no series: operators, modifiers, aggregations. What is followed by "(" is a function and needs no place here. */
const WORDS = new Set(
  "and or unless by without on ignoring group_left group_right offset bool sum min max avg count count_values topk bottomk quantile stddev inf nan".split(
    " ",
  ),
);
/** Series that Prometheus itself makes. */
const OWN = new Map([
  ["up", new Set(["job", "instance"])],
  ["ALERTS", new Set(["alertname", "alertstate", "severity", "job", "instance", "feed"])],
]);

export type Usage = { readonly series: string; readonly labels: readonly string[] };
export type Reading = { readonly used: readonly Usage[]; readonly grouped: readonly string[] };

/** Which series an expression reads, with the labels that it matches each by, and the labels that it groups by. */
export function readExpression(expr: string): Reading {
  const grouped = [...expr.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((label) => label.trim()),
  );
  const bare = expr
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, " ")
    .replaceAll(/\[[^\]]*\]/g, " ")
    .replaceAll(/\boffset\s+\w+/g, " ");
  const used: Usage[] = [];
  for (const [, series = "", matchers = "", next] of bare.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?\s*(\()?/g)) {
    if (next !== undefined || WORDS.has(series) || inString(bare, series, matchers)) continue;
    used.push({ series, labels: [...matchers.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = ""]) => label) });
  }
  return { used, grouped: grouped.filter((label) => label !== "") };
}

/** An exponent of a number (`1e9`) reads like a name. */
function inString(expr: string, series: string, matchers: string): boolean {
  return /^e\d+$/.test(series) && matchers === "" && new RegExp(`\\d${series}\\b`).test(expr);
}

/**
 * What of an expression nobody exports.
 *
 * @param known series by name, with their labels
 * @returns a line a fault: a series that is not known, or a label that it has not
 */
export function unknownIn(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const { used, grouped } = readExpression(expr);
  const labelsOf = (series: string): ReadonlySet<string> | undefined => known.get(series) ?? OWN.get(series);
  const faults = used.flatMap(({ series, labels }) => {
    const has = labelsOf(series);
    if (has === undefined) return [`${series} is exported by nobody`];
    return labels.filter((label) => !has.has(label)).map((label) => `${series} has no label ${label}`);
  });
  const all = new Set(used.flatMap(({ series }) => [...(labelsOf(series) ?? [])]));
  return [
    ...faults,
    ...grouped.filter((label) => !all.has(label)).map((label) => `no series has the label ${label} to group by`),
  ];
}

/** The labels that a recorded series has: those it is grouped by, or those of what it reads. */
export function labelsOfRecorded(expr: string, known: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const { used, grouped } = readExpression(expr);
  if (grouped.length > 0) return new Set(grouped.filter((label) => label !== "le"));
  if (/^\s*(max|min|sum|avg|count)\s*\(/.test(expr)) return new Set();
  return new Set(used.flatMap(({ series }) => [...(known.get(series) ?? [])]));
}
