import type { Digest } from "../../protocol/bytes.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { cacheControlOf } from "../lease.ts";
import {
  type Attended,
  attendedBy,
  MAX_PARTICIPATION,
  observedIn,
  participationSchema,
  toParticipation,
} from "../participation.ts";
import { MAX_EVIDENCE, participationQuerySchema } from "../queries.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { describeResponses, sendProblem, sendTagged } from "./replies.ts";

/** The newest rounds of the walk are read again each time: one may have turned out an orphan, or have come late, or its body. */
const UNSETTLED = 32;
/** Bodies may be large: those that are not read in this time are left to the next question. */
const READING_MS = 50;

/** Who led, observed and signed the last rounds. */
export function registerParticipation(app: GatewayApp, context: RouteContext): void {
  const { network, latest, store, now } = context;
  const schema = {
    tags: ["network"],
    summary: "Who led, observed and signed each of the last rounds, and which numbers were missed",
    description:
      "A certificate holds exactly a quorum of signatures, so that one member or another is missing from each: signatures count who was " +
      "quick, observations who was there.",
    querystring: participationQuerySchema,
    response: describeResponses({ description: "The last round numbers", schema: participationSchema }, "no-round"),
  };
  const attendance = createAttendance(store);
  let texts: { readonly of: Digest; readonly byCount: Map<number, string> } | undefined;
  app.get("/v1/committee/participation", { schema }, (request, reply) => {
    const head = latest();
    if (head === undefined) return sendProblem(request, reply, "no-round", { detail: "the network is starting" });
    const { rounds: count } = request.query;
    if (texts?.of !== head.digest || !attendance.isWhole()) texts = { of: head.digest, byCount: new Map() };
    const text = texts.byCount.get(count) ?? describe(head, count);
    texts.byCount.set(count, text);
    const tag = `"${head.digest.slice(2)}-${count}-${attendance.isWhole() ? "whole" : attendance.read()}"`;
    return sendTagged(request, reply, { text, tag, cacheControl: cacheControlOf(head, now(), network().config) });
  });
  const describe = (head: CertifiedRound, count: number): string => {
    const newest = head.certificate.header.round;
    const evidence = store.evidence({ limit: MAX_EVIDENCE });
    return JSON.stringify(toParticipation(attendance.upTo(newest), { network: network(), evidence, newest, count }));
  };
}

/** Rows of the last {@link MAX_PARTICIPATION} numbers, each read once; the newest bodies first. */
function createAttendance(store: RouteContext["store"]) {
  let rows: readonly Attended[] = [];
  let read = 0;
  let whole = false;
  /** Whose bodies are not here, and will not come any more. */
  const bare = new Set<Digest>();
  const addBodies = (newest: number): void => {
    const endsAt = performance.now() + READING_MS;
    whole = true;
    const add = (row: Attended): Attended => {
      if (row.observers !== undefined || bare.has(row.digest)) return row;
      if (performance.now() > endsAt) {
        whole = false;
        return row;
      }
      const body = store.bodyOf(row.digest);
      read += 1;
      if (body !== undefined) return observedIn(row, body);
      if (row.round <= newest - UNSETTLED) bare.add(row.digest);
      return row;
    };
    rows = rows.toReversed().map(add).reverse();
  };
  return {
    isWhole: () => whole,
    /** Bodies read so far. */
    read: () => read,
    upTo: (newest: number): readonly Attended[] => {
      const oldest = newest - MAX_PARTICIPATION + 1;
      const settled = Math.max(oldest - 1, (rows.at(-1)?.round ?? 0) - UNSETTLED);
      const known = new Map(rows.map((row) => [row.digest, row]));
      const fresh = store.range({ from: settled + 1, to: newest, limit: MAX_PARTICIPATION });
      rows = [
        ...rows.filter(({ round }) => round >= oldest && round <= settled),
        ...fresh.map((stored) => known.get(stored.certified.digest) ?? attendedBy(stored)),
      ];
      const shown = new Set(rows.map(({ digest }) => digest));
      for (const digest of bare) if (!shown.has(digest)) bare.delete(digest);
      addBodies(newest);
      return rows;
    },
  };
}
