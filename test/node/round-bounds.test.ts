import { describe, expect, it } from "vitest";
import { createFetching } from "../../node/fetching.ts";
import { createGuard, GUARD_ROUNDS } from "../../node/guard.ts";
import { createPool } from "../../node/pool.ts";
import { createRoundBook } from "../../node/round-book.ts";
import { assembleCertificate, type SignedHeader } from "../../node/signatures.ts";
import { toHex } from "../../protocol/bytes.ts";
import { digestOf } from "../support/network.ts";
import { certificateBy, keyOf, network, observationBy } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

function digestFor(index: number) {
  return toHex(Uint8Array.from({ length: 32 }, (_, byte) => (byte === 31 ? index % 256 : byte === 30 ? index >> 8 : 1)));
}

function computation(round: number) {
  const opened = { parent: undefined, round, observations: [observationBy(0, { round })], documents: [] };
  return { opened, computed: toyFold.nextRound({ network, ...opened }) };
}

describe("rounds in memory", () => {
  it("a signed body is kept until a later head is held, and not longer", () => {
    const book = createRoundBook();
    const [five, six, seven] = [computation(5), computation(6), computation(7)];
    for (const signed of [five, six, seven]) book.keepSigned(signed);
    expect(book.hold({ ...six, certificate: certificateBy([0, 1, 2], six.computed.header) })).toBe(true);
    expect(book.computation(five.computed.digest)).toBeUndefined();
    expect(book.computation(six.computed.digest)).toBeDefined();
    expect(book.computation(seven.computed.digest)).toBeDefined();
  });

  it("without any head the newest 16 signed bodies are kept", () => {
    const book = createRoundBook();
    const signed = Array.from({ length: 20 }, (_, index) => computation(100 + index));
    for (const each of signed) book.keepSigned(each);
    expect(signed.filter(({ computed }) => book.computation(computed.digest) !== undefined)).toEqual(signed.slice(4));
  });

  it("of held rounds the four newest, the head among them; older ones are the store's", () => {
    const book = createRoundBook();
    const rounds = [9, 1, 2, 3, 4].map(computation);
    for (const round of rounds) book.hold({ ...round, certificate: certificateBy([0], round.computed.header) });
    expect(book.head().round).toBe(9);
    expect(rounds.map(({ computed }) => book.held(computed.digest)?.computed.header.round)).toEqual([9, undefined, 2, 3, 4]);
  });

  it("certificates whose body does not come are bounded", () => {
    const book = createRoundBook();
    const { computed } = computation(5);
    const certificate = certificateBy([0], computed.header);
    for (let index = 0; index < 100; index++) book.learn(digestFor(index), certificate);
    expect(book.certificate(digestFor(35))).toBeUndefined();
    expect(book.certificate(digestFor(36))).toBeDefined();
  });
});

describe("fetches", () => {
  const [a, b] = [keyOf(0).address, keyOf(1).address];
  const want = { kind: "body", digest: digestOf(1) } as const;

  it("whoever answered badly is not asked again for it, even when named again", () => {
    const fetching = createFetching();
    fetching.need(want, [a, b], 10_000);
    expect(fetching.step(0).outputs).toMatchObject([{ from: a }]);
    fetching.bad(want, a);
    fetching.need(want, [a], 10_000);
    expect(fetching.step(1).outputs).toMatchObject([{ from: b }]);
    fetching.bad(want, b);
    expect(fetching.step(2)).toEqual({ outputs: [], abandoned: [want] });
  });

  it("only who is being asked can answer or fail", () => {
    const fetching = createFetching();
    fetching.need(want, [a, b], 10_000);
    fetching.step(0);
    expect([fetching.isAsked(want, a), fetching.isAsked(want, b)]).toEqual([true, false]);
    fetching.failed(want, b);
    fetching.bad(want, b);
    expect(fetching.step(1).outputs).toEqual([]);
    fetching.failed(want, a);
    expect(fetching.step(2).outputs).toMatchObject([{ from: b }]);
  });

  it("32 requests are under way at once, 1024 digests wanted", () => {
    const fetching = createFetching();
    for (let index = 0; index < 1_100; index++) fetching.need({ kind: "observation", digest: digestFor(index) }, [a, b], 10_000);
    expect(fetching.has({ kind: "observation", digest: digestFor(1_023) })).toBe(true);
    expect(fetching.has({ kind: "observation", digest: digestFor(1_024) })).toBe(false);
    expect(fetching.step(0).outputs).toHaveLength(32);
    expect(fetching.step(1).outputs).toHaveLength(0);
    expect(fetching.wakeAt()).toBe(900);
    fetching.drop({ kind: "observation", digest: digestFor(0) });
    expect(fetching.step(2).outputs).toHaveLength(1);
  });
});

describe("a certificate", () => {
  it("has exactly q signatures over one digest, in committee order, however many are here and in whatever order they came", () => {
    const pool = createPool<SignedHeader>();
    const { header, digest } = computation(5).computed;
    const add = (index: number, of: Pick<SignedHeader, "header" | "digest">) => {
      const { signer, signature } = certificateBy([index], of.header).signatures[0] ?? { signer: "0x", signature: "0x" };
      pool.add({ round: 5, signer, digest: of.digest, value: { ...of, signer, signature } });
    };
    const other = toyFold.nextRound({
      network,
      parent: undefined,
      round: 5,
      observations: [observationBy(1, { round: 5 })],
      documents: [],
    });
    for (const index of [3, 2]) add(index, { header, digest });
    add(1, other);
    expect(assembleCertificate(pool, { header, digest }, network.committee)).toBeUndefined();
    for (const index of [1, 0]) add(index, { header, digest });
    expect(assembleCertificate(pool, { header, digest }, network.committee)).toEqual(certificateBy([0, 1, 2], header));
  });
});

describe("the pools and the guard", () => {
  it("keep two digests of a signer and round, and nothing of a round that has passed", () => {
    const pool = createPool<number>();
    const add = (round: number, digest: number) =>
      pool.add({ round, signer: keyOf(0).address, digest: digestOf(digest), value: digest });
    expect([add(5, 1), add(5, 1), add(5, 2), add(5, 3), add(6, 3)]).toEqual([
      "accepted",
      "duplicate",
      "equivocation",
      "surplus",
      "accepted",
    ]);
    pool.prune(6);
    expect(pool.of(5)).toEqual([]);
    expect(pool.find(digestOf(3))?.round).toBe(6);
  });

  it("one digest for a kind and round, whatever the config, for as long as it is looked for", () => {
    const record = { kind: "round", round: 5, configDigest: digestOf(1), digest: digestOf(2) } as const;
    const guard = createGuard([record]);
    expect(guard.claim({ ...record, configDigest: digestOf(9) })).toBe(true);
    expect(guard.claim({ ...record, digest: digestOf(3) })).toBe(false);
    expect(guard.claim({ ...record, kind: "proposal", digest: digestOf(3) })).toBe(true);
    guard.prune(5 + GUARD_ROUNDS);
    expect(guard.find("round", 5)).toBe(digestOf(2));
    guard.prune(6 + GUARD_ROUNDS);
    expect(guard.find("round", 5)).toBeUndefined();
    expect(guard.newest()).toBe(5);
  });
});
