import type { Network } from "../../protocol/config.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import { BEHAVIOURS } from "../byzantine/index.ts";
import { type Cluster, createCluster } from "../cluster/cluster.ts";
import { createCouncil } from "../cluster/council.ts";
import { isChainFault } from "../cluster/fault.ts";
import { createSharedFold } from "../cluster/fold.ts";
import { GOVERNORS, GUARDIANS, STRANGER } from "../cluster/keyholders.ts";
import type { Market } from "../cluster/market.ts";
import type { Occurrence, Witness } from "../cluster/occurrence.ts";
import { createKeys, createTableScheme, type Key } from "../cluster/signatures.ts";
import type { Checker, CreateChecker, TrialFacts, Violation } from "../promises/checker.ts";
import { createCheckers } from "../promises/index.ts";
import { createChains } from "./chains.ts";
import { createMarket } from "./market.ts";
import type { Plan } from "./plan.ts";
import { createSettings, type Settings } from "./settings.ts";
import { createTraceHash } from "./trace-hash.ts";

/** The largest committee of a trial, and one that waits. */
const MAX_NODES = 14;
/** 15 January 2027; each seed starts a little later, at another phase of its round and with another leader. */
const EPOCH = 1_800_000_000_000;
const PHASES_MS = 97_001;
/** One broken promise is reported so often; more of the same say nothing new. */
const MAX_VIOLATIONS = 50;

/** What trials share, made once: keys and parsed networks. */
export type Grounds = { readonly keys: readonly Key[]; readonly settings: Settings };

export function createGrounds(): Grounds {
  const keys = createKeys(MAX_NODES);
  return { keys, settings: createSettings(keys) };
}

export type TrialOptions = {
  readonly grounds: Grounds;
  /** Listens in. */
  readonly witness?: Witness;
  /** Real signatures instead of a table of them. */
  readonly scheme?: Secp256k1;
  /** Other checkers than those of every promise. */
  readonly checkers?: CreateChecker;
};

export type TrialOutcome = {
  readonly violations: readonly Violation[];
  /** The same for the same plan, always. */
  readonly traceHash: string;
  /** Round numbers with a certificate that some node committed. */
  readonly rounds: number;
  /** Unix ms of true time. */
  readonly startAt: number;
};

/**
 * One trial: any fault at all that the plan holds (safety), then a healed network that has to go on (progress), judged by what is true
 * and not by what any node believes. Pure: the plan decides everything.
 */
export function runTrial(plan: Plan, { grounds, witness, scheme, checkers = createCheckers }: TrialOptions): TrialOutcome {
  const network = grounds.settings.network(plan.setting, plan.n);
  const startAt = EPOCH + ((plan.seed * 7_919) % PHASES_MS);
  const market = openMarket(plan, network, startAt);
  // A place in the committee is waited for where somebody may give it away.
  const waits = plan.acts.some(({ act }) => act.kind === "config-committee");
  const keys = grounds.keys.slice(0, plan.n + (waits ? 1 : 0));
  const signatures = scheme ?? createTableScheme([...grounds.keys, ...GOVERNORS, ...GUARDIANS, STRANGER]);
  const council = createCouncil({ genesis: network, scheme: signatures, nodes: keys });
  const nodes = keys.map(({ address }) => address);
  const facts = factsOf(plan, { network, nodes, networkOf: council.networkOf, scheme: signatures, market, startAt });
  const violations: Violation[] = [];
  const report = (violation: Violation): void => {
    if (violations.length < MAX_VIOLATIONS) violations.push(violation);
  };
  const trace = createTraceHash();
  const rounds = new Set<number>();
  const checker = checkers(facts, report);
  const cluster = createCluster({
    seed: plan.seed,
    network,
    scheme: signatures,
    fold: createSharedFold(),
    keys,
    startAt,
    skewsMs: plan.skewsMs,
    delayMs: plan.delayMs,
    market,
    council,
    byzantine: plan.byzantine.map(({ node, behaviour }) => ({ node, name: behaviour, create: behaviourOf(behaviour) })),
    witness: (occurrence: Occurrence) => {
      trace.witness(occurrence);
      if (occurrence.kind === "committed") rounds.add(occurrence.certified.certificate.header.round);
      checker.witness(occurrence);
      witness?.(occurrence);
    },
  });
  try {
    play(cluster, plan, facts, checker);
    checker.finish(cluster.queue.now());
  } catch (fault) {
    report({ promise: "sound", at: cluster.queue.now(), what: `thrown: ${textOf(fault)}` });
  }
  return { violations, traceHash: trace.hex(), rounds: rounds.size, startAt };
}

function openMarket({ seed }: Plan, { config }: Network, startAt: number): Market {
  const market = createMarket({ seed, config, startAt });
  const chains = createChains(config);
  return {
    ...market,
    gauges: chains.gauges,
    begin: (fault, span) => (isChainFault(fault) ? chains.begin(fault, span.at) : market.begin(fault, span)),
    end: (fault, now) => (isChainFault(fault) ? chains.end(fault) : market.end(fault, now)),
  };
}

function factsOf(
  plan: Plan,
  world: Pick<TrialFacts, "network" | "nodes" | "networkOf" | "scheme" | "market" | "startAt">,
): TrialFacts {
  const byzantine = plan.byzantine.map(({ node }) => node);
  const honestSkews = plan.skewsMs.filter((_, node) => !byzantine.includes(node));
  return {
    ...world,
    faults: plan.faults,
    byzantine,
    downAfterHeal: plan.downAfterHeal,
    healsByzantine: plan.healsByzantine,
    healAt: world.startAt + plan.safetyMs,
    endAt: world.startAt + plan.safetyMs + plan.healMs,
    maxDelayMs: plan.delayMs[1],
    maxSkewMs: Math.max(0, ...honestSkews) - Math.min(0, ...honestSkews),
  };
}

function play(cluster: Cluster, plan: Plan, { startAt, healAt, endAt, network }: TrialFacts, checker: Checker): void {
  const { queue } = cluster;
  for (const planned of plan.faults) cluster.plan(planned);
  for (const planned of plan.acts) cluster.act(planned);
  if (cluster.hosts.length > plan.n) queue.at(startAt, () => cluster.start(plan.n));
  plan.startsMs.forEach((ms, node) => {
    queue.at(startAt + ms, () => cluster.start(node));
  });
  queue.at(healAt, () => {
    if (plan.healsByzantine) cluster.reform();
    for (const node of plan.downAfterHeal) cluster.stop(node);
  });
  queue.runUntil(healAt);
  while (queue.now() < endAt && checker.isContent?.(queue.now()) !== true) {
    queue.runUntil(Math.min(endAt, queue.now() + network.config.roundMs));
  }
}

function behaviourOf(name: string) {
  const create = Object.hasOwn(BEHAVIOURS, name) ? BEHAVIOURS[name as keyof typeof BEHAVIOURS] : undefined;
  if (create === undefined) throw new Error(`unknown behaviour "${name}"`);
  return create;
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}
