import type { Address } from "../../protocol/bytes.ts";
import type { Member } from "../../protocol/committee.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";

const OTHERS = 0o077;

/** A file's mode and owner, or why it cannot be read. */
export type FileFacts =
  | { readonly ok: true; readonly mode: number; readonly owner: number; readonly self: number }
  | { readonly ok: false; readonly reason: string };

/** A file that only this user may read: a key, a password, a webhook's secret. */
export function judgeSecretFile(check: string, path: string, facts: FileFacts): Finding {
  if (!facts.ok) return failure(check, `${path}: ${facts.reason}`, "put it there, readable by the user that runs the node");
  const mode = `mode ${(facts.mode & 0o777).toString(8).padStart(4, "0")}`;
  if ((facts.mode & OTHERS) !== 0) return warning(check, `${path}: ${mode}: others may read it`, `chmod 600 ${path}`);
  if (facts.owner !== facts.self) {
    return warning(
      check,
      `${path}: ${mode}, owned by user ${facts.owner}`,
      `run this as the user that runs the node; this is user ${facts.self}`,
    );
  }
  return fine(check, `${path}: ${mode}`);
}

/** Whose key the file holds, opened with the password at hand. */
export type KeyFacts =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly code: string; readonly reason: string };

export function judgeKey(
  facts: KeyFacts,
  { members, joining }: { readonly members: readonly Member[]; readonly joining: boolean },
): Finding {
  if (!facts.ok) {
    return failure(
      "key",
      facts.reason,
      facts.code === "no-password" ? "give the password as the node gets it" : "see breakwater keys show --verify",
    );
  }
  const member = members.find(({ address }) => address === facts.address);
  if (member === undefined && joining) return fine("key", `the password opens it; ${facts.address} is yet to join`);
  if (member === undefined) {
    return failure(
      "key",
      `${facts.address} is not in the committee`,
      "another key, another network.yaml, or `joining: true` until governance lets it in",
    );
  }
  if (joining)
    return warning(
      "key",
      `the password opens it; ${facts.address} is ${member.name}, a member already`,
      "take `joining` out of node.yaml",
    );
  return fine("key", `the password opens it; ${facts.address} is ${member.name}`);
}
