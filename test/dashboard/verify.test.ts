import { describe, expect, it } from "vitest";
import { judge } from "../../dashboard/verify/judgement.ts";
import { trustDigest, trustGateway } from "../../dashboard/verify/trust.ts";
import { toCommitteeDocument } from "../../gateway/documents.ts";
import { type BundleDocument, type FeedDocument, toBundleDocument, toFeedDocument } from "../../protocol/document.ts";
import { changed, keysOf, overHttp, transitionInto } from "../client/changing.ts";
import { certifyChain, feedId, networkOf } from "../support/rounds.ts";

const ROUND = 1_795_300_000;
const NETWORK = networkOf(["ETH/USD", "BTC/USD"]);
const [FIRST] = certifyChain(NETWORK, ["ETH/USD", "BTC/USD"], ROUND, 1);
const NOW = ROUND * 1_000 + 500;

function feedDocument(): FeedDocument {
  const document = FIRST && toFeedDocument({ round: FIRST, feed: feedId("ETH/USD") });
  if (document === undefined) throw new Error("no document");
  return document;
}

function bundleDocument(): BundleDocument {
  const document = FIRST && toBundleDocument({ round: FIRST, feeds: [feedId("ETH/USD"), feedId("BTC/USD")] });
  if (document === undefined) throw new Error("no document");
  return document;
}

/** A gateway that answers from a table; what it is not asked for is an error. */
const asking = (answers: Readonly<Record<string, unknown>>) => (path: string) =>
  path in answers ? Promise.resolve(answers[path]) : Promise.reject(new Error(`nothing at ${path}`));

const COMMITTEE = overHttp(toCommitteeDocument(NETWORK, false));
const FOUNDED = { genesis: overHttp(NETWORK.config), more: false, transitions: [] };

async function gatewayTrust() {
  const root = await trustGateway(asking({ "v1/committee": COMMITTEE }));
  if (!root.ok) throw new Error(root.error);
  return root.value;
}

describe("the page's verification is the client's", () => {
  it("proves a feed and a bundle, and says what is signed", async () => {
    const { trust, words } = await gatewayTrust();
    expect(words).toBe("this gateway's own word: 4 members, of whom 3 must sign");
    const judgement = judge(JSON.stringify(feedDocument()), { trust, now: NOW });
    expect(judgement).toMatchObject({ ok: true, faults: [] });
    expect(judgement.checks.map(({ part, ok }) => [part, ok])).toEqual([
      ["shape", true],
      ["fields", true],
      ["path", true],
      ["signatures", true],
    ]);
    expect(judgement.feeds).toEqual([
      expect.objectContaining({ feed: "ETH/USD", price: "1,800", interval: "1,799 – 1,801", state: "closed" }),
    ]);
    expect(judge(JSON.stringify(bundleDocument()), { trust, now: NOW }).feeds.map(({ feed }) => feed)).toEqual([
      "ETH/USD",
      "BTC/USD",
    ]);
  });

  it("names what was changed", async () => {
    const { trust } = await gatewayTrust();
    const document = feedDocument();
    const [path0 = "0x"] = document.proof.path;
    const cases: readonly (readonly [part: string, tampered: unknown])[] = [
      ["fields", { ...document, price: "1801" }],
      ["path", { ...document, proof: { ...document.proof, path: [path0.replace(/.$/, (end) => (end === "0" ? "1" : "0"))] } }],
      [
        "header",
        { ...document, proof: { ...document.proof, header: { ...document.proof.header, stateRoot: `0x${"11".repeat(32)}` } } },
      ],
      ["signature", { ...document, proof: { ...document.proof, signatures: document.proof.signatures.slice(1) } }],
      ["shape", { ...document, price: 1800 }],
    ];
    for (const [part, tampered] of cases) {
      const { ok, faults, feeds, lease } = judge(JSON.stringify(tampered), { trust, now: NOW });
      expect([ok, faults[0]?.part]).toEqual([false, part]);
      expect([feeds, lease], "nothing is said of what is not proven").toEqual([[], undefined]);
    }
    expect(judge("{", { trust, now: NOW })).toMatchObject({ ok: false, faults: [{ part: "shape" }] });
  });

  it("says when a proof is no permission any more", async () => {
    const { trust } = await gatewayTrust();
    const text = JSON.stringify(feedDocument());
    expect(judge(text, { trust, now: NOW }).lease).toContain("runs for another");
    expect(judge(text, { trust, now: NOW + NETWORK.config.leaseMs }).lease).toContain("not a permission now");
  });

  it("cuts what is too long to be read", async () => {
    const { trust } = await gatewayTrust();
    const { faults } = judge(JSON.stringify({ ...feedDocument(), ["x".repeat(5_000)]: 1 }), { trust, now: NOW });
    expect(faults[0]?.detail.length).toBeLessThan(410);
  });
});

describe("trust from a genesis digest", () => {
  const { genesisConfigDigest } = NETWORK;
  const path = "v1/governance/transitions";

  it("needs nobody's word", async () => {
    const root = await trustDigest(genesisConfigDigest, asking({ [path]: FOUNDED }));
    expect(root).toMatchObject({ ok: true, value: { words: "the genesis digest given by you: 4 members, of whom 3 must sign" } });
    if (root.ok) expect(judge(JSON.stringify(feedDocument()), { trust: root.value.trust, now: NOW }).ok).toBe(true);
  });

  it("refuses another network's, and what is no digest", async () => {
    const other = `0x${"ab".repeat(32)}`;
    expect(await trustDigest(other, asking({ [path]: FOUNDED }))).toMatchObject({ ok: false });
    expect(await trustDigest("ETH", asking({}))).toMatchObject({ ok: false, error: expect.stringContaining("64") });
    expect(await trustDigest(genesisConfigDigest, asking({ [path]: { ...FOUNDED, genesis: undefined } }))).toMatchObject({
      ok: false,
    });
  });

  it("follows every change, page after page, and refuses one that nobody signed", async () => {
    const next = changed(NETWORK);
    const keys = keysOf(0, 1, 2, 3).slice(0, NETWORK.committee.quorum);
    const transition = transitionInto(next, ROUND + 10, keys);
    const pages = { [path]: { ...FOUNDED, more: true, transitions: [overHttp(transition)] } };
    const last = `${path}?after=${ROUND + 10}`;
    const root = await trustDigest(genesisConfigDigest, asking({ ...pages, [last]: { more: false, transitions: [] } }));
    expect(root).toMatchObject({ ok: true, value: { words: expect.stringContaining("after 1 verified change of config") } });
    const forged = {
      ...transition,
      certificate: { ...transition.certificate, signatures: transition.certificate.signatures.slice(1) },
    };
    const lied = await trustDigest(genesisConfigDigest, asking({ [path]: { ...FOUNDED, transitions: [overHttp(forged)] } }));
    expect(lied.ok).toBe(false);
  });
});
