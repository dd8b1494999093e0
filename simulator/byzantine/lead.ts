import type { ComputedRound } from "../../aggregator/round.ts";
import type { Output } from "../../node/machine.ts";
import { decodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import type { AdversaryView, Behaviour } from "../cluster/adversary.ts";
import type { Key } from "../cluster/signatures.ts";
import { candidates, computeRound, contradict, leads, proposalOf, send, sendObservation, signatureOf } from "./craft.ts";
import { divert, headerOf } from "./interception.ts";
import { createLedger, type Parent } from "./ledger.ts";

/** By then an honest leader would have its quorum and its grace behind it. */
const LEAD_PERCENT = 25;

/** A round that this node leads, and what it may make of it. */
export type Led = {
  readonly round: number;
  /** The first of each member, its own included, in committee order. */
  readonly observations: readonly SignedObservation[];
  /** The certified round so many back from the newest before this one; undefined for the beginning of the chain. */
  readonly parent: (back: number) => Parent | undefined;
};

/** Leads its rounds by hand, with the machine's own proposal and signature left out; honest in everything else. */
export function asLeader(
  view: AdversaryView,
  act: (led: Led) => void,
  atMs: () => number = () => (view.network.config.roundMs * LEAD_PERCENT) / 100,
): Behaviour & Required<Pick<Behaviour, "onRound" | "outputs">> {
  const notes = createNotes(view);
  return {
    onRound: (round) => {
      if (!leads(view, round)) return;
      view.after(atMs(), () => act(notes.led(round)));
    },
    outputs: (outputs) => {
      notes.note(outputs);
      return divert(outputs, (topic, bytes) => leads(view, headerOf({ topic, bytes })?.round));
    },
  };
}

/** What a leader needs to remember: its own observation of the round, and the rounds to build on. */
export function createNotes(view: AdversaryView): {
  readonly note: (outputs: readonly Output[]) => void;
  readonly led: (round: number) => Led;
} {
  const ledger = createLedger(view);
  let own: SignedObservation | undefined;
  return {
    note: (outputs) => {
      ledger.note(outputs);
      for (const output of outputs) {
        if (output.kind !== "publish" || output.topic !== "observation") continue;
        const decoded = decodeSignedObservation(output.bytes, view.network.domain, view.scheme);
        if (decoded.ok) own = decoded.value;
      }
    },
    led: (round) => {
      const mine = own?.observation.round === round ? own : undefined;
      return { round, observations: candidates(view, round, mine), parent: (back) => ledger.back(round, back) };
    },
  };
}

/** Those that an honest signer lets stand on this parent. */
export function standingOn(observations: readonly SignedObservation[], parent: Parent | undefined): readonly SignedObservation[] {
  const round = parent?.opened.header.round ?? 0;
  return observations.filter(({ observation }) => observation.head.round <= round);
}

export type Staged = {
  readonly round: number;
  readonly parent: Parent | undefined;
  readonly observations: readonly SignedObservation[];
};

/** Computes a round, proposes it and signs its header with these keys; everything to these nodes, or to everybody. */
export function proposeRound(
  view: AdversaryView,
  { round, parent, observations }: Staged,
  { to, keys = [view.key] }: { readonly to?: readonly number[]; readonly keys?: readonly Key[] } = {},
): ComputedRound {
  const computed = computeRound(view, { parent: parent?.opened, round, observations });
  const digests = observations.map(({ digest }) => digest);
  send(view, "proposal", proposalOf(view, { header: computed.header, observations: digests }, parent?.certificate), to);
  for (const key of keys) send(view, "signature", signatureOf(view, computed.header, key), to);
  return computed;
}

/**
 * Two sets of q observations for one round that differ: by whom they leave out or, when there is nobody to leave out, by what this
 * node says in them; its second words go to `to` alone. Undefined without a quorum.
 */
export function twoSets(
  view: AdversaryView,
  observations: readonly SignedObservation[],
  to: readonly number[],
): readonly [readonly SignedObservation[], readonly SignedObservation[]] | undefined {
  const { quorum } = view.network.committee;
  if (observations.length < quorum) return undefined;
  if (observations.length > quorum) return [observations.slice(0, quorum), observations.slice(-quorum)];
  const own = observations.find(({ signer }) => signer === view.key.address);
  if (own === undefined) return undefined;
  const other = contradict(view, own);
  sendObservation(view, other, to);
  return [observations, observations.map((signed) => (signed === own ? other : signed))];
}
