import { describe, expect, it } from "vitest";
import { followTransitions, trustNetwork } from "../../client/committee.ts";
import { CHECK_PARTS, verifyDocument, verifyFeedDocument, verifyText } from "../../client/verify.ts";
import { toBundleDocument, toFeedDocument } from "../../protocol/document.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { scheme, testKeys } from "../support/network.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";
import { certifiedBy, changed, keysOf, transitionInto } from "./changing.ts";

const FEEDS = ["BTC/USD", "ETH/USD", "LINK/USD", "SOL/USD", "XRP/USD"];
const ROUND = 1_795_300_123;
const network = networkOf(FEEDS);
const timestamp = ROUND * network.config.roundMs;
const trust = { committee: network.committee, domain: network.domain };
const options = { trust, scheme };

const jump = { rule: "jump", unit: "Bps", measured: 420, limit: 300 } as const;
const round = certify({
  network,
  round: ROUND,
  verdicts: FEEDS.map((feed) =>
    feed === "SOL/USD"
      ? verdict(feed, timestamp, { state: "open", liquidate: "robust", borrow: false, budgetBps: 0, reasons: 1 }, [jump])
      : verdict(feed, timestamp),
  ),
});

function feedDocument(feed = "ETH/USD") {
  const document = toFeedDocument({ round, feed: feedId(feed) });
  if (document === undefined) throw new Error("the round prices every feed");
  return document;
}

function bundleDocument() {
  const document = toBundleDocument({ round, feeds: [feedId("ETH/USD"), feedId("SOL/USD")] });
  if (document === undefined) throw new Error("the round prices every feed");
  return document;
}

/** Every other character that the place could hold and keep its kind, and one in upper case. */
function flipsOf(character: string): readonly string[] {
  if (/[0-9]/.test(character)) return [String((Number(character) + 1) % 10), "a", "."];
  if (/[a-f]/.test(character)) return [character === "f" ? "e" : "f", "0", character.toUpperCase()];
  return [String.fromCharCode(character.charCodeAt(0) ^ 1), String.fromCharCode(character.charCodeAt(0) ^ 0x20)];
}

/** All texts that differ from `text` in one byte of the part that starts at `from` and reads `part`. */
function* flippedTexts(text: string, from: number, part: string) {
  expect(text.slice(from, from + part.length)).toBe(part);
  for (let at = from; at < from + part.length; at++) {
    for (const flip of flipsOf(text[at] ?? "")) yield { at, flip, text: `${text.slice(0, at)}${flip}${text.slice(at + 1)}` };
  }
}

/** The places of a part in the document's text, by its own JSON. */
function placeOf(text: string, key: string, value: unknown) {
  const part = JSON.stringify(value);
  const from = text.indexOf(`"${key}":${part}`);
  return { from: from + key.length + 3, part };
}

describe("a document from an honest gateway", () => {
  it("passes every check in the fixed order, a feed and a bundle, with either implementation", () => {
    for (const [document, count] of [
      [feedDocument(), 1] as const,
      [feedDocument("SOL/USD"), 1] as const,
      [bundleDocument(), 2] as const,
    ]) {
      for (const other of [scheme, noble]) {
        const verification = verifyDocument(document, { trust, scheme: other });
        expect(verification.checks.map(({ part, ok }) => [part, ok])).toEqual(CHECK_PARTS.map((part) => [part, true]));
        expect(verification).toMatchObject({ ok: true, faults: [], header: { round: ROUND } });
        expect(verification.reports).toHaveLength(count);
      }
    }
    expect(verifyFeedDocument(feedDocument(), options).reports[0]).toEqual(round.feeds[1]?.report);
  });

  it("passes when it was the only feed of its round and its path is empty", () => {
    const single = certify({ network, round: ROUND, verdicts: [verdict("ETH/USD", timestamp)] });
    const document = toFeedDocument({ round: single, feed: feedId("ETH/USD") });
    expect(document?.proof.path).toEqual([]);
    expect(verifyFeedDocument(document, options).ok).toBe(true);
  });
});

describe("one flipped byte", () => {
  const parts = [
    ["report", "report"],
    ["path", "path"],
    ["header", "header"],
    ["signatures", "signature"],
  ] as const;

  for (const [key, culprit] of parts) {
    it(`of the ${key} is refused and named, wherever it is`, () => {
      const document = feedDocument();
      const text = JSON.stringify(document);
      const { from, part } = placeOf(text, key, document.proof[key]);
      let named = 0;
      for (const flipped of flippedTexts(text, from, part)) {
        const { ok, faults } = verifyText(flipped.text, options);
        expect(ok, `${flipped.text.slice(flipped.at - 20, flipped.at + 20)}`).toBe(false);
        expect(faults).toHaveLength(1);
        expect(["shape", culprit]).toContain(faults[0]?.part);
        if (faults[0]?.part === culprit) named++;
      }
      expect(named).toBeGreaterThan(part.length / 2);
    });
  }

  it("of a bundle's header, signature, report or path is refused and named as well", () => {
    const document = bundleDocument();
    const text = JSON.stringify(document);
    const places = [
      [placeOf(text, "header", document.header), "header"],
      [placeOf(text, "signatures", document.signatures), "signature"],
      [placeOf(text, "report", document.feeds[1]?.proof.report), "report"],
      [placeOf(text, "path", document.feeds[1]?.proof.path), "path"],
    ] as const;
    for (const [{ from, part }, culprit] of places) {
      for (const flipped of flippedTexts(text, from, part)) {
        const { ok, faults } = verifyText(flipped.text, options);
        expect(ok).toBe(false);
        expect(["shape", culprit]).toContain(faults[0]?.part);
      }
    }
  });

  it("of one signature leaves the others standing: the fault names its place", () => {
    const document = feedDocument();
    const signatures = document.proof.signatures.map((entry, index) => ({
      ...entry,
      signature: index === 1 ? entry.signature.replace(/^0x../, "0x00") : entry.signature,
    }));
    const { checks, faults } = verifyFeedDocument({ ...document, proof: { ...document.proof, signatures } }, options);
    expect(checks.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(faults).toEqual([{ part: "signature", detail: "signatures[1]: not this signer's signature of the header" }]);
  });
});

describe("what is shown", () => {
  const shown: readonly (readonly [string, (document: ReturnType<typeof feedDocument>) => unknown])[] = [
    ["feed", (d) => ({ ...d, feed: "BTC/USD" })],
    ["price", (d) => ({ ...d, price: "1800.126" })],
    ["low", (d) => ({ ...d, low: "1798" })],
    ["high", (d) => ({ ...d, high: "1802" })],
    ["ema", (d) => ({ ...d, ema: "1" })],
    ["volatility", (d) => ({ ...d, volatility: "0.63" })],
    ["observedAt", (d) => ({ ...d, observedAt: d.observedAt + 1 })],
    ["breaker.state", (d) => ({ ...d, breaker: { ...d.breaker, state: "open" } })],
    ["breaker.since", (d) => ({ ...d, breaker: { ...d.breaker, since: 1 } })],
    [
      "breaker.reasons",
      (d) => ({ ...d, breaker: { ...d.breaker, reasons: [{ rule: "thin", measuredGroups: 1, limitGroups: 4 }] } }),
    ],
    ["permits.liquidate", (d) => ({ ...d, permits: { ...d.permits, liquidate: "none" } })],
    ["permits.borrow", (d) => ({ ...d, permits: { ...d.permits, borrow: false } })],
    ["permits.budgetBps", (d) => ({ ...d, permits: { ...d.permits, budgetBps: 1 } })],
    ["round", (d) => ({ ...d, round: d.round + 1 })],
    ["timestamp", (d) => ({ ...d, timestamp: d.timestamp + 1 })],
    ["validUntil", (d) => ({ ...d, validUntil: d.validUntil + 60_000 })],
  ];

  it.each(shown)("%s differing from what was signed is named", (field, change) => {
    const { ok, faults } = verifyFeedDocument(change(feedDocument()), options);
    expect(ok).toBe(false);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ part: "fields" });
    expect(faults[0]?.detail).toContain(`${field} is shown as`);
  });

  it("covers every field of the document", () => {
    const { proof, breaker, permits, ...rest } = feedDocument();
    const fields = [
      ...Object.keys(rest),
      ...Object.keys(breaker).map((key) => `breaker.${key}`),
      ...Object.keys(permits).map((key) => `permits.${key}`),
    ];
    expect(fields.sort()).toEqual(shown.map(([field]) => field).sort());
  });

  it("hides no reason: a shown list shorter than the leaf's bits, or a bit that is no rule, is a fault", () => {
    const sol = feedDocument("SOL/USD");
    const silent = { ...sol, breaker: { ...sol.breaker, reasons: [] } };
    expect(verifyFeedDocument(silent, options).faults[0]?.detail).toContain("breaker.reasons");
    const odd = certify({ network, round: ROUND, verdicts: [verdict("ETH/USD", timestamp, { reasons: 2 ** 20 })] });
    const { faults } = verifyFeedDocument(toFeedDocument({ round: odd, feed: feedId("ETH/USD") }), options);
    expect(faults).toMatchObject([{ part: "fields", detail: expect.stringContaining("no rule") }]);
  });
});

describe("shape", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["nothing", undefined, "(document)"],
    ["an unknown key", { ...feedDocument(), extra: 1 }, "extra"],
    ["a missing field", { ...feedDocument(), validUntil: undefined }, "validUntil"],
    ["an unknown state", { ...feedDocument(), breaker: { ...feedDocument().breaker, state: "ajar" } }, "breaker.state"],
    ["an empty bundle", { ...bundleDocument(), feeds: [] }, "feeds"],
  ];
  it.each(cases)("%s is refused, naming the place", (_, document, named) => {
    const { ok, checks, faults } = verifyDocument(document, options);
    expect(ok).toBe(false);
    expect(checks).toHaveLength(1);
    expect(faults[0]?.part).toBe("shape");
    expect(faults[0]?.detail).toContain(named);
  });

  it("refuses upper-case hex, text that is not JSON, and text without end", () => {
    const text = JSON.stringify(feedDocument());
    expect(
      verifyText(
        text.replace(/0x[0-9a-f]{64}/, (hex) => `0x${hex.slice(2).toUpperCase()}`),
        options,
      ).faults[0]?.part,
    ).toBe("shape");
    expect(verifyText(text.slice(0, -1), options).faults[0]?.detail).toContain("not JSON");
    expect(verifyText(" ".repeat(16 * 2 ** 20 + 1), options).faults[0]?.detail).toContain("at most");
  });
});

describe("signatures", () => {
  it("of another network are over no header of this one", () => {
    const other = networkOf([...FEEDS, "ADA/USD"]);
    const { faults } = verifyFeedDocument(feedDocument(), {
      trust: { committee: other.committee, domain: other.domain },
      scheme,
    });
    expect(faults).toMatchObject([{ part: "header" }]);
  });

  const [first, second, third] = feedDocument().proof.signatures;
  const stranger = testKeys(9).find(({ address }) => network.committee.members.every((member) => member.address !== address));
  it.each([
    ["too few", [first, second], "expected exactly 3 signatures, found 2"],
    ["one twice", [first, first, third], "ascending order"],
    ["out of order", [second, first, third], "ascending order"],
    ["a stranger's", [first, second, { ...third, signer: stranger?.address }], "no member"],
  ])("%s are refused", (_, signatures, named) => {
    const document = feedDocument();
    const { faults } = verifyFeedDocument({ ...document, proof: { ...document.proof, signatures } }, options);
    expect(faults).toMatchObject([{ part: "signature", detail: expect.stringContaining(named) }]);
  });
});

describe("a network that was followed from genesis", () => {
  const [at, later] = [ROUND, ROUND + 10];
  const next = changed(network, keysOf(1, 2, 3, 4));
  const transition = transitionInto(next, at, keysOf(1, 2, 3));
  const followed = followTransitions(trustNetwork(network), [transition], { scheme });
  if (!followed.ok) throw new Error(followed.error);
  const documentOf = (under: typeof network, number: number, keys: ReturnType<typeof keysOf>) =>
    toFeedDocument({
      round: certifiedBy(under, keys, { round: number, verdicts: [verdict("ETH/USD", number * 1_000)] }),
      feed: feedId("ETH/USD"),
    });
  const verdictOf = (document: unknown) => verifyDocument(document, { trust: followed.value, scheme });

  it("names the signers of either committee, and takes both together in the first round", () => {
    const first = verdictOf(documentOf(next, at, keysOf(0, 1, 2, 3, 4)));
    expect(first.ok).toBe(true);
    expect(first.checks.find(({ part }) => part === "signatures")?.detail).not.toContain("0x");
    expect(verdictOf(documentOf(next, later, keysOf(2, 3, 4))).ok).toBe(true);
    expect(verdictOf(documentOf(network, at - 1, keysOf(0, 1, 2))).ok).toBe(true);
  });

  it("refuses what the retired committee signs for a later round, and says whose config it is of", () => {
    const { ok, faults } = verdictOf(documentOf(network, later, keysOf(0, 1, 2)));
    expect(ok).toBe(false);
    expect(faults).toEqual([
      {
        part: "header",
        detail: `of config ${network.configDigest}, but ${next.configDigest} is in force in this round, as far as the network was followed`,
      },
    ]);
  });
});
