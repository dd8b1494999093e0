import { z } from "zod";
import { parseLastEventId } from "../events.ts";
import { roundParamsSchema } from "../queries.ts";
import { placeOf } from "./access.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import type { FollowHub } from "./follow-hub.ts";
import { FOLLOW_ROUTE } from "./follow-wire.ts";
import { responseOutlet } from "./outlets.ts";
import { describeResponses, sendProblem } from "./replies.ts";

const querySchema = z.strictObject({ after: roundParamsSchema.shape.round.describe("round to resume after").optional() });
/** Openings of one caller: each is told a past of over a thousand rounds, and a gateway that follows opens once and stays. */
const OPENINGS = { max: 60, timeWindow: 60_000 };
const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** This process's log for other gateways; they trust nothing of it. */
export function registerFollow(
  app: GatewayApp,
  { callerOf, isDraining }: Pick<RouteContext, "callerOf" | "isDraining">,
  hub: FollowHub,
): void {
  const schema = {
    tags: ["rounds"],
    summary: "Everything another gateway needs to serve the same (server-sent events)",
    description:
      "First every `transition` since genesis and the `evidence` that is kept, then one `round` event a certified round with its body, " +
      "ascending, then each new one. `id` is the round, after which to resume. `data` is JSON: of a round `digest`, `certificate` " +
      "(base64 of the canonical bytes) and `body` (base64 of Zstandard of them), of the others `bytes` (the same). Verify all of it.",
    querystring: querySchema,
    headers: z.looseObject({ "last-event-id": z.string().optional().describe("round to resume after; `after` counts less") }),
    response: describeResponses({ description: "The log", schema: z.string(), type: "text/event-stream" }, "too-many-readers"),
  };
  app.get(FOLLOW_ROUTE, { schema, exposeHeadRoute: false, config: { rateLimit: OPENINGS } }, (request, reply) => {
    const header = request.headers["last-event-id"];
    const last = header === undefined ? request.query.after : parseLastEventId(header);
    if (header !== undefined && last === undefined) {
      const fault = { in: "header", field: "Last-Event-ID", expected: "expected a round number" } as const;
      return sendProblem(request, reply, "bad-request", { detail: `${fault.field}: ${fault.expected}`, errors: [fault] });
    }
    const place = placeOf(callerOf(request));
    const refusal = isDraining() ? "this gateway is stopping: follow another one" : hub.refusal(place);
    if (refusal !== undefined) return sendProblem(request, reply, "too-many-readers", { detail: refusal });
    reply.hijack();
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...HEADERS })) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    hub.open(responseOutlet(reply.raw), { after: last, place });
    return reply;
  });
}
