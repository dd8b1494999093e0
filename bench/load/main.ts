import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "../child.ts";
import { type Frozen, openFrozen } from "./frozen.ts";
import { judge } from "./judge.ts";
import { type LoadNetwork, startLoadNetwork } from "./network.ts";
import { type LoadOptions, type Plan, parseOptions, USAGE } from "./plan.ts";
import type { ReadersOptions, ReadersReport } from "./readers.ts";
import { type Collected, describeReport, summarize } from "./report.ts";
import type { RequestsOptions, RequestsReport } from "./requests.ts";
import { type Sampler, startSampler } from "./sampler.ts";
import { openWitness, type Witness } from "./witness.ts";

/** Processes that hold readers; more than one, so that none of them is what limits. */
const READER_PROCESSES = 2;
const ROUND_MS = 1_000;

type Run = {
  readonly plan: Plan;
  readonly network: LoadNetwork;
  readonly readers: readonly Child[];
  readonly requests: Child;
  readonly witness: Witness;
  readonly startedAt: number;
  readonly say: (text: string) => void;
};

async function main(options: LoadOptions): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const stops: (() => unknown)[] = [];
  const folder = await prepareFolder(options.keep);
  if (options.keep === undefined) stops.push(() => rm(folder, { recursive: true, force: true }));
  try {
    const machine = describeMachine();
    say(`${machine}\nstarting four nodes, Redis and two gateways in ${folder} …`);
    const network = await startLoadNetwork(folder);
    stops.push(network.stop);
    say(`${options.plan.settleMs / 1_000} s until the young processes have settled …`);
    await sleep(options.plan.settleMs);
    const report = summarize({ machine, ...(await load(options.plan, network, say, stops)) });
    console.log(options.json ? JSON.stringify(report, undefined, 2) : describeReport(report));
    return report.ok ? 0 : 1;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function load(
  plan: Plan,
  network: LoadNetwork,
  say: Run["say"],
  stops: (() => unknown)[],
): Promise<Omit<Collected, "machine">> {
  const witness = openWitness(
    network.nodes.map(({ api }) => api),
    network.feeds[0] ?? "",
  );
  stops.push(witness.stop);
  const gateways = network.gateways.map(({ port }) => port);
  const { genesis, feeds } = network;
  const each = Math.ceil(plan.readers / READER_PROCESSES);
  const readers = Array.from({ length: READER_PROCESSES }, (_, index) => {
    const mine: ReadersOptions = {
      ...{ gateways, feeds, genesis, rampMs: plan.rampMs, offset: index * each },
      readers: Math.min(each, plan.readers - index * each),
    };
    return startChild(new URL("./readers.ts", import.meta.url), JSON.stringify(mine));
  });
  const asked: RequestsOptions = { gateways, feeds, genesis, perSecond: plan.requestsPerSecond };
  const requests = startChild(new URL("./requests.ts", import.meta.url), JSON.stringify(asked));
  const generators = [...readers, requests];
  stops.push(() => Promise.all(generators.map((child) => child.stop())));
  const names = [...readers.map((_, index) => `load: readers ${index + 1}`), "load: requests"];
  const pids = await Promise.all(generators.map((child) => child.ask({ kind: "pid" }) as Promise<{ readonly pid: number }>));
  await Promise.all(generators.map((child) => child.ask({ kind: "start" })));
  const startedAt = Date.now();
  const generatorPids = pids.map(({ pid }, index) => [names[index] ?? "", pid] as const);
  const sampler = startSampler(
    () => [...network.pids(), ...generatorPids, ["load: this process", process.pid] as const],
    startedAt,
  );
  stops.push(sampler.stop);
  const run: Run = { plan, network, readers, requests, witness, startedAt, say };
  const frozen = await playThrough(run);
  stops.push(frozen.stop);
  return collect(run, sampler);
}

/** The plan's instants, in their order. */
async function playThrough({ plan, network, startedAt, say }: Run): Promise<Frozen> {
  const { processes, gateways, feeds } = network;
  let frozen: Frozen = { count: 0, stop: () => undefined };
  const acts = [
    {
      at: plan.frozenAt,
      what: `${plan.frozen} readers that never read`,
      act: async () => {
        frozen = openFrozen(plan.frozen, { gateways: gateways.map(({ port }) => port), selection: feeds.join(",") });
      },
    },
    ...plan.outages.flatMap(({ what, killAt, startAt }) => {
      const name = what === "redis" ? "redis" : (gateways[1]?.name ?? "");
      return [
        { at: killAt, what: `kill -9 ${name}`, act: () => processes.kill(name) },
        { at: startAt, what: `${name} started again`, act: async () => processes.start(name) },
      ];
    }),
    { at: plan.durationMs, what: "end", act: async () => undefined },
  ];
  for (const { at, what, act } of acts) {
    await sleep(Math.max(0, startedAt + at - Date.now()));
    say(`${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${what}`);
    await act();
  }
  return frozen;
}

async function collect(
  { plan, network, readers, requests, witness, startedAt }: Run,
  sampler: Sampler,
): Promise<Omit<Collected, "machine">> {
  const endedAt = Date.now();
  sampler.stop();
  const [reports, answered] = await Promise.all([
    Promise.all(readers.map((child) => child.ask({ kind: "collect" }) as Promise<ReadersReport>)),
    requests.ask({ kind: "collect" }) as Promise<RequestsReport>,
  ]);
  const accounts = reports.flatMap((report) => report.accounts);
  const seen = new Map([...witness.certified].filter(([, at]) => at <= endedAt));
  const orphans = await orphansAmong(missingSomewhere(seen, accounts), network);
  const certified = new Map([...seen].filter(([round]) => !orphans.has(round)));
  const evidence = { plan, startedAt, endedAt, roundMs: ROUND_MS, leaseMs: network.leaseMs, certified, accounts };
  return {
    ...{ plan, judgement: judge(evidence), certified: seen.size, orphans: orphans.size, readers: reports, requests: answered },
    ...{ samples: sampler.samples, dropped: await droppedBy(network), stages: await stagesOf(network) },
    deaths: network.processes.deaths(),
  };
}

/** Rounds that some reader was not given: only these have to be asked about. */
function missingSomewhere(
  certified: ReadonlyMap<number, number>,
  accounts: Parameters<typeof judge>[0]["accounts"],
): readonly number[] {
  const counts = new Map<number, number>();
  for (const { rounds } of accounts) for (const round of rounds) counts.set(round, (counts.get(round) ?? 0) + 1);
  return [...certified.keys()].filter((round) => (counts.get(round) ?? 0) < accounts.length);
}

/** Rounds off the walk back from the newest certificate are nobody's to be given. */
async function orphansAmong(rounds: readonly number[], { nodes }: LoadNetwork): Promise<ReadonlySet<number>> {
  const orphans = new Set<number>();
  for (const round of rounds) {
    const response = await fetch(`${nodes[0]?.api}/v1/rounds/${round}`).catch(() => undefined);
    if (response?.status !== 200) continue;
    if (((await response.json()) as { readonly orphan: boolean }).orphan) orphans.add(round);
  }
  return orphans;
}

async function droppedBy({ gateways }: LoadNetwork): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const { name, api } of gateways) {
    for (const [, reason, count] of (await metricsOf(api)).matchAll(
      /^breakwater_stream_readers_dropped_total\{reason="(\w+)"\} (\d+)/gm,
    )) {
      found[`${name} ${reason}`] = Number(count);
    }
  }
  return found;
}

/** Mean ms over all nodes of what a node does between the certificate and the moment its own readers have it. */
async function stagesOf({ nodes }: LoadNetwork): Promise<Readonly<Record<string, number>>> {
  const texts = await Promise.all(nodes.map(({ api }) => metricsOf(api)));
  const total = (stage: string, part: "sum" | "count"): number =>
    texts.reduce((sum, text) => {
      const found = new RegExp(`^breakwater_stage_seconds_${part}\\{stage="${stage}"\\} (\\S+)`, "m").exec(text)?.[1];
      return sum + Number(found ?? 0);
    }, 0);
  return Object.fromEntries(
    ["save", "publish"].map((stage) => [stage, (1_000 * total(stage, "sum")) / Math.max(1, total(stage, "count"))]),
  );
}

async function metricsOf(api: string): Promise<string> {
  const response = await fetch(`${api}/metrics`).catch(() => undefined);
  return (await response?.text()) ?? "";
}

async function prepareFolder(keep: string | undefined): Promise<string> {
  if (keep === undefined) return mkdtemp(join(tmpdir(), "breakwater-load-"));
  await mkdir(resolve(keep), { recursive: true });
  return resolve(keep);
}

function describeMachine(): string {
  const load = loadavg()[0]?.toFixed(1) ?? "?";
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.version}, load ${load} before the run`;
}

const args = process.argv.slice(2);
if (args.includes("--help")) {
  console.log(USAGE);
} else {
  try {
    process.exitCode = await main(parseOptions(args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
