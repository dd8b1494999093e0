import { describe, expect, test } from "vitest";
import { BODY_COST, REFUSED_AT_ONCE, REFUSED_PER_SECOND } from "../../gateway/following/budget.ts";
import { REFUSAL_CODES, type RefusalCode } from "../../gateway/following/codes.ts";
import { EVIDENCE_PER_SIGNER } from "../../gateway/following/convictions.ts";
import { KNOWN_ROUNDS } from "../../gateway/following/walk.ts";
import type { LogEntry } from "../../gateway/log.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { encodeCertificate, type RoundSignature } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import { digestOf, scheme, type TestKey, testKey } from "../support/network.ts";
import {
  changedHistory,
  codesOf,
  evidenceEntry,
  followerOf,
  NOTHING,
  quietHistory,
  type RoundEntry,
  roundEntry,
  savedIn,
  transitionEntry,
} from "./followed.ts";

const { world, history } = quietHistory(12);
const { network } = world;
const NOW = world.now();
const STRANGER = testKey(40);

function at<T>(items: readonly T[], index: number): T {
  const item = items.at(index);
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
}

const newest = at(history, -1);
const entry = roundEntry(newest);

function signedBy(keys: readonly TestKey[], header: RoundHeader, { domain } = network): readonly RoundSignature[] {
  const hash = fromHex(roundDigest(domain, header));
  return keys
    .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }))
    .sort((a, b) => (a.signer < b.signer ? -1 : 1));
}

/** A header of one's own, signed by whoever; the entry states its digest truly. */
function signedEntry(
  header: RoundHeader,
  keys: readonly TestKey[],
  { body = entry.body, under = network }: { readonly body?: Uint8Array; readonly under?: Network } = {},
): RoundEntry {
  const certificate = { header, signatures: signedBy(keys, header, under) };
  return { kind: "round", digest: roundDigest(under.domain, header), certificate: encodeCertificate(certificate), body };
}

const QUORUM = world.keys.slice(0, network.committee.quorum);

function equivocation(round: number, key: TestKey = at(world.keys, 0)): Evidence {
  const statement = (byte: number) => {
    const struct = { ...newest.certified.certificate.header, round, parent: digestOf(byte) };
    const signature = scheme.sign(fromHex(roundDigest(network.domain, struct)), key.privateKey);
    return { struct, signature };
  };
  return { kind: "round", signer: key.address, statements: [statement(1), statement(2)] };
}

describe("what is followed", () => {
  test("comes in round by round, each one head, its verdicts from the body", () => {
    const follower = followerOf(network);
    const outputs = history.flatMap((kept) => follower.handle({ from: "a", entry: roundEntry(kept) }, NOW));
    expect(codesOf(outputs)).toEqual(history.map(() => "head"));
    const rounds = outputs.flatMap((output) => (output.kind === "round" ? [output] : []));
    expect(rounds.map(({ certified, body }) => ({ certified, body }))).toEqual(history);
    expect(follower.head()).toMatchObject({ digest: newest.certified.digest });
    expect(follower.network()).toBe(network);
    expect(follower.resumeAfter()).toBe(follower.head()?.round);
  });

  test("is known by its digest from then on, from whomever, and another certificate of it too", () => {
    const follower = followerOf(network);
    follower.handle({ from: "a", entry }, NOW);
    expect(codesOf(follower.handle({ from: "b", entry }, NOW))).toEqual(["duplicate"]);
    const others = signedEntry(newest.certified.certificate.header, world.keys.slice(1, 4));
    expect(codesOf(follower.handle({ from: "b", entry: others }, NOW))).toEqual(["duplicate"]);
  });

  test("with holes that are filled by parent: an older round that the walk comes to is history", () => {
    const follower = followerOf(network);
    const [first, second, third, fourth] = history.slice(-4).map(roundEntry) as [RoundEntry, RoundEntry, RoundEntry, RoundEntry];
    const codes = [first, fourth, second, third].map((item) => at(codesOf(follower.handle({ from: "a", entry: item }, NOW)), 0));
    expect(codes).toEqual(["head", "head", "orphan", "history"]);
    // What lies before all that ever came is not asked for again.
    expect(follower.resumeAfter()).toBe(newest.body.round);
    const before = at(history, -5);
    expect(codesOf(follower.handle({ from: "a", entry: roundEntry(before) }, NOW))).toEqual(["history"]);
  });

  test("is asked for again from below the newest hole", () => {
    const follower = followerOf(network);
    for (const index of [0, 1, 2, 5, 6]) follower.handle({ from: "a", entry: roundEntry(at(history, index)) }, NOW);
    expect(follower.resumeAfter()).toBe(at(history, 2).body.round);
    for (const index of [4, 3]) follower.handle({ from: "a", entry: roundEntry(at(history, index)) }, NOW);
    expect(follower.resumeAfter()).toBe(at(history, 6).body.round);
  });

  test("goes on where a store left off", () => {
    const links = history.slice(0, -1).map(({ certified: { digest, certificate } }) => ({
      round: certificate.header.round,
      digest,
      parent: certificate.header.parent,
    }));
    const evidence = [equivocation(7)];
    const follower = followerOf(network, { ...NOTHING, head: at(history, -2), links, evidence });
    expect(follower.head()?.digest).toBe(at(history, -2).certified.digest);
    expect(follower.governance()).toMatchObject({ pauses: [] });
    expect(codesOf(follower.handle({ from: "a", entry: roundEntry(at(history, 3)) }, NOW))).toEqual(["duplicate"]);
    expect(codesOf(follower.handle({ from: "a", entry: evidenceEntry(equivocation(7)) }, NOW))).toEqual(["duplicate"]);
    expect(codesOf(follower.handle({ from: "a", entry }, NOW))).toEqual(["head"]);
  });

  test("equivocations are verified and kept once", () => {
    const follower = followerOf(network);
    const accuse = evidenceEntry(equivocation(7));
    const outputs = follower.handle({ from: "a", entry: accuse }, NOW);
    expect(outputs[0]).toEqual({ kind: "evidence", evidence: equivocation(7) });
    expect(codesOf(outputs)).toEqual(["evidence-taken"]);
    expect(codesOf(follower.handle({ from: "b", entry: accuse }, NOW))).toEqual(["duplicate"]);
  });
});

describe("what is refused", () => {
  const { header } = newest.certified.certificate;
  const changed = changedHistory();

  type Row = {
    readonly code: RefusalCode;
    readonly what: string;
    readonly entry: LogEntry;
    readonly before?: readonly LogEntry[];
  };
  const rows: readonly Row[] = [
    { code: "malformed", what: "a certificate cut short", entry: { ...entry, certificate: entry.certificate.slice(1) } },
    { code: "malformed", what: "a certificate too long to look at", entry: { ...entry, certificate: new Uint8Array(20_000) } },
    { code: "malformed", what: "a body cut short", entry: { ...entry, body: entry.body.slice(0, -1) } },
    { code: "malformed", what: "a transition of garbage", entry: { kind: "transition", bytes: new Uint8Array(9) } },
    { code: "malformed", what: "evidence that is no JSON", entry: { kind: "evidence", bytes: new Uint8Array(9) } },
    { code: "malformed", what: "evidence of another shape", entry: { kind: "evidence", bytes: new TextEncoder().encode("{}") } },
    { code: "digest", what: "another digest than the header's", entry: { ...entry, digest: digestOf(9) } },
    {
      code: "stale",
      what: "a round from before all that is known",
      entry: signedEntry({ ...header, round: header.round - KNOWN_ROUNDS - 1 }, QUORUM),
      before: [entry],
    },
    {
      code: "future",
      what: "a round ahead of this clock",
      entry: signedEntry({ ...header, round: header.round + 60, timestamp: header.timestamp + 60_000 }, QUORUM),
    },
    {
      code: "unknown-config",
      what: "a round of a config that nothing leads to",
      entry: signedEntry({ ...header, configDigest: digestOf(9) }, QUORUM),
    },
    { code: "certificate", what: "fewer than a quorum", entry: signedEntry(header, QUORUM.slice(1)) },
    { code: "certificate", what: "a stranger among them", entry: signedEntry(header, [...QUORUM.slice(1), STRANGER]) },
    {
      code: "certificate",
      what: "a signature of another header",
      entry: {
        ...entry,
        certificate: encodeCertificate({ header, signatures: signedBy(QUORUM, { ...header, stateRoot: digestOf(9) }) }),
      },
    },
    {
      code: "certificate",
      what: "fewer than a quorum, and a body that is not looked at for that",
      entry: { ...signedEntry(header, QUORUM.slice(1)), body: new Uint8Array(9) },
    },
    {
      code: "unknown-config",
      what: "a round of a config that nothing leads to, whose body is not looked at yet",
      entry: { ...signedEntry({ ...header, configDigest: digestOf(9) }, QUORUM), body: new Uint8Array(9) },
    },
    {
      code: "body",
      what: "the body of another round",
      entry: { ...entry, body: roundEntry(at(history, -2)).body },
    },
    {
      code: "body",
      what: "a header that a quorum signed and no fold gives",
      entry: signedEntry({ ...header, stateRoot: digestOf(9) }, QUORUM),
    },
    { code: "evidence", what: "two statements of a stranger", entry: evidenceEntry(equivocation(7, STRANGER)) },
    {
      code: "evidence-full",
      what: "one more against a signer who is convicted often enough",
      entry: evidenceEntry(equivocation(999)),
      before: Array.from({ length: EVIDENCE_PER_SIGNER }, (_, round) => evidenceEntry(equivocation(round))),
    },
    {
      code: "over-budget",
      what: "anything of a source that has had its fill",
      entry,
      before: Array.from({ length: REFUSED_AT_ONCE }, () => ({ ...entry, digest: digestOf(9) })),
    },
  ];

  test.each(rows)("$code: $what", ({ code, entry: refused, before = [] }) => {
    const follower = followerOf(network);
    for (const item of before) follower.handle({ from: "a", entry: item }, NOW);
    const outputs = follower.handle({ from: "a", entry: refused }, NOW);
    expect(codesOf(outputs)).toEqual([code]);
    expect(outputs).toHaveLength(1);
    // And it bars nothing: the round comes in from another source.
    const known = before.includes(entry);
    expect(codesOf(follower.handle({ from: "b", entry }, NOW))).toEqual([known ? "duplicate" : "head"]);
  });

  const { before, transition } = changed;
  const ofOld = at(changed.history, 3);
  const ofChange: readonly Row[] = [
    {
      code: "retired-config",
      what: "a round under a config whose time is over",
      entry: signedEntry({ ...ofOld.certified.certificate.header, round: transition.certificate.header.round + 1 }, QUORUM, {
        body: roundEntry(ofOld).body,
        under: before,
      }),
      before: [transitionEntry(transition)],
    },
    {
      code: "certificate",
      what: "a round under a config whose time is over, signed by too few even of those days: its body is not looked at",
      entry: {
        ...signedEntry(
          { ...ofOld.certified.certificate.header, round: transition.certificate.header.round + 1 },
          QUORUM.slice(1),
          { body: roundEntry(ofOld).body, under: before },
        ),
        body: new Uint8Array(9),
      },
      before: [transitionEntry(transition)],
    },
    {
      code: "transition",
      what: "one whose first round is at another time than its number says",
      entry: transitionEntry({
        ...transition,
        certificate: { ...transition.certificate, header: { ...transition.certificate.header, timestamp: 5 } },
      }),
    },
  ];

  test.each(ofChange)("$code: $what", ({ code, entry: refused, before = [] }) => {
    const follower = followerOf(changed.before);
    for (const item of before) follower.handle({ from: "a", entry: item }, changed.world.now());
    expect(codesOf(follower.handle({ from: "a", entry: refused }, changed.world.now()))).toEqual([code]);
  });

  test("every code has its row", () => {
    const missing = REFUSAL_CODES.filter((code) => ![...rows, ...ofChange].some((row) => row.code === code));
    expect(missing).toEqual([]);
  });

  test("a source calms down: so many a second are looked at again", () => {
    const follower = followerOf(network);
    const forged = { ...entry, digest: digestOf(9) };
    for (let count = 0; count < 10 * REFUSED_AT_ONCE; count++) follower.handle({ from: "a", entry: forged }, NOW);
    const second = Array.from({ length: 50 }, () => at(codesOf(follower.handle({ from: "a", entry: forged }, NOW + 1_000)), 0));
    expect(second.filter((code) => code === "digest")).toHaveLength(REFUSED_PER_SECOND);
    expect(codesOf(follower.handle({ from: "a", entry }, NOW + 2_000))).toEqual(["head"]);
  });
});

test("bodies that had to be computed to be refused use a source up the sooner", () => {
  const follower = followerOf(network);
  const garbled = { ...entry, body: roundEntry(at(history, -2)).body };
  const codes = Array.from({ length: 9 }, () => at(codesOf(follower.handle({ from: "a", entry: garbled }, NOW)), 0));
  expect(codes.filter((code) => code === "body")).toHaveLength(REFUSED_AT_ONCE / BODY_COST);
  expect(codes.at(-1)).toBe("over-budget");
  expect(codesOf(follower.handle({ from: "b", entry }, NOW))).toEqual(["head"]);
});

describe("a committee that changes", () => {
  const { world: changing, before, history: rounds, transition } = changedHistory();
  const now = changing.now();
  const after = rounds.filter(({ certified }) => certified.certificate.header.configDigest !== before.configDigest);

  test("is followed by the documents in the bodies, without a transition being sent", () => {
    const follower = followerOf(before);
    const outputs = rounds.flatMap((kept) => follower.handle({ from: "a", entry: roundEntry(kept) }, now));
    expect(codesOf(outputs)).toEqual(rounds.map(() => "head"));
    expect(outputs.filter(({ kind }) => kind === "transition")).toHaveLength(1);
    expect(outputs.filter(({ kind }) => kind === "document")).toHaveLength(1);
    expect(follower.network().configDigest).toBe(at(rounds, -1).certified.certificate.header.configDigest);
    expect(follower.transitions()).toHaveLength(1);
    expect(follower.writers()).toHaveLength(4);
  });

  test("is followed by the transition, and what came too early waits for it", () => {
    const follower = followerOf(before);
    const early = after.flatMap((kept) => codesOf(follower.handle({ from: "a", entry: roundEntry(kept) }, now)));
    expect(early).toEqual(after.map(() => "unknown-config"));
    const outputs = follower.handle({ from: "b", entry: transitionEntry(transition) }, now);
    expect(outputs[0]?.kind).toBe("transition");
    expect(codesOf(outputs)).toEqual(["transition-taken", ...after.map(() => "head")]);
    expect(savedIn(outputs)).toEqual(after.map(({ body }) => body.round));
    expect(codesOf(follower.handle({ from: "b", entry: transitionEntry(transition) }, now))).toEqual(["duplicate"]);
  });

  test("begins where its first round is, whichever certificate was heard of first", () => {
    // Members of both committees signed these as well: each of them proves the change, and none but the first where it began.
    const later = after.slice(1).map(({ certified }) => ({ config: transition.config, certificate: certified.certificate }));
    for (const misleading of later) {
      const follower = followerOf(before);
      follower.handle({ from: "liar", entry: transitionEntry(misleading) }, now);
      for (const kept of rounds) follower.handle({ from: "a", entry: roundEntry(kept) }, now);
      expect(follower.head()?.digest).toBe(at(rounds, -1).certified.digest);
      expect(follower.resumeAfter()).toBe(at(rounds, -1).body.round);
      expect(follower.transitions().at(-1)?.certificate.header.round).toBe(at(after, 0).body.round);
    }
  });
});
