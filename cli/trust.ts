import { trustCommittee, trustGenesis, trustNetwork } from "../client/committee.ts";
import type { Trust } from "../client/verify.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import { isHex } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { committeeDocumentSchema } from "../protocol/document.ts";
import type { Result } from "../protocol/result.ts";
import { readNetworkFile } from "./files.ts";
import { badFlag } from "./flags.ts";
import { describeWay, fetchGenesis, followFrom } from "./following.ts";
import { apiBase, getJson, parseJson } from "./http.ts";
import { readTextFile } from "./input.ts";

const MAX_COMMITTEE_BYTES = 8 * 1024 * 1024;
export const DEFAULT_HOST = "http://localhost:8080";
const NOT_FOUND = 404;

export type TrustOptions = {
  readonly genesis?: string;
  readonly committee?: string;
  /** Who carries the genesis config and its changes when neither a file nor the answering host does. */
  readonly host?: string;
};

/** Whose signatures count, and on whose word, in lines to print. */
export type TrustRoot = { readonly trust: Trust; readonly words: readonly string[] };

/**
 * The root that a verification hangs on: a genesis digest, a committee file, or else the host that answered, which is said plainly.
 *
 * @param answeredBy the URL that served the document; undefined for a file
 * @throws OperationalError `bad-flag`, `untrusted`, or why a file or URL could not be read
 */
export async function resolveTrust(options: TrustOptions, answeredBy: string | undefined): Promise<TrustRoot> {
  const { genesis, committee } = options;
  if (genesis !== undefined && !isHex(genesis, 32)) {
    throw badFlag("--genesis", `expected 0x and 64 lower-case hex digits, found "${genesis}"`);
  }
  const carrier = (answeredBy && apiBase(answeredBy)) ?? options.host?.replace(/\/+$/, "");
  if (committee !== undefined) return followOn(await trustFile(committee, genesis), carrier);
  if (genesis !== undefined) return trustDigest(genesis, carrier ?? DEFAULT_HOST);
  if (answeredBy !== undefined) return trustHost(answeredBy);
  throw new OperationalError("whose signatures should count? A saved document needs --genesis <digest> or --committee <file>", {
    code: "untrusted",
  });
}

async function trustHost(answeredBy: string): Promise<TrustRoot> {
  const base = apiBase(answeredBy);
  if (base === undefined) {
    throw new OperationalError(`${answeredBy}: expected a URL under /v1/, or whose signatures count: --genesis or --committee`, {
      code: "untrusted",
    });
  }
  const { url, body } = await getJson(`${base}/v1/committee`);
  const trust = must(trustCommittee(body), url);
  const stated = committeeDocumentSchema.parse(body).genesisConfigDigest;
  return {
    trust,
    words: [
      `the answering host's own word: ${describe(trust)}, as ${url} names them`,
      "whoever controls that host could have named others. To trust no host, ask the members for their genesis digest and",
      `give it with --genesis (this host states ${stated})`,
    ],
  };
}

async function trustDigest(genesis: string, base: string): Promise<TrustRoot> {
  const { url, genesis: founded } = await fetchGenesis(base);
  if (founded?.configDigest !== genesis) {
    const found = founded === undefined ? "there is none" : `its digest is ${founded.configDigest}`;
    throw new OperationalError(`${url}: the genesis config: ${found}, not ${genesis}`, { code: "untrusted" });
  }
  const trust = await followFrom(trustNetwork(founded), base);
  return {
    trust,
    words: [
      `the genesis digest ${genesis}, given by you: ${describe(trust)}`,
      `the config came from ${url}, which need not be trusted: it hashes to the digest`,
      ...describeWay(trust),
    ],
  };
}

/** From a file's beginning to the committee of today, where somebody carries the changes. A committee that was stated stays as it is. */
async function followOn({ trust, words }: TrustRoot, carrier: string | undefined): Promise<TrustRoot> {
  if (trust.eras === undefined || carrier === undefined) return { trust, words };
  try {
    const followed = await followFrom(trust, carrier);
    return { trust: followed, words: [...words, ...describeWay(followed)] };
  } catch (error) {
    if (!(error instanceof OperationalError) || error.details.status !== NOT_FOUND) throw error;
    return { trust, words: [...words, `${carrier} tells nothing of changes of config since`] };
  }
}

async function trustFile(path: string, genesis: string | undefined): Promise<TrustRoot> {
  const document = parseJson(await readTextFile(path, MAX_COMMITTEE_BYTES));
  const isDocument = typeof document === "object" && document !== null && "members" in document;
  if (!isDocument) return trustNetworkFile(path, readNetworkFile(path), genesis);
  if (genesis === undefined) {
    const trust = must(trustCommittee(document), path);
    return { trust, words: [`the committee in ${path}, given by you: ${describe(trust)}`] };
  }
  const trust = must(trustGenesis(document, genesis as `0x${string}`), path);
  return { trust, words: [`the genesis digest ${genesis}, given by you, to which ${path} hashes: ${describe(trust)}`] };
}

function trustNetworkFile(path: string, network: Network, genesis: string | undefined): TrustRoot {
  const { genesisConfigDigest } = network;
  if (genesis !== undefined && genesis !== genesisConfigDigest) {
    throw new OperationalError(`${path}: its genesis digest is ${genesisConfigDigest}, not ${genesis}`, { code: "untrusted" });
  }
  const trust = trustNetwork(network);
  return { trust, words: [`the network in ${path} (genesis ${genesisConfigDigest}), given by you: ${describe(trust)}`] };
}

function must(result: Result<Trust, string>, from: string): Trust {
  if (result.ok) return result.value;
  throw new OperationalError(`${from}: no committee to verify against: ${result.error}`, { code: "untrusted" });
}

function describe({ committee: { members, quorum } }: Trust): string {
  return `${members.length} members, of whom ${quorum} must sign`;
}
