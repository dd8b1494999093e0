import type { Address } from "../protocol/bytes.ts";
import { compareText } from "../protocol/feed.ts";
import type { GaugeEntry, Observation } from "../protocol/observation.ts";

/**
 * An observation's digest covers its contents and not its key. Two members who saw the same (every venue silent, say) would make one
 * digest, which a proposal can name once only; and whoever repeats another's contents under his own key, and is quicker, would put
 * the other's message down as a duplicate. So the contents name their author, as a gauge that holds the address as an integer.
 */
const AUTHOR_GAUGE = "author";

/** The gauges with the author's among them, by ascending id. */
export function withAuthor(gauges: readonly GaugeEntry[], author: Address): readonly GaugeEntry[] {
  const others = gauges.filter(({ gauge }) => gauge !== AUTHOR_GAUGE);
  return [...others, { gauge: AUTHOR_GAUGE, value: BigInt(author), asOf: 0 }].sort((a, b) => compareText(a.gauge, b.gauge));
}

/** Whether the contents name the key that signed them. */
export function isAuthor({ gauges }: Observation, signer: Address): boolean {
  return gauges.some(({ gauge, value }) => gauge === AUTHOR_GAUGE && value === BigInt(signer));
}
