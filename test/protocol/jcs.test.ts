import { expect, test } from "vitest";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";

/** RFC 8785: the examples of sections 3.2.2 and 3.2.3, and rows of its appendix B. */
test.each<[name: string, value: Json, text: string]>([
  [
    "section 3.2.2",
    {
      // biome-ignore lint/correctness/noPrecisionLoss: the RFC's own example is read with that loss.
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    },
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
  [
    "section 3.2.3: keys by UTF-16 code units",
    {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    },
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
  ["nested, no spaces", { b: { d: 1, c: [{ f: 1, e: 2 }] }, a: [] }, '{"a":[],"b":{"c":[{"e":2,"f":1}],"d":1}}'],
  ["integer keys by text, not by value", { "10": 1, "9": 2 }, '{"10":1,"9":2}'],
  ["minus zero", -0, "0"],
  ["smallest", 5e-324, "5e-324"],
  ["largest", Number.MAX_VALUE, "1.7976931348623157e+308"],
  ["2^53", 9007199254740992, "9007199254740992"],
  ["2^68", 295147905179352830000, "295147905179352830000"],
  ["first with an exponent", 1e21, "1e+21"],
  ["last without", 1e-6, "0.000001"],
  ["first small with an exponent", 1e-7, "1e-7"],
])("%s", (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each<[name: string, value: Json]>([
  ["NaN", NaN],
  ["infinity", { a: [Number.POSITIVE_INFINITY] }],
  ["a lone surrogate", "\ud83d"],
  ["a lone surrogate as a key", { "\ude00": 1 }],
])("%s has no canonical form", (_, value) => {
  expect(() => canonicalJson(value)).toThrow("assertion failed");
});
