import type { RefusalCode } from "./codes.ts";

/** What a refusal means to the operator of a gateway, and what he can do; `undefined` where it is nothing to look at. */
export const REFUSAL_ADVICE: Readonly<Record<RefusalCode, string | undefined>> = {
  "over-budget":
    "this source sends more that is refused than is looked at: see its other refusals; the others are read as before",
  malformed: "this source sends what is no entry: another version of the program, or somebody who writes there and should not",
  digest: "this source states a digest that is not the header's: do not follow it until its operator can say why",
  stale: undefined,
  future: "this source is ahead of this clock: compare both clocks with a time server",
  "unknown-config":
    "nothing followed leads to the config of this round: if it lasts, check that network.yaml is this network's genesis, and follow a node",
  "retired-config": "this source still speaks of a config whose time is over: its node may be behind, or its keys in other hands",
  certificate:
    "no quorum signed this round: this source forges, or is of another network; do not follow it until its operator can say why",
  body: "a certified round came with a body that is not its own: this source garbles or forges; the others are read as before",
  transition: "this source tells of a change of config that no quorum signed: do not follow it until its operator can say why",
  evidence: "this source accuses without proof: do not follow it until its operator can say why",
  "evidence-full": undefined,
};
