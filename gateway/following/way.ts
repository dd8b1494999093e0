import type { Digest } from "../../protocol/bytes.ts";
import { type Network, type NetworkConfig, networkUnder } from "../../protocol/config.ts";
import { type Era, type Eras, firstEra, nextEra } from "../../protocol/era.ts";
import { ok, type Result } from "../../protocol/result.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Transition, TransitionFault } from "../../protocol/transition.ts";

/** Configs whose content is known and that no certificate has reached: the pending one, the next, and those of sibling rounds. */
const MAX_ANNOUNCED = 4;

/** The way from genesis to the config of today, as far as it is certified, and the configs that certified memories name as next. */
export type Way = {
  readonly eras: () => Eras;
  /** The era that a round belongs to, and the place of it. */
  readonly eraAt: (round: number) => { readonly era: Era; readonly next: Era | undefined };
  readonly find: (digest: Digest) => Network | undefined;
  /** The content of a config that a verified memory names. */
  readonly announce: (digest: Digest, config: NetworkConfig) => void;
  /**
   * One more step, wherever it belongs, or an earlier first round of one that is known. `known`: nothing new. Only a quorum of
   * governors, and of both committees, makes steps, so their number has no other bound.
   */
  readonly take: (transition: Transition) => Result<"taken" | "known", TransitionFault>;
  /** Oldest first, one for each era but the genesis. */
  readonly transitions: () => readonly Transition[];
  /** Rises whenever more is known: what could not be judged before may be now. */
  readonly version: () => number;
};

/** @param stored oldest first, verified like a stranger's; what leads nowhere is left out */
export function createWay(genesis: Network, stored: readonly Transition[], scheme: Secp256k1): Way {
  let eras = firstEra(genesis);
  let steps: readonly Transition[] = [];
  let version = 0;
  const announced = new Map<Digest, Network>();

  const place = (round: number): number =>
    Math.max(
      0,
      eras.findLastIndex(({ fromRound }) => fromRound <= round),
    );
  const find = (digest: Digest): Network | undefined =>
    eras.findLast(({ network }) => network.configDigest === digest)?.network ?? announced.get(digest);

  const take = (transition: Transition): Result<"taken" | "known", TransitionFault> => {
    const { round, configDigest } = transition.certificate.header;
    const at = place(round);
    if (eras[at]?.network.configDigest === configDigest) return ok("known");
    // An earlier certificate into the config of the next era: its rounds begin earlier than whoever sent the later one knew.
    const isEarlier = eras[at + 1]?.network.configDigest === configDigest;
    const later = steps.slice(isEarlier ? at + 1 : at);
    let rebuilt = upTo(eras, at);
    for (const step of [transition, ...later]) {
      const era = nextEra(rebuilt, step, scheme);
      if (!era.ok) return era;
      rebuilt = [...rebuilt, era.value];
    }
    eras = rebuilt;
    steps = [...steps.slice(0, at), transition, ...later];
    announced.delete(configDigest);
    version += 1;
    return ok("taken");
  };

  for (const transition of stored) take(transition);
  return {
    eras: () => eras,
    eraAt: (round) => ({ era: eras[place(round)] ?? eras[0], next: eras[place(round) + 1] }),
    find,
    announce: (digest, config) => {
      if (find(digest) !== undefined) return;
      announced.set(digest, networkUnder(genesis, config));
      for (const oldest of announced.keys()) if (announced.size > MAX_ANNOUNCED) announced.delete(oldest);
      version += 1;
    },
    take,
    transitions: () => steps,
    version: () => version,
  };
}

function upTo([genesis, ...later]: Eras, place: number): Eras {
  return [genesis, ...later.slice(0, place)];
}
