import type { SimulatedTicker } from "../venue.ts";
import { partsOf } from "../venues/wire.ts";

/** What a client's frame makes a simulated venue say, and change in what it pushes to that client. */
export type StreamAnswer = {
  readonly replies: readonly string[];
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
};

/** One subscribed market: `number` is the venue's own instant of the newest change, and so never steps back. */
export type PushedMarket = { readonly market: string; readonly ticker: SimulatedTicker; readonly number: number };

/** A venue's real frames, spoken to one connection; faults are the server's. */
export type SimulatedStream = {
  readonly venue: string;
  /** `markets` are all that the venue lists, `BASE/QUOTE`. */
  readonly hear: (text: string, markets: readonly string[]) => StreamAnswer;
  readonly push: (pushed: PushedMarket) => string;
  /** What a new connection hears first. */
  readonly hello?: readonly string[];
  /** Once a second, unasked. */
  readonly heartbeat?: (subscribed: readonly PushedMarket[]) => readonly string[];
  /** A market without a change is pushed again after this. */
  readonly repeatMs?: number;
  /** How often the server sends a ping of the protocol. */
  readonly pingMs?: number;
};

export const SILENCE: StreamAnswer = { replies: [] };

/** A client's frame as JSON; undefined when it is none, or no object. */
export function frameOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof frame === "object" && frame !== null && !Array.isArray(frame) ? { ...frame } : undefined;
  } catch {
    return undefined;
  }
}

/** The texts of a frame's list; none when it is no list. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** The venue's markets by its own spelling. */
export function spelled(markets: readonly string[], spell: (base: string, quote: string) => string): ReadonlyMap<string, string> {
  return new Map(markets.map((market) => [spell(...partsOf(market)), market]));
}
