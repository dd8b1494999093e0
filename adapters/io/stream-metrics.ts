import { Counter, Gauge, type Registry } from "prom-client";
import type { CloseReason, StreamCode } from "../stream-session.ts";

export type StreamMetrics = {
  /** A connection is open, or is no longer. */
  readonly onUp: (event: { readonly venue: string; readonly up: boolean }) => void;
  /** Nobody wants this venue's connection any more. */
  readonly onStopped: (event: { readonly venue: string }) => void;
  readonly onMessage: (event: { readonly venue: string; readonly code: StreamCode }) => void;
  readonly onReconnect: (event: { readonly venue: string; readonly reason: CloseReason }) => void;
};

/** `breakwater_venue_stream_…`; labels come from the venues with a stream and from closed unions. */
export function createVenueStreamMetrics(registry: Registry): StreamMetrics {
  const registers = [registry];
  const up = new Gauge({
    name: "breakwater_venue_stream_up",
    help: "1 while a venue's connection for pushed quotes is open",
    labelNames: ["venue"],
    registers,
  });
  const messages = new Counter({
    name: "breakwater_venue_stream_messages_total",
    help: "What a venue's frames said, by what it came to",
    labelNames: ["venue", "code"],
    registers,
  });
  const reconnects = new Counter({
    name: "breakwater_venue_stream_reconnects_total",
    help: "Connections for pushed quotes that ended, by why",
    labelNames: ["venue", "reason"],
    registers,
  });
  return {
    onUp: ({ venue, up: isUp }) => up.set({ venue }, isUp ? 1 : 0),
    // Not 0: a venue that left the config is not down.
    onStopped: (labels) => up.remove(labels),
    onMessage: (labels) => messages.inc(labels),
    onReconnect: (labels) => reconnects.inc(labels),
  };
}
