import { expect } from "vitest";
import { type Digest, fromHex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { configDigest, type NetworkConfig } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { scheme, testKey } from "../support/network.ts";
import { exchange, GOVERNED, proposalOf, successorOf } from "./council.ts";
import { createWorld, GUEST_KEY, type World, type WorldOptions } from "./mini-network.ts";

export const GUEST = testKey(GUEST_KEY);

export function roundNow(world: World): number {
  return Math.floor(world.now() / 1_000);
}

export function networkOf(world: World, index: number) {
  const network = world.node(index).machine?.network();
  if (network === undefined) throw new Error(`node ${index} is down`);
  return network;
}

/** Every node that is up is on this config, and on one head. */
export function expectAllUnder(world: World, config: NetworkConfig): void {
  const up = world.nodes.filter(({ machine }) => machine !== undefined);
  expect(up.map(({ machine }) => machine?.network().configDigest)).toEqual(up.map(() => configDigest(config)));
  expect(new Set(up.map(({ machine }) => machine?.status().head.digest)).size).toBe(1);
}

/** The config of every certified round, and which certificates were committed for it. */
export function certificatesOf({ trace }: World): ReadonlyMap<number, Certificate> {
  return new Map(
    trace.flatMap(({ output }) => {
      if (output.kind !== "commit") return [];
      const { certificate } = output.certified;
      return [[certificate.header.round, certificate] as const];
    }),
  );
}

export function firstUnder(world: World, digest: Digest): Certificate {
  const rounds = [...certificatesOf(world).values()].sort((a, b) => a.header.round - b.header.round);
  const first = rounds.find(({ header }) => header.configDigest === digest);
  if (first === undefined) throw new Error("no round under that config");
  return first;
}

export function expectNoFault(world: World): void {
  for (const code of ["internal-fault", "guard-refused", "key-used-elsewhere"]) expect(world.events(code)).toEqual([]);
}

/** A governed network that has run for a while. */
export function running(options: WorldOptions): World {
  const world = createWorld({ config: GOVERNED, ...options });
  world.startAll();
  world.run(4.5);
  return world;
}

/** Proposes a config to one node, activating after so many rounds. */
export function propose(world: World, changes: Record<string, unknown>, { rounds = 6, to = 0 } = {}): NetworkConfig {
  const network = networkOf(world, to);
  const config = successorOf(network, changes);
  const receipt = world.submit(to, proposalOf(network, config, world.now() + rounds * 1_000).bytes);
  if (receipt?.ok !== true) throw new Error(JSON.stringify(receipt));
  return config;
}

export function rotate(
  world: World,
  leaves: number,
  options: { readonly rounds?: number; readonly to?: number } = {},
): NetworkConfig {
  const { config } = networkOf(world, options.to ?? 0);
  return propose(world, { committee: exchange(config, world.node(leaves).address, GUEST) }, options);
}

/** Who published signatures of headers in these rounds. */
export function signersBetween({ published }: World, first: number, last: number): ReadonlySet<string> {
  const keys = [...published.keys()].map((key) => key.split(" "));
  return new Set(
    keys.flatMap(([address, kind, round]) =>
      kind === "round" && Number(round) >= first && Number(round) <= last ? [address ?? ""] : [],
    ),
  );
}

export function keyAt({ keys }: World, index: number) {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  return key;
}

/** A header signed by everybody, the guest included. */
export function sign(world: World, header: Certificate["header"]): Certificate {
  const hash = fromHex(roundDigest(world.network.domain, header));
  const signatures = world.keys.map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
  return { header, signatures: signatures.sort((a, b) => (a.signer < b.signer ? -1 : 1)) };
}
