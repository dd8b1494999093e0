import { binance } from "./binance.ts";
import { bitstamp } from "./bitstamp.ts";
import { bybit } from "./bybit.ts";
import { coinbase } from "./coinbase.ts";
import { kraken } from "./kraken.ts";
import { okx } from "./okx.ts";
import type { SimulatedStream } from "./stream.ts";

/** Every venue that the market server can push for; a test holds its names equal to those of the stream adapters. */
export const SIMULATED_STREAMS = { binance, bitstamp, bybit, coinbase, kraken, okx } satisfies Record<string, SimulatedStream>;
