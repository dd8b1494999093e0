import { beforeEach, describe, expect, test } from "vitest";
import { agree, MAX_LAG_BLOCKS } from "../../../adapters/chain/agreement.ts";
import { encodeBatch, readBatch } from "../../../adapters/chain/json-rpc.ts";
import { createPendingTracker, type PendingTracker } from "../../../adapters/chain/pending.ts";
import { type ChainTarget, type EndpointView, planPoll } from "../../../adapters/chain/poll.ts";
import { viewGauges } from "../../../aggregator/gauges.ts";
import { type FoldedRound, type FoldParent, foldRound } from "../../../aggregator/round.ts";
import { mergeGauges } from "../../../node/sampler.ts";
import { ONE } from "../../../protocol/amount.ts";
import { utf8, ZERO_DIGEST } from "../../../protocol/bytes.ts";
import { type GaugeEntry, signObservation } from "../../../protocol/observation.ts";
import { ok } from "../../../protocol/result.ts";
import { CALM, type ChainSettings, createSimulatedChain } from "../../../simulator/chain/chain.ts";
import { answerRpc } from "../../../simulator/chain/json-rpc.ts";
import { testKeys, testNetwork } from "../../support/network.ts";

const BLOCK_MS = 1_000;
const WAIT_LIMIT_MS = 3n * BigInt(BLOCK_MS);
const LATE_MS = 3 * BLOCK_MS + 6_000;
const START = 1_700_000_000_000;
/** As many as the oracle's own point looks back. */
const SETTLED = 70;
const CHAIN = { chain: "ETHEREUM", blockMs: BLOCK_MS, uptimeFeed: `0x${"bb".repeat(20)}` } as const;

const network = testNetwork({ chains: [CHAIN] });
const [target]: readonly ChainTarget[] = network.config.chains.map((chain) => ({ chain, references: [] }));
const keys = testKeys(4);

type Node = { readonly trackers: readonly PendingTracker[]; readonly views: (EndpointView | undefined)[] };
/** What a round's observations say besides the truth, by node. */
type Lies = Readonly<Record<number, (gauges: readonly GaugeEntry[]) => readonly GaugeEntry[]>>;
/** What an endpoint of every node answers in place of the truth. */
type Distortion = (text: string) => string;

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});

/** Four nodes, each with three endpoints of one simulated chain, on a clock of their own; every message and every answer is real. */
function createWorld() {
  const contracts = { rate: `0x${"aa".repeat(20)}`, uptime: CHAIN.uptimeFeed } as const;
  const chain = createSimulatedChain({ name: CHAIN.chain, blockMs: BLOCK_MS, contracts, startAt: START });
  const nodes: readonly Node[] = keys.map(() => ({
    trackers: [0, 1, 2].map(() => createPendingTracker()),
    views: [undefined, undefined, undefined],
  }));
  let parent: FoldParent | undefined;
  let round = START / 1_000;

  const poll = (node: Node, place: number, now: number, distort: Distortion | undefined): void => {
    const tracker = node.trackers[place];
    if (tracker === undefined || target === undefined) throw new Error("no such endpoint");
    const plan = planPoll(target, { tracker, lookForNew: true });
    const text = answerRpc(chain, encodeBatch(plan.calls));
    const body = utf8(distort !== undefined && place === 0 ? distort(text) : text);
    const answers = readBatch(ok({ status: 200, headers: {}, body, receivedAt: now }), plan.calls.length);
    node.views[place] = plan.read(answers, { sentAt: now, receivedAt: now }).view ?? node.views[place];
  };

  return {
    set: (change: Partial<ChainSettings>) => chain.set(change, round * 1_000),
    step: ({ lies = {}, distort }: { readonly lies?: Lies; readonly distort?: Distortion } = {}) => {
      round += 1;
      const timestamp = round * 1_000;
      chain.advance(timestamp);
      const observations = nodes.map((node, index) => {
        for (const place of [0, 1, 2]) poll(node, place, timestamp, distort);
        const { gauges } = agree(node.views, { now: timestamp, maxAgeMs: 5_000, maxLagBlocks: MAX_LAG_BLOCKS });
        const said = mergeGauges(lies[index]?.(gauges) ?? gauges);
        const key = keys[index];
        if (key === undefined) throw new Error("no such node");
        const contents = { round, configDigest: network.configDigest, head: { round: 0, digest: ZERO_DIGEST }, entries: [] };
        return signObservation({ ...contents, gauges: said, shadows: [], documents: [] }, network.domain, key);
      });
      const folded = foldRound({ network, parent, round, observations, documents: [] });
      parent = { header: { round, timestamp, configDigest: network.configDigest }, memory: folded.memory };
      const view = viewGauges(
        observations.map(({ observation }) => observation),
        { config: network.config, f: network.committee.f, timestamp },
      );
      return { folded, seen: (gauge: string) => view.get(`${gauge}.ETHEREUM`)?.value, timestamp };
    },
  };
}

type Step = ReturnType<ReturnType<typeof createWorld>["step"]>;

function leafOf(folded: FoldedRound) {
  const leaf = folded.feeds.find(({ report }) => report.feed === "CHAIN/ETHEREUM");
  if (leaf === undefined) throw new Error("the chain has no leaf");
  return {
    state: leaf.report.state,
    price: leaf.report.price,
    congested: leaf.reasons.some(({ rule }) => rule === "congestion"),
  };
}

/** So many rounds; whether any of them was congested. */
function run(rounds: number, options?: Parameters<typeof world.step>[0]): boolean {
  let congested = false;
  for (let step = 0; step < rounds; step++) congested = leafOf(world.step(options).folded).congested || congested;
  return congested;
}

/** Rounds from the first in which the quorum's own view shows it to the first that is congested. */
function roundsUntilCongested(shows: (step: Step) => boolean, options?: Parameters<typeof world.step>[0]): number {
  let shownAt: number | undefined;
  for (let step = 0; step < 60; step++) {
    const taken = world.step(options);
    if (shownAt === undefined && shows(taken)) shownAt = step;
    if (leafOf(taken.folded).congested) return shownAt === undefined ? Number.NEGATIVE_INFINITY : step - shownAt;
  }
  return Number.POSITIVE_INFINITY;
}

const DEAR = { baseFeeGwei: 20n * CALM.baseFeeGwei };
const waits = ({ seen }: Step) => (seen("wait") ?? 0n) > WAIT_LIMIT_MS;
const isLate = ({ seen, timestamp }: Step) => timestamp - Number(seen("head") ?? 0n) > LATE_MS;

describe("congestion, from a chain's endpoints to the quorum's verdict", () => {
  beforeEach(() => {
    run(SETTLED);
  });

  test("a calm chain has a leaf, at its base fee, and nothing is congested", () => {
    const { folded } = world.step();
    expect(leafOf(folded)).toMatchObject({ price: CALM.baseFeeGwei, congested: false });
  });

  test("a base fee times twenty alone does not trip it, however long", () => {
    world.set(DEAR);
    expect(run(200)).toBe(false);
    expect(leafOf(world.step().folded).price).toBe(600n * ONE);
  });

  test("neither does the wait for inclusion alone", () => {
    world.set({ waitMs: 8_000 });
    let shown = false;
    for (let step = 0; step < 60; step++) {
      const taken = world.step();
      shown ||= waits(taken);
      expect(leafOf(taken.folded).congested).toBe(false);
    }
    expect(shown).toBe(true);
  });

  test("with inclusion wait beside it, it does within two rounds of the quorum seeing it", () => {
    world.set({ ...DEAR, waitMs: 8_000 });
    const rounds = roundsUntilCongested(waits);
    expect(rounds).toBeGreaterThanOrEqual(0);
    expect(rounds).toBeLessThanOrEqual(2);
  });

  test("with head age beside it, it does within two rounds of the quorum seeing it", () => {
    world.set({ ...DEAR, headAgeMs: 15_000 });
    const rounds = roundsUntilCongested(isLate);
    expect(rounds).toBeGreaterThanOrEqual(0);
    expect(rounds).toBeLessThanOrEqual(2);
  });

  /** Nobody's pending block is to be had, as on chains without a public pool. */
  const noPool = Object.fromEntries(
    keys.map((_, node) => [node, (gauges: readonly GaugeEntry[]) => gauges.filter(({ gauge }) => !gauge.startsWith("wait."))]),
  );

  test("a head that old alone does not, one of more than a minute does", () => {
    world.set({ headAgeMs: 15_000 });
    expect(run(30, { lies: noPool })).toBe(false);
    world.set({ headAgeMs: 62_000 });
    const halted = ({ timestamp, seen }: Step) => timestamp - Number(seen("head") ?? 0n) > 60_000;
    const rounds = roundsUntilCongested(halted, { lies: noPool });
    expect(rounds).toBeGreaterThanOrEqual(0);
    expect(rounds).toBeLessThanOrEqual(2);
  });

  test("a chain that stops holds its transactions back as well, and the two together are enough", () => {
    world.set({ headAgeMs: 15_000 });
    const rounds = roundsUntilCongested((step) => isLate(step) && waits(step));
    expect(rounds).toBeGreaterThanOrEqual(0);
    expect(rounds).toBeLessThanOrEqual(2);
  });

  test("a sequencer that is down does", () => {
    world.set({ sequencer: "down" });
    expect(roundsUntilCongested(({ seen }) => seen("seq") === 1n)).toBeLessThanOrEqual(2);
  });
});

describe("one that lies", () => {
  const said = (lie: Readonly<Record<string, bigint>>) => (gauges: readonly GaugeEntry[]) =>
    gauges.map((entry) => ({ ...entry, value: lie[entry.gauge.slice(0, entry.gauge.indexOf("."))] ?? entry.value }));
  const alarm = said({ fee: 10n ** 24n, wait: 10n ** 9n, head: 1n, seq: 1n });
  const lull = said({ fee: CALM.baseFeeGwei, wait: 0n, head: BigInt(START) * 2n, seq: 0n });
  /** The first endpoint of every node: a dear and stopped chain with its sequencer down. */
  const false0 = (text: string) =>
    text
      .replaceAll(/"baseFeePerGas":\[[^\]]*\]/g, '"baseFeePerGas":["0xe8d4a51000","0xe8d4a51000"]')
      .replaceAll(/"timestamp":"0x[0-9a-f]+"/g, '"timestamp":"0x1"');

  test.each([0, 3])("node %d cannot shut the chain", (node) => {
    expect(run(SETTLED)).toBe(false);
    expect(run(20, { lies: { [node]: alarm } })).toBe(false);
  });

  test.each([0, 3])("node %d cannot hide a congestion, nor by saying nothing", (node) => {
    for (const lie of [lull, () => []]) {
      world = createWorld();
      run(SETTLED);
      world.set({ ...DEAR, waitMs: 8_000 });
      expect(roundsUntilCongested(waits, { lies: { [node]: lie } })).toBeLessThanOrEqual(2);
    }
  });

  test("an endpoint of every node changes nothing", () => {
    run(SETTLED);
    const before = leafOf(world.step().folded);
    expect(run(20, { distort: false0 })).toBe(false);
    expect(leafOf(world.step({ distort: false0 }).folded).price).toBe(before.price);
    world.set({ ...DEAR, waitMs: 8_000 });
    expect(roundsUntilCongested(waits, { distort: () => "[]" })).toBeLessThanOrEqual(2);
  });

  test("without any gauge at all the head ages into congestion by itself", () => {
    run(SETTLED);
    const nothing = { lies: { 0: () => [], 1: () => [], 2: () => [], 3: () => [] } };
    expect(run(40, nothing)).toBe(false);
    expect(run(40, nothing)).toBe(true);
  });
});
