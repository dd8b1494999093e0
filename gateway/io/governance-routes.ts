import { type Address, toHex } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import {
  documentListSchema,
  documentSchema,
  governanceSchema,
  keyholdersSchema,
  showDocument,
  toGovernanceDocument,
  toKeyholders,
  toTransitions,
  transitionsSchema,
} from "../governance.ts";
import type { DocumentView } from "../ports.ts";
import { documentParamsSchema, documentsQuerySchema, noQuerySchema, transitionsQuerySchema } from "../queries.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { DOCUMENTS_ROUTE } from "./faults.ts";
import { describeResponses, sendJson, sendProblem } from "./replies.ts";
import { registerSubmissions } from "./submission-routes.ts";
import { registerWhatIf } from "./what-if-route.ts";

const TAGS = ["governance"];
const NEVER_CACHED = "no-store";
/** A document never changes. */
const DOCUMENT_CACHE = "public, max-age=3600";

/** Who may pause and change, what they said, and what came of it. */
export function registerGovernanceRoutes(app: GatewayApp, context: RouteContext): void {
  registerGovernance(app, context);
  registerKeyholders(app, context);
  registerDocuments(app, context);
  registerTransitions(app, context);
  registerSubmissions(app, context);
  registerWhatIf(app, context);
}

function registerGovernance(app: GatewayApp, { network, governance, store }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Who may pause and change, the pauses in force, the config in force and the pending one",
    querystring: noQuerySchema,
    response: describeResponses({ description: "As of the newest round", schema: governanceSchema }),
  };
  app.get("/v1/governance", { schema }, (_request, reply) =>
    sendJson(reply, JSON.stringify(toGovernanceDocument(network(), governance(), store.transitions())), NEVER_CACHED),
  );
}

function registerKeyholders(app: GatewayApp, { network, governance }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Every governor and guardian with the nonce that the next document must be above, and the pauses charged",
    querystring: noQuerySchema,
    response: describeResponses({ description: "As of the newest round", schema: keyholdersSchema }),
  };
  app.get("/v1/governance/keyholders", { schema }, (_request, reply) =>
    sendJson(reply, JSON.stringify(toKeyholders(network(), governance())), NEVER_CACHED),
  );
}

function registerDocuments(app: GatewayApp, { network, genesis, store, read }: RouteContext): void {
  const list = {
    tags: TAGS,
    summary: "What guardians and governors said, newest first, taken in or not",
    querystring: documentsQuerySchema,
    response: describeResponses({ description: "Documents without the configs in them", schema: documentListSchema }),
  };
  const namesIn = (configs: readonly NetworkConfig[]) => {
    const everybody = configs.flatMap(({ governance: { governors, guardians } }) => [...governors, ...guardians]);
    return new Map<Address, string>(everybody.map(({ address, name }) => [address, name]));
  };
  // The names of the config in force win over those of earlier ones.
  const namer = () => {
    const names = namesIn([genesis, ...store.transitions().map(({ config }) => config), network().config]);
    return (keyholder: Address) => names.get(keyholder);
  };
  app.get(DOCUMENTS_ROUTE, { schema: list }, (request, reply) => {
    const nameOf = namer();
    const show = (kept: DocumentView) => showDocument(kept, read(kept), nameOf);
    const documents = store.documents({ limit: request.query.limit }).map(show);
    return sendJson(reply, JSON.stringify({ documents }), NEVER_CACHED);
  });
  const one = {
    tags: TAGS,
    summary: "One document: what it says, who approved it, and its canonical bytes",
    params: documentParamsSchema,
    querystring: noQuerySchema,
    response: describeResponses({ description: "The document", schema: documentSchema }, "unknown-document"),
  };
  app.get(`${DOCUMENTS_ROUTE}/:digest`, { schema: one }, (request, reply) => {
    const kept = store.document(request.params.digest);
    if (kept === undefined) {
      const detail = `no document ${request.params.digest}: it is under review here, was never valid, or is too old; ${DOCUMENTS_ROUTE} lists them`;
      return sendProblem(request, reply, "unknown-document", { detail });
    }
    const decoded = read(kept);
    const shown = {
      ...showDocument(kept, decoded, namer()),
      document: toHex(kept.bytes),
      ...(decoded?.kind === "config" ? { config: decoded.config } : {}),
    };
    return sendJson(reply, JSON.stringify(shown), DOCUMENT_CACHE);
  });
}

function registerTransitions(app: GatewayApp, { genesis, store }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Every change of the config in force with the certificate that both committees signed, oldest first",
    description:
      "How a consumer follows from the genesis digest to the committee of today (client/committee.ts): each certificate is of the " +
      "first round under its config, signed by a quorum of the committee before it and by one of its own.",
    querystring: transitionsQuerySchema,
    response: describeResponses({ description: "Transitions", schema: transitionsSchema }),
  };
  app.get("/v1/governance/transitions", { schema }, (request, reply) => {
    const { after, limit } = request.query;
    return sendJson(reply, JSON.stringify(toTransitions(store.transitions(), { genesis, after, limit })), NEVER_CACHED);
  });
}
