import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyReply } from "fastify";
import type { GatewayLogger } from "../ports.ts";
import type { GatewayApp } from "./context.ts";

const INDEX = "index.html";
/** Files that keep their names from build to build; all else stands under `assets/`. */
const NAMED = ["theme.js", "icon.svg"];
/** What is in here carries its digest in its name and never changes. */
const ASSETS = "assets";
const FOREVER = "public, max-age=31536000, immutable";
const ASK_AGAIN = "no-cache";

/** The page brings all that it needs, runs nothing inline, asks nobody else, and stands in no other page. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};

/** Answers with the page; undefined where there is none. */
export type SendDashboard = ((reply: FastifyReply) => FastifyReply) | undefined;

/**
 * The files of the built dashboard under `/`, compressed when they were built. Without a folder, or before it is built, `/` stays what it
 * is for programs, and the log says what to do.
 */
export async function registerDashboard(
  app: GatewayApp,
  { folder, log }: { readonly folder: string | undefined; readonly log: GatewayLogger },
): Promise<SendDashboard> {
  if (folder === undefined) return undefined;
  if (!existsSync(join(folder, INDEX))) {
    log.warn({ folder }, "the dashboard is not built, so / answers programs only: npm run dashboard builds it, then start again");
    return undefined;
  }
  const shared = { index: false, preCompressed: true, cacheControl: false } as const;
  await app.register(fastifyStatic, {
    ...{ ...shared, root: folder, serve: false },
    setHeaders: (reply) => reply.headers(SAFE_HEADERS).header("cache-control", ASK_AGAIN),
  });
  await app.register(fastifyStatic, {
    ...{ ...shared, root: join(folder, ASSETS), prefix: `/${ASSETS}/`, decorateReply: false },
    setHeaders: (reply) => reply.headers(SAFE_HEADERS).header("cache-control", FOREVER),
  });
  for (const name of NAMED) app.get(`/${name}`, { schema: { hide: true } }, (_request, reply) => reply.sendFile(name));
  return (reply) => reply.sendFile(INDEX);
}

/**
 * Browsers name HTML among what they take; programs ask for JSON or for anything, and get the index of routes.
 *
 * @example
 * wantsPage("text/html,application/xhtml+xml,*\/*;q=0.8"); // true
 * wantsPage("*\/*"); // false
 */
export function wantsPage(accept: string | undefined): boolean {
  return (
    accept?.split(",").some((range) => /^\s*text\/html\s*(?:;|$)/i.test(range) && !/;\s*q=0(?:\.0*)?\s*$/i.test(range)) ?? false
  );
}
