import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { CertifiedRound } from "../../protocol/round.ts";
import type { OriginRule } from "../access.ts";
import type { CandleBook } from "../candle-book.ts";
import type { DocumentReader } from "../document-reader.ts";
import type { GatewayPorts } from "../ports.ts";
import type { FeedLookup } from "../queries.ts";
import type { RoundSnapshot } from "../snapshots.ts";
import type { CallerOf } from "./access.ts";
import type { StreamHub } from "./stream.ts";

/** A Fastify instance whose handlers see the types of their zod schemas. */
export type GatewayApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes share. `latest` is kept in memory: every request asks for it. */
export type RouteContext = Omit<GatewayPorts, "subscribe"> & {
  readonly latest: () => CertifiedRound | undefined;
  readonly snapshot: (round: CertifiedRound) => RoundSnapshot;
  readonly lookup: FeedLookup;
  readonly stream: StreamHub;
  readonly read: DocumentReader;
  readonly candles: CandleBook;
  readonly callerOf: CallerOf;
  readonly origins: OriginRule;
  /** Whether this gateway is about to stop. */
  readonly isDraining: () => boolean;
  /** Requests of one address to a route that takes a document. */
  readonly writes: { readonly max: number; readonly windowMs: number };
};
