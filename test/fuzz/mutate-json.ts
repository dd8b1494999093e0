import type { Random } from "../../simulator/random.ts";
import { joined, type Mutation } from "./mutate-bytes.ts";

/** Values that a parser of JSON may not have thought of. */
const FRAGMENTS: readonly string[] = [
  ...["null", "true", "false", "0", "-0", "1", "-1", "2", "10000", "10001", "1e2", "1.5", "1e999", "-1e999", "1e-400", "0.1e1"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "18446744073709551616", "4294967296", "1.7976931348623157e308"],
  ...[
    '""',
    '"0"',
    '"00"',
    '"-1"',
    '"-0"',
    '"1e5"',
    '"NaN"',
    '"0x10"',
    '" 1"',
    '"1\\n"',
    '"1_000"',
    '"١"',
    '"+1"',
    '".5"',
    '"5."',
  ],
  ...['"\\ud800"', '"\\u0000"', '"__proto__"', '"constructor"', '"toString"', '"\\u202e"', '"𝒳é"', '"<script>"', '"%00"', '"%s"'],
  ...[
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[{}]",
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":1}}',
    '{"toString":1}',
    '{"":0}',
  ],
  `"${"9".repeat(80)}"`,
  "9".repeat(400),
  `0.${"0".repeat(300)}1`,
  `"${"A".repeat(4_000)}"`,
  `[${"0,".repeat(2_000)}0]`,
  `${"[".repeat(31)}0${"]".repeat(31)}`,
  `${"[".repeat(40)}0${"]".repeat(40)}`,
  `${"[".repeat(3_000)}${"]".repeat(3_000)}`,
  `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`,
];
const KEYS: readonly string[] = ["__proto__", "constructor", "toString", "length", "", "\\u0000", "hasOwnProperty", "then"];
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[{}[\],:]/g;

type Span = { readonly from: number; readonly to: number };
type Spans = { readonly values: readonly Span[]; readonly keys: readonly Span[]; readonly members: readonly Span[] };

/** Changes of the text, not of a parsed value: numbers keep their digits, and a key may stand twice. */
export const JSON_MUTATIONS: readonly Mutation[] = [
  textual(replaceValue),
  textual(replaceValue),
  textual(moveValue),
  textual(takeValue),
  textual(removeMember),
  textual(repeatMember),
  textual(renameKey),
  textual(nestValue),
  textual(tweakNumber),
];

function textual(change: (text: string, random: Random, other: string) => string): Mutation {
  return (input, random, other) => Buffer.from(change(latin1(input), random, latin1(other)), "latin1");
}

function replaceValue(text: string, random: Random): string {
  return replaced(
    text,
    pick(spansOf(text).values, random),
    Buffer.from(pick(FRAGMENTS, random) ?? "", "utf8").toString("latin1"),
  );
}

/** One value of the document in another's place. */
function moveValue(text: string, random: Random): string {
  const { values } = spansOf(text);
  return replaced(text, pick(values, random), cut(text, pick(values, random)));
}

/** A value of another document in this one. */
function takeValue(text: string, random: Random, other: string): string {
  return replaced(text, pick(spansOf(text).values, random), cut(other, pick(spansOf(other).values, random)));
}

function removeMember(text: string, random: Random): string {
  return replaced(text, pick(spansOf(text).members, random), "");
}

/** The same key twice: which one counts? */
function repeatMember(text: string, random: Random): string {
  const { members } = spansOf(text);
  const member = pick(members, random);
  return member === undefined ? text : `${text.slice(0, member.to)},${cut(text, pick(members, random))}${text.slice(member.to)}`;
}

function renameKey(text: string, random: Random): string {
  const { keys } = spansOf(text);
  const name = random.below(2) === 0 ? `"${pick(KEYS, random)}"` : cut(text, pick(keys, random));
  return replaced(text, pick(keys, random), name);
}

function nestValue(text: string, random: Random): string {
  const value = pick(spansOf(text).values, random);
  const depth = 1 + random.below(4);
  const isList = random.below(2) === 0;
  const [open, close] = isList ? ["[", "]"] : ['{"a":', "}"];
  return replaced(text, value, open.repeat(depth) + cut(text, value) + close.repeat(depth));
}

/** A number a little off, or as a text, or a text as a number. */
function tweakNumber(text: string, random: Random): string {
  const { values } = spansOf(text);
  const numbers = values.filter((span) => /^"?-?\d+(\.\d+)?"?$/.test(cut(text, span)));
  const span = pick(numbers, random);
  if (span === undefined) return text;
  const found = cut(text, span);
  const bare = found.replaceAll('"', "");
  const changes = [
    () => (found === bare ? `"${bare}"` : bare),
    () => found.replace(/\d/, String(random.below(10))),
    () => found.replace(/(\d)("?)$/, `$1${"0".repeat(1 + random.below(30))}$2`),
    () => found.replace(/^("?)/, "$1-"),
    () => found.replace(/(\d)("?)$/, "$1.0$2"),
  ];
  return replaced(text, span, pick(changes, random)?.() ?? found);
}

/** Values, keys and members of whatever JSON stands in a text, also beside or between other things. */
function spansOf(text: string): Spans {
  const values: Span[] = [];
  const keys: Span[] = [];
  const members: Span[] = [];
  const open: number[] = [];
  let key: Span | undefined;
  const pending: (Span | undefined)[] = [];
  const value = (span: Span) => {
    values.push(span);
    if (key !== undefined) members.push({ from: key.from, to: span.to });
    key = undefined;
  };
  for (const match of text.matchAll(TOKEN)) {
    const span = { from: match.index, to: match.index + match[0].length };
    if (match[0] === "{" || match[0] === "[") {
      open.push(span.from);
      pending.push(key);
      key = undefined;
    } else if (match[0] === "}" || match[0] === "]") {
      key = pending.pop();
      value({ from: open.pop() ?? span.from, to: span.to });
    } else if (match[0] === "," || match[0] === ":") {
      if (match[0] === ",") key = undefined;
    } else if (text[span.to] === ":") {
      keys.push(span);
      key = span;
    } else value(span);
  }
  return { values, keys, members };
}

function cut(text: string, span: Span | undefined): string {
  return span === undefined ? "null" : text.slice(span.from, span.to);
}

function replaced(text: string, span: Span | undefined, by: string): string {
  return span === undefined ? text : text.slice(0, span.from) + by + text.slice(span.to);
}

function pick<T>(items: readonly T[], random: Random): T | undefined {
  return items.length === 0 ? undefined : items[random.below(items.length)];
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A word of the target's dictionary somewhere, between or over what stands there. */
export function insertWord(input: Uint8Array, random: Random, dictionary: readonly string[]): Uint8Array {
  const word = Buffer.from(pick(dictionary, random) ?? "", "utf8");
  const at = random.below(input.length + 1);
  return joined(input.subarray(0, at), word, input.subarray(random.below(2) === 0 ? at : at + word.length));
}
