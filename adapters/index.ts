import type { Adapter } from "./adapter.ts";
import { binance } from "./binance.ts";
import { bitfinex } from "./bitfinex.ts";
import { bitget } from "./bitget.ts";
import { bitstamp } from "./bitstamp.ts";
import { bybit } from "./bybit.ts";
import { coinbase } from "./coinbase.ts";
import { cryptoCom } from "./crypto-com.ts";
import { gate } from "./gate.ts";
import { gemini } from "./gemini.ts";
import { htx } from "./htx.ts";
import { hyperliquid } from "./hyperliquid.ts";
import { indodax } from "./indodax.ts";
import { kraken } from "./kraken.ts";
import { kucoin } from "./kucoin.ts";
import { luno } from "./luno.ts";
import { mexc } from "./mexc.ts";
import { okx } from "./okx.ts";
import { upbit } from "./upbit.ts";

/** Every venue with an adapter, in the order of their names; a new venue is one line here and one in the table. */
export const VENUES = [
  "binance",
  "bitfinex",
  "bitget",
  "bitstamp",
  "bybit",
  "coinbase",
  "crypto.com",
  "gate",
  "gemini",
  "htx",
  "hyperliquid",
  "indodax",
  "kraken",
  "kucoin",
  "luno",
  "mexc",
  "okx",
  "upbit",
] as const;
export type Venue = (typeof VENUES)[number];

export const ADAPTERS: Readonly<Record<Venue, Adapter>> = {
  binance,
  bitfinex,
  bitget,
  bitstamp,
  bybit,
  coinbase,
  "crypto.com": cryptoCom,
  gate,
  gemini,
  htx,
  hyperliquid,
  indodax,
  kraken,
  kucoin,
  luno,
  mexc,
  okx,
  upbit,
} satisfies Record<Venue, Adapter>;
