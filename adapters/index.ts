import type { Adapter } from "./adapter.ts";
import { binance } from "./binance.ts";

/** Every venue with an adapter, in the order of their names; a new venue is one line here and one in the table. */
export const VENUES = ["binance"] as const;
export type Venue = (typeof VENUES)[number];

export const ADAPTERS: Readonly<Record<Venue, Adapter>> = {
  binance,
} satisfies Record<Venue, Adapter>;
