import { noble } from "../../protocol/secp256k1.ts";
import { drawPlan } from "./draw.ts";
import { createGrounds, runTrial } from "./trial.ts";
import type { Laboratory } from "./work.ts";

/** The trials of this program; keys and networks are made once for all of them. */
export function createLaboratory(): Laboratory {
  const grounds = createGrounds();
  return {
    draw: drawPlan,
    network: ({ setting, n }) => grounds.settings.network(setting, n),
    run: (plan, { witness, signatures }) =>
      runTrial(plan, { grounds, witness, ...(signatures === "real" ? { scheme: noble } : {}) }),
  };
}
