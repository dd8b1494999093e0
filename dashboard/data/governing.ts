import type { CommitteeWithConfig, Documents, Governance, Keyholders } from "./api.ts";
import { getJson } from "./fetch.ts";

/** All that the governance page shows, of one moment. */
export type Governing = {
  readonly governance: Governance;
  readonly keyholders: Keyholders["keyholders"];
  readonly documents: Documents["documents"];
  readonly committee: CommitteeWithConfig;
};

/**
 * @param known what an earlier answer brought: a config is large, and is asked for again only when another one is in force
 * @throws ApiError
 */
export async function loadGoverning(known: Governing | undefined, signal: AbortSignal): Promise<Governing> {
  const [governance, { keyholders }, { documents }] = await Promise.all([
    getJson<Governance>("v1/governance", signal),
    getJson<Keyholders>("v1/governance/keyholders", signal),
    getJson<Documents>("v1/governance/documents", signal),
  ]);
  const isKnown = known?.committee.configDigest === governance.configDigest;
  const committee = isKnown ? known.committee : await getJson<CommitteeWithConfig>("v1/committee?config=1", signal);
  return { governance, keyholders, documents, committee };
}
