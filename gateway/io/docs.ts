import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { bundleDocumentSchema, feedDocumentSchema, headerSchema, reasonSchema } from "../../protocol/document.ts";
import { problemSchema } from "../problems.ts";
import { noQuerySchema } from "../queries.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { JSON_TYPE } from "./replies.ts";
import { type SendDashboard, wantsPage } from "./static.ts";

const DOCS_PATH = "/docs";
export const OPENAPI_PATH = "/openapi.json";
const VERSION = "1";
const NAMED_SCHEMAS = {
  FeedDocument: feedDocumentSchema,
  BundleDocument: bundleDocumentSchema,
  RoundHeader: headerSchema,
  Reason: reasonSchema,
  Problem: problemSchema,
};

/** The OpenAPI document is made from the schemas that check the requests; named parts stand in it once. Call before the routes. */
export async function registerDocs(app: GatewayApp): Promise<void> {
  // zod keeps descriptions in its global registry, so the names have to stand there too; naming a schema again changes nothing.
  for (const [id, schema] of Object.entries(NAMED_SCHEMAS)) z.globalRegistry.add(schema, { id });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Breakwater",
        version: VERSION,
        description:
          "Certified prices and liquidation verdicts. Amounts are decimal texts, times Unix ms. Every failure is an RFC 9457 " +
          "problem document. Nothing here has to be believed: every price carries its proof.",
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: DOCS_PATH, staticCSP: true });
}

/** `/openapi.json`, and `/` with what a newcomer may ask, or the dashboard for a browser. Call after the other routes. */
export function registerIndex(
  app: GatewayApp,
  { network, sendDashboard }: Pick<RouteContext, "network"> & { readonly sendDashboard?: SendDashboard },
): void {
  let text: string | undefined;
  app.get(OPENAPI_PATH, { schema: { hide: true, querystring: noQuerySchema } }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.header("content-type", JSON_TYPE).header("cache-control", "public, max-age=60").send(text);
  });
  app.get("/", { schema: { hide: true, querystring: noQuerySchema } }, (request, reply) => {
    if (sendDashboard !== undefined) {
      reply.header("vary", "accept, accept-encoding");
      if (wantsPage(request.headers.accept)) return sendDashboard(reply);
    }
    return reply
      .header("content-type", JSON_TYPE)
      .send(JSON.stringify(describeGateway(app, network().config.network), undefined, 2));
  });
}

function describeGateway(app: GatewayApp, network: string): object {
  const paths = Object.entries(app.swagger().paths ?? {});
  const routes = paths.map(([path, item]) => [path, item?.get?.summary ?? `POST: ${item?.post?.summary ?? ""}`]);
  return { name: "Breakwater", network, documentation: DOCS_PATH, openapi: OPENAPI_PATH, routes: Object.fromEntries(routes) };
}
