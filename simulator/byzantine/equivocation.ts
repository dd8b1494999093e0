import { decodeSignedObservation, encodeSignedObservation } from "../../protocol/observation.ts";
import type { AdversaryView, Behaviour, CreateBehaviour } from "../cluster/adversary.ts";
import { contradict, halves, send } from "./craft.ts";
import { deafToItself, divert } from "./interception.ts";

/** The machine's observation, and beside it another of the same round. */
function twoObservations(view: AdversaryView, publish: (first: Uint8Array, second: Uint8Array) => void): Behaviour {
  return {
    ...deafToItself(view),
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
