import type { Address, Digest } from "../protocol/bytes.ts";

/**
 * What a node tells those who follow it, in the order in which it came to it: certified rounds with what recomputes them, the certified
 * changes of config, and equivocations. A log is carried by Redis streams and by server-sent events alike. Nothing in it is trusted:
 * `digest` only lets a round that is known be passed over before it is decoded.
 *
 * - `round`: `certificate` is protocol/certificate.ts's form, `body` protocol/round-codec.ts's.
 * - `transition`: protocol/transition.ts's form.
 * - `evidence`: the JSON text of protocol/evidence.ts.
 */
export type LogEntry =
  | { readonly kind: "round"; readonly digest: Digest; readonly certificate: Uint8Array; readonly body: Uint8Array }
  | { readonly kind: "transition"; readonly bytes: Uint8Array }
  | { readonly kind: "evidence"; readonly bytes: Uint8Array };

export type LogKind = LogEntry["kind"];

/**
 * Whose log an entry came from, as a name for metrics and warnings: `redis:0x…` for a writer's stream, the host for a node or gateway
 * that is followed over HTTP.
 */
export type LogSource = string;

/** Where a log is appended to. Never throws and never waits: what cannot be appended is counted and, once it can, made up for. */
export type LogPublisher = {
  readonly append: (entry: LogEntry) => void;
  readonly stop: () => Promise<void>;
};

/** Something that is followed: it calls back with what it reads, from `start` until `stop`, and reconnects by itself. */
export type LogReader = {
  readonly start: () => void;
  readonly stop: () => Promise<void>;
  /** Whether it reads at this moment. */
  readonly isUp: () => boolean;
};

/** What a reader calls back with; it must not throw. */
export type OnEntry = (from: LogSource, entry: LogEntry) => void;

/** A member whose stream is followed. */
export type LogWriter = Address;
