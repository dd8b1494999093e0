import type { SimulatedVenue } from "../venue.ts";
import { binance } from "./binance.ts";

/** Every venue the market server can speak for; a test holds its names equal to those of the adapters. */
export const SIMULATED_VENUES = {
  binance,
} satisfies Record<string, SimulatedVenue>;
