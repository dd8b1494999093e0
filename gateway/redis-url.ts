import { fail, ok, type Result } from "../protocol/result.ts";

const DEFAULT_PORT = 6_379;
const DEFAULT_SENTINEL_PORT = 26_379;
/** Enough to find a Sentinel or a Cluster by; the rest they name themselves. */
const MAX_HOSTS = 16;
const MAX_URL_CHARACTERS = 2_048;

export type RedisHost = { readonly host: string; readonly port: number };

/** What a Redis URL names: one server, the Sentinels that know who is the master of a name, or some nodes of a Cluster. */
export type RedisTarget =
  | { readonly kind: "single"; readonly tls: boolean; readonly hosts: readonly RedisHost[] }
  | { readonly kind: "sentinel"; readonly tls: boolean; readonly hosts: readonly RedisHost[]; readonly master: string }
  | { readonly kind: "cluster"; readonly tls: boolean; readonly hosts: readonly RedisHost[] };

const SHAPE = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/([^/?#]*)(\/[^?#]*)?([?#].*)?$/;
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?))(?::(\d{1,5}))?$/;
const MASTER = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Reads `redis://host:port`, `redis+sentinel://host:port,host:port/master` or `redis+cluster://host:port,host:port`; `rediss` in front
 * means TLS. Ports are 6379, Sentinels' 26379, unless said otherwise. A fault says what was expected and never repeats the URL: a
 * mistyped one may hold a password.
 *
 * @example parseRedisUrl("rediss+sentinel://10.0.0.1,10.0.0.2:7000/oracle")
 * // { kind: "sentinel", tls: true, hosts: [{ host: "10.0.0.1", port: 26379 }, { host: "10.0.0.2", port: 7000 }], master: "oracle" }
 */
export function parseRedisUrl(url: string): Result<RedisTarget, string> {
  const shape = url.length > MAX_URL_CHARACTERS ? null : SHAPE.exec(url);
  if (shape === null) return fail("expected redis://, rediss://, redis+sentinel:// or redis+cluster:// and hosts");
  const [, secure, mode, authority = "", path = "", rest] = shape;
  if (authority.includes("@")) return fail("expected no user or password in url: they belong in username and passwordFile");
  if (rest !== undefined) return fail("expected no query and no fragment");
  const tls = secure === "s";
  const hosts = parseHosts(authority, mode === "sentinel" ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT);
  if (hosts === undefined) return fail(`expected 1 to ${MAX_HOSTS} hosts, each host or host:port, separated by commas`);
  if (mode === "sentinel") {
    const master = path.slice(1);
    return MASTER.test(master)
      ? ok({ kind: "sentinel", tls, hosts, master })
      : fail("expected the master's name after the Sentinels: /name");
  }
  if (path !== "" && path !== "/") return fail("expected no path: only a Sentinel URL has one");
  if (mode === "cluster") return ok({ kind: "cluster", tls, hosts });
  return hosts.length === 1
    ? ok({ kind: "single", tls, hosts })
    : fail("expected one host; several mean redis+sentinel or redis+cluster");
}

function parseHosts(authority: string, defaultPort: number): readonly RedisHost[] | undefined {
  const hosts = authority.split(",").map((text) => {
    const [, v6, name, port] = HOST.exec(text) ?? [];
    const host = v6 ?? name;
    const number = port === undefined ? defaultPort : Number(port);
    return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
  });
  if (hosts.length > MAX_HOSTS) return undefined;
  const found = hosts.filter((host) => host !== undefined);
  return found.length === hosts.length ? found : undefined;
}
