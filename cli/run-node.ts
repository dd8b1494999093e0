import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { ADAPTERS } from "../adapters/index.ts";
import { type ChainWatch, createChainWatch } from "../adapters/io/chain-watch.ts";
import { createRpcMetrics } from "../adapters/io/rpc-metrics.ts";
import { type ReplayReport, replayDigest } from "../aggregator/replay/report.ts";
import { type Alerts, createAlerts, readAlertHooks } from "../node/io/alerts.ts";
import { readKeyFile, readPassword } from "../node/io/keys.ts";
import { createLog, secretsOf } from "../node/io/log.ts";
import { createNodeMetrics, type NodeMetrics } from "../node/io/metrics.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import { watchProcess } from "../node/io/process-faults.ts";
import { createReviewer, type Reviewer } from "../node/io/review.ts";
import { startNode } from "../node/io/runtime.ts";
import { openStore } from "../node/io/store.ts";
import type { NodeConfig } from "../node/node-config.ts";
import type { Store } from "../node/store.ts";
import type { Address, Digest } from "../protocol/bytes.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import { DASHBOARD_FOLDER } from "./dashboard-folder.ts";
import { endOfLife, leaveParent } from "./end-of-life.ts";
import { readNetworkFile, readNodeFile } from "./files.ts";
import { adviseOperator } from "./node-advice.ts";
import { openGateway } from "./open-gateway.ts";
import { tellRedis } from "./redis-log.ts";
import { createIncidentSuite } from "./review/incidents.ts";
import { createWhatIf } from "./review/what-if.ts";

const MINUTE_MS = 60_000;

/**
 * Runs a node until SIGINT, SIGTERM or, under a parent that holds an IPC channel, until the parent is gone. What was started before a
 * fault is stopped again: nothing half-starts.
 *
 * @throws OperationalError naming the file and field, the key, the port or the store at fault
 */
export async function runNode(configFile: string): Promise<void> {
  const ended = endOfLife();
  try {
    await runUntil(ended, configFile);
  } finally {
    leaveParent();
  }
}

async function runUntil(ended: Promise<void>, configFile: string): Promise<void> {
  const config = readNodeFile(configFile);
  const network = readNetworkFile(config.network);
  const log = createLog({ level: config.logLevel, secrets: secretsOf(config) });
  const password = await readPassword({ ...passwordFileOf(config.key), environment: process.env }, log);
  const key = await readKeyFile(config.key.file, password, { log });
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    stops.push(watchProcess(log, process));
    const store = openStore({
      path: config.storage.path,
      domain: network.domain,
      retention: { rounds: config.storage.rounds, bodies: config.storage.bodies },
    });
    stops.push(() => store.close());
    requireMembership(config, { network, store, address: key.address });
    const metrics = createNodeMetrics();
    const alerts = await openAlerts(config, { network, address: key.address, log, metrics });
    stops.push(() => alerts.stop());
    const chains = openChains(network, config, { log, registry: metrics.registry });
    stops.push(() => chains.stop());
    const suite = createIncidentSuite();
    stops.push(() => suite.stop());
    const inForce = (): Network => node.network();
    const { report, review } = createReviewer({ store, network: inForce, scheme: key.scheme, incidents: suite.incidents });
    const whatIf = createWhatIf({ path: config.storage.path, domain: network.domain });
    stops.push(() => whatIf.stop());
    const named = { network: network.config.network, writer: key.address, log, registry: metrics.registry };
    const told = config.redis === undefined ? undefined : tellRedis(store, { redis: config.redis, ...named });
    if (told !== undefined) stops.push(told.stop);
    const own = { config, adapters: ADAPTERS, key, metrics, log, now: Date.now, chains, alerts, review };
    const node = await startNode({ network, store: told?.store ?? store, ...own });
    stops.push(() => node.stop());
    if (told !== undefined) node.subscribe(told.onHead);
    for (const { fields, text } of adviseOperator(config, node.network().config)) log.warn(fields, text);
    const gateway = await openGateway({
      host: config.api.host,
      port: config.api.port,
      rateLimit: { max: config.api.requestsPerMinute, windowMs: MINUTE_MS },
      stream: { maxReadersPerAddress: config.api.streamsPerAddress },
      dashboard: DASHBOARD_FOLDER,
      network: node.network,
      genesis: network.config,
      store,
      governance: node.governance,
      submit: node.submit,
      replay: (proposed, { to }) => replay({ store, report }, proposed, to),
      whatIf: (question) => whatIf.ask({ network: inForce(), ...question }),
      subscribe: node.subscribe,
      sources: node.sources,
      now: Date.now,
      registry: metrics.registry,
      log,
    });
    stops.push(async () => {
      await gateway.drain();
      await gateway.close();
    });
    log.info(
      { address: key.address, api: gateway.address, network: network.config.network, scheme: key.scheme.name },
      "node started",
    );
  } catch (error) {
    await stopAll();
    throw error;
  }
  await ended;
  log.info({}, "node stopping");
  await stopAll();
}

/** A member of the genesis or of a later committee that this node's store knows; or one that says that it is yet to become one. */
function requireMembership(
  { joining, key, network: file }: NodeConfig,
  {
    network,
    store,
    address,
  }: { readonly network: Network; readonly store: Pick<Store, "transitions">; readonly address: Address },
): void {
  const committees = [network.config, ...store.transitions().map(({ config }) => config)].map(({ committee }) => committee);
  if (joining || committees.some((members) => members.some((member) => member.address === address))) return;
  const advice = "a node that governance has yet to let in says `joining: true`";
  throw new OperationalError(`${key.file}: the key's address ${address} is not in the committee of ${file}; ${advice}`, {
    code: "not-a-member",
  });
}

/** Who is told what this operator must know at once, under the name that the genesis committee has for this node. */
async function openAlerts(
  { alerts: hooks }: NodeConfig,
  {
    network: { config },
    address,
    log,
    metrics,
  }: { readonly network: Network; readonly address: Address; readonly log: Logger; readonly metrics: NodeMetrics },
): Promise<Alerts> {
  const name = config.committee.find((member) => member.address === address)?.name;
  const node = { address, ...(name === undefined ? {} : { name }) };
  const identity = { network: config.network, node };
  return createAlerts({ identity, hooks: await readAlertHooks(hooks, log), log, metrics, now: Date.now });
}

/** The network's chains through this operator's endpoints; those that he has none for are left to the others. */
function openChains(
  { config: { chains, references } }: Network,
  { rpc }: NodeConfig,
  { log, registry }: { readonly log: Logger; readonly registry: Registry },
): ChainWatch {
  const metrics = createRpcMetrics(registry);
  const watch = createChainWatch({ chains, references, endpoints: rpc, log, metrics, now: Date.now, random: Math.random });
  watch.start();
  return watch;
}

/** What the gateway answers about a proposed config: the report up to a round, the newest one unless told otherwise. */
async function replay(
  { store, report }: { readonly store: Pick<Store, "latest">; readonly report: Reviewer["report"] },
  proposed: NetworkConfig,
  to: number | undefined,
): Promise<{ readonly digest: Digest; readonly report: ReplayReport }> {
  const last = to ?? store.latest()?.certified.certificate.header.round;
  if (last === undefined) throw new OperationalError("this node has no round yet", { code: "replay" });
  const found = await report(proposed, last);
  return { digest: replayDigest(found), report: found };
}

function passwordFileOf({ passwordFile }: { readonly passwordFile?: string | undefined }): { passwordFile?: string } {
  return passwordFile === undefined ? {} : { passwordFile };
}
