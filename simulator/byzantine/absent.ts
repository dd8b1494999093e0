import type { CreateBehaviour } from "../cluster/adversary.ts";
import { divert } from "./interception.ts";

/** Hopes that the others cannot do without it (progress with n − f). Hears nothing, says nothing, answers nothing. */
export const createSilent: CreateBehaviour = (view) => ({
  outputs: (outputs) =>
    divert(outputs, (topic) => {
      view.misbehaved(`says nothing (${topic})`);
      return true;
    }),
  hears: () => false,
  serves: () => undefined,
  hello: () => undefined,
});

/** Hopes that what nobody else hands on is lost (P8, progress): plays its part, but answers no fetch and forwards no gossip. */
export const createWithholding: CreateBehaviour = (view) => {
  let heard = 0;
  return {
    // The machine hears it all the same; what it answers is to a message that the cluster knows nothing of, so nobody forwards it.
    hears: ({ topic, bytes, from }) => {
      heard += 1;
      const id = `withheld ${heard}`;
      view.after(0, () => view.handle({ kind: "gossip", id, topic, from: view.addressOf(from), bytes }));
      return false;
    },
    serves: ({ kind }, _from, honest) => {
      if (honest !== undefined) view.misbehaved(`withholds a ${kind}`);
      return undefined;
    },
  };
};

/** Nine tenths of a round: late enough to matter, early enough not to look dead. */
const DELAY_PERCENT = 90;

/** Hopes that the others wait for it (P8: a slow peer stops nobody). All it says comes 0.9 rounds late; answers are not delayed. */
export const createSlow: CreateBehaviour = (view) => ({
  outputs: (outputs) =>
    divert(outputs, (topic, bytes) => {
      view.after((view.network.config.roundMs * DELAY_PERCENT) / 100, () => view.send(topic, bytes));
      view.misbehaved(`delays a ${topic}`);
      return true;
    }),
});

/** Hopes to divide the honest nodes by what they know (P2, progress): honest words, but to a strict subset only. */
export const createOnlyToSome: CreateBehaviour = (view) => {
  const size = 1 + view.random.below(Math.max(1, view.honest.length - 1));
  const chosen = view.honest.map((node) => ({ node, rank: view.random.u32() })).sort((a, b) => a.rank - b.rank);
  const friends = chosen.slice(0, size).map(({ node }) => node);
  return {
    outputs: (outputs) =>
      divert(outputs, (topic, bytes) => {
        view.send(topic, bytes, friends);
        view.misbehaved(`sends a ${topic} to ${friends.length} of ${view.honest.length}`);
        return true;
      }),
  };
};
