import { afterEach, describe, expect, it } from "vitest";
import { DOCUMENTS_KEPT, type Retention, type Store } from "../../node/store.ts";
import { keccakHex, toHex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/eip712.ts";
import { observationDigest } from "../../protocol/eip712.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { BreakerTransition, CertifiedRound, StoredRound } from "../../protocol/round.ts";
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

type Settings = { readonly retention?: Partial<Retention>; readonly now: () => number; readonly domain: Domain };

export type OpenStore = (options: Settings) => Store;

/** What the contract asks of whatever keeps rounds, wherever it keeps them. */
type RoundPart =
  | ("saveRound" | "latest" | "byDigest" | "byRound" | "bodyOf" | "range" | "history" | "orphans" | "breakerLog")
  | ("saveDocument" | "document" | "documents" | "saveTransition" | "transitions" | "saveEvidence" | "evidence" | "close");
/** A store's answers, which may take a while to come. */
export type SlowStore = {
  readonly [Method in RoundPart]: (
    ...args: Parameters<Store[Method]>
  ) => ReturnType<Store[Method]> | Promise<ReturnType<Store[Method]>>;
};

/** Opens a store for each test and closes it afterwards. */
function opening<Opened extends Pick<SlowStore, "close">>(
  openStore: (options: Settings) => Opened | Promise<Opened>,
): (retention?: Partial<Retention>) => Promise<Opened> {
  const opened: Opened[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });
  return async (retention = {}) => {
    const store = await openStore({ retention, now: () => NOW, domain: DOMAIN });
    opened.push(store);
    return store;
  };
}

async function save(store: SlowStore, ...rounds: readonly CertifiedRound[]): Promise<void> {
  for (const certified of rounds) await store.saveRound({ certified, body: bodyOf(certified) });
}

async function walkOf(store: SlowStore): Promise<readonly number[]> {
  return numbersOf(await store.range({ from: 0, to: 1_000_000 }));
}

function numbersOf(rounds: readonly StoredRound[]): readonly number[] {
  return rounds.map(({ certified }) => certified.certificate.header.round);
}

/** What the store that a node writes must do besides: it guards signatures, and has certificates before their bodies. */
export function nodeStoreContract(name: string, openStore: OpenStore): void {
  const open = opening(openStore);

  describe(`${name}: what was signed (P2)`, () => {
    const signing = { kind: "round", round: 7, configDigest: digestOf("config"), digest: digestOf("a") } as const;

    it("is recorded once; the same again is the same, anything else a conflict", async () => {
      const store = await open();
      expect(store.recordSigned(signing)).toBe("recorded");
      expect(store.recordSigned(signing)).toBe("same");
      expect(store.recordSigned({ ...signing, digest: digestOf("b") })).toBe("conflict");
      expect(store.recordSigned({ ...signing, configDigest: digestOf("other") })).toBe("conflict");
      expect(store.signedAt("round", 7)).toEqual({ ...signing, recordedAt: NOW });
    });

    it("is keyed by kind and round", async () => {
      const store = await open();
      store.recordSigned(signing);
      expect(store.recordSigned({ ...signing, kind: "observation", digest: digestOf("b") })).toBe("recorded");
      expect(store.recordSigned({ ...signing, round: 6, digest: digestOf("c") })).toBe("recorded");
      expect(store.signedAt("proposal", 7)).toBeUndefined();
      expect(store.newestSignedRound()).toBe(7);
    });

    it("has no newest at first", async () => {
      expect((await open()).newestSignedRound()).toBeUndefined();
    });

    it("cannot be signed again once its record was dropped, nor can a lower number", async () => {
      const store = await open({ signed: 10 });
      for (let round = 2; round <= 600; round++) store.recordSigned({ ...signing, round });
      expect(store.signedAt("round", 2)).toBeUndefined();
      expect(store.recordSigned({ ...signing, round: 2 })).toBe("conflict");
      expect(store.recordSigned({ ...signing, round: 1 })).toBe("conflict");
      expect(store.recordSigned({ ...signing, round: 600 })).toBe("same");
      expect(store.recordSigned({ ...signing, round: 601 })).toBe("recorded");
    });

    it("in a wrong clock's far future does not forbid the present", async () => {
      const store = await open({ signed: 10 });
      store.recordSigned({ ...signing, round: 1_000_000 });
      for (let round = 1; round <= 600; round++) expect(store.recordSigned({ ...signing, round })).toBe("recorded");
      expect(store.newestSignedRound()).toBe(1_000_000);
    });
  });

  describe(`${name}: bodies`, () => {
    it("may come later than their certificates", async () => {
      const store = await open();
      const certified = roundOf(1);
      expect(store.saveRound({ certified })).toBe("saved");
      expect(store.bodyOf(certified.digest)).toBeUndefined();
      expect(store.saveRound({ certified })).toBe("known");
      expect(store.saveRound({ certified, body: bodyOf(certified) })).toBe("saved");
      expect(store.saveRound({ certified, body: bodyOf(certified) })).toBe("known");
      expect(store.bodyOf(certified.digest)).toEqual(bodyOf(certified));
      expect(await walkOf(store)).toEqual([1]);
    });

    it("bring the breaker log of their rounds", async () => {
      const store = await open();
      const { certified, body } = changingRound(1, { "BTC/USD": [null, "open"] });
      store.saveRound({ certified });
      expect(store.breakerLog({ limit: 10 })).toEqual([]);
      store.saveRound({ certified, body });
      expect(store.breakerLog({ limit: 10 })).toHaveLength(1);
    });
  });
}

/** What every store of rounds must do, whatever it keeps them in and however they come to it. */
export function roundStoreContract(name: string, openStore: (options: Settings) => SlowStore | Promise<SlowStore>): void {
  const open = opening(openStore);

  describe(`${name}: rounds`, () => {
    it("come back as they were saved, with their bodies", async () => {
      const store = await open();
      const [first, second] = [roundOf(1), roundOf(2, { feeds: ["BTC/USD", "ETH/USD", "LINK/USD"] })];
      await save(store, first, second);
      expect(await store.byDigest(first.digest)).toEqual({ certified: first, orphan: false });
      expect(await store.byRound(2)).toEqual({ certified: second, orphan: false });
      expect(await store.latest()).toEqual({ certified: second, orphan: false });
      expect(await store.bodyOf(first.digest)).toEqual(bodyOf(first));
      expect(await store.bodyOf(second.digest)).toEqual(bodyOf(second));
    });

    it("that are not there are undefined", async () => {
      const store = await open();
      expect(await store.latest()).toBeUndefined();
      expect(await store.byRound(1)).toBeUndefined();
      expect(await store.byDigest(digestOf("x"))).toBeUndefined();
      expect(await store.bodyOf(digestOf("x"))).toBeUndefined();
    });

    it("are saved once", async () => {
      const store = await open();
      const certified = roundOf(1);
      expect(await store.saveRound({ certified, body: bodyOf(certified) })).toBe("saved");
      expect(await store.saveRound({ certified, body: bodyOf(certified) })).toBe("known");
      expect(await walkOf(store)).toEqual([1]);
    });

    it("off the walk back from the newest are orphans: kept, marked, counted", async () => {
      const store = await open();
      await save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(5, { parent: "round 2" }));
      expect(await walkOf(store)).toEqual([1, 2, 5]);
      expect(await store.byRound(3)).toEqual({ certified: roundOf(3), orphan: true });
      expect(await store.orphans()).toBe(1);
    });

    it("return to the walk when a newer one descends from them", async () => {
      const store = await open();
      await save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(4, { parent: "round 2" }), roundOf(5, { parent: "round 3" }));
      expect(await walkOf(store)).toEqual([1, 2, 3, 5]);
      expect((await store.byRound(4))?.orphan).toBe(true);
    });

    it("of one number, should they ever exist, give way to the one that has a child", async () => {
      const store = await open();
      await save(store, roundOf(1), roundOf(2), roundOf(2, { name: "twin", parent: "round 1" }));
      expect((await store.byRound(2))?.certified.digest).toBe(digestOf("round 2"));
      await save(store, roundOf(3, { parent: "twin" }));
      expect((await store.byRound(2))?.certified.digest).toBe(digestOf("twin"));
      expect((await store.byDigest(digestOf("round 2")))?.orphan).toBe(true);
    });

    it.each([
      ["downward", [6, 5, 4, 3]],
      ["upward", [3, 4, 5, 6]],
      ["at random", [5, 3, 6, 4]],
    ])("filled in %s behind the newest end on one walk", async (_, order) => {
      const store = await open();
      await save(store, roundOf(1), roundOf(2), roundOf(7), ...order.map((round) => roundOf(round)));
      expect(await walkOf(store)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(await store.orphans()).toBe(0);
    });

    it("found to fork below a gap become orphans when the gap is filled", async () => {
      const store = await open();
      await save(store, roundOf(1), roundOf(2), roundOf(3), roundOf(6));
      expect(await walkOf(store)).toEqual([1, 2, 3, 6]);
      await save(store, roundOf(5), roundOf(4, { parent: "round 2" }));
      expect(await walkOf(store)).toEqual([1, 2, 4, 5, 6]);
    });

    it("in a range are those of the walk, ascending, limited", async () => {
      const store = await open();
      await save(store, ...[1, 2, 3, 4, 5].map((round) => roundOf(round)));
      const numbers = async (span: { from: number; to: number; limit?: number }) => numbersOf(await store.range(span));
      expect(await numbers({ from: 2, to: 4 })).toEqual([2, 3, 4]);
      expect(await numbers({ from: 2, to: 9, limit: 2 })).toEqual([2, 3]);
      expect(await numbers({ from: 6, to: 9 })).toEqual([]);
    });

    it("beyond retention go oldest first, bodies sooner", async () => {
      const store = await open({ rounds: 5, bodies: 2 });
      const rounds = [...Array(9).keys()].map((i) => roundOf(i + 1));
      await save(store, ...rounds);
      expect(await walkOf(store)).toEqual([5, 6, 7, 8, 9]);
      const bodies = await Promise.all(rounds.map(({ digest }) => store.bodyOf(digest)));
      expect(bodies.map((body) => body !== undefined)).toEqual([...Array<boolean>(7).fill(false), true, true]);
      expect((await store.history(BTC, { limit: 100 })).map(({ round }) => round)).toEqual([9, 8, 7, 6, 5]);
    });
  });

  describe(`${name}: history`, () => {
    it("is one feed's verdicts on the walk, newest first, within the span and the limit", async () => {
      const store = await open();
      await save(store, roundOf(1, { feeds: ["ETH/USD"] }), roundOf(2), roundOf(3), roundOf(4, { parent: "round 2" }));
      expect(await store.history(BTC, { limit: 10 })).toEqual(
        [4, 2].map((round) => ({
          round,
          timestamp: round * 1000,
          digest: digestOf(`round ${round}`),
          verdict: verdictOf("BTC/USD", BigInt(round) * 10n ** 18n + BigInt(round)),
        })),
      );
      expect((await store.history(BTC, { from: 3, limit: 10 })).map(({ round }) => round)).toEqual([4]);
      expect((await store.history(BTC, { to: 3, limit: 10 })).map(({ round }) => round)).toEqual([2]);
      expect((await store.history(BTC, { limit: 1 })).map(({ round }) => round)).toEqual([4]);
      expect(await store.history("NO/USD" as FeedId, { limit: 10 })).toEqual([]);
    });
  });

  describe(`${name}: the breaker log`, () => {
    const lines = (entries: readonly BreakerTransition[]) =>
      entries.map(({ round, feed, from, to }) => `${round} ${feed} ${from} ${to}`);

    it("has what changed, from what, to what, and what the quorum had seen", async () => {
      const store = await open();
      const { certified, body } = changingRound(1, { "BTC/USD": [null, "open"], "ETH/USD": ["half-open", "closed"] });
      await store.saveRound({ certified, body });
      const observations = [1, 2].map((byte) => {
        const contents = keccakHex(new Uint8Array(35).fill(byte));
        return observationDigest(DOMAIN, { round: 1, configDigest: digestOf("config"), contents });
      });
      const shared = { round: 1, timestamp: 1_000, digest: certified.digest, observations };
      const { reasons } = verdictOf("BTC/USD", 10n ** 18n + 1n);
      expect(reasons).toHaveLength(1);
      expect(await store.breakerLog({ limit: 10 })).toEqual([
        { feed: "BTC/USD", from: null, to: "open", reasons, ...shared },
        { feed: "ETH/USD", from: "half-open", to: "closed", reasons, ...shared },
      ]);
    });

    it("is newest first, within the span, the feed and the limit", async () => {
      const store = await open();
      await store.saveRound(changingRound(1, { "BTC/USD": [null, "open"], "ETH/USD": [null, "open"] }));
      await store.saveRound({ certified: roundOf(2), body: bodyOf(roundOf(2)) });
      await store.saveRound(changingRound(3, { "ETH/USD": ["open", "half-open"] }));
      await store.saveRound(changingRound(4, { "BTC/USD": ["open", "half-open"] }));
      expect(lines(await store.breakerLog({ limit: 10 }))).toEqual([
        "4 BTC/USD open half-open",
        "3 ETH/USD open half-open",
        "1 BTC/USD null open",
        "1 ETH/USD null open",
      ]);
      expect(lines(await store.breakerLog({ feed: BTC, limit: 10 }))).toEqual([
        "4 BTC/USD open half-open",
        "1 BTC/USD null open",
      ]);
      expect(lines(await store.breakerLog({ from: 2, to: 3, limit: 10 }))).toEqual(["3 ETH/USD open half-open"]);
      expect(lines(await store.breakerLog({ limit: 3 }))).toHaveLength(3);
      expect(await store.breakerLog({ feed: "NO/USD" as FeedId, limit: 10 })).toEqual([]);
    });

    it("says nothing of orphans", async () => {
      const store = await open();
      await store.saveRound(changingRound(1, { "BTC/USD": [null, "open"] }));
      await store.saveRound(changingRound(2, { "BTC/USD": ["open", "half-open"] }));
      await store.saveRound(changingRound(3, { "BTC/USD": ["open", "half-open"] }, { parent: "round 1" }));
      expect(lines(await store.breakerLog({ limit: 10 }))).toEqual(["3 BTC/USD open half-open", "1 BTC/USD null open"]);
    });

    it("outlives the bodies, is told once, and goes with its rounds", async () => {
      const store = await open({ rounds: 4, bodies: 1 });
      const first = changingRound(1, { "BTC/USD": [null, "open"] });
      await store.saveRound(first);
      await save(store, roundOf(2), roundOf(3));
      await store.saveRound(first);
      expect(lines(await store.breakerLog({ limit: 10 }))).toEqual(["1 BTC/USD null open"]);
      await save(store, roundOf(4), roundOf(5));
      expect(await store.breakerLog({ limit: 10 })).toEqual([]);
    });
  });

  describe(`${name}: what governance said and did`, () => {
    it("documents are kept once, newest first, by digest", async () => {
      const store = await open();
      const [one, two] = [documentOf("one"), documentOf("two", "config")];
      expect(await store.saveDocument(one)).toBe("saved");
      expect(await store.saveDocument(one)).toBe("known");
      expect(await store.saveDocument(two)).toBe("saved");
      const kept = [two, one].map(({ digest, bytes, document: { kind } }) => ({ digest, kind, bytes }));
      expect(await store.documents({ limit: 10 })).toEqual(kept);
      expect(await store.documents({ limit: 1 })).toEqual(kept.slice(0, 1));
      expect(await store.document(one.digest)).toEqual(kept[1]);
      expect(await store.document(digestOf("none"))).toBeUndefined();
    });

    it("many documents of one kind push out their own oldest and no other kind's", async () => {
      const store = await open();
      const accept = documentOf("accept", "accept");
      await store.saveDocument(accept);
      const rollbacks = Array.from({ length: DOCUMENTS_KEPT.rollback + 3 }, (_, index) => documentOf(`${index}`, "rollback"));
      await Promise.all(rollbacks.map((document) => store.saveDocument(document)));
      const kept = await Promise.all(rollbacks.map(({ digest }) => store.document(digest)));
      const dropped = rollbacks.filter((_, index) => kept[index] === undefined);
      expect(dropped.map(({ bytes }) => toHex(bytes))).toEqual(rollbacks.slice(0, 3).map(({ bytes }) => toHex(bytes)));
      expect(await store.document(accept.digest)).toBeDefined();
    });

    it("transitions are kept once each, oldest first", async () => {
      const store = await open();
      for (const round of [9, 4, 9]) await store.saveTransition(transitionOf(round));
      expect(await store.transitions()).toEqual([transitionOf(4), transitionOf(9)]);
    });
  });

  describe(`${name}: evidence`, () => {
    it("is kept once per signer, kind and round, newest first", async () => {
      const store = await open();
      expect(await store.saveEvidence(evidenceOf(1, 5))).toBe("saved");
      expect(await store.saveEvidence(evidenceOf(1, 5))).toBe("known");
      expect(await store.saveEvidence(evidenceOf(2, 5))).toBe("saved");
      expect(await store.evidence({ limit: 10 })).toEqual([evidenceOf(2, 5), evidenceOf(1, 5)]);
      expect(await store.evidence({ limit: 1 })).toEqual([evidenceOf(2, 5)]);
    });

    it("of one signer cannot crowd out another's", async () => {
      const store = await open({ evidencePerSigner: 2 });
      const outcomes = await Promise.all([1, 2, 3].map((round) => store.saveEvidence(evidenceOf(1, round))));
      expect(outcomes).toEqual(["saved", "saved", "full"]);
      expect(await store.saveEvidence(evidenceOf(2, 1))).toBe("saved");
      expect((await store.evidence({ limit: 10 })).map(({ signer }) => signer)).toEqual([
        addressOf(2),
        addressOf(1),
        addressOf(1),
      ]);
    });
  });
}
