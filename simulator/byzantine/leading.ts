import { compareBigint, toHex } from "../../protocol/bytes.ts";
import type { SignedObservation } from "../../protocol/observation.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import {
  computeRound,
  freshBytes,
  inCommitteeOrder,
  observe,
  pick,
  proposalOf,
  send,
  sendObservation,
  signatureOf,
} from "./craft.ts";
import { asLeader, type Led, proposeRound, standingOn } from "./lead.ts";

/** The accomplices' observations and as many others, in this order, as a quorum asks for; in committee order. */
export function biasedSet(
  view: AdversaryView,
  observations: readonly SignedObservation[],
  order: (a: SignedObservation, b: SignedObservation) => number,
): readonly SignedObservation[] {
  const { quorum } = view.network.committee;
  const isAccomplice = ({ signer }: SignedObservation) => view.cabal.some(({ key }) => key.address === signer);
  const accomplices = observations.filter(isAccomplice);
  const others = observations.filter((signed) => !isAccomplice(signed)).sort(order);
  return inCommitteeOrder(view, [...accomplices, ...others].slice(0, quorum));
}

export function firstPrice({ observation }: SignedObservation): bigint {
  return observation.entries[0]?.price ?? 0n;
}

function leadBiased(name: string, order: (a: SignedObservation, b: SignedObservation) => number): CreateBehaviour {
  return (view) =>
    asLeader(view, ({ round, observations, parent }) => {
      const newest = parent(0);
      const chosen = biasedSet(view, standingOn(observations, newest), order);
      if (chosen.length < view.network.committee.quorum) return;
      proposeRound(view, { round, parent: newest, observations: chosen });
      view.misbehaved(`leads with ${name}`);
    });
}

/** Hopes to move the price up (P1): leads with its accomplices and the q observations of the highest prices. */
export const createLeadHighest = leadBiased("the highest prices", (a, b) => compareBigint(firstPrice(b), firstPrice(a)));

/** Hopes to move the price down (P1): leads with its accomplices and the q observations of the lowest prices. */
export const createLeadLowest = leadBiased("the lowest prices", (a, b) => compareBigint(firstPrice(a), firstPrice(b)));

/**
 * Hopes to silence chosen victims for good (P8): leads without them as long as there are enough others. There are no documents in
 * observations yet, so leaving them out censors prices only.
 */
export const createCensoring: CreateBehaviour = (view) => {
  const start = view.random.below(Math.max(1, view.honest.length));
  const count = Math.max(1, view.network.committee.f);
  const victims = new Set(
    Array.from({ length: count }, (_, index) => view.honest[(start + index) % view.honest.length] ?? -1)
      .filter((node) => node >= 0)
      .map(view.addressOf),
  );
  return asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    const spared = usable.filter(({ signer }) => !victims.has(signer));
    if (spared.length < view.network.committee.quorum) return;
    proposeRound(view, { round, parent: newest, observations: spared });
    view.misbehaved(`leaves out ${usable.length - spared.length}`);
  });
};

/** The parent's parent, further back, and the beginning of the chain. */
const BACK = [1, 2, 3, 5, Number.POSITIVE_INFINITY];

/** Hopes to roll rounds back (P2, P9): leads on an old parent, its certificate attached, as if the newer ones did not exist. */
export const createOldParent: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    if (parent(0) === undefined) return;
    const old = parent(pick(view, BACK) ?? 1);
    const { quorum } = view.network.committee;
    const standing = standingOn(observations, old);
    const chosen = standing.length >= quorum ? standing : observations;
    if (chosen.length < quorum) return;
    proposeRound(view, { round, parent: old, observations: chosen });
    view.misbehaved(`leads on round ${old?.opened.header.round ?? "zero"}, ${standing.length} may stand on it`);
  });

/** As near to the end of the window as this; it ends maxSkewMs after the round. */
const LATE_MS = 80;

/** Hopes that some sign in time and some do not (P2, progress): its honest proposal, when the round's window is about to close. */
export const createLateProposals: CreateBehaviour = (view) => {
  const { roundMs, maxSkewMs } = view.network.config;
  return asLeader(
    view,
    (led) => {
      if (proposeHonestly(view, led)) view.misbehaved("proposes at the end of the window");
    },
    () => roundMs + maxSkewMs - view.random.below(LATE_MS + maxSkewMs),
  );
};

function proposeHonestly(view: AdversaryView, { round, observations, parent }: Led): boolean {
  const newest = parent(0);
  const usable = standingOn(observations, newest);
  if (usable.length < view.network.committee.quorum) return false;
  proposeRound(view, { round, parent: newest, observations: usable });
  return true;
}

const PARTS = ["reportsRoot", "stateRoot", "inputsRoot", "parent"] as const;

/** Hopes that somebody signs without recomputing (P7): a header with one part that nothing gives, signed by the whole cabal. */
export const createWrongHeader: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    if (usable.length < view.network.committee.quorum) return;
    const part = pick(view, PARTS) ?? "stateRoot";
    const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
    const wrong = { ...header, [part]: toHex(freshBytes(view, 32)) };
    const digests = usable.map(({ digest }) => digest);
    // A certificate that is not the parent's would have the proposal refused for its shape.
    const attached = part === "parent" ? undefined : newest?.certificate;
    send(view, "proposal", proposalOf(view, { header: wrong, observations: digests }, attached));
    for (const { key } of view.cabal) send(view, "signature", signatureOf(view, wrong, key));
    view.misbehaved(`a header with another ${part}`);
  });

/** Hopes that a list that no honest leader makes breaks a signer (P7, P8): observations of nowhere, out of order, of another round. */
export const createMisnamedObservations: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    const { quorum } = view.network.committee;
    if (usable.length < quorum) return;
    const name = pick(view, Object.keys(LISTS)) ?? "";
    const list = LISTS[name]?.(view, usable, round) ?? usable;
    const { header } = computeRound(view, { parent: newest?.opened, round, observations: list });
    const digests = list.map(({ digest }) => digest);
    send(view, "proposal", proposalOf(view, { header, observations: digests }, newest?.certificate));
    send(view, "signature", signatureOf(view, header));
    view.misbehaved(`observations ${name}`);
  });

type MakeList = (view: AdversaryView, usable: readonly SignedObservation[], round: number) => readonly SignedObservation[];

const LISTS: Readonly<Record<string, MakeList>> = {
  "of nowhere": (view, usable, round) => [
    ...usable.slice(0, -1),
    observe(view, { round, gauges: [{ gauge: "unsent", value: BigInt(view.random.u32()), asOf: view.now() }] }),
  ],
  "out of order": (_view, usable) => [...usable].reverse(),
  "named twice": (_view, usable) => [...usable.slice(0, -1), ...usable.slice(0, 1)],
  "too few": (view, usable) => usable.slice(0, view.network.committee.quorum - 1),
  "too many": (view, usable, round) => {
    const room = view.network.committee.members.length + 1 - usable.length;
    const gauge = (index: number) => ({ gauge: "more", value: BigInt(index), asOf: view.now() });
    return [...usable, ...Array.from({ length: room }, (_, index) => observe(view, { round, gauges: [gauge(index)] }))];
  },
  "of one member twice": (view, usable, round) => {
    const second = observe(view, { round, gauges: [{ gauge: "again", value: 1n, asOf: view.now() }] });
    sendObservation(view, second);
    return inCommitteeOrder(view, [...usable.slice(0, -1), second]);
  },
  "of another round": (view, usable, round) => {
    const early = observe(view, { round: round - 1 });
    sendObservation(view, early);
    return usable.map((signed) => (signed.signer === view.key.address ? early : signed));
  },
};
