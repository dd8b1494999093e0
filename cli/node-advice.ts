import { type NodeConfig, undeclaredChains } from "../node/node-config.ts";
import type { NetworkConfig } from "../protocol/config.ts";

/** Rounds go on while a config is proposed, replayed and handed in, and push old ones out of the store. */
const REPLAY_MARGIN_MS = 3_600_000;

/** A line of the log at the start of a node: nothing fails, but something of the network does not go as its operator may think. */
export type Advice = { readonly fields: Readonly<Record<string, number | string>>; readonly text: string };

/**
 * What is legal in node.yaml and yet does not fit the config in force, each with what to do about it.
 *
 * @example
 * adviseOperator(node, config); // [{ fields: { kept: 60, needed: 90_000 }, text: "storage: …" }]
 */
export function adviseOperator(node: NodeConfig, config: NetworkConfig): readonly Advice[] {
  const chains = undeclaredChains(node, config).map((chain) => ({
    fields: { chain },
    text: `rpc.${chain}: the config in force declares no such chain; its endpoints wait for one that does`,
  }));
  return [...chains, ...adviseStorage(node, config)];
}

/** A network without governors is never handed another config. */
function adviseStorage({ storage }: NodeConfig, { governance, roundMs }: NetworkConfig): readonly Advice[] {
  const kept = Math.min(storage.rounds, storage.bodies);
  const needed = governance.replayRounds + Math.ceil(REPLAY_MARGIN_MS / roundMs);
  if (governance.quorum === 0 || kept >= needed) return [];
  const lack = `too few for the replay of ${governance.replayRounds} rounds by which a config is judged: this node agrees with none`;
  const remedy = `set storage.bodies and storage.rounds to at least ${needed}`;
  return [{ fields: { kept, needed }, text: `storage: ${lack}; ${remedy}` }];
}
