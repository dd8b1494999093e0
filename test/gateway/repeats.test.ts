import { describe, expect, test } from "vitest";
import type { GovernanceView } from "../../gateway/ports.ts";
import { AGAIN_MS, createRepeats } from "../../gateway/repeats.ts";
import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { DocumentContent, SignedDocument } from "../../protocol/governance.ts";
import { changed } from "../client/changing.ts";
import { GOVERNORS, GUARDIANS, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const network = governedNetwork();
const [guardian] = GUARDIANS as readonly [(typeof GUARDIANS)[number], ...typeof GUARDIANS];
const PAUSE: DocumentContent = { kind: "pause", feed: feedId("ETH/USD"), action: "none", until: 1_795_301_000_000 };
const pauseWith = (nonce: number) => signedBy([guardian], PAUSE, network, nonce);
const next = changed(network, undefined, { leaseMs: 90_000 });
const proposalOf = (replaces: Digest, configDigest = next.configDigest) =>
  signedBy(
    GOVERNORS.slice(0, 3),
    {
      ...{ kind: "config", version: 2, replaces, configDigest, activation: 1_795_400_000_000 },
      ...{ replayTo: 1_795_300_000, replay: digestOf(9), config: next.config },
    },
    network,
  );

const viewOf = (pending: Digest | undefined): GovernanceView => ({
  keyholders: [{ address: guardian.address, nonce: 7, usedMs: 0, usedAt: 0 }],
  pauses: [],
  pending: pending && { configDigest: pending, activation: 1_795_400_000_000, feeds: [] },
  previous: ZERO_DIGEST,
});

function repeatsOf({ known = [], pending }: { readonly known?: readonly SignedDocument[]; readonly pending?: Digest } = {}) {
  const isKnown = (digest: Digest) => known.some((document) => document.digest === digest);
  const repeats = createRepeats({ network: () => network, governance: () => viewOf(pending), isKnown });
  const answer = ({ digest, document }: SignedDocument, now = 0) => repeats.answer(digest, document, now);
  return { ...repeats, answer };
}

describe("a document that is brought again", () => {
  test("gets the network's own code where its nonce is used, known to the store or not", () => {
    const { answer } = repeatsOf();
    expect(answer(pauseWith(7))).toEqual({
      ok: false,
      code: "replayed",
      detail: `${guardian.address} used nonce 7 already, and this document says 7`,
    });
    expect(answer(pauseWith(6))).toMatchObject({ code: "replayed" });
    expect(answer(pauseWith(8))).toBe(undefined);
  });

  test("a config: in force or pending it is replayed, of an earlier config it follows from nothing", () => {
    const current = proposalOf(network.configDigest);
    const earlier = proposalOf(digestOf(1));
    expect(repeatsOf({ pending: next.configDigest }).answer(current)).toMatchObject({ code: "replayed" });
    expect(repeatsOf({ known: [earlier] }).answer(earlier)).toMatchObject({ ok: false, code: "not-successor" });
    // Of a config that this gateway has yet to hear of: a node knows.
    expect(repeatsOf().answer(earlier)).toBe(undefined);
    expect(repeatsOf().answer(current)).toBe(undefined);
  });

  test("while it waits it is relayed once a minute, and a node's answer stands in between", () => {
    const waiting = proposalOf(network.configDigest);
    const { answer, settle } = repeatsOf({ known: [waiting] });
    const carried = { ok: true, digest: waiting.digest, code: "carried" };
    expect(answer(waiting, 0)).toBe(undefined);
    expect(answer(waiting, AGAIN_MS - 1)).toEqual(carried);
    expect(answer(waiting, AGAIN_MS)).toBe(undefined);
    const busy = { ok: false, code: "busy", detail: "another config is pending" } as const;
    settle(waiting.digest, busy);
    expect(answer(waiting, AGAIN_MS + 1)).toEqual(busy);
    settle(waiting.digest, undefined);
    expect(answer(waiting, AGAIN_MS + 2)).toBe(undefined);
  });
});
