import { ONE } from "../../protocol/amount.ts";
import { type Address, type Hex, keccakHex, utf8 } from "../../protocol/bytes.ts";

/** A transaction arrives this often, on a grid of its own. */
export const ARRIVAL_MS = 500;
/** After a longer sleep the pool takes up here instead of catching up. */
const MAX_CATCH_UP = 256;
/** Included transactions that can still be asked for. */
const MAX_INCLUDED = 512;
/** Waiting ones: the longest wait that control sets, at one every {@link ARRIVAL_MS}. */
const MAX_PENDING = 2_048;
const WEI_PER_GWEI = 10n ** 9n;
/** What everybody tips. */
export const TIP_WEI = WEI_PER_GWEI;

/** How the chain behaves; amounts of 10⁻¹⁸. */
export type ChainSettings = {
  readonly baseFeeGwei: bigint;
  /** The newest block is this much older than a running chain's: 0 runs, more is as if it had stopped that long ago and stayed so. */
  readonly headAgeMs: number;
  /** How long a transaction that pays its way waits, beyond the block that is due anyway. */
  readonly waitMs: number;
  readonly sequencer: "up" | "down";
  /** What a whole share of the wrapped asset is redeemable for. */
  readonly rate: bigint;
};

export const CALM: ChainSettings = {
  baseFeeGwei: 30n * ONE,
  headAgeMs: 0,
  waitMs: 0,
  sequencer: "up",
  rate: (12n * ONE) / 10n,
};

/** The contracts that the chain has: a wrapped asset that says its rate, and a sequencer uptime feed. */
export type ChainContracts = { readonly rate: Address; readonly uptime: Address };

/** Times in Unix ms of the chain's own clock, which counts whole seconds as chains do. */
export type SimulatedBlock = { readonly number: number; readonly at: number };
export type SimulatedTransaction = { readonly hash: Hex; readonly arrivedAt: number; readonly block: number | undefined };

/** One chain's world: time moves it, commands change it, and nothing else does. */
export type SimulatedChain = {
  readonly name: string;
  readonly contracts: ChainContracts;
  readonly settings: () => ChainSettings;
  /** Since when the sequencer is as it is. */
  readonly sequencerSince: () => number;
  readonly set: (change: Partial<ChainSettings>, now: number) => void;
  /** Takes in what arrived and puts into blocks what is due. Never goes back. */
  readonly advance: (now: number) => void;
  readonly head: () => SimulatedBlock;
  readonly baseFeeWei: () => bigint;
  readonly pending: () => readonly SimulatedTransaction[];
  readonly transaction: (hash: Hex) => SimulatedTransaction | undefined;
};

/**
 * A chain whose blocks are numbered by the clock, so that the same chain goes on after a restart. A base fee is what control says: how
 * full blocks are is not simulated.
 */
export function createSimulatedChain({
  name,
  blockMs,
  contracts,
  startAt,
}: {
  readonly name: string;
  readonly blockMs: number;
  readonly contracts: ChainContracts;
  readonly startAt: number;
}): SimulatedChain {
  const pending = new Map<Hex, number>();
  const included = new Map<Hex, SimulatedTransaction>();
  let settings = CALM;
  let sequencerSince = startAt;
  let now = startAt;
  let arrivals = Math.floor(startAt / ARRIVAL_MS);

  const head = (): SimulatedBlock => {
    const number = Math.floor((now - settings.headAgeMs) / blockMs);
    return { number, at: Math.floor((number * blockMs) / 1_000) * 1_000 };
  };

  const receive = (): void => {
    const due = Math.floor(now / ARRIVAL_MS);
    for (let index = Math.max(arrivals, due - MAX_CATCH_UP) + 1; index <= due; index++) {
      if (pending.size < MAX_PENDING) pending.set(keccakHex(utf8(`${name} ${index}`)), index * ARRIVAL_MS);
    }
    arrivals = Math.max(arrivals, due);
  };

  const include = (): void => {
    const { number } = head();
    for (const [hash, arrivedAt] of pending) {
      if (number * blockMs < arrivedAt + settings.waitMs) continue;
      pending.delete(hash);
      included.set(hash, { hash, arrivedAt, block: number });
    }
    for (const hash of included.keys()) {
      if (included.size <= MAX_INCLUDED) break;
      included.delete(hash);
    }
  };

  const advance = (to: number): void => {
    now = Math.max(now, to);
    receive();
    include();
  };

  return {
    name,
    contracts,
    settings: () => settings,
    sequencerSince: () => sequencerSince,
    set: (change, at) => {
      advance(at);
      if (change.sequencer !== undefined && change.sequencer !== settings.sequencer) sequencerSince = now;
      settings = { ...settings, ...change };
    },
    advance,
    head,
    baseFeeWei: () => (settings.baseFeeGwei * WEI_PER_GWEI) / ONE,
    pending: () => [...pending].map(([hash, arrivedAt]) => ({ hash, arrivedAt, block: undefined })),
    transaction: (hash) => {
      const arrivedAt = pending.get(hash);
      return arrivedAt === undefined ? included.get(hash) : { hash, arrivedAt, block: undefined };
    },
  };
}
