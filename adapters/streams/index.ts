import type { Venue } from "../index.ts";
import type { StreamAdapter } from "../stream.ts";
import { binance } from "./binance.ts";
import { bitstamp } from "./bitstamp.ts";
import { bybit } from "./bybit.ts";
import { coinbase } from "./coinbase.ts";
import { kraken } from "./kraken.ts";
import { okx } from "./okx.ts";

/** The venues that push their quotes to this node; of the others it has what it polls. */
export const STREAMS = {
  binance,
  bitstamp,
  bybit,
  coinbase,
  kraken,
  okx,
} satisfies Partial<Record<Venue, StreamAdapter>>;
