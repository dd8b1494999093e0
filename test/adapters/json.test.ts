import fc from "fast-check";
import { expect, test } from "vitest";
import { type Json, MAX_BODY_BYTES, MAX_DEPTH, MAX_VALUES, parseJson } from "../../adapters/json.ts";

function parse(text: string): ReturnType<typeof parseJson> {
  return parseJson(new TextEncoder().encode(text));
}

test.each([
  "1.10",
  "0.000000000000000001",
  "9007199254740993",
  "1e400",
  "-0",
  "123456789012345678901234567890.123456789",
  "1E-7",
])("the number %s keeps its text", (text) => {
  expect(parse(text)).toEqual({ ok: true, value: { number: text } });
  expect(parse(`{"a":[ ${text} ]}`)).toEqual({ ok: true, value: new Map([["a", [{ number: text }]]]) });
});

test("keys that name the prototype are keys like any other", () => {
  const parsed = parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"toString":"3"}');
  expect(parsed.ok && parsed.value instanceof Map && [...parsed.value.keys()]).toEqual(["__proto__", "constructor", "toString"]);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test("an object that looks like a number of ours is an object", () => {
  expect(parse('{"number":"1"}')).toEqual({ ok: true, value: new Map([["number", "1"]]) });
});

test("of a key written twice the last counts, whatever stood before", () => {
  expect(parse('{"a":[1,{"a":2}],"a":3.0}')).toEqual({ ok: true, value: new Map([["a", { number: "3.0" }]]) });
});

test("a body beyond its bound is not read, whatever it says", () => {
  const padded = (bytes: number) => parseJson(new TextEncoder().encode("1".padStart(bytes, " ")));
  expect(padded(MAX_BODY_BYTES)).toEqual({ ok: true, value: { number: "1" } });
  expect(padded(MAX_BODY_BYTES + 1)).toMatchObject({ ok: false, error: { code: "oversize" } });
});

test("a body of more values than anybody sends is not read, however short: each costs more than its bytes", () => {
  const list = (items: number) => `[${Array.from({ length: items }, () => "1").join(",")}]`;
  expect(parse(list(MAX_VALUES - 1)).ok).toBe(true);
  const oversize = { ok: false, error: { code: "oversize", detail: `JSON of more than ${MAX_VALUES} values` } };
  expect(parse(list(MAX_VALUES))).toEqual(oversize);
  expect(parse(`[${"{},".repeat(MAX_VALUES)}1]`)).toEqual(oversize);
  expect(parse(JSON.stringify(",[{".repeat(MAX_VALUES))).ok, "what stands in a text is no value").toBe(true);
});

test("a body of the largest size costs no more than a part of a second, whatever it holds", () => {
  for (const piece of ['{"id":1},', "{},", "1,", "[1],", '"a",', '{"a":{"a":1}},']) {
    const text = `[${piece.repeat((MAX_BODY_BYTES - 16) / piece.length)}1]`;
    const body = new TextEncoder().encode(text);
    const before = process.threadCpuUsage();
    parseJson(body);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000, `${piece} … in ms`).toBeLessThan(500);
  }
});

test("brackets in texts are not depth, brackets outside are", () => {
  const quoted = JSON.stringify("[{".repeat(1000));
  expect(parse(quoted).ok).toBe(true);
  expect(parse(`["\\"[[", ${quoted}]`).ok).toBe(true);
  expect(parse("[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH)).ok).toBe(true);
  expect(parse("[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1))).toMatchObject({ ok: false, error: { code: "malformed" } });
});

test("a byte-order mark and white space before JSON are not part of it", () => {
  expect(parse("\uFEFF \n[]")).toEqual({ ok: true, value: [] });
});

test("whatever JSON.stringify writes comes back with the same values", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      const parsed = parse(text);
      expect(parsed.ok && plain(parsed.value)).toEqual(JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test("a text that is not UTF-8 is refused, not repaired", () => {
  const latin1 = Uint8Array.from('["caf\u00e9"]', (letter) => letter.charCodeAt(0));
  expect(parseJson(latin1)).toEqual({ ok: false, error: { code: "malformed", detail: "body is not UTF-8" } });
});

test("any bytes are JSON or a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const parsed = parseJson(bytes);
      expect(parsed.ok || ["malformed", "html"].includes(parsed.error.code)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

/** Back to what JSON.parse gives, to compare with it. */
function plain(json: Json): unknown {
  if (json === null || typeof json !== "object") return json;
  if (Array.isArray(json)) return json.map(plain);
  if (json instanceof Map) return Object.fromEntries([...json].map(([key, value]) => [key, plain(value)]));
  return "number" in json ? Number(json.number) : json;
}
