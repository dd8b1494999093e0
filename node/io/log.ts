import { type DestinationStream, destination, type Logger, pino } from "pino";
import type { NodeConfig } from "../node-config.ts";

/** Shorter parts of a URL's path are words (`v3`, `ethereum-mainnet`): keys are longer and hold a digit. */
const MIN_KEY_LENGTH = 16;
const REDACTED = "…";

/** User info of a URL, and its query, which is where keys stand that are not in its path. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'\\/?#]*@/gi;
const QUERY = /\b([a-z][a-z0-9+.-]*:\/\/[^\s"'\\?]*\?)[^\s"'\\]+/gi;

export type LogOptions = {
  readonly level: NodeConfig["logLevel"];
  /** Never written, wherever they come from. */
  readonly secrets: readonly string[];
  /** Lines of JSON; standard output without one, written at once so that a last line before an exit is not lost. */
  readonly out?: DestinationStream;
};

/**
 * The log of a node: lines of JSON, out of which every URL's user info and query, and every known secret, is cut on the way, whoever
 * logged it and in whatever field. An error is its type, message, code and stack: what libraries hang on theirs (a request with its
 * headers) is left behind.
 */
export function createLog({ level, secrets, out = destination({ dest: 1, sync: true }) }: LogOptions): Logger {
  const redact = createRedaction(secrets);
  return pino({ level, serializers: { err: plainError } }, { write: (line: string) => out.write(redact(line)) });
}

/**
 * @example
 * createRedaction(["0123456789abcdef0"])("at https://user:pass@rpc.example/v2/0123456789abcdef0?key=1"); // "at https://rpc.example/v2/…?…"
 */
export function createRedaction(secrets: readonly string[]): (line: string) => string {
  // A secret stands in a line of JSON as JSON writes it.
  const written = secrets.flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1)])]);
  return (line) => {
    let shown = line.includes("://") ? line.replace(USER_INFO, "$1").replace(QUERY, `$1${REDACTED}`) : line;
    for (const secret of written) shown = shown.replaceAll(secret, REDACTED);
    return shown;
  };
}

/** Bases that a gateway follows or relays to. */
type Upstreams = { readonly upstreams?: readonly string[] };

/**
 * What of a config's URLs would let somebody else in: keys in the paths of RPC endpoints, webhooks and followed gateways, passwords and
 * query values.
 */
export function secretsOf(config: Pick<NodeConfig, "rpc" | "alerts" | "redis"> & Upstreams): readonly string[] {
  const { rpc, alerts, redis, upstreams = [] } = config;
  const endpoints = [...Object.values(rpc).flat(), ...upstreams];
  const urls = [...endpoints, ...alerts.map(({ url }) => url), ...(redis === undefined ? [] : [redis.url])];
  const parts = urls.flatMap((url) => {
    if (!URL.canParse(url)) return [];
    const { pathname, searchParams, password } = new URL(url);
    return [...pathname.split("/"), ...searchParams.values(), password];
  });
  return [...new Set(parts.flatMap((part) => [part, decoded(part)]))].filter(
    (part) => part.length >= MIN_KEY_LENGTH && /\d/.test(part),
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function plainError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const code = "code" in error ? { code: String(error.code) } : {};
  const cause =
    error.cause === undefined ? {} : { cause: error.cause instanceof Error ? error.cause.message : String(error.cause) };
  return { type: name, message, ...code, ...cause, stack };
}
