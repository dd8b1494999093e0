import { readFileSync, statSync } from "node:fs";
import { isApiKey } from "../gateway/access.ts";
import type { GatewayConfig } from "../gateway/gateway-config.ts";
import type { Upstream } from "../gateway/upstream.ts";
import { OperationalError, reasonOf } from "../node/io/operational-error.ts";

const OTHERS = 0o077;
/** A key and its newline are shorter; what is larger is another file. */
const MAX_KEY_FILE_BYTES = 1_024;

export type Upstreams = {
  readonly follow: readonly Upstream[];
  readonly forward: readonly Upstream[];
  /** Every key among them, for the log to leave out. */
  readonly keys: readonly string[];
  /** Key files that others may read. */
  readonly exposed: readonly string[];
};

/**
 * What a gateway follows over HTTP and relays to, with the API keys that their `keyFile`s hold.
 *
 * @throws OperationalError `upstream-key`, naming the file and nothing of what it holds
 */
export function readUpstreams({ follow, forward }: Pick<GatewayConfig, "follow" | "forward">): Upstreams {
  const [followed, relayedTo] = [follow.http.map(readUpstream), forward.map(readUpstream)];
  const files = [...follow.http, ...forward].flatMap(({ keyFile }) => keyFile ?? []);
  return {
    follow: followed,
    forward: relayedTo,
    keys: [...new Set([...followed, ...relayedTo].flatMap(({ key }) => key ?? []))],
    exposed: [...new Set(files)].filter((path) => (statSync(path).mode & OTHERS) !== 0),
  };
}

/** One of them. Throws as {@link readUpstreams}. */
export function readUpstream({ url, keyFile }: GatewayConfig["forward"][number]): Upstream {
  return keyFile === undefined ? { url } : { url, key: readKey(keyFile) };
}

function readKey(path: string): string {
  const fault = (what: string, cause?: unknown) =>
    new OperationalError(`${path}: ${what}`, { code: "upstream-key", details: { path }, cause });
  let text: string;
  try {
    if (statSync(path).size > MAX_KEY_FILE_BYTES) throw fault("expected one API key and nothing else");
    text = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw fault(`cannot read the API key: ${reasonOf(error)}`, error);
  }
  if (!isApiKey(text)) throw fault("expected one API key, bw_ and 43 characters, and nothing else");
  return text;
}
