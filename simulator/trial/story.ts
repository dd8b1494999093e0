import { decodeSignatureMessage, splitProposalMessage } from "../../node/wire.ts";
import type { Digest } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import { decodeProposal } from "../../protocol/proposal.ts";
import type { CertifiedRound, FeedVerdict } from "../../protocol/round.ts";
import { SIGNATURE_BYTES } from "../../protocol/secp256k1.ts";
import type { Occurrence, Witness } from "../cluster/occurrence.ts";
import type { Violation } from "../promises/checker.ts";
import { actWords, faultWords, nodeName } from "./fault-words.ts";
import type { Plan } from "./plan.ts";
import { type Item, repeated, seconds, tellInOrder } from "./story-lines.ts";
import { createStoryNames, type StoryNames } from "./story-names.ts";

/** Of what one node did between two turns of the story so many deeds are named. */
const MAX_DEEDS = 4;
/** Of each promise so many violations are told in full; more of them add nothing. */
const MAX_VIOLATIONS = 3;

export type StoryFacts = {
  readonly plan: Plan;
  readonly network: Network;
  /** Where the trial's time begins, Unix ms. */
  readonly startAt: number;
  readonly violations: readonly Violation[];
};

export type Storyteller = {
  readonly witness: Witness;
  /** The trial as a person wants to read it: times from its start, rounds counted from its first, nodes by name. */
  readonly tell: (facts: StoryFacts) => readonly string[];
};

/** A header that somebody proposed, signed or committed, and what became of it. */
type Candidate = {
  readonly header: RoundHeader;
  readonly at: number;
  readonly proposers: Set<number>;
  readonly signers: Set<number>;
  certified: { readonly at: number; readonly round: CertifiedRound } | undefined;
};
type Candidates = Map<Digest, Candidate>;

type Telling = StoryFacts & StoryNames & { readonly candidates: Candidates };

/** Listens to one trial and tells afterwards what mattered in it. */
export function createStoryteller(): Storyteller {
  const heard: Occurrence[] = [];
  return {
    witness: (occurrence) => {
      if (isOfInterest(occurrence)) heard.push(occurrence);
    },
    tell: (facts) => {
      const telling = { ...facts, candidates: findCandidates(heard, facts.network), ...createStoryNames(facts) };
      const items = [
        ...heard.flatMap((occurrence) => tellOccurrence(occurrence, telling)),
        ...tellRounds(telling),
        ...tellBreaker(telling),
        ...tellViolations(telling),
      ];
      return [...introduce(facts), ...tellInOrder(items, facts.startAt)];
    },
  };
}

function isOfInterest(occurrence: Occurrence): boolean {
  switch (occurrence.kind) {
    case "sent":
      return occurrence.topic === "proposal" || occurrence.topic === "signature";
    case "event":
      return occurrence.level !== "info";
    case "sampled":
    case "recorded":
    case "judged":
    case "reviewed":
      return false;
    default:
      return true;
  }
}

function introduce({ plan, network, startAt }: StoryFacts): readonly string[] {
  const { committee, config } = network;
  const first = Math.floor(startAt / config.roundMs);
  const byzantine = plan.byzantine.map(({ node, behaviour }) => `${nodeName(node)} ${behaviour}`);
  return [
    `seed ${plan.seed}: n = ${plan.n}, f = ${committee.f}, q = ${committee.quorum}, network "${plan.setting}", rounds of ${config.roundMs} ms, r0 is ${first}`,
    `byzantine: ${byzantine.length === 0 ? "nobody" : byzantine.join(", ")}; clocks off by ${plan.skewsMs.join(", ")} ms`,
    `any fault until ${seconds(plan.safetyMs)}, healed then, watched for ${plan.healMs / 1_000} s more`,
  ];
}

function findCandidates(heard: readonly Occurrence[], { domain }: Network): Candidates {
  const candidates: Candidates = new Map();
  const find = (digest: Digest, header: RoundHeader, at: number): Candidate => {
    const known = candidates.get(digest);
    if (known !== undefined) return known;
    const candidate: Candidate = { header, at, proposers: new Set(), signers: new Set(), certified: undefined };
    candidates.set(digest, candidate);
    return candidate;
  };
  for (const occurrence of heard) {
    if (occurrence.kind === "sent") {
      const header = headerOf(occurrence);
      if (header === undefined) continue;
      const candidate = find(roundDigest(domain, header), header, occurrence.at);
      (occurrence.topic === "proposal" ? candidate.proposers : candidate.signers).add(occurrence.node);
    } else if (occurrence.kind === "committed") {
      const { digest, certificate } = occurrence.certified;
      find(digest, certificate.header, occurrence.at).certified ??= { at: occurrence.at, round: occurrence.certified };
    }
  }
  return candidates;
}

/** Of a proposal or a signature; garbage has none. */
function headerOf({ topic, bytes }: Extract<Occurrence, { kind: "sent" }>): RoundHeader | undefined {
  if (topic === "signature") {
    const message = decodeSignatureMessage(bytes);
    return message.ok ? message.value.header : undefined;
  }
  const message = splitProposalMessage(bytes);
  if (!message.ok) return undefined;
  const { proposal } = message.value;
  const decoded = decodeProposal(proposal.subarray(0, Math.max(0, proposal.length - SIGNATURE_BYTES)));
  return decoded.ok ? decoded.value.header : undefined;
}

function tellOccurrence(occurrence: Occurrence, { roundName, relative }: Telling): readonly Item[] {
  const { at } = occurrence;
  const alone = (text: string): readonly Item[] => [{ at, key: undefined, who: "", say: () => text }];
  switch (occurrence.kind) {
    case "fault": {
      const { fault } = occurrence.planned;
      return alone(occurrence.phase === "begins" ? `fault: ${faultWords(fault)}` : `ends: ${faultWords(fault)}`);
    }
    case "started": {
      const { node, lostRecords } = occurrence;
      return alone(`${nodeName(node)} starts${lostRecords === 0 ? "" : `; ${lostRecords} promises are gone from its disk`}`);
    }
    case "stopped":
      return alone(`${nodeName(occurrence.node)} stops`);
    case "act": {
      const { node, act, handed } = occurrence;
      return alone(`${nodeName(node)} is handed ${act.kind} ${relative(handed.digest)} (${actWords(act)})`);
    }
    case "receipt":
      return alone(`${nodeName(occurrence.node)} answers ${relative(occurrence.digest)}: ${occurrence.code}`);
    case "misbehaved": {
      const { node, behaviour, what } = occurrence;
      const name = `${nodeName(node)} (${behaviour})`;
      return [{ at, key: name, who: relative(what), say: (deeds, times) => `${name}: ${someOf(deeds)}${repeated(times)}` }];
    }
    case "event": {
      const { node, code, fields } = occurrence;
      const name = fields.why === undefined ? code : `${code} (${fields.why})`;
      return [{ at, key: name, who: nodeName(node), say: (nodes, times) => `${name} at ${nodes.join(" ")}${repeated(times)}` }];
    }
    case "committed": {
      const { node, place, certified } = occurrence;
      if (place === "head") return [];
      const key = `${nodeName(node)} ${place}`;
      const who = roundName(certified.certificate.header.round);
      const how = place === "late" ? "hears late of" : "fills in";
      return [{ at, key, who, say: (rounds) => `${nodeName(node)} ${how} ${listOf(rounds)}` }];
    }
    default:
      return [];
  }
}

function tellRounds({ candidates, plan, network, roundName }: Telling): readonly Item[] {
  const rounds = Map.groupBy(candidates, ([, { header }]) => header.round);
  const certifiedBefore = previousCertified(candidates);
  const items: Item[] = [];
  for (const [digest, { header, at, proposers, signers, certified }] of candidates) {
    const only = rounds.get(header.round)?.length === 1;
    const parent = candidates.get(header.parent)?.header.round;
    const after = parent === undefined || parent === certifiedBefore(header.round) ? "" : `, after ${roundName(parent)}`;
    const mark = only ? "" : ` ${digest.slice(0, 8)}…`;
    const who = roundName(header.round);
    const signed = `signed by ${signers.size === plan.n ? "all" : nodesOf(signers)}`;
    if (certified !== undefined) {
      const text = `certified${mark}, ${signed}${after}`;
      items.push({ at: certified.at, key: text, who, say: (names) => `${listOf(names)} ${text}` });
    } else {
      const text = `${who} not certified${mark}: proposed by ${nodesOf(proposers)}, ${signed}${after}`;
      items.push({ at, key: undefined, who, say: () => text });
    }
  }
  return [
    ...items,
    ...tellSilence(
      [...rounds.keys()].sort((a, b) => a - b),
      network,
      roundName,
    ),
  ];
}

function previousCertified(candidates: Candidates): (round: number) => number | undefined {
  const certified = [...candidates.values()].filter((candidate) => candidate.certified !== undefined);
  const rounds = certified.map(({ header }) => header.round).sort((a, b) => a - b);
  return (round) => rounds.findLast((other) => other < round);
}

/** Rounds that nobody proposed, between those that somebody did. */
function tellSilence(rounds: readonly number[], { config }: Network, roundName: (round: number) => string): readonly Item[] {
  const [first = 0, last = 0] = [rounds[0], rounds.at(-1)];
  const proposed = new Set(rounds);
  const silent = Array.from({ length: last - first }, (_, index) => first + index).filter((round) => !proposed.has(round));
  return silent.map((round) => ({
    at: round * config.roundMs,
    key: "no proposal",
    who: roundName(round),
    say: (names) => `${listOf(names)}: no proposal`,
  }));
}

/** Changes of state or level of the feeds that the violations name, or of all. */
function tellBreaker({ candidates, violations, roundName }: Telling): readonly Item[] {
  const items: Item[] = [];
  for (const { certified, header } of candidates.values()) {
    if (certified === undefined) continue;
    const parent = candidates.get(header.parent)?.certified?.round.feeds;
    for (const verdict of certified.round.feeds) {
      const { feed } = verdict.report;
      const named = violations.some(({ what }) => what.includes(feed));
      if (!named && violations.some(({ what }) => certified.round.feeds.some(({ report }) => what.includes(report.feed))))
        continue;
      const change = changeOf(
        verdict,
        parent?.find(({ report }) => report.feed === feed),
      );
      if (change === undefined) continue;
      const text = `${roundName(header.round)} breaker: ${change}`;
      items.push({ at: certified.at, key: text, who: feed, say: (feeds) => `${text} (${feeds.join(", ")})` });
    }
  }
  return items;
}

function changeOf({ report, reasons }: FeedVerdict, before: FeedVerdict | undefined): string | undefined {
  if (before?.report.state === report.state && before.report.liquidate === report.liquidate) return undefined;
  const why = reasons.map(({ rule, unit, measured, limit }) => `${rule} ${measured} of ${limit} ${unit}`).join(", ");
  const from = before === undefined ? "" : `${before.report.state} → `;
  return `${from}${report.state}, liquidate ${report.liquidate}${why === "" ? "" : `, ${why}`}`;
}

function tellViolations({ violations, relative }: Telling): readonly Item[] {
  const told = new Map<string, number>();
  return violations.map(({ promise, at, what }) => {
    const count = (told.get(promise) ?? 0) + 1;
    told.set(promise, count);
    if (count <= MAX_VIOLATIONS) return { at, key: undefined, who: "", say: () => `VIOLATION ${promise}: ${relative(what)}` };
    return { at, key: `more ${promise}`, who: "", say: (_, times) => `VIOLATION ${promise} again${repeated(times)}` };
  });
}

function nodesOf(nodes: ReadonlySet<number>): string {
  return nodes.size === 0
    ? "nobody"
    : [...nodes]
        .sort((a, b) => a - b)
        .map(nodeName)
        .join(" ");
}

/** @example someOf(["a", "b", "c", "d", "e"]); // "a, b, c, d and 1 other" */
function someOf(deeds: readonly string[]): string {
  const left = deeds.length - MAX_DEEDS;
  const named = deeds.slice(0, MAX_DEEDS).join(", ");
  return left <= 0 ? named : `${named} and ${left} ${left === 1 ? "other" : "others"}`;
}

/** @example listOf(["r6", "r5", "r4"]); // "r4 … r6 (3 rounds)" */
function listOf(rounds: readonly string[]): string {
  const sorted = [...rounds].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  return sorted.length < 3 ? sorted.join(", ") : `${sorted[0]} … ${sorted.at(-1)} (${sorted.length} rounds)`;
}
