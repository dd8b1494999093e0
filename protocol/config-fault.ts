import type { z } from "zod";
import type { ConfigFault } from "./config.ts";
import { fail, ok, type Result } from "./result.ts";

/** What a schema's type is called when an operator reads it in a file. */
const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "keys with values",
};

/** Parses a config's plain values; every fault names its path, what was expected and, where no secret can stand, what was found. */
export function parseShape<T>(schema: z.ZodType<T>, input: unknown): Result<T, readonly ConfigFault[]> {
  const parsed = schema.safeParse(input, { reportInput: true, error: expectation });
  if (parsed.success) return ok(parsed.data);
  const faults = new Map<string, ConfigFault>();
  for (const fault of parsed.error.issues.flatMap(explain)) faults.set(`${fault.path} ${fault.expected}`, fault);
  return fail([...faults.values()]);
}

/** Where a schema names no expectation of its own. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `expected at least ${issue.minimum}${issue.origin === "array" ? " items" : ""}`;
    case "too_big":
      return `expected at most ${issue.maximum}${issue.origin === "array" ? " items" : ""}`;
    default:
      return undefined;
  }
}

function explain(issue: z.core.$ZodIssue): readonly ConfigFault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), expected: "expected no such key" }));
  }
  const path = pathText(issue.path);
  if (issue.input === undefined) return [{ path, expected: `missing: ${issue.message}` }];
  const quoted = issue.code === "invalid_value" && typeof issue.input === "string";
  return [{ path, expected: `${issue.message}, found ${quoted ? `"${issue.input}"` : kindOf(issue.input)}` }];
}

/** Texts are not repeated: a misplaced key or password must not end up in a log. */
function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "keys with values";
  return typeof value === "string" ? "another text" : String(value);
}

/** @example pathText(["feeds", 2, "sources", 0, "venue"]); // feeds[2].sources[0].venue */
function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "(top level)";
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}
