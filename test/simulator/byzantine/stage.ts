import { type Judgement, type JudgeView, judgeGossip, type Message } from "../../../node/gossip-judge.ts";
import { verifyCertificate } from "../../../protocol/certificate.ts";
import { memberIndex } from "../../../protocol/committee.ts";
import type { Network } from "../../../protocol/config.ts";
import type { Secp256k1 } from "../../../protocol/secp256k1.ts";
import { BEHAVIOURS, type BehaviourName } from "../../../simulator/byzantine/index.ts";
import type { PlannedAct } from "../../../simulator/cluster/act.ts";
import type { Occurrence } from "../../../simulator/cluster/occurrence.ts";
import { createTableScheme } from "../../../simulator/cluster/signatures.ts";
import type { Plan } from "../../../simulator/trial/plan.ts";
import { createGrounds, runTrial } from "../../../simulator/trial/trial.ts";

export type Of<K extends Occurrence["kind"]> = Extract<Occurrence, { readonly kind: K }>;

const SECONDS = 50;
export const NAMES = Object.keys(BEHAVIOURS) as readonly BehaviourName[];

/** A message that the byzantine node sent, as an honest node judges it that has heard nothing before. */
export type Sent = Of<"sent"> & { readonly round: number; readonly judgement: Judgement };

/** What these do to documents and configs shows only where there are some. */
const GOVERNED: readonly BehaviourName[] = [
  "censor-carriers",
  "document-to-some",
  "forged-documents",
  "hidden-documents",
  "unreviewed-config",
  "retired-config",
  "forged-transitions",
];
const ACT = { who: 1, feed: "ETH/USD", forMs: 6_000 };
const ACTS: readonly PlannedAct[] = [
  { at: 9_000, nodes: [0], act: { ...ACT, kind: "pause-feed" } },
  { at: 10_500, nodes: [1], act: { ...ACT, kind: "config-unsound" } },
  { at: 12_500, nodes: [0], act: { ...ACT, kind: "config-committee", who: 0 } },
];

const grounds = createGrounds();

const played = new Map<string, Stage>();

/** A trial of calm weather in which one node of four, or `count` of n, behaves like this. Each is played once in a file. */
export function stage(behaviour: BehaviourName, { n = 4, count = 1, seed = 1 } = {}): Stage {
  const key = `${behaviour} ${n} ${count} ${seed}`;
  const scene = played.get(key) ?? play(behaviour, { n, count, seed });
  played.set(key, scene);
  return scene;
}

/** Plays it, whether it was played before or not. */
export function play(behaviour: BehaviourName, { n, count, seed }: { n: number; count: number; seed: number }) {
  const byzantine = Array.from({ length: count }, (_, index) => (n - 1 - 2 * index + n) % n);
  const plan: Plan = {
    seed,
    n,
    setting: "one-feed",
    byzantine: byzantine.map((node) => ({ node, behaviour })),
    skewsMs: Array.from({ length: n }, (_, index) => 10 * (index % 3)),
    delayMs: [2, 20],
    startsMs: Array.from({ length: n }, (_, index) => 30 * index),
    faults: [],
    acts: GOVERNED.includes(behaviour) ? ACTS : [],
    safetyMs: (SECONDS - 20) * 1_000,
    healsByzantine: false,
    downAfterHeal: [],
    healMs: 20_000,
  };
  const scheme = createTableScheme(grounds.keys);
  const network = grounds.settings.network("one-feed", n);
  const seen: Occurrence[] = [];
  const { violations } = runTrial(plan, { grounds, scheme, witness: (occurrence) => seen.push(occurrence) });
  const isByzantine = (node: number): boolean => byzantine.includes(node);
  const of = <K extends Occurrence["kind"]>(kind: K): readonly Of<K>[] =>
    seen.filter((occurrence): occurrence is Of<K> => occurrence.kind === kind);
  const sent = of("sent").flatMap((message): Sent[] => {
    if (!isByzantine(message.node)) return [];
    const round = Math.floor(message.at / network.config.roundMs);
    return [{ ...message, round, judgement: judgeGossip(message.topic, message.bytes, viewOf(network, scheme, round)) }];
  });
  return {
    network,
    scheme,
    byzantine,
    violations,
    of,
    sent,
    address: network.committee.members[byzantine[0] ?? 0]?.address,
    /** How honest nodes judged what came to them, from anybody. */
    codes: new Set(of("judged").flatMap(({ node, code }) => (isByzantine(node) ? [] : [code]))),
    did: of("misbehaved").map(({ what }) => what),
    /** Events of the honest nodes. */
    events: of("event").filter(({ node }) => !isByzantine(node)),
    ownEvents: of("event").filter(({ node }) => isByzantine(node)),
  };
}
export type Stage = ReturnType<typeof play>;

/** Of a node that has heard nothing and knows one config. */
function viewOf(network: Network, scheme: Secp256k1, round: number): JudgeView {
  return {
    networkOf: (digest) => (digest === network.configDigest ? network : undefined),
    scheme,
    standingOf: ({ committee }, signer) => (memberIndex(committee, signer) < 0 ? "stranger" : "votes"),
    checkCertificate: (certificate) =>
      verifyCertificate(certificate, { ...network, scheme }).ok ? "certified" : "bad-certificate",
    round,
    seen: () => false,
  };
}

/** Messages of a topic that any node would take. */
export function taken<T extends Message["topic"]>(
  { sent }: Stage,
  topic: T,
): readonly (Sent & { readonly message: Extract<Message, { readonly topic: T }> })[] {
  return sent.flatMap((message) => {
    const { judgement } = message;
    if (judgement.code !== "accepted" || judgement.message.topic !== topic) return [];
    return [{ ...message, message: judgement.message as Extract<Message, { readonly topic: T }> }];
  });
}

/** The kinds of which the byzantine node signed two digests for one round. */
export function equivocates(scene: Stage): readonly string[] {
  const digests = new Map<string, Set<string>>();
  const add = (kind: string, round: number, signer: string, digest: string): void => {
    if (signer !== scene.address) return;
    const key = `${kind} ${round}`;
    digests.set(key, (digests.get(key) ?? new Set()).add(digest));
  };
  for (const { message } of taken(scene, "observation")) {
    add("observation", message.signed.observation.round, message.signed.signer, message.signed.digest);
  }
  for (const { message } of taken(scene, "proposal")) {
    add("proposal", message.signed.proposal.header.round, message.signed.signer, message.signed.digest);
  }
  for (const { message } of taken(scene, "signature")) {
    add("round", message.signed.header.round, message.signed.signer, message.signed.digest);
  }
  return [...new Set([...digests].flatMap(([key, set]) => (set.size > 1 ? [key.split(" ")[0] ?? ""] : [])))].sort();
}
