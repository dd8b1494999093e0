import { followTransitions, parseChanges } from "../client/committee.ts";
import type { Trust } from "../client/verify.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import type { Network } from "../protocol/config.ts";
import { loadSecp256k1 } from "../protocol/io/libsecp256k1.ts";
import { getJson } from "./http.ts";

/** Pages of changes of config that one host may make a command read; a network makes a few a year. */
const MAX_PAGES = 256;

/** What a host says of the network's beginning: the config that whoever holds the genesis digest recognises. */
export async function fetchGenesis(base: string): Promise<{ readonly url: string; readonly genesis: Network | undefined }> {
  const { url, changes } = await fetchPage(base, undefined);
  return { url, genesis: changes.genesis };
}

/**
 * Goes along with the network from where `trust` stands, by the changes of config that a host carries; none of them is believed unproven.
 *
 * @throws OperationalError `untrusted` for a change that does not follow; why the host could not be asked
 */
export async function followFrom(trust: Trust, base: string): Promise<Trust> {
  let followed = trust;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { url, changes } = await fetchPage(base, followed.eras?.at(-1)?.fromRound);
    const next = followTransitions(followed, changes.transitions, { scheme: loadSecp256k1() });
    if (!next.ok) throw new OperationalError(`${url}: ${next.error}`, { code: "untrusted" });
    followed = next.value;
    if (!changes.more || changes.transitions.length === 0) return followed;
  }
  throw new OperationalError(`${base}: more changes of config than any network makes`, { code: "untrusted" });
}

/** How the committee of today was reached, in lines to print; none while nothing has changed since genesis. */
export function describeWay({ eras }: Trust): readonly string[] {
  const changes = (eras?.length ?? 1) - 1;
  const newest = eras?.at(-1);
  if (changes < 1 || newest === undefined) return [];
  const times = changes === 1 ? "one change" : `${changes} changes`;
  return [`followed over ${times} of config, the last in round ${newest.fromRound}: the committee before each signed it as well`];
}

async function fetchPage(base: string, after: number | undefined) {
  const { url, body } = await getJson(`${base}/v1/governance/transitions${after === undefined ? "" : `?after=${after}`}`);
  const changes = parseChanges(body);
  if (!changes.ok)
    throw new OperationalError(`${url}: not a Breakwater gateway's answer: ${changes.error}`, { code: "unknown-shape" });
  return { url, changes: changes.value };
}
