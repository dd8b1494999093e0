import { WINDOW_ROUNDS } from "../../node/gossip-judge.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedObservation, encodeSignedObservation } from "../../protocol/observation.ts";
import type { AdversaryView, Behaviour, CreateBehaviour } from "../cluster/adversary.ts";
import { computeRound, contradict, halves, send, signatureOf } from "./craft.ts";
import { divert, headerOf } from "./interception.ts";
import { asLeader, createNotes, proposeRound, standingOn, twoSets } from "./lead.ts";

/** The machine's observation, and beside it another of the same round. */
function twoObservations(view: AdversaryView, publish: (first: Uint8Array, second: Uint8Array) => void): Behaviour {
  return {
    outputs: (outputs) =>
      divert(outputs, (topic, bytes) => {
        if (topic !== "observation") return false;
        const own = decodeSignedObservation(bytes, view.network.domain, view.scheme);
        if (!own.ok) return false;
        publish(bytes, encodeSignedObservation(contradict(view, own.value)));
        view.misbehaved("two observations");
        return true;
      }),
  };
}

/** Hopes that two halves price a round differently (P2): one observation to each. */
export const createSplitObservations: CreateBehaviour = (view) =>
  twoObservations(view, (first, second) => {
    const [some, others] = halves(view);
    send(view, "observation", first, some);
    send(view, "observation", second, others);
  });

/** Hopes that each node keeps another one of the two (P2, progress): both to everybody, in either order. */
export const createTwoObservations: CreateBehaviour = (view) =>
  twoObservations(view, (first, second) => {
    const order = view.random.below(2) === 0 ? [first, second] : [second, first];
    for (const bytes of order) view.send("observation", bytes);
  });

/** Hopes that two halves certify a round on two parents (P2): one proposal to each half, both headers signed. */
export const createSplitParents: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const [newest, older] = [parent(0), parent(1)];
    const { quorum } = view.network.committee;
    if (newest === undefined || observations.length < quorum) return;
    const [some, others] = halves(view);
    const standing = standingOn(observations, older);
    proposeRound(view, { round, parent: newest, observations: standingOn(observations, newest) }, { to: some });
    const rest = standing.length >= quorum ? standing : observations;
    proposeRound(view, { round, parent: older, observations: rest }, { to: others });
    view.misbehaved("two parents for one round");
  });

/** Hopes that two halves certify a round from two quorums (P2): one proposal to each half, both headers signed. */
export const createSplitSubsets: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const [some, others] = halves(view);
    const newest = parent(0);
    const sets = twoSets(view, standingOn(observations, newest), others);
    if (sets === undefined) return;
    proposeRound(view, { round, parent: newest, observations: sets[0] }, { to: some });
    proposeRound(view, { round, parent: newest, observations: sets[1] }, { to: others });
    view.misbehaved("two sets of observations for one round");
  });

/** Between the two proposals: some signers have signed the first, some have not. */
const SECOND_THOUGHT_MS = 30;

/** Hopes that signers change their minds (P2): to everybody a proposal, and a little later another; signs only the first. */
export const createTwoProposals: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const sets = twoSets(view, standingOn(observations, newest), view.everybody);
    if (sets === undefined) return;
    proposeRound(view, { round, parent: newest, observations: sets[0] });
    view.after(SECOND_THOUGHT_MS, () => {
      proposeRound(view, { round, parent: newest, observations: sets[1] }, { keys: [] });
      view.misbehaved("two proposals");
    });
  });

/** Headers of one round that it signs at most: more than two change nothing. */
const MAX_SIGNED = 4;

/** Hopes to complete two certificates (P2): signs every header it hears of, and as leader sees to it that there are two. */
export const createSignBoth: CreateBehaviour = (view) => {
  const signed = new Map<number, Set<string>>();
  const sign = (header: RoundHeader): void => {
    const digests = signed.get(header.round) ?? new Set();
    const digest = roundDigest(view.network.domain, header);
    if (digests.has(digest) || digests.size >= MAX_SIGNED) return;
    signed.set(header.round, digests.add(digest));
    for (const round of signed.keys()) if (round < header.round - WINDOW_ROUNDS * 2) signed.delete(round);
    send(view, "signature", signatureOf(view, header));
    if (digests.size > 1) view.misbehaved(`signs header ${digests.size} of one round`);
  };
  const leading = createSplitSubsets(view);
  return {
    ...leading,
    hears: (message) => {
      const header = headerOf(message);
      if (header?.configDigest === view.network.configDigest && isNear(view, header)) sign(header);
      return true;
    },
  };
};

function isNear(view: AdversaryView, { round }: RoundHeader): boolean {
  return Math.abs(round - Math.floor(view.now() / view.network.config.roundMs)) <= WINDOW_ROUNDS;
}

/** Hopes to fill up whatever header comes to be (P2): signs, in rounds that others lead, headers that it computed on other parents. */
export const createSignOwnHeaders: CreateBehaviour = (view) => {
  const notes = createNotes(view);
  return {
    onRound: (round) => {
      view.after(view.network.config.roundMs / 4, () => {
        const { observations, parent } = notes.led(round);
        if (observations.length < view.network.committee.quorum || parent(0) === undefined) return;
        for (const older of [parent(1), undefined]) {
          const { header } = computeRound(view, { parent: older?.opened, round, observations });
          send(view, "signature", signatureOf(view, header));
        }
        view.misbehaved("signs headers on other parents");
      });
    },
    outputs: (outputs) => {
      notes.note(outputs);
      return outputs;
    },
  };
};
