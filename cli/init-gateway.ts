import { join, relative, resolve } from "node:path";
import { readGatewayFile, readNetworkFile } from "./files.ts";
import { badFlag, parseWhole } from "./flags.ts";
import { parseRedis, relativeRedis } from "./init-flags.ts";
import type { InitOptions } from "./init-network.ts";
import { writeNewFiles } from "./new-files.ts";
import { gatewayYaml } from "./templates-gateway.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that are a node's or a network's own. */
const NOT_A_GATEWAYS = ["name", "me", "key", "passwordFile", "member", "peer", "governor", "guardian", "rpc", "alert"] as const;

/** Writes the gateway.yaml of a network that is founded. @throws OperationalError */
export function writeGateway(options: InitOptions, terminal: Terminal): void {
  const { dir, join: networkPath, follow, forward, storage, keysFile } = options;
  const stray = NOT_A_GATEWAYS.find((name) => options[name] !== undefined && options[name].length > 0);
  if (stray !== undefined)
    throw badFlag("--gateway", `a gateway has no --${stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (networkPath === undefined) throw badFlag("--join", "missing: the network.yaml that the members were sent");
  const redis = parseRedis(options);
  if (redis === undefined && follow.length === 0) throw badFlag("--follow", "expected at least one, or --redis <url>");
  const network = readNetworkFile(networkPath);
  const fromDir = (path: string) => relative(resolve(dir), resolve(path));
  const file = {
    path: join(dir, "gateway.yaml"),
    content: gatewayYaml({
      network: fromDir(networkPath),
      api: { host: options.apiHost, port: parseWhole("--api-port", options.apiPort) },
      follow: {
        ...(redis === undefined ? {} : { redis: relativeRedis(redis, fromDir) }),
        http: follow,
      },
      forward,
      ...(storage === undefined ? {} : { storage: fromDir(storage) }),
      ...(keysFile === undefined ? {} : { keysFile: fromDir(keysFile) }),
      logLevel: "info",
    }),
  };
  writeNewFiles([file], () => readGatewayFile(file.path));
  const { out, note } = terminal;
  note(`wrote ${file.path}: a replica of network ${network.config.network}`);
  note("genesis digest, which is all that it trusts; compare it with the members:");
  out(network.genesisConfigDigest);
  note("Next:");
  note(`  1. breakwater doctor --gateway ${file.path}`);
  note(`  2. breakwater gateway --config ${file.path}`);
}
