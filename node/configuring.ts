import { configAfter } from "../aggregator/round.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../circuit-breaker/governance-memory.ts";
import type { Address, Digest } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { askOrder, type Desk, emit, report, toldOf } from "./desk.ts";
import type { Step } from "./networks.ts";

/** How long the content of a config is asked for at a time; it is asked for again each round. */
const CONTENT_MS = 1_000;

/** What governance set in motion, as of the head. */
export function governanceOf(desk: Desk): GovernanceMemory {
  return desk.rounds.newest()?.computed.memory.governance ?? EMPTY_GOVERNANCE;
}

/** The config of the head's own round; the genesis before the first. */
export function headNetwork(desk: Desk): Network {
  const head = desk.rounds.newest();
  return (head === undefined ? undefined : desk.networks.find(head.computed.header.configDigest)) ?? desk.networks.genesis;
}

/** A transition that was verified and whose rounds this node has still to reach. */
export function stepAhead(desk: Desk): Step | undefined {
  const newest = desk.networks.newest();
  return newest !== undefined && newest.round > desk.rounds.head().round ? newest : undefined;
}

/** Whether rounds that stand on the head are computed under the config that this node observes and leads under. */
export function standsOnHead(desk: Desk): boolean {
  return desk.networks.after(desk.rounds.newest()?.computed) === desk.network;
}

/**
 * The config follows the head: what its memory names as next is in force for every round that stands on it, and messages under its
 * own config and under the pending one are still, or already, taken. Behind a transition the config that it leads to is the only one:
 * old digests are refused. Says so to the shell when anything of it has changed.
 */
export function settleConfig(desk: Desk): void {
  const { pending } = governanceOf(desk);
  const head = desk.rounds.newest()?.computed;
  for (const digest of [pending?.configDigest, configAfter(head)]) if (digest !== undefined) requireContent(desk, digest);
  const own = headNetwork(desk);
  const ahead = stepAhead(desk)?.network;
  const waiting = pending === undefined ? undefined : desk.networks.find(pending.configDigest);
  const before = desk.network;
  desk.network = ahead ?? desk.networks.after(head) ?? own;
  desk.current = ahead === undefined ? distinct([desk.network, own, waiting]) : [ahead];
  desk.peers = addressesOf(distinct([...desk.current, own]));
  if (desk.network !== before) {
    // Other keyholders count now; what is no document under these ones shows when it is looked at again.
    desk.documents.forgive();
    report(desk, "config-in-force", { digest: desk.network.configDigest, version: desk.network.config.version });
  }
  const told = toldOf(desk.network, waiting?.configDigest, desk.peers);
  if (told === desk.told) return;
  desk.told = told;
  emit(desk, { kind: "config", network: desk.network, pending: waiting?.config, peers: desk.peers });
}

/** A config that the head's memory names: from its document, which is fetched by the config's digest where it is not here. */
function requireContent(desk: Desk, digest: Digest): void {
  if (desk.networks.find(digest) !== undefined) return;
  const signed = desk.documents.findConfig(digest);
  if (signed?.document.kind === "config") desk.networks.announce(digest, signed.document.config);
  else desk.fetching.need({ kind: "document", digest }, askOrder(desk, []), desk.now + CONTENT_MS);
}

function distinct(networks: readonly (Network | undefined)[]): readonly Network[] {
  return [...new Set(networks.filter((network) => network !== undefined))];
}

function addressesOf(networks: readonly Network[]): readonly Address[] {
  return [...new Set(networks.flatMap(({ committee }) => committee.members.map(({ address }) => address)))];
}
