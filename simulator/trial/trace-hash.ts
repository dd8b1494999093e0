import { createHash, hexOfHash } from "../cluster/hash.ts";
import type { Occurrence, Witness } from "../cluster/occurrence.ts";

/** The tail of a message is its signature: it tells any two apart. */
const TAIL_BYTES = 16;

/** One number for everything that happened, in its order: two runs of one plan must have the same. */
export function createTraceHash(): { readonly witness: Witness; readonly hex: () => string } {
  const hash = createHash();
  return {
    witness: (occurrence) => {
      hash.add(`${occurrence.at} ${occurrence.kind} ${describe(occurrence)}`);
      if (occurrence.kind === "sent") hash.addBytes(occurrence.bytes.subarray(-TAIL_BYTES));
    },
    hex: () => hexOfHash(hash),
  };
}

function describe(occurrence: Occurrence): string {
  switch (occurrence.kind) {
    case "sampled":
      return `${occurrence.node} ${occurrence.entries.map(({ price, asOf }) => `${price} ${asOf}`).join(" ")}`;
    case "sent":
      return `${occurrence.node} ${occurrence.topic} ${occurrence.to?.join(" ")}`;
    case "recorded":
      return `${occurrence.node} ${occurrence.record.kind} ${occurrence.record.digest}`;
    case "committed":
      return `${occurrence.node} ${occurrence.certified.digest} ${occurrence.place}`;
    case "judged":
      return `${occurrence.node} ${occurrence.from} ${occurrence.code}`;
    case "event":
      return `${occurrence.node} ${occurrence.code}`;
    case "fault":
      return `${occurrence.phase} ${occurrence.planned.fault.kind}`;
    case "act":
      return `${occurrence.node} ${occurrence.act.kind} ${occurrence.handed.digest}`;
    case "receipt":
      return `${occurrence.node} ${occurrence.digest} ${occurrence.code}`;
    case "reviewed":
      return `${occurrence.node} ${occurrence.document} ${occurrence.agrees}`;
    case "misbehaved":
      return `${occurrence.node} ${occurrence.what}`;
    case "started":
    case "stopped":
      return String(occurrence.node);
  }
}
