import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { type Digest, fromHex, type Hex, keccakHex } from "../../protocol/bytes.ts";
import type { DocumentReader } from "../document-reader.ts";
import type { GatewayLogger, SubmissionView } from "../ports.ts";
import type { FeedLookup } from "../queries.ts";
import type { Repeats } from "../repeats.ts";
import { authorizationOf, type Upstream } from "../upstream.ts";
import { DOCUMENTS_ROUTE, PAUSE_ROUTE, REPLAY_ROUTE, WHAT_IF_ROUTE } from "./faults.ts";
import { sendProblem } from "./replies.ts";
import { answerSubmission } from "./submission-routes.ts";
import { createTaper } from "./taper.ts";

/** Names the node whose answer it is. */
export const UPSTREAM_HEADER = "x-breakwater-upstream";
/** How many gateways a request has come through: one that is configured to relay to itself ends here. */
const HOPS_HEADER = "x-breakwater-hops";
const MAX_HOPS = 4;
const HOPS = /^\d$/;
/** A replay of a day of rounds over the largest config; everything else is small. */
const MAX_REPLY_BYTES = 16 * 2 ** 20;
/** What a node knows already it says at once; a document's signatures have to be checked, and a large one carried there. */
const LOOK_MS = 2_000;
const SUBMIT_MS = 5_000;
/** A replay takes minutes. */
const REPLAY_MS = 600_000;
/** Of a node's words about a document, where they are kept. */
const MAX_SAID = 1_024;
/** A node that did not answer is asked last for so long. */
const REST_MS = 5_000;

/** `repeats`: to ask the next node when one falls silent does no harm; a document may be handed in twice, a replay is not begun twice. */
type Relayed = { readonly method: "GET" | "POST"; readonly timeoutMs: number; readonly repeats: boolean };

const SOURCES_ROUTE = "/v1/feeds/:id/sources";

/** What only a node can answer: by its route, as the gateway has it. */
const RELAYED: Readonly<Record<string, Relayed>> = {
  [PAUSE_ROUTE]: { method: "POST", timeoutMs: SUBMIT_MS, repeats: true },
  [DOCUMENTS_ROUTE]: { method: "POST", timeoutMs: SUBMIT_MS, repeats: true },
  [REPLAY_ROUTE]: { method: "POST", timeoutMs: REPLAY_MS, repeats: false },
  [WHAT_IF_ROUTE]: { method: "POST", timeoutMs: REPLAY_MS, repeats: false },
  [SOURCES_ROUTE]: { method: "GET", timeoutMs: LOOK_MS, repeats: true },
};
/** Of a node's reply; everything else is this gateway's own. */
const KEPT_HEADERS = ["content-type", "cache-control", "retry-after"];

type Relaying = { readonly path: string; readonly hops: number };

type Upstreams = {
  /** In the order in which they are asked. */
  readonly upstreams: readonly Upstream[];
  readonly log: GatewayLogger;
  readonly read: DocumentReader;
  readonly repeats: Repeats;
  readonly lookup: FeedLookup;
};

/**
 * Relays what a replica cannot answer itself to the first node that is up; the reply names it in `x-breakwater-upstream`. Only requests that
 * this gateway's own schemas, limits and keys let through are relayed, and of documents only what a keyholder signed and no node was asked
 * about just now: to the node all of this gateway's readers are one address, and nobody may use up what it grants them. Without a node that
 * answers the reply is the problem `no-node`.
 */
export function registerForward(app: FastifyInstance, { upstreams, log, read, repeats, lookup }: Upstreams): void {
  if (upstreams.length === 0) return;
  const taper = createTaper();
  const restingUntil = new Map<string, number>();
  const ordered = (): readonly Upstream[] => {
    const now = performance.now();
    const isResting = ({ url }: Upstream): boolean => (restingUntil.get(url) ?? 0) > now;
    return [...upstreams.filter((upstream) => !isResting(upstream)), ...upstreams.filter(isResting)];
  };
  const relay = async (request: FastifyRequest, reply: FastifyReply, asked: Relayed & Relaying): Promise<Answer | undefined> => {
    for (const { url, key } of ordered()) {
      const answer = await ask(`${url.replace(/\/$/, "")}${asked.path}`, request, { ...asked, key });
      const upstream = new URL(url).host;
      if (answer.ok) {
        taper.clear(upstream);
        send(reply, answer.value, upstream);
        return answer.value;
      }
      restingUntil.set(url, performance.now() + REST_MS);
      const failures = taper.next(upstream);
      if (failures !== undefined) {
        const advice = "a node to relay to does not answer: is it running, and is this its API?";
        log.warn({ upstream, why: answer.why, failures }, advice);
      }
      if (answer.begun && !asked.repeats) {
        sendProblem(request, reply, "no-node", { detail: `the node asked did not finish: ${answer.why}` });
        return undefined;
      }
    }
    const detail = `none of the ${upstreams.length} nodes behind this gateway answers`;
    sendProblem(request, reply, "no-node", { detail });
    return undefined;
  };
  app.addHook("preHandler", async (request, reply) => {
    const relayed = RELAYED[request.routeOptions.url ?? ""];
    if (relayed === undefined || relayed.method !== request.method) return;
    const path = pathOf(request, lookup);
    if (path === undefined) return;
    const hops = request.headers[HOPS_HEADER] ?? "0";
    if (typeof hops !== "string" || !HOPS.test(hops) || Number(hops) >= MAX_HOPS) {
      return sendProblem(request, reply, "no-node", { detail: `relayed ${MAX_HOPS} times and no node was among them` });
    }
    const asked = { ...relayed, path, hops: Number(hops) + 1 };
    const submission = isDocumentRoute(path) ? readSubmission(request, read) : undefined;
    if (isDocumentRoute(path) && submission === undefined) {
      const detail = "expected a document that keyholders of this network signed, and nobody else";
      return sendProblem(request, reply, "document-malformed", { detail, judgement: "malformed" });
    }
    const known = submission && repeats.answer(submission.digest, submission.document, performance.now());
    if (known !== undefined) return answerSubmission(request, reply, known);
    const answer = await relay(request, reply, asked);
    if (submission !== undefined) repeats.settle(submission.digest, answer && readReceipt(submission.digest, answer));
    return reply;
  });
}

/** What a node said of a document, where it said something of the document: too many requests say nothing of it. */
function readReceipt(digest: Digest, { status, body }: Answer): SubmissionView | undefined {
  if (status < 300) return { ok: true, digest, code: "carried" };
  if (status !== 409 && status !== 422) return undefined;
  const said = refusalSchema.safeParse(parseJson(body));
  return said.success ? { ok: false, ...said.data } : undefined;
}

const refusalSchema = z.object({ code: z.string().max(MAX_SAID), detail: z.string().max(MAX_SAID) });

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Made anew of what the route means, never of the text that came: a target may be a whole URL, or climb with `%2e%2e`. */
function pathOf({ routeOptions, params }: FastifyRequest, lookup: FeedLookup): string | undefined {
  const { url = "" } = routeOptions;
  if (url !== SOURCES_ROUTE) return url;
  const { id } = params as { readonly id: string };
  return lookup.one(id) === undefined ? undefined : url.replace(":id", id);
}

function isDocumentRoute(path: string): boolean {
  return path === PAUSE_ROUTE || path === DOCUMENTS_ROUTE;
}

function readSubmission({ body }: FastifyRequest, read: DocumentReader) {
  const bytes = fromHex((body as { readonly document: Hex }).document);
  const digest = keccakHex(bytes);
  const document = read({ digest, bytes });
  return document === undefined ? undefined : { digest, document };
}

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Buffer };
/** `begun`: the request may have had its effect. */
type Asked =
  | { readonly ok: true; readonly value: Answer }
  | { readonly ok: false; readonly begun: boolean; readonly why: string };

async function ask(
  url: string,
  request: FastifyRequest,
  { method, timeoutMs, key, hops }: Relayed & Relaying & { readonly key: string | undefined },
): Promise<Asked> {
  const whole = AbortSignal.timeout(timeoutMs);
  const gone = new AbortController();
  const abandon = (): void => gone.abort(new Error("the one who asked is gone"));
  request.raw.socket.once("close", abandon);
  let begun = false;
  try {
    const own = { accept: "application/json", [HOPS_HEADER]: String(hops), ...authorizationOf(key) };
    const response = await fetch(url, {
      method,
      headers: { ...own, ...(method === "POST" ? JSON_BODY : {}) },
      ...(method === "POST" ? { body: JSON.stringify(request.body) } : {}),
      redirect: "error",
      signal: AbortSignal.any([whole, gone.signal]),
    });
    // What is refused is this gateway's key: its reader has done nothing wrong, and can do nothing about it.
    if (response.status === KEY_REFUSED) {
      await response.body?.cancel();
      return { ok: false, begun, why: "it asks for an API key, or for another one: see keyFile" };
    }
    begun = true;
    return { ok: true, value: { status: response.status, headers: response.headers, body: await readBounded(response) } };
  } catch (error) {
    return { ok: false, begun: begun || whole.aborted || gone.signal.aborted, why: reasonOf(error) };
  } finally {
    request.raw.socket.off("close", abandon);
  }
}

const KEY_REFUSED = 401;
const JSON_BODY = { "content-type": "application/json" };

async function readBounded(response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MAX_REPLY_BYTES) throw new Error(`a reply of more than ${MAX_REPLY_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function send(reply: FastifyReply, { status, headers, body }: Answer, upstream: string): FastifyReply {
  for (const name of KEPT_HEADERS) {
    const value = headers.get(name);
    if (value !== null) reply.header(name, value);
  }
  return reply.code(status).header(UPSTREAM_HEADER, upstream).send(body);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
