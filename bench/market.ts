import { catalogueListings } from "../cli/devnet/layout.ts";
import { startMarketServer } from "../simulator/io/market-server.ts";
import { answerParent } from "./child.ts";

/** The simulated market in a process of its own: the one that takes the times has nothing else to do. */
const market = await startMarketServer({ seed: 1, listings: catalogueListings(), now: Date.now });
answerParent(() => Object.fromEntries(market.baseUrls), market.stop);
