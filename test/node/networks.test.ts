import { describe, expect, it } from "vitest";
import { createNetworks, type Step } from "../../node/networks.ts";
import { configDigest, type Network } from "../../protocol/config.ts";
import { changed, transitionInto } from "../client/changing.ts";
import { testNetwork } from "../support/network.ts";

const genesis = testNetwork();
const [one, two] = [changed(genesis, undefined, { leaseMs: 61_000 }), changed(genesis, undefined, { leaseMs: 62_000 })];
/** Into either of them; who signed it is not asked here. */
const TRANSITIONS = new Map([one, two].map((network) => [network, transitionInto(network, 1, [])]));

function step(from: Network, network: Network, round: number): Step {
  const transition = TRANSITIONS.get(network);
  if (transition === undefined) throw new Error("only into one or two");
  return { from, network, round, transition };
}

describe("the configs that a node knows", () => {
  it("have one way in a round: a second one of the same round changes nothing", () => {
    const networks = createNetworks(genesis);
    expect(networks.add(step(genesis, one, 10))).toBe(true);
    expect(networks.add(step(genesis, two, 10))).toBe(false);
    expect(networks.find(one.configDigest)).toBe(one);
    expect(networks.find(two.configDigest)).toBeUndefined();
  });

  it("are in the order of their rounds, however they came", () => {
    const networks = createNetworks(genesis);
    networks.add(step(one, two, 20));
    networks.add(step(genesis, one, 10));
    expect(networks.newest()?.network).toBe(two);
    expect(networks.before(two.configDigest)).toEqual([one]);
  });

  it("are the last 64 that were in force, and the genesis", () => {
    const networks = createNetworks(genesis);
    for (let round = 1; round <= 70; round++) networks.add(round % 2 === 0 ? step(one, two, round) : step(two, one, round));
    expect(networks.all()).toHaveLength(1 + 64);
    expect(networks.find(genesis.configDigest)).toBe(genesis);
    expect(networks.newest()?.round).toBe(70);
  });

  it("are announced four at a time, the oldest first forgotten", () => {
    const networks = createNetworks(genesis);
    const configs = [1, 2, 3, 4, 5].map((digit) => changed(genesis, undefined, { leaseMs: 70_000 + digit }).config);
    for (const config of configs) networks.announce(configDigest(config), config);
    const known = configs.map((config) => networks.find(configDigest(config)) !== undefined);
    expect(known).toEqual([false, true, true, true, true]);
  });
});
