import type { FeedId } from "../../protocol/feed.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { parseInstant } from "./bars.ts";

const MAX_LABELS = 10_000;
const MAX_NAME = 200;
const HEADER = "from_ms,to_ms,kind,name";

/** A span of a record of which people know whether the price was wrong (`true`: a pause belongs there) or right (`false`). */
export type Label = { readonly from: number; readonly to: number; readonly kind: "true" | "false"; readonly name: string };

/** A label whose name begins with a feed and a colon is about that feed alone. @example // "USDC/USD: reserves at a failed bank" */
export function concerns({ name }: Pick<Label, "name">, feed: FeedId): boolean {
  const named = /^([A-Z0-9.]+\/[A-Z0-9.]+):/.exec(name)?.[1];
  return named === undefined || named === feed;
}

/**
 * `from_ms,to_ms,kind,name`; a name may hold commas. Faults name the line.
 *
 * @example
 * parseLabels("from_ms,to_ms,kind,name\n0,60000,true,a printing error\n"); // [{ from: 0, to: 60000, kind: "true", name: "a printing error" }]
 */
export function parseLabels(text: string): Result<readonly Label[], string> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== HEADER) return fail(`line 1: expected the header ${HEADER}`);
  if (lines.length > MAX_LABELS + 1) return fail(`expected at most ${MAX_LABELS} labels`);
  const labels: Label[] = [];
  for (const [index, line] of lines.slice(1).entries()) {
    const [fromText = "", toText = "", kind = "", ...rest] = line.split(",");
    const at = `line ${index + 2}`;
    const from = parseInstant(fromText);
    const to = parseInstant(toText);
    const name = rest.join(",").trim();
    if (from === undefined || to === undefined) return fail(`${at}: from_ms, to_ms: expected Unix ms`);
    if (from >= to) return fail(`${at}: to_ms: expected more than from_ms`);
    if (kind !== "true" && kind !== "false") return fail(`${at}: kind: expected true or false, found "${kind}"`);
    if (name === "" || name.length > MAX_NAME) return fail(`${at}: name: expected 1 to ${MAX_NAME} characters`);
    labels.push({ from, to, kind, name });
  }
  return ok(labels);
}
