import type { Mutant } from "./mutant.ts";
import { AGGREGATOR_GUARDS } from "./mutants/aggregator.ts";
import { BREAKER_GUARDS } from "./mutants/breaker.ts";
import { CARRYING_GUARDS } from "./mutants/carrying.ts";
import { CHAIN_GUARDS } from "./mutants/chains.ts";
import { FOLLOWING_GUARDS } from "./mutants/following.ts";
import { GOVERNANCE_GUARDS } from "./mutants/governance.ts";
import { MESSAGE_GUARDS } from "./mutants/messages.ts";
import { NODE_GUARDS } from "./mutants/node.ts";
import { PORTFOLIO_GUARDS } from "./mutants/portfolio.ts";
import { PROTOCOL_GUARDS } from "./mutants/protocol.ts";
import { SURFACE_GUARDS } from "./mutants/surface.ts";

/** Every guard that carries a promise and can be broken by one small edit, in the order in which a round meets them. */
export const MUTANTS: readonly Mutant[] = [
  ...PROTOCOL_GUARDS,
  ...AGGREGATOR_GUARDS,
  ...BREAKER_GUARDS,
  ...GOVERNANCE_GUARDS,
  ...NODE_GUARDS,
  ...MESSAGE_GUARDS,
  ...CARRYING_GUARDS,
  ...SURFACE_GUARDS,
  ...FOLLOWING_GUARDS,
  ...CHAIN_GUARDS,
  ...PORTFOLIO_GUARDS,
];
