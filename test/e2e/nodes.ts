import { readFileSync } from "node:fs";
import type { Address, Digest } from "../../protocol/bytes.ts";
import { createCommittee, leaderOf } from "../../protocol/committee.ts";
import { createDomain, type Domain } from "../../protocol/eip712.ts";
import { type Devnet, type DevnetNode, request, within } from "./devnet.ts";
import { certificatesIn, doubles, type Promised, promisesIn, type Signed, signaturesIn, unrecorded } from "./stores.ts";

/** What is asked of a running network here: a development network, or one founded by a test. */
export type Running = Pick<Devnet, "nodes" | "get" | "post">;

/** The network as an onlooker knows it. */
export type Onlooker = { readonly domain: Domain; readonly leaderOf: (round: number) => Address };

export async function onlookerOf(network: Running): Promise<Onlooker> {
  const {
    network: name,
    genesisConfigDigest,
    members,
  } = await network.get<{
    network: string;
    genesisConfigDigest: Digest;
    members: { name: string; address: Address }[];
  }>("/v1/committee");
  const committee = createCommittee(members);
  return { domain: createDomain(name, genesisConfigDigest), leaderOf: (round) => leaderOf(committee, round) };
}

export async function nodeOf(network: Running, index: number): Promise<DevnetNode> {
  const node = (await network.nodes())[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
}

/** kill -9, and until its parent has noticed. */
export async function kill(network: Running, index: number): Promise<void> {
  const { pid } = await nodeOf(network, index);
  if (pid === null) throw new Error(`node${index} is dead already`);
  process.kill(pid, "SIGKILL");
  await within(10_000, `node${index} gone`, async () => (await nodeOf(network, index)).pid === null);
}

/** Over the control API, as anybody would. */
export async function restart(
  network: Running,
  index: number,
): Promise<{ readonly firstRound: number; readonly leftAt: number }> {
  await network.post(`/nodes/node${index}/start`);
  return leftQuarantine(network, index);
}

/** Once the running process has left its quarantine: when it did, and from which round on it signs. */
export async function leftQuarantine(
  network: Running,
  index: number,
): Promise<{ readonly firstRound: number; readonly leftAt: number }> {
  const { pid, log } = await nodeOf(network, index);
  const left = (): LogLine | undefined => logOf(log).find((line) => line.pid === pid && line.code === "quarantine-left");
  await within(60_000, `node${index} out of quarantine`, async () => left() !== undefined);
  const { firstRound = 0, time = 0 } = left() ?? {};
  return { firstRound, leftAt: time };
}

type LogLine = { readonly pid: number; readonly time: number; readonly code?: string; readonly firstRound?: number };

export function logOf(path: string): readonly LogLine[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => (line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line) as LogLine] : []));
}

export async function latestRound(api: string): Promise<number> {
  const reply = await request(`${api}/v1/rounds/latest`).catch(() => undefined);
  return reply?.status === 200 ? (reply.json as { header: { round: number } }).header.round : 0;
}

/** Until the node's guard shows signed headers of `count` rounds after this one. */
export async function signsAfter(node: DevnetNode, round: number, count = 5): Promise<void> {
  const headers = () => promisesIn(node.store).filter((promise) => promise.kind === "round" && promise.round > round);
  await within(60_000, `${node.name} signing ${count} rounds after ${round}`, async () => headers().length >= count);
}

/**
 * P2 over a whole network: nobody signed two things of one kind and number; whatever anybody holds of a key stands in that key's own
 * records; and no node has evidence against another. `lost` are records of stores that were taken away, by address.
 */
export async function findBreaches(
  network: Running,
  domain: Domain,
  lost: ReadonlyMap<string, readonly Promised[]> = new Map(),
): Promise<readonly string[]> {
  const nodes = await network.nodes();
  const seen: readonly Signed[] = nodes.flatMap(({ store }) => signaturesIn(store, domain));
  const breaches = nodes.flatMap(({ name, address, store }) => {
    const guard = [...promisesIn(store), ...(lost.get(address) ?? [])];
    const held = seen.filter(({ signer }) => signer === address);
    return [
      ...doubles([...guard, ...held]).map((line) => `${name} signed twice: ${line}`),
      ...unrecorded(held, guard).map((line) => `${name} signed without a record: ${line}`),
    ];
  });
  const siblings = doubles(
    nodes.flatMap(({ store }) => certificatesIn(store).map(({ round, digest }) => ({ kind: "certificate", round, digest }))),
  );
  return [...breaches, ...siblings.map((line) => `two certificates: ${line}`), ...(await evidenceOf(nodes)), ...alarmsOf(nodes)];
}

async function evidenceOf(nodes: readonly DevnetNode[]): Promise<readonly string[]> {
  const lists = nodes.map(async ({ name, api }) => {
    const { status, json } = await request(`${api}/v1/evidence`);
    if (status !== 200) return [`${name}: /v1/evidence answers ${status}`];
    return (json as { evidence: object[] }).evidence.map((item) => `${name} holds evidence: ${JSON.stringify(item)}`);
  });
  return (await Promise.all(lists)).flat();
}

const ALARMS = ["key-used-elsewhere", "guard-refused", "equivocation", "internal-fault"];

function alarmsOf(nodes: readonly DevnetNode[]): readonly string[] {
  return nodes.flatMap(({ name, log }) =>
    logOf(log).flatMap((line) => (ALARMS.includes(line.code ?? "") ? [`${name} logged ${JSON.stringify(line)}`] : [])),
  );
}
