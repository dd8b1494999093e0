import type { NetworkConfig } from "../../protocol/config.ts";
import { changedFeeds } from "../../protocol/config-change.ts";

/** A change of a whole network is not read line by line. */
const MAX_LINES = 200;
const MAX_VALUE = 80;

type Node = unknown;
type Item = Readonly<Record<string, unknown>>;

/**
 * What a config changes, a line for each field, and then the feeds that are priced from something else, whose shadow prices have to agree
 * before it activates.
 *
 * @example
 * describeDifferences(current, next); // ["version: 1 becomes 2", "feeds[ETH/USD].thresholds.jumpBps: 300 becomes 400"]
 */
export function describeDifferences(current: NetworkConfig, next: NetworkConfig): readonly string[] {
  const lines = [...walk("", current, next)];
  const shown = lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`];
  const repriced = changedFeeds(current, next);
  if (repriced.length === 0) return [...shown, "no feed's price changes: the activation time alone decides"];
  const { shadowMs } = current.governance;
  return [...shown, `priced from something else, so to agree for ${shadowMs} ms before it activates: ${repriced.join(", ")}`];
}

function* walk(path: string, before: Node, after: Node): Generator<string> {
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every(isItem)) {
    yield* walkItems(path, before as readonly Item[], after as readonly Item[]);
  } else if (isItem(before) && isItem(after)) {
    const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    for (const field of fields) yield* walk(path === "" ? field : `${path}.${field}`, before[field], after[field]);
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    yield before === undefined
      ? `${path}: new, ${show(after)}`
      : after === undefined
        ? `${path}: gone`
        : `${path}: ${show(before)} becomes ${show(after)}`;
  }
}

/** Items of a list are matched by what names them, not by their place. */
function* walkItems(path: string, before: readonly Item[], after: readonly Item[]): Generator<string> {
  const known = new Map(before.map((item) => [keyOf(item), item]));
  const next = new Map(after.map((item) => [keyOf(item), item]));
  for (const key of new Set([...known.keys(), ...next.keys()])) yield* walk(`${path}[${key}]`, known.get(key), next.get(key));
}

function keyOf(item: Item): string {
  if ("venue" in item) return `${item.venue} ${item.market}${isEmpty(item.convert) ? "" : ` ${JSON.stringify(item.convert)}`}`;
  const name = item.feed ?? item.chain ?? item.name;
  return typeof name === "string" ? name : JSON.stringify(item);
}

function isEmpty(value: Node): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isItem(value: Node): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: Node): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`;
}
