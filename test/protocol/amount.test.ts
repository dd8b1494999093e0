import fc from "fast-check";
import { expect, test } from "vitest";
import { type AmountFault, formatAmount, MAX_AMOUNT, ONE, parseAmount } from "../../protocol/amount.ts";
import { amounts } from "./fixtures.ts";

test.each<[text: string, amount: bigint]>([
  ["0", 0n],
  ["0.0", 0n],
  ["1", ONE],
  ["001", ONE],
  ["1.000000000000000000", ONE],
  ["0.000000000000000001", 1n],
  ["1800.12", 1_800_120_000_000_000_000_000n],
  ["1.1000000000000000000000", 1_100_000_000_000_000_000n],
  ["9007199254740993.000000000000000001", 9_007_199_254_740_993n * ONE + 1n],
  [formatAmount(MAX_AMOUNT), MAX_AMOUNT],
])("%s is an amount", (text, amount) => {
  expect(parseAmount(text)).toEqual({ ok: true, value: amount });
});

/** In the order in which faults are found; a code without a row does not compile. */
const FAULTS = {
  empty: [""],
  "not-decimal": [
    " 1",
    "1 ",
    "1\n",
    "+1",
    "1.",
    ".5",
    "1,5",
    "1_000",
    "0x10",
    "NaN",
    "Infinity",
    "1e",
    "--1",
    "-",
    "٣",
    "1.2.3",
    "12abc",
  ],
  exponent: ["1e5", "1E5", "1.5e-7", "-1e5", "1e+5"],
  negative: ["-1", "-0", "-0.5"],
  precision: ["0.0000000000000000001", "1.1234567890123456789"],
  oversize: ["9".repeat(97), " ".repeat(97), formatAmount(MAX_AMOUNT + 1n), "9".repeat(96)],
} as const satisfies Record<AmountFault, readonly string[]>;

test.each(Object.entries(FAULTS).flatMap(([code, texts]) => texts.map((text) => [code, text])))("%s: %j", (code, text) => {
  expect(parseAmount(text ?? "")).toEqual({ ok: false, error: code });
});

test("parse undoes format, and the text is the shortest", () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      const text = formatAmount(amount);
      expect(parseAmount(text)).toEqual({ ok: true, value: amount });
      expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
      expect(formatAmount(-amount)).toBe(amount === 0n ? "0" : `-${text}`);
    }),
  );
});

test("any text gives an amount that formats to the same value, or a code", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^-?\d{0,60}\.?\d{0,20}$/)), (text) => {
      const parsed = parseAmount(text);
      if (parsed.ok) expect(parseAmount(formatAmount(parsed.value))).toEqual(parsed);
      else expect(Object.keys(FAULTS)).toContain(parsed.error);
    }),
  );
});
