import type { Address, Digest } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
import type { Network } from "../protocol/config.ts";
import {
  findSealedFault,
  openTransition,
  type SealedTransition,
  type Transition,
  type TransitionFault,
  verifyTransition,
} from "../protocol/transition.ts";
import { headNetwork, settleConfig, stepAhead } from "./configuring.ts";
import { askOrder, type Desk, emit } from "./desk.ts";
import type { Step } from "./networks.ts";
import { decodeTransitionAnswer, encodeTransitionAnswer } from "./wire.ts";

/** How long a transition is asked for; whoever still speaks of its config after that starts the search again. */
const TRANSITION_MS = 10_000;
/** Transitions that wait for the one before them; each holds the bytes of a whole config. */
const MAX_WAITING = 8;
/** Steps that one way back may have: a neighbour does not keep more. */
const MAX_STEPS_BACK = 64;

/** A transition whose predecessor is not known: the config that it is said to lead from, by whom, and how many steps back it is. */
export type WaitingTransition = {
  readonly from: Digest;
  readonly transition: SealedTransition;
  readonly by: Address;
  readonly steps: number;
};

/**
 * A neighbour speaks of another config than the one reached here, so this node may be behind a transition: asked for by the config's
 * digest, of that neighbour, and no more than once in a while.
 */
export function noticeConfig(desk: Desk, digest: Digest, from: Address): void {
  if (digest === reached(desk).configDigest) return;
  if (desk.now < (desk.rumours.get(from) ?? 0)) return;
  desk.rumours.set(from, desk.now + TRANSITION_MS);
  desk.fetching.need({ kind: "transition", digest }, [from], desk.now + TRANSITION_MS);
}

/** The newest config that this node has followed to. */
function reached(desk: Desk): Network {
  return stepAhead(desk)?.network ?? headNetwork(desk);
}

function wantTransition(desk: Desk, digest: Digest, from: Address): void {
  desk.fetching.need({ kind: "transition", digest }, askOrder(desk, [from]), desk.now + TRANSITION_MS);
}

/** An answer says where it leads from: a node that is several changes behind asks its way back to where it stands. */
export function takeTransition(desk: Desk, digest: Digest, bytes: Uint8Array, from: Address): string | undefined {
  const decoded = decodeTransitionAnswer(bytes);
  if (!decoded.ok) return decoded.error;
  const { transition, from: before = reached(desk).configDigest } = decoded.value;
  if (transition.certificate.header.configDigest !== digest) return "another transition";
  const predecessor = desk.networks.find(before);
  const isHere = predecessor !== undefined && isWayFrom(desk, predecessor, transition);
  if (!isHere) return postpone(desk, digest, { from: before, transition, by: from });
  const fault = follow(desk, predecessor, transition);
  if (fault === undefined) followWaiting(desk);
  return fault;
}

/**
 * Behind the head a transition only explains what came into force, so it may lead from any config that is known; ahead of it only from
 * the one in force: whoever held keys of an older committee must not fork off from there.
 */
function isWayFrom(desk: Desk, predecessor: Network, { certificate }: SealedTransition): boolean {
  if (certificate.header.round <= desk.rounds.head().round) return true;
  return predecessor === reached(desk);
}

/**
 * Nothing of it can be verified yet, so nothing of it is parsed. Whoever invents a predecessor makes this node ask for it: each step is
 * charged to his word, which is not followed up again for as much longer.
 */
function postpone(desk: Desk, digest: Digest, waiting: Omit<WaitingTransition, "steps">): string | undefined {
  if (waiting.from === digest || desk.waiting.has(waiting.from)) return "a transition that leads in a circle";
  const { from, by } = waiting;
  const after = [...desk.waiting.values()].find((other) => other.from === digest);
  const steps = (after?.steps ?? 0) + 1;
  if (steps > MAX_STEPS_BACK) return "a transition too many steps back";
  desk.waiting.set(digest, { ...waiting, steps });
  for (const oldest of desk.waiting.keys()) if (desk.waiting.size > MAX_WAITING) desk.waiting.delete(oldest);
  desk.rumours.set(by, Math.max(desk.now, desk.rumours.get(by) ?? 0) + TRANSITION_MS);
  wantTransition(desk, from, by);
  return undefined;
}

/** One that turns out to lead nowhere was this neighbour's answer: the others are asked for it. */
function followWaiting(desk: Desk): void {
  for (const [digest, { from, transition, by }] of desk.waiting) {
    const predecessor = desk.networks.find(from);
    if (predecessor === undefined || !isWayFrom(desk, predecessor, transition)) continue;
    desk.waiting.delete(digest);
    const others = askOrder(desk, []).filter((address) => address !== by);
    if (follow(desk, predecessor, transition) === undefined) followWaiting(desk);
    else if (desk.networks.find(digest) === undefined)
      desk.fetching.need({ kind: "transition", digest }, others, desk.now + TRANSITION_MS);
    return;
  }
}

/** Verified from where it leads from, and parsed only once the committee there has signed for it; says why not. */
function follow(desk: Desk, from: Network, sealed: SealedTransition): string | undefined {
  const { round } = sealed.certificate.header;
  const known = round <= desk.rounds.head().round ? 0 : Math.max(desk.rounds.head().round, stepAhead(desk)?.round ?? 0);
  const fault = findSealedFault(sealed, { from, round: known }, desk.scheme);
  if (fault !== undefined) return `transition: ${fault.code}`;
  const opened = openTransition(sealed);
  if (!opened.ok) return opened.error;
  const verified = verifyTransition(opened.value, { from, round: known }, desk.scheme);
  if (!verified.ok) return `transition: ${verified.error.code}`;
  addStep(desk, { from, network: verified.value, round, transition: opened.value });
  // What the neighbours said of another config was true.
  desk.rumours.clear();
  return undefined;
}

/** The first certificate under a config that this node holds the round of: adopted as its way into it. */
export function noteTransition(desk: Desk, from: Network, network: Network, certificate: Certificate): void {
  const { round } = certificate.header;
  addStep(desk, { from, network, round, transition: { config: network.config, certificate } });
}

function addStep(desk: Desk, step: Step): void {
  if (!desk.networks.add(step)) return;
  desk.fetching.drop({ kind: "transition", digest: step.network.configDigest });
  emit(desk, { kind: "transition", transition: step.transition });
  settleConfig(desk);
}

/**
 * Stored transitions, oldest first, verified like a stranger's; says what is wrong with the first that leads nowhere. Not each leads from
 * the one before it: the round of one may have turned out an orphan, and the config have come into force in a later one.
 */
export function restoreTransitions(desk: Desk, transitions: readonly Transition[]): string | undefined {
  let last: Network = desk.networks.genesis;
  let known = 0;
  for (const transition of transitions) {
    const { round } = transition.certificate.header;
    const candidates = [last, ...desk.networks.all().filter((network) => network !== last)];
    let fault: TransitionFault["code"] | undefined;
    for (const from of candidates) {
      const verified = verifyTransition(transition, { from, round: known }, desk.scheme);
      fault = verified.ok ? undefined : (fault ?? verified.error.code);
      if (!verified.ok) continue;
      desk.networks.add({ from, network: verified.value, round, transition });
      last = desk.networks.find(verified.value.configDigest) ?? verified.value;
      break;
    }
    if (fault !== undefined) return `transition of round ${round}: ${fault}`;
    known = round;
  }
  return undefined;
}

/** Wire bytes of the newest way into a config. */
export function serveTransition(desk: Desk, digest: Digest): Uint8Array | undefined {
  const step = desk.networks.stepInto(digest);
  return step === undefined ? undefined : encodeTransitionAnswer({ from: step.from.configDigest, transition: step.transition });
}
