import { expect, it } from "vitest";
import { buildTestGateway } from "./support.ts";

/** Where something may be brought as well. */
const POSTED: Readonly<Record<string, readonly string[]>> = {
  "/v1/breaker/pause": ["post"],
  "/v1/governance/documents": ["get", "post"],
  "/v1/governance/replay": ["post"],
  "/v1/governance/what-if": ["post"],
};
/** Where the answer may still be on its way. */
const SUCCEEDS: Readonly<Record<string, readonly string[]>> = { "/v1/governance/what-if": ["200", "202"] };
const PATHS = [
  ...["/v1/breaker/pause", "/v1/breaker/log", "/v1/chains"],
  ...["/v1/governance", "/v1/governance/keyholders", "/v1/governance/documents", "/v1/governance/documents/{digest}"],
  ...["/v1/governance/transitions", "/v1/governance/replay", "/v1/governance/what-if"],
  "/v1/feeds",
  "/v1/feeds/{id}",
  "/v1/feeds/{id}/history",
  "/v1/feeds/{id}/sources",
  ...["/v1/feeds/{id}/candles", "/v1/feeds/{id}/twap"],
  "/v1/bundle",
  "/v1/rounds/latest",
  "/v1/rounds/{round}",
  "/v1/stream",
  "/v1/follow",
  "/v1/ws",
  "/v1/breaker",
  "/v1/committee",
  "/v1/committee/participation",
  "/v1/evidence",
  "/health/live",
  "/health/ready",
  "/metrics",
];

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null;

function* valuesOf(key: string, json: Json): Generator<Json> {
  if (typeof json !== "object" || json === null) return;
  for (const [name, value] of Object.entries(json)) {
    if (name === key) yield value;
    yield* valuesOf(key, value);
  }
}

async function openApi() {
  const { get } = await buildTestGateway();
  const { status, json } = await get("/openapi.json");
  expect(status).toBe(200);
  return json();
}

it("the OpenAPI document has every route, and no other", async () => {
  const document = await openApi();
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({ title: "Breakwater", version: "1" });
  expect(Object.keys(document.paths).sort()).toEqual([...PATHS].sort());
});

it("every operation is summarised, its path's parameters declared, its replies described, its references resolved", async () => {
  const document = await openApi();
  for (const [path, item] of Object.entries<Record<string, Json>>(document.paths)) {
    expect(Object.keys(item)).toEqual(POSTED[path] ?? ["get"]);
    for (const method of Object.keys(item)) {
      const { summary, responses, requestBody, parameters = [] } = document.paths[path][method];
      expect(summary.length).toBeGreaterThan(10);
      for (const response of Object.values<{ description: string; content: object }>(responses)) {
        expect(response.description.length).toBeGreaterThan(0);
        expect(Object.keys(response.content)).toHaveLength(1);
      }
      const successes = Object.keys(responses).filter((status) => /^2|^101$/.test(status));
      if (path in SUCCEEDS) expect(successes).toEqual(SUCCEEDS[path]);
      else expect(successes).toHaveLength(1);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "429", "500"]));
      expect(requestBody?.content?.["application/json"] !== undefined).toBe(method === "post");
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((parameter: { in: string }) => parameter.in === "path");
      expect(declared.map((parameter: { name: string }) => parameter.name)).toEqual(named);
    }
  }
  const references = [...valuesOf("$ref", document)];
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) {
    const target = String(reference)
      .replace(/^#\//, "")
      .split("/")
      .reduce((node, key) => node?.[key], document);
    expect(target, String(reference)).toBeTypeOf("object");
  }
});

it("the OpenAPI document says what the history's bounds are in", async () => {
  const { parameters } = (await openApi()).paths["/v1/feeds/{id}/history"].get;
  const described = Object.fromEntries(
    parameters.map((item: { name: string; description?: string }) => [item.name, item.description]),
  );
  expect(described.from).toContain("Unix ms");
  expect(described.to).toContain("Unix ms");
});

it("the documentation page loads with its scripts and its document", async () => {
  const { get } = await buildTestGateway();
  const page = await get("/docs");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toContain("text/html");
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
  const assets = [...page.text.matchAll(/(?:src|href)="\.?\/?((?:docs\/)?static\/[^"]+)"/g)].map(([, asset]) => asset ?? "");
  expect(assets.length).toBeGreaterThan(3);
  for (const asset of assets) {
    const path = asset.startsWith("docs/") ? `/${asset}` : `/docs/${asset}`;
    expect([path, (await get(path)).status]).toEqual([path, 200]);
  }
  expect(Object.keys((await get("/docs/json")).json().paths)).toEqual(expect.arrayContaining(PATHS));
});

it("the root tells a newcomer what there is to ask", async () => {
  const { get } = await buildTestGateway();
  const { status, json } = await get("/");
  expect(status).toBe(200);
  expect(json()).toMatchObject({ name: "Breakwater", network: "test", documentation: "/docs", openapi: "/openapi.json" });
  expect(Object.keys(json().routes).sort()).toEqual([...PATHS].sort());
});
