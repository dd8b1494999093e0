import { compareBigint } from "../../protocol/bytes.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { CreateBehaviour } from "../cluster/adversary.ts";
import { halves } from "./craft.ts";
import { misreport } from "./interception.ts";
import { asLeader, proposeRound, standingOn, twoSets } from "./lead.ts";
import { biasedSet, firstPrice } from "./leading.ts";

/**
 * Hopes for two certificates of one round (P2): its leader proposes two rounds to the two halves, and the whole cabal signs both,
 * by the leader's hand, which has their keys. With f + 1 members q − (f + 1) honest signatures suffice, and each half has them.
 */
export const createColludeSplit: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const [some, others] = halves(view);
    const newest = parent(0);
    const sets = twoSets(view, standingOn(observations, newest), others);
    if (sets === undefined) return;
    const keys = view.cabal.map(({ key }) => key);
    proposeRound(view, { round, parent: newest, observations: sets[0] }, { to: some, keys });
    proposeRound(view, { round, parent: newest, observations: sets[1] }, { to: others, keys });
    view.misbehaved("the cabal signs two rounds of one number");
  });

/** Far from the market, and the same for all who look at it at the same time: three times the price, its first digit alone. */
function extreme(entry: FeedEntry): FeedEntry {
  const triple = (entry.price * 3n).toString();
  const price = BigInt(triple.slice(0, 1)) * 10n ** BigInt(triple.length - 1);
  return { ...entry, price, low: price, high: price };
}

/**
 * Hopes that a price which no honest node saw is certified (P1): all report it, and their leader takes in as few others as a quorum
 * allows. With f + 1 members the cabal has the median of such a quorum.
 */
export const createColludePrice: CreateBehaviour = (view) => {
  const lying = misreport(view, (entries) => {
    view.misbehaved("the cabal's price");
    return entries.map(extreme);
  });
  const leading = asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const highestFirst = biasedSet(view, standingOn(observations, newest), (a, b) => compareBigint(firstPrice(b), firstPrice(a)));
    if (highestFirst.length < view.network.committee.quorum) return;
    proposeRound(view, { round, parent: newest, observations: highestFirst });
    view.misbehaved("leads with the cabal's price");
  });
  return { ...leading, outputs: (outputs) => leading.outputs(lying.outputs(outputs)) };
};
