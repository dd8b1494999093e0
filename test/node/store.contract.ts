import { afterEach, describe, expect, it } from "vitest";
import { DOCUMENTS_KEPT, type Retention, type Store } from "../../node/store.ts";
import { keccakHex, toHex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/eip712.ts";
import { observationDigest } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import {
  addressOf,
  bodyOf,
  changingRound,
  DOMAIN,
  digestOf,
  documentOf,
  evidenceOf,
  roundOf,
  transitionOf,
  verdictOf,
} from "./store-fixtures.ts";

const BTC = "BTC/USD" as FeedId;
const NOW = 1_795_300_000_000;

export type OpenStore = (options: {
  readonly retention?: Partial<Retention>;
  readonly now: () => number;
  readonly domain: Domain;
}) => Store;

/** What every store must do, whatever it keeps things in. */
export function storeContract(name: string, openStore: OpenStore): void {
  const opened: Store[] = [];
  const open = (retention: Partial<Retention> = {}): Store => {
    const store = openStore({ retention, now: () => NOW, domain: DOMAIN });
    opened.push(store);
    return store;
  };
  afterEach(() => {
    for (const store of opened.splice(0)) store.close();
  });
  const save = (store: Store, ...rounds: ReturnType<typeof roundOf>[]) => {
    for (const certified of rounds) store.saveRound({ certified, body: bodyOf(certified) });
  };
  const walkOf = (store: Store) =>
    store.range({ from: 0, to: 1_000_000 }).map(({ certified }) => certified.certificate.header.round);

  describe(`${name}: what was signed (P2)`, () => {
    const signing = { kind: "round", round: 7, configDigest: digestOf("config"), digest: digestOf("a") } as const;

    it("is recorded once; the same again is the same, anything else a conflict", () => {
      const store = open();
      expect(store.recordSigned(signing)).toBe("recorded");
      expect(store.recordSigned(signing)).toBe("same");
      expect(store.recordSigned({ ...signing, digest: digestOf("b") })).toBe("conflict");
      expect(store.recordSigned({ ...signing, configDigest: digestOf("other") })).toBe("conflict");
      expect(store.signedAt("round", 7)).toEqual({ ...signing, recordedAt: NOW });
    });

    it("is keyed by kind and round", () => {
      const store = open();
      store.recordSigned(signing);
      expect(store.recordSigned({ ...signing, kind: "observation", digest: digestOf("b") })).toBe("recorded");
      expect(store.recordSigned({ ...signing, round: 6, digest: digestOf("c") })).toBe("recorded");
      expect(store.signedAt("proposal", 7)).toBeUndefined();
      expect(store.newestSignedRound()).toBe(7);
    });

    it("has no newest at first", () => {
      expect(open().newestSignedRound()).toBeUndefined();
    });

    it("cannot be signed again once its record was dropped, nor can a lower number", () => {
      const store = open({ signed: 10 });
      for (let round = 2; round <= 600; round++) store.recordSigned({ ...signing, round });
      expect(store.signedAt("round", 2)).toBeUndefined();
      expect(store.recordSigned({ ...signing, round: 2 })).toBe("conflict");
      expect(store.recordSigned({ ...signing, round: 1 })).toBe("conflict");
      expect(store.recordSigned({ ...signing, round: 600 })).toBe("same");
      expect(store.recordSigned({ ...signing, round: 601 })).toBe("recorded");
    });

    it("in a wrong clock's far future does not forbid the present", () => {
      const store = open({ signed: 10 });
      store.recordSigned({ ...signing, round: 1_000_000 });
      for (let round = 1; round <= 600; round++) expect(store.recordSigned({ ...signing, round })).toBe("recorded");
      expect(store.newestSignedRound()).toBe(1_000_000);
    });
  });

  describe(`${name}: rounds`, () => {
    it("come back as they were saved, with their bodies", () => {
      const store = open();
      const [first, second] = [roundOf(1), roundOf(2, { feeds: ["BTC/USD", "ETH/USD", "LINK/USD"] })];
      save(store, first, second);
      expect(store.byDigest(first.digest)).toEqual({ certified: first, orphan: false });
      expect(store.byRound(2)).toEqual({ certified: second, orphan: false });
      expect(store.latest()).toEqual({ certified: second, orphan: false });
      expect(store.bodyOf(first.digest)).toEqual(bodyOf(first));
      expect(store.bodyOf(second.digest)).toEqual(bodyOf(second));
    });

    it("that are not there are undefined", () => {
      const store = open();
      expect([store.latest(), store.byRound(1), store.byDigest(digestOf("x")), store.bodyOf(digestOf("x"))]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
    });

    it("are saved once; a body may come later", () => {
      const store = open();
      const certified = roundOf(1);
      expect(store.saveRound({ certified })).toBe("saved");
      expect(store.bodyOf(certified.digest)).toBeUndefined();
      expect(store.saveRound({ certified })).toBe("known");
      expect(store.saveRound({ certified, body: bodyOf(certified) })).toBe("saved");
      expect(store.saveRound({ certified, body: bodyOf(certified) })).toBe("known");
      expect(store.bodyOf(certified.digest)).toEqual(bodyOf(certified));
      expect(walkOf(store)).toEqual([1]);
    });

    it("off the walk back from the newest are orphans: kept, marked, counted", () => {
      const store = open();
      save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(5, { parent: "round 2" }));
      expect(walkOf(store)).toEqual([1, 2, 5]);
      expect(store.byRound(3)).toEqual({ certified: roundOf(3), orphan: true });
      expect(store.orphans()).toBe(1);
    });

    it("return to the walk when a newer one descends from them", () => {
      const store = open();
      save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(4, { parent: "round 2" }), roundOf(5, { parent: "round 3" }));
      expect(walkOf(store)).toEqual([1, 2, 3, 5]);
      expect(store.byRound(4)?.orphan).toBe(true);
    });

    it("of one number, should they ever exist, give way to the one that has a child", () => {
      const store = open();
      save(store, roundOf(1), roundOf(2), roundOf(2, { name: "twin", parent: "round 1" }));
      expect(store.byRound(2)?.certified.digest).toBe(digestOf("round 2"));
      save(store, roundOf(3, { parent: "twin" }));
      expect(store.byRound(2)?.certified.digest).toBe(digestOf("twin"));
      expect(store.byDigest(digestOf("round 2"))?.orphan).toBe(true);
    });

    it.each([
      ["downward", [6, 5, 4, 3]],
      ["upward", [3, 4, 5, 6]],
      ["at random", [5, 3, 6, 4]],
    ])("filled in %s behind the newest end on one walk", (_, order) => {
      const store = open();
      save(store, roundOf(1), roundOf(2), roundOf(7), ...order.map((round) => roundOf(round)));
      expect(walkOf(store)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(store.orphans()).toBe(0);
    });

    it("found to fork below a gap become orphans when the gap is filled", () => {
      const store = open();
      save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(6));
      expect(walkOf(store)).toEqual([1, 2, 3, 6]);
      save(store, roundOf(5), roundOf(4, { parent: "round 2" }));
      expect(walkOf(store)).toEqual([1, 2, 4, 5, 6]);
    });

    it("in a range are those of the walk, ascending, limited", () => {
      const store = open();
      save(store, ...[1, 2, 3, 4, 5].map((round) => roundOf(round)));
      const numbers = (span: { from: number; to: number; limit?: number }) =>
        store.range(span).map(({ certified }) => certified.certificate.header.round);
      expect(numbers({ from: 2, to: 4 })).toEqual([2, 3, 4]);
      expect(numbers({ from: 2, to: 9, limit: 2 })).toEqual([2, 3]);
      expect(numbers({ from: 6, to: 9 })).toEqual([]);
    });

    it("beyond retention go oldest first, bodies sooner", () => {
      const store = open({ rounds: 5, bodies: 2 });
      const rounds = [...Array(9).keys()].map((i) => roundOf(i + 1));
      save(store, ...rounds);
      expect(walkOf(store)).toEqual([5, 6, 7, 8, 9]);
      expect(rounds.map(({ digest }) => store.bodyOf(digest) !== undefined)).toEqual([
        ...Array<boolean>(7).fill(false),
        true,
        true,
      ]);
      expect(store.history(BTC, { limit: 100 }).map(({ round }) => round)).toEqual([9, 8, 7, 6, 5]);
    });
  });

  describe(`${name}: history`, () => {
    it("is one feed's verdicts on the walk, newest first, within the span and the limit", () => {
      const store = open();
      save(store, roundOf(1, { feeds: ["ETH/USD"] }), roundOf(2), roundOf(3), roundOf(4, { parent: "round 2" }));
      expect(store.history(BTC, { limit: 10 })).toEqual(
        [4, 2].map((round) => ({
          round,
          timestamp: round * 1000,
          digest: digestOf(`round ${round}`),
          verdict: verdictOf("BTC/USD", BigInt(round) * 10n ** 18n + BigInt(round)),
        })),
      );
      expect(store.history(BTC, { from: 3, limit: 10 }).map(({ round }) => round)).toEqual([4]);
      expect(store.history(BTC, { to: 3, limit: 10 }).map(({ round }) => round)).toEqual([2]);
      expect(store.history(BTC, { limit: 1 }).map(({ round }) => round)).toEqual([4]);
      expect(store.history("NO/USD" as FeedId, { limit: 10 })).toEqual([]);
    });
  });

  describe(`${name}: the breaker log`, () => {
    const lines = (entries: ReturnType<Store["breakerLog"]>) =>
      entries.map(({ round, feed, from, to }) => `${round} ${feed} ${from} ${to}`);

    it("has what changed, from what, to what, and what the quorum had seen", () => {
      const store = open();
      const { certified, body } = changingRound(1, { "BTC/USD": [null, "open"], "ETH/USD": ["half-open", "closed"] });
      store.saveRound({ certified, body });
      const observations = [1, 2].map((byte) => {
        const contents = keccakHex(new Uint8Array(35).fill(byte));
        return observationDigest(DOMAIN, { round: 1, configDigest: digestOf("config"), contents });
      });
      const shared = { round: 1, timestamp: 1_000, digest: certified.digest, observations };
      const { reasons } = verdictOf("BTC/USD", 10n ** 18n + 1n);
      expect(reasons).toHaveLength(1);
      expect(store.breakerLog({ limit: 10 })).toEqual([
        { feed: "BTC/USD", from: null, to: "open", reasons, ...shared },
        { feed: "ETH/USD", from: "half-open", to: "closed", reasons, ...shared },
      ]);
    });

    it("is newest first, within the span, the feed and the limit", () => {
      const store = open();
      store.saveRound(changingRound(1, { "BTC/USD": [null, "open"], "ETH/USD": [null, "open"] }));
      store.saveRound({ certified: roundOf(2), body: bodyOf(roundOf(2)) });
      store.saveRound(changingRound(3, { "ETH/USD": ["open", "half-open"] }));
      store.saveRound(changingRound(4, { "BTC/USD": ["open", "half-open"] }));
      expect(lines(store.breakerLog({ limit: 10 }))).toEqual([
        "4 BTC/USD open half-open",
        "3 ETH/USD open half-open",
        "1 BTC/USD null open",
        "1 ETH/USD null open",
      ]);
      expect(lines(store.breakerLog({ feed: BTC, limit: 10 }))).toEqual(["4 BTC/USD open half-open", "1 BTC/USD null open"]);
      expect(lines(store.breakerLog({ from: 2, to: 3, limit: 10 }))).toEqual(["3 ETH/USD open half-open"]);
      expect(lines(store.breakerLog({ limit: 3 }))).toHaveLength(3);
      expect(store.breakerLog({ feed: "NO/USD" as FeedId, limit: 10 })).toEqual([]);
    });

    it("begins with the body, and says nothing of orphans", () => {
      const store = open();
      const { certified, body } = changingRound(1, { "BTC/USD": [null, "open"] });
      store.saveRound({ certified });
      expect(store.breakerLog({ limit: 10 })).toEqual([]);
      store.saveRound({ certified, body });
      store.saveRound(changingRound(2, { "BTC/USD": ["open", "half-open"] }));
      store.saveRound(changingRound(3, { "BTC/USD": ["open", "half-open"] }, { parent: "round 1" }));
      expect(lines(store.breakerLog({ limit: 10 }))).toEqual(["3 BTC/USD open half-open", "1 BTC/USD null open"]);
    });

    it("outlives the bodies, is told once, and goes with its rounds", () => {
      const store = open({ rounds: 4, bodies: 1 });
      const first = changingRound(1, { "BTC/USD": [null, "open"] });
      store.saveRound(first);
      save(store, roundOf(2), roundOf(3));
      store.saveRound(first);
      expect(lines(store.breakerLog({ limit: 10 }))).toEqual(["1 BTC/USD null open"]);
      save(store, roundOf(4), roundOf(5));
      expect(store.breakerLog({ limit: 10 })).toEqual([]);
    });
  });

  describe(`${name}: what governance said and did`, () => {
    it("documents are kept once, newest first, by digest", () => {
      const store = open();
      const [one, two] = [documentOf("one"), documentOf("two", "config")];
      expect(store.saveDocument(one)).toBe("saved");
      expect(store.saveDocument(one)).toBe("known");
      expect(store.saveDocument(two)).toBe("saved");
      const kept = [two, one].map(({ digest, bytes, document: { kind } }) => ({ digest, kind, bytes }));
      expect(store.documents({ limit: 10 })).toEqual(kept);
      expect(store.documents({ limit: 1 })).toEqual(kept.slice(0, 1));
      expect(store.document(one.digest)).toEqual(kept[1]);
      expect(store.document(digestOf("none"))).toBeUndefined();
    });

    it("many documents of one kind push out their own oldest and no other kind's", () => {
      const store = open();
      const accept = documentOf("accept", "accept");
      store.saveDocument(accept);
      const rollbacks = Array.from({ length: DOCUMENTS_KEPT.rollback + 3 }, (_, index) => documentOf(`${index}`, "rollback"));
      for (const document of rollbacks) store.saveDocument(document);
      const dropped = rollbacks.filter(({ digest }) => store.document(digest) === undefined);
      expect(dropped.map(({ bytes }) => toHex(bytes))).toEqual(rollbacks.slice(0, 3).map(({ bytes }) => toHex(bytes)));
      expect(store.document(accept.digest)).toBeDefined();
    });

    it("transitions are kept once each, oldest first", () => {
      const store = open();
      for (const round of [9, 4, 9]) store.saveTransition(transitionOf(round));
      expect(store.transitions()).toEqual([transitionOf(4), transitionOf(9)]);
    });
  });

  describe(`${name}: evidence`, () => {
    it("is kept once per signer, kind and round, newest first", () => {
      const store = open();
      expect(store.saveEvidence(evidenceOf(1, 5))).toBe("saved");
      expect(store.saveEvidence(evidenceOf(1, 5))).toBe("known");
      expect(store.saveEvidence(evidenceOf(2, 5))).toBe("saved");
      expect(store.evidence({ limit: 10 })).toEqual([evidenceOf(2, 5), evidenceOf(1, 5)]);
      expect(store.evidence({ limit: 1 })).toEqual([evidenceOf(2, 5)]);
    });

    it("of one signer cannot crowd out another's", () => {
      const store = open({ evidencePerSigner: 2 });
      expect([1, 2, 3].map((round) => store.saveEvidence(evidenceOf(1, round)))).toEqual(["saved", "saved", "full"]);
      expect(store.saveEvidence(evidenceOf(2, 1))).toBe("saved");
      expect(store.evidence({ limit: 10 }).map(({ signer }) => signer)).toEqual([addressOf(2), addressOf(1), addressOf(1)]);
    });
  });
}
