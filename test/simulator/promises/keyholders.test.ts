import { describe, expect, it } from "vitest";
import { ZERO_DIGEST } from "../../../protocol/bytes.ts";
import type { Approval, GovernanceDocument } from "../../../protocol/governance.ts";
import { RULES } from "../../../protocol/report.ts";
import type { ActKind } from "../../../simulator/cluster/act.ts";
import { GUARDIANS } from "../../../simulator/cluster/keyholders.ts";
import type { Occurrence } from "../../../simulator/cluster/occurrence.ts";
import type { CheckerName } from "../../../simulator/promises/index.ts";
import {
  CALM,
  calm,
  changeLeaf,
  changeRound,
  committedIn,
  digestsOf,
  findRound,
  insertAfter,
  judge,
  type Of,
  type Recording,
  record,
  without,
  withThresholds,
} from "./recorded.ts";

const ACT = { who: 1, feed: "ETH/USD", forMs: 8_000 } as const;
/** A guardian's pause; a config that other sources make, rolled back; governors' pause; and another committee. */
const governed = record({
  ...CALM,
  acts: [
    { at: 10_000, nodes: [0], act: { ...ACT, kind: "pause-feed" } },
    { at: 24_000, nodes: [1], act: { ...ACT, kind: "config-source" } },
    { at: 52_000, nodes: [2], act: { ...ACT, kind: "rollback" } },
    { at: 60_000, nodes: [3], act: { ...ACT, kind: "pause-by-governors" } },
    { at: 72_000, nodes: [0], act: { ...ACT, kind: "config-committee" } },
  ],
  safetyMs: 100_000,
});

const MANUAL = 2 ** RULES.indexOf("manual");
const CONGESTION = 2 ** RULES.indexOf("congestion");
const MINUTE = 60_000;

const commits = committedIn(governed.stream);
const configs = [...new Set(commits.map(({ certified }) => certified.certificate.header.configDigest))];
const [genesis = ZERO_DIGEST, source = ZERO_DIGEST, rotated = ZERO_DIGEST] = configs;
const paused = findRound(governed, ({ reasons }) => reasons % (2 * MANUAL) >= MANUAL);
const isUnder = (digest: string) => (occurrence: Occurrence) =>
  occurrence.kind === "committed" && occurrence.certified.certificate.header.configDigest === digest;
const firstUnder = (digest: string) => commits.find(isUnder(digest))?.certified.digest;

function said(name: CheckerName, recording: Recording): string {
  const violations = judge([name], recording);
  expect(new Set(violations.map(({ promise }) => promise))).toEqual(new Set(["P6"]));
  return violations.map(({ what }) => what).join("\n");
}

/** What keyholders said, as if they had said something else: bodies and nodes know it by its digest alone. */
function reword(kind: ActKind, change: (document: never) => object): Recording {
  const stream = governed.stream.map((occurrence): Occurrence => {
    if (occurrence.kind !== "act" || occurrence.act.kind !== kind) return occurrence;
    const { document } = occurrence.handed;
    const changed = { ...document, ...change(document as never) } as GovernanceDocument;
    return { ...occurrence, handed: { ...occurrence.handed, document: changed } };
  });
  return { facts: governed.facts, stream };
}

const fewer = ({ approvals }: { readonly approvals: readonly Approval[] }) => ({ approvals: approvals.slice(1) });

describe("what keyholders did as they may", () => {
  it("went through two changes and a roll-back, and every promise was kept", () => {
    expect(configs).toHaveLength(3);
    expect(judge("all", governed)).toEqual([]);
  });
});

describe("P6, at once", () => {
  const bare = digestsOf(calm.stream)[30];
  const until =
    (ms: number) =>
    ({ until }: { readonly until: number }) => ({ until: until + ms });
  const both = ({ approvals }: { readonly approvals: readonly Approval[] }) => ({
    approvals: GUARDIANS.slice(0, 2).map(({ address }) => ({ ...(approvals[0] as Approval), keyholder: address })),
  });

  it.each<[string, Recording, RegExp]>([
    ["a pause that nobody signed", changeLeaf(calm, bare, { reasons: MANUAL }), /paused without a document/],
    ["a pause beyond its end", reword("pause-feed", until(-6_000)), /paused without a document/],
    ["everything shut by one guardian", reword("pause-feed", () => ({ feed: "*" })), /paused without a document/],
    ["half an hour and more by one guardian", reword("pause-feed", until(31 * MINUTE)), /paused without a document/],
    ["too few governors", reword("pause-by-governors", fewer), /paused without a document/],
    [
      "more than the allowance",
      reword("pause-feed", (document: never) => ({ ...both(document), ...until(60 * MINUTE - 7_000)(document) })),
      /has paused for \d+ ms in all/,
    ],
    ["a pause that permits", changeLeaf(governed, paused, { liquidate: "any" }), /paused, and permits any/],
    [
      "a pause that a node took in and nobody heeds",
      digestsOf(governed.stream).reduce(
        (changed, digest) => changeLeaf(changed, digest, ({ reasons }) => ({ reasons: reasons - (reasons & MANUAL) })),
        governed,
      ),
      /not paused by 0x[0-9a-f]{64}, taken in by node 0/,
    ],
    ["congestion of a feed", changeLeaf(calm, bare, { reasons: CONGESTION }), /congestion of a feed/],
  ])("%s", (_, recording, what) => expect(said("pause at once", recording)).toMatch(what));
});

describe("P6, slowly", () => {
  const promised = governed.stream.find(
    (occurrence): occurrence is Of<"recorded"> => occurrence.kind === "recorded" && occurrence.node === 1,
  ) as Of<"recorded">;
  const retired = { ...promised, record: { ...promised.record, configDigest: genesis } };

  it.each<[string, Recording, RegExp]>([
    ["a config that nobody proposed", without(governed, ({ kind }) => kind === "act"), /no document|holds a document/],
    ["fewer governors than it takes", reword("config-source", fewer), /fewer governors than it takes/],
    ["another predecessor", reword("config-source", () => ({ replaces: source })), /it replaces/],
    ["before the timelock's end", reword("config-source", () => ({ activation: 0 })), /ms ahead of its time/],
    [
      "before its own time",
      reword("config-source", ({ activation }: { readonly activation: number }) => ({ activation: activation + 60_000 })),
      /decided \d+ ms before its time/,
    ],
    ["without a review", without(governed, ({ kind }) => kind === "reviewed"), /no honest carrier reviewed it/],
    ["against its shadows", withThresholds(governed, { configBps: -1 }), /the shadows of ETH\/USD do not agree/],
    ["a roll-back by too few", reword("rollback", fewer), /in force without grounds: no document/],
    [
      "a roll-back that waits",
      reword("pause-by-governors", () => ({ kind: "rollback", from: genesis, to: source })),
      /still under 0x[0-9a-f]{64} after its roll-back/,
    ],
    [
      "a change that one committee alone signed",
      changeRound(governed, firstUnder(rotated), (committed) => {
        const { certificate } = committed.certified;
        const signatures = certificate.signatures.slice(0, 2);
        return { ...committed, certified: { ...committed.certified, certificate: { ...certificate, signatures } } };
      }),
      /signed by \d members under 0x[0-9a-f]{64}, a quorum is 3/,
    ],
    [
      "a promise under a retired config",
      insertAfter(
        governed,
        (occurrence) => isUnder(source)(occurrence) && (occurrence as Of<"committed">).node === 1,
        ({ at }) => [{ ...retired, at }],
      ),
      /honest node 1 signs under retired config/,
    ],
  ])("%s", (_, recording, what) => expect(said("one config", recording)).toMatch(what));
});
