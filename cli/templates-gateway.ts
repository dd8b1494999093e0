import { type RedisTemplate, section } from "./templates.ts";

export type GatewayTemplate = {
  readonly network: string;
  readonly api: { readonly host: string; readonly port: number };
  readonly follow: { readonly redis?: RedisTemplate; readonly http: readonly string[] };
  readonly forward: readonly string[];
  readonly storage?: string;
  readonly keysFile?: string;
  readonly logLevel: string;
};

const FOLLOW_COMMENT = `What is followed: the nodes' Redis, nodes or other gateways over HTTP, or both. Nothing that any of them says is believed, every round
is verified against the genesis; follow two, so that one may be down. One that asks for an API key is \`{ url, keyFile }\`, here and below.`;

const STORAGE_COMMENT = `Rounds are held in memory, and a restart begins with what the followed ones still have; with a \`path\` they are kept on disk.
\`rounds\` and \`bodies\` say how many.`;

/** A commented `gateway.yaml`: a replica that serves what it has verified. Paths are relative to the file. */
export function gatewayYaml({ network, api, follow, forward, storage, keysFile, logLevel }: GatewayTemplate): string {
  return [
    section("A gateway of a Breakwater network: it holds no key and signs nothing. The genesis is all that it trusts.", {
      network,
    }),
    section(
      "The HTTP API. `trustProxy` lists the addresses or ranges of proxies in front; `cors` says which web pages may read.",
      { api: { ...api, trustProxy: [], cors: "*" } },
    ),
    section(FOLLOW_COMMENT, { follow }),
    section(
      "Nodes that answer what a replica cannot (keyholders' documents, replays, a node's own sources), asked in this order.",
      {
        forward,
      },
    ),
    section(STORAGE_COMMENT, { storage: storage === undefined ? {} : { path: storage } }),
    ...(keysFile === undefined
      ? []
      : [
          section("Readers' keys, as their digests (breakwater keys api). Without it everybody is counted by address.", {
            keysFile,
          }),
        ]),
    section("`redis: true` counts requests in follow.redis, so that all gateways share one budget per key and address.", {
      limits: { redis: follow.redis !== undefined },
    }),
    section("fatal, error, warn, info or debug.", { logLevel }),
  ].join("\n");
}
