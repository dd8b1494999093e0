import { WINDOW_ROUNDS } from "../../node/gossip-judge.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { computeRound, freshBytes, leads, observe, proposalOf, sendObservation, signatureOf } from "./craft.ts";
import { createNotes, type Led, standingOn } from "./lead.ts";

/** Different messages of a topic and round: several times what a node keeps of one signer. */
const FLOOD = 8;
/** When there are observations to propose. */
const FLOOD_PERCENT = 30;

/** Hopes to fill the pools of observations (P8): many of its own for each round of the window, each of them valid. */
export const createFloodObservations: CreateBehaviour = (view) => ({
  onRound: (present) => {
    for (let index = 0; index < FLOOD; index++) {
      const round = present + (index % (WINDOW_ROUNDS + 1));
      const gauges = [{ gauge: "flood", value: BigInt(view.random.u32()), asOf: view.now() }];
      sendObservation(view, observe(view, { round, entries: [], gauges }));
    }
    view.misbehaved("a flood of observations");
  },
});

/** Hopes to fill the pools of proposals and to keep signers computing (P8): many for each round that it leads. */
export const createFloodProposals: CreateBehaviour = (view) =>
  flood(view, (led) => {
    if (!leads(view, led.round)) return;
    const parts = partsOf(view, led);
    if (parts === undefined) return;
    for (let index = 0; index < FLOOD; index++) {
      const header = { ...parts.header, stateRoot: toHex(freshBytes(view, 32)) };
      view.send("proposal", proposalOf(view, { header, observations: parts.digests }, led.parent(0)?.certificate));
    }
    view.misbehaved("a flood of proposals");
  });

/** Hopes to fill the pools of signatures (P8): signs many headers that nobody proposed. */
export const createFloodSignatures: CreateBehaviour = (view) =>
  flood(view, (led) => {
    const parts = partsOf(view, led);
    if (parts === undefined) return;
    for (let index = 0; index < FLOOD; index++) {
      view.send("signature", signatureOf(view, { ...parts.header, stateRoot: toHex(freshBytes(view, 32)) }));
    }
    view.misbehaved("a flood of signatures");
  });

function flood(view: AdversaryView, pour: (led: Led) => void): ReturnType<CreateBehaviour> {
  const notes = createNotes(view);
  return {
    onRound: (round) => view.after((view.network.config.roundMs * FLOOD_PERCENT) / 100, () => pour(notes.led(round))),
    outputs: (outputs) => {
      notes.note(outputs);
      return outputs;
    },
  };
}

function partsOf(view: AdversaryView, { round, observations, parent }: Led) {
  const newest = parent(0);
  const usable = standingOn(observations, newest);
  if (usable.length < view.network.committee.quorum) return undefined;
  const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
  return { header, digests: usable.map(({ digest }) => digest) };
}
