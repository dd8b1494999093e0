import { stringify } from "yaml";
import { nodeYaml } from "../templates.ts";

/** Where docker-compose.yml puts things in every container. */
const CONFIG = "/etc/breakwater";
const SECRETS = "/run/secrets";
const DATA = "/var/lib/breakwater";
const API_PORT = 8080;
const P2P_PORT = 9000;
const REDIS_URL = "redis://redis:6379";

/** How long a round stays in a node's stream. A gateway that was away for longer keeps what it had and goes on from there. */
const STREAM_ROUNDS = 3_600;

/** What Redis' health check says PING as: it may do nothing else, so it needs no password. */
export const HEALTH_USER = "user health on nopass resetkeys resetchannels -@all +ping";

export type ComposeNode = { readonly name: string; readonly address: string };

/** `node.yaml` of one of the four; the other containers are found by their names. */
export function nodeText({ name, address }: ComposeNode, members: readonly ComposeNode[]): string {
  const text = nodeYaml({
    network: "network.yaml",
    keyFile: `${SECRETS}/node_key`,
    passwordFile: `${SECRETS}/node_password`,
    listen: `/ip4/0.0.0.0/tcp/${P2P_PORT}`,
    peers: members
      .filter((member) => member.address !== address)
      .map((member) => ({ address: member.address, multiaddr: `/dns4/${member.name}/tcp/${P2P_PORT}` })),
    api: { host: "0.0.0.0", port: API_PORT },
    storage: `${DATA}/store.sqlite`,
    venues: {},
    logLevel: "info",
  });
  return [
    text,
    "# Gateways follow this node through a stream of its own, which no other user of Redis may write.",
    stringify({ redis: { url: REDIS_URL, username: name, passwordFile: `${SECRETS}/redis_password`, rounds: STREAM_ROUNDS } }),
    "# The nodes of one machine share one address, and with it each venue's request budget.",
    stringify({ addressSharedBy: members.length }),
  ].join("\n");
}

/** `gateway.yaml` of a replica: it follows every node's stream, and relays to the nodes what only they can answer. */
export function gatewayText(name: string, members: readonly ComposeNode[]): string {
  return [
    `# A gateway: verifies what Redis carries against the genesis and serves it. Paths are those of its container; see ${CONFIG}.`,
    stringify({
      network: "network.yaml",
      api: { host: "0.0.0.0", port: API_PORT },
      follow: { redis: { url: REDIS_URL, username: name, passwordFile: `${SECRETS}/redis_password` } },
      forward: members.map((member) => `http://${member.name}:${API_PORT}`),
      storage: { path: `${DATA}/store.sqlite` },
      limits: { redis: true },
      logLevel: "info",
    }),
  ].join("\n");
}
