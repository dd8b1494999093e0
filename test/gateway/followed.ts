import { createFollower, type Follower, type FollowerStart, type FollowOutput } from "../../gateway/follower.ts";
import type { EntryCode } from "../../gateway/following/codes.ts";
import type { LogEntry } from "../../gateway/log.ts";
import { FOLD } from "../../node/fold.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { encodeTransition, type Transition } from "../../protocol/transition.ts";
import { expectNoFault, rotate, running } from "../node/changes.ts";
import { createWorld, type World } from "../node/mini-network.ts";
import { scheme } from "../support/network.ts";

export type RoundEntry = Extract<LogEntry, { readonly kind: "round" }>;
export type Kept = { readonly certified: CertifiedRound; readonly body: RoundBody };

export const NOTHING: FollowerStart = { head: undefined, links: [], transitions: [], evidence: [] };

export function roundEntry({ certified, body }: Kept): RoundEntry {
  const { digest, certificate } = certified;
  return { kind: "round", digest, certificate: encodeCertificate(certificate), body: encodeRoundBody(body) };
}

export function transitionEntry(transition: Transition): LogEntry {
  return { kind: "transition", bytes: encodeTransition(transition) };
}

export function evidenceEntry(evidence: Evidence): LogEntry {
  return { kind: "evidence", bytes: utf8(JSON.stringify(evidence)) };
}

/** What a node of a small network certified, oldest first, with bodies that recompute. */
export function historyOf(world: World, node = 0): readonly Kept[] {
  return [...world.node(node).disk.rounds.values()].sort((a, b) => a.body.round - b.body.round);
}

/** Four nodes for so many rounds. */
export function quietHistory(rounds: number): { readonly world: World; readonly history: readonly Kept[] } {
  const world = createWorld({ fold: FOLD });
  world.startAll();
  world.run(rounds);
  expectNoFault(world);
  return { world, history: historyOf(world) };
}

/** A member exchanged for another in the middle of it; `transition` is the way from the one committee to the other. */
export function changedHistory() {
  const world = running({ guests: 1, fold: FOLD });
  const before = world.network;
  rotate(world, 3, { rounds: 3 });
  world.start(world.node(4));
  world.run(14);
  expectNoFault(world);
  const history = historyOf(world);
  const [transition] = world.node(0).disk.transitions;
  if (transition === undefined) throw new Error("the committee did not change");
  return { world, before, history, transition };
}

export function followerOf(network: Network, start: FollowerStart = NOTHING): Follower {
  return createFollower({ genesis: network, scheme, recompute: FOLD.recomputeBody, start });
}

/** What an entry was counted as; those that were freed by it come after it. */
export function codesOf(outputs: readonly FollowOutput[]): readonly EntryCode[] {
  return outputs.flatMap((output) => (output.kind === "counted" ? [output.code] : []));
}

export function savedIn(outputs: readonly FollowOutput[]): readonly number[] {
  return outputs.flatMap((output) => (output.kind === "round" ? [output.certified.certificate.header.round] : []));
}
