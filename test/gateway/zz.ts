import { buildTestGateway } from "./support.ts";

const { get } = await buildTestGateway();
const d = (await get("/openapi.json")).json();
console.log(JSON.stringify(d.paths["/v1/feeds/{id}/history"].get.parameters, null, 1));
