import type { Address } from "../../protocol/bytes.ts";
import type { Committee } from "../../protocol/committee.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";

/** What came of asking at a member's address: whose key answered, or why nobody did. Undefined where node.yaml says no address. */
export type PeerOutcome = {
  readonly name: string;
  readonly address: Address;
  readonly multiaddr?: string;
  readonly answer:
    | { readonly ok: true; readonly address: Address | undefined }
    | { readonly ok: false; readonly reason: string }
    | undefined;
};

/** One line a peer, and one for whether they are enough: a node leaves its quarantine when it hears 2f + 1 nodes, itself among them. */
export function judgePeers(peers: readonly PeerOutcome[], { members, f }: Committee): readonly Finding[] {
  const proven = peers.filter(({ answer, address }) => answer?.ok === true && answer.address === address).length;
  const needed = 2 * f;
  const measured = `${proven} of ${peers.length} other members reached and proven`;
  const together =
    proven >= needed
      ? fine("peers", measured)
      : failure(
          "peers",
          measured,
          `at least ${needed} are needed before this node signs: put the lines above right, or wait for them to start`,
        );
  return [...peers.map((peer) => judgePeer(peer, members)), together];
}

function judgePeer({ name, address, multiaddr, answer }: PeerOutcome, members: Committee["members"]): Finding {
  const check = `peer ${name}`;
  if (answer === undefined) {
    return warning(check, "no address in node.yaml", `add it under peers, with ${address}; until then it has to dial this node`);
  }
  if (!answer.ok)
    return warning(check, `${multiaddr}: ${answer.reason}`, "is its node up, and does its firewall let this machine in?");
  if (answer.address === address) return fine(check, `${multiaddr}: proven ${address}`);
  const other = members.find((member) => member.address === answer.address);
  const found = other?.name ?? answer.address ?? "a key of another kind";
  return failure(
    check,
    `${multiaddr}: ${found} answers there, not ${name}`,
    "correct its multiaddr in node.yaml; if it is right, somebody stands in its place",
  );
}
