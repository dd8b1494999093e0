import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseAmount } from "../../protocol/amount.ts";
import { fromHex } from "../../protocol/bytes.ts";
import {
  bundleDocumentSchema,
  decodeReport,
  encodeReport,
  type FeedDocument,
  feedDocumentSchema,
  type ReportDocument,
  reasonSchema,
  reportSchema,
  reportTree,
  showReason,
  showReport,
  toBundleDocument,
  toFeedDocument,
} from "../../protocol/document.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { foldProof } from "../../protocol/merkle.ts";
import { leafHash, type Report, reportTuple } from "../../protocol/report.ts";
import type { CertifiedRound, FeedVerdict } from "../../protocol/round.ts";
import { certify, digestOf, domain, feedOf, fixedKey, header, present, reports } from "./fixtures.ts";

const report: Report = {
  feed: feedOf("ETH/USD"),
  price: 1_800_120_000_000_000_000_000n,
  low: 1_799_800_000_000_000_000_000n,
  high: 1_800_500_000_000_000_000_000n,
  ema: 1_801_000_000_000_000_000_000n,
  volatility: 620_000_000_000_000_000n,
  observedAt: 1_795_300_122_910,
  state: "open",
  liquidate: "robust",
  borrow: false,
  budgetBps: 1_000,
  reasons: 0b1001,
  since: 1_795_300_000_000,
};
const verdicts: readonly FeedVerdict[] = [
  { report: { ...report, feed: feedOf("BTC/USD"), state: "closed", liquidate: "any", borrow: true, reasons: 0 }, reasons: [] },
  {
    report,
    reasons: [
      { rule: "jump", unit: "Bps", measured: 420, limit: 300 },
      { rule: "thin", unit: "Groups", measured: 2, limit: 4 },
    ],
  },
  { report: { ...report, feed: feedOf("SOL/USD") }, reasons: [] },
];
const tree = reportTree(verdicts);
const certificate = certify(
  { ...header, reportsRoot: tree.root },
  [0x11, 0x22, 0x33, 0x44].map((byte) => fixedKey(byte)),
);
const round: CertifiedRound = { digest: roundDigest(domain, certificate.header), certificate, feeds: verdicts };
const document = present(toFeedDocument({ round, feed: report.feed }));

test("one feed's document", () => {
  expect(document).toEqual({
    feed: "ETH/USD",
    round: 1_795_300_123,
    price: "1800.12",
    low: "1799.8",
    high: "1800.5",
    ema: "1801",
    volatility: "0.62",
    observedAt: 1_795_300_122_910,
    timestamp: 1_795_300_123_000,
    validUntil: 1_795_300_183_000,
    breaker: {
      state: "open",
      since: 1_795_300_000_000,
      reasons: [
        { rule: "jump", measuredBps: 420, limitBps: 300 },
        { rule: "thin", measuredGroups: 2, limitGroups: 4 },
      ],
    },
    permits: { liquidate: "robust", borrow: false, budgetBps: 1_000 },
    proof: {
      report: [
        `0x4554482f555344${"00".repeat(25)}`,
        "1800120000000000000000",
        "1799800000000000000000",
        "1800500000000000000000",
        "1801000000000000000000",
        "620000000000000000",
        "1795300122910",
        "0",
        "1",
        "0",
        "1000",
        "9",
        "1795300000000",
      ],
      path: tree.proof(leafHash(reportTuple(report))),
      header: certificate.header,
      signatures: certificate.signatures,
    },
  });
  expect(feedDocumentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
});

test("its path leads from its leaf to the header's root, with a tree of its own or one that is given", () => {
  for (const { report: item } of verdicts) {
    const shown = present(toFeedDocument({ round, feed: item.feed }));
    expect(toFeedDocument({ round, feed: item.feed, tree })).toEqual(shown);
    const decoded = decodeReport(shown.proof.report);
    if (!decoded.ok) throw new Error(decoded.error);
    expect(foldProof(leafHash(reportTuple(decoded.value)), shown.proof.path.map(fromHex))).toBe(shown.proof.header.reportsRoot);
  }
});

test("a bundle says the round once and its feeds in the order asked for", () => {
  const bundle = present(toBundleDocument({ round, feeds: [report.feed, feedOf("BTC/USD")], tree }));
  expect(bundleDocumentSchema.parse(JSON.parse(JSON.stringify(bundle)))).toEqual(bundle);
  expect(bundle.feeds.map(({ feed }) => feed)).toEqual(["ETH/USD", "BTC/USD"]);
  const { proof, round: number, timestamp, validUntil, ...shown } = document;
  expect(bundle).toMatchObject({ round: number, timestamp, validUntil, header: proof.header, signatures: proof.signatures });
  expect(bundle.feeds[0]).toEqual({ ...shown, proof: { report: proof.report, path: proof.path } });
});

test("a feed without a leaf has no document, and no bundle holds it", () => {
  expect(toFeedDocument({ round, feed: feedOf("DOGE/USD") })).toBeUndefined();
  expect(toBundleDocument({ round, feeds: [report.feed, feedOf("DOGE/USD")] })).toBeUndefined();
});

test("a reason's unit stands in its names", () => {
  const shown = (["Bps", "Ms", "Rounds", "Groups"] as const).map((unit) =>
    showReason({ rule: "jump", unit, measured: 2, limit: 1 }),
  );
  expect(shown).toEqual([
    { rule: "jump", measuredBps: 2, limitBps: 1 },
    { rule: "jump", measuredMs: 2, limitMs: 1 },
    { rule: "jump", measuredRounds: 2, limitRounds: 1 },
    { rule: "jump", measuredGroups: 2, limitGroups: 1 },
  ]);
  for (const reason of shown) expect(reasonSchema.parse(reason)).toEqual(reason);
  expect(reasonSchema.safeParse({ rule: "jump", measuredBps: 2, limitMs: 1 }).success).toBe(false);
  expect(reasonSchema.safeParse({ rule: "leap", measuredBps: 2, limitBps: 1 }).success).toBe(false);
});

describe("the leaf as texts", () => {
  test("decodes to the report it was made of, and its shown amounts parse back", () => {
    fc.assert(
      fc.property(reports, (item) => {
        const texts = encodeReport(item);
        expect(reportSchema.parse(texts)).toEqual(texts);
        expect(decodeReport(texts)).toEqual({ ok: true, value: item });
        const shown = showReport(item);
        for (const field of ["price", "low", "high", "ema", "volatility"] as const) {
          expect(parseAmount(shown[field])).toEqual({ ok: true, value: item[field] });
        }
      }),
    );
  });

  test.each<[index: number, text: string, fault: RegExp]>([
    [0, `0x${"ff".repeat(32)}`, /^feed: expected BASE/],
    [0, `0x${"00".repeat(32)}`, /^feed: expected BASE/],
    [1, (2n ** 191n).toString(), /^price: expected an integer from 0 to/],
    [1, "-1", /^price: /],
    [2, "-5", /^low: /],
    [3, (2n ** 191n).toString(), /^high: /],
    [4, (2n ** 191n).toString(), /^ema: /],
    [5, (2n ** 64n).toString(), /^volatility: /],
    [6, (2n ** 53n).toString(), /^observedAt: /],
    [7, "3", /^state: expected an integer from 0 to 2, found 3$/],
    [8, "3", /^liquidate: /],
    [9, "2", /^borrow: expected an integer from 0 to 1, found 2$/],
    [10, "65536", /^budgetBps: /],
    [11, "4294967296", /^reasons: /],
    [12, (2n ** 53n).toString(), /^since: /],
  ])("field %i as %s does not fit", (index, text, fault) => {
    const texts = encodeReport(report).map((item, at) => (at === index ? text : item)) as ReportDocument;
    const decoded = decodeReport(reportSchema.parse(texts));
    expect(decoded.ok ? "decoded" : decoded.error).toMatch(fault);
  });

  test.each(["", "+1", "01", "-0", "1.0", "1e3", "0x1", " 1", "1\n", "1_0", "9".repeat(60)])(
    "%j is no integer of a leaf",
    (text) => {
      expect(reportSchema.safeParse(encodeReport(report).map((item, at) => (at === 1 ? text : item))).success).toBe(false);
    },
  );

  test("has thirteen fields", () => {
    expect(reportSchema.safeParse(encodeReport(report).slice(0, 12)).success).toBe(false);
    expect(reportSchema.safeParse([...encodeReport(report), "0"]).success).toBe(false);
  });
});

describe("the schema is strict", () => {
  const { proof } = document;
  test.each<[name: string, changed: object]>([
    ["an unknown key", { ...document, extra: 1 }],
    ["an unknown key of the proof", { ...document, proof: { ...proof, extra: 1 } }],
    ["a missing field", { ...document, high: undefined }],
    ["an unknown state", { ...document, breaker: { ...document.breaker, state: "ajar" } }],
    ["an unknown level", { ...document, permits: { ...document.permits, liquidate: "all" } }],
    ["upper-case hex in the path", { ...document, proof: { ...proof, path: [`0x${"AB".repeat(32)}`] } }],
    [
      "upper-case hex in a digest",
      { ...document, proof: { ...proof, header: { ...proof.header, parent: `0x${"AB".repeat(32)}` } } },
    ],
    ["a short signature", { ...document, proof: { ...proof, signatures: [{ signer: fixedKey(1).address, signature: "0x11" }] } }],
    ["a path beyond its bound", { ...document, proof: { ...proof, path: Array(33).fill(digestOf(1)) } }],
    ["signatures beyond their bound", { ...document, proof: { ...proof, signatures: Array(129).fill(proof.signatures[0]) } }],
    ["a time that is no integer", { ...document, validUntil: 1.5 }],
    ["a negative time", { ...document, observedAt: -1 }],
    ["a time beyond 2^53", { ...document, timestamp: 2 ** 53 }],
    ["a time as text", { ...document, timestamp: "5" }],
    ["an amount as number", { ...document, price: 1800.12 }],
    ["an amount not in its shortest form", { ...document, price: "1800.120" }],
    ["a negative amount", { ...document, low: "-1" }],
    ["an exponent", { ...document, low: "1e3" }],
  ])("%s", (_, changed) => {
    expect(feedDocumentSchema.safeParse(changed).success).toBe(false);
  });

  test("every part of a document is needed", () => {
    const pathsOf = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, item]) => [[...path, key], ...pathsOf(item, [...path, key])])
        : [];
    const paths = pathsOf(document);
    expect(paths.length).toBeGreaterThan(25);
    for (const path of paths) {
      const copy = structuredClone(document) as FeedDocument;
      const parent = path
        .slice(0, -1)
        .reduce((value: Record<string, unknown>, key) => value[key] as Record<string, unknown>, copy);
      delete parent[present(path.at(-1))];
      expect(feedDocumentSchema.safeParse(copy).success, path.join(".")).toBe(false);
    }
  });

  test("OpenAPI can show it", () => {
    expect(() => [feedDocumentSchema, bundleDocumentSchema].map((schema) => z.toJSONSchema(schema))).not.toThrow();
  });
});
