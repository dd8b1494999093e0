import { configAfter, type FoldParent } from "../aggregator/round.ts";
import type { Digest } from "../protocol/bytes.ts";
import { type Network, type NetworkConfig, networkUnder } from "../protocol/config.ts";
import type { Transition } from "../protocol/transition.ts";

/** Transitions kept in memory, each with a whole config: who is further behind than this needs another's store. */
const MAX_STEPS = 64;
/** Configs whose content is known and that no certificate has reached: the pending one, the next, and those of a sibling round. */
const MAX_ANNOUNCED = 4;

/** A verified transition: from the config in force before it to its own, in the round of its certificate. */
export type Step = { readonly from: Network; readonly network: Network; readonly round: number; readonly transition: Transition };

/** Every config that this node can verify something under: the genesis, those that transitions led to, those announced. */
export type Networks = {
  readonly genesis: Network;
  readonly find: (digest: Digest) => Network | undefined;
  readonly all: () => readonly Network[];
  /** Under which every round that stands on this one is computed; undefined while its content is not here. */
  readonly after: (parent: FoldParent | undefined) => Network | undefined;
  /** The content, verified to be of this digest, of a config that a certified memory names. */
  readonly announce: (digest: Digest, config: NetworkConfig) => void;
  /** False when it is here already, under this or another certificate of the same round. */
  readonly add: (step: Step) => boolean;
  /** The newest way into a config. */
  readonly stepInto: (digest: Digest) => Step | undefined;
  /** The transition of the latest round. */
  readonly newest: () => Step | undefined;
  /** From where transitions are known to lead into a config, the newest first. */
  readonly before: (digest: Digest) => readonly Network[];
};

export function createNetworks(genesis: Network): Networks {
  const announced = new Map<Digest, Network>();
  let steps: readonly Step[] = [];
  const find = (digest: Digest): Network | undefined => {
    if (digest === genesis.configDigest) return genesis;
    return stepInto(digest)?.network ?? announced.get(digest);
  };
  const stepInto = (digest: Digest): Step | undefined => steps.findLast(({ network }) => network.configDigest === digest);
  return {
    genesis,
    find,
    all: () => [genesis, ...steps.map(({ network }) => network), ...announced.values()],
    after: (parent) => {
      const digest = configAfter(parent);
      return digest === undefined ? genesis : find(digest);
    },
    announce: (digest, config) => {
      if (find(digest) !== undefined) return;
      announced.set(digest, networkUnder(genesis, config));
      for (const oldest of announced.keys()) if (announced.size > MAX_ANNOUNCED) announced.delete(oldest);
    },
    add: (step) => {
      if (steps.some(({ round }) => round === step.round)) return false;
      const { configDigest } = step.network;
      // One object a config, so that two of the same are the same.
      const network = find(configDigest) ?? step.network;
      steps = [...steps, { ...step, network }].sort((a, b) => a.round - b.round).slice(-MAX_STEPS);
      announced.delete(configDigest);
      return true;
    },
    stepInto,
    newest: () => steps.at(-1),
    before: (digest) => steps.flatMap(({ from, network }) => (network.configDigest === digest ? [from] : [])).reverse(),
  };
}
