/** Why a source did not count, by the code of the aggregator's drop (DESIGN section 4). */
const DROP_WORDS: Readonly<Record<string, string>> = {
  missing: "no quote",
  crossed: "crossed book",
  empty: "empty book",
  undated: "no time",
  future: "from the future",
  stale: "stale",
  wide: "book too wide",
  leg: "conversion in doubt",
  range: "out of range",
  outlier: "outlier",
};

/**
 * @example
 * sayDrop({ code: "outlier", detail: "2 990 bps from the weighted median" }); // "outlier (2 990 bps from the weighted median)"
 */
export function sayDrop({
  code = "",
  detail,
}: {
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
}): string {
  const words = DROP_WORDS[code] ?? code;
  return detail === undefined || detail === "" ? words : `${words} (${detail})`;
}
