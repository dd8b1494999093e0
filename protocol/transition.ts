import type { Certificate } from "./certificate.ts";
import type { NetworkConfig } from "./config.ts";

/**
 * A change of the config in force: its content and the first certificate under it, which a quorum of the committee before signed as well
 * as a quorum of its own. This is how nodes and consumers follow from one committee to the next.
 */
export type Transition = { readonly config: NetworkConfig; readonly certificate: Certificate };
