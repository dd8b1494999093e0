import { z } from "zod";
import { formatAmount, parseAmount } from "../../protocol/amount.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { readCommand } from "../control.ts";
import type { CommandFault } from "../market.ts";
import type { ChainSettings, SimulatedChain } from "./chain.ts";

/** Bounds of the control API: an hour of anything shows all there is to see. */
const MAX_MS = 3_600_000;
const MAX_WAIT_MS = 600_000;
const MAX_GWEI = 1_000_000;

/** A chain as control shows it: JSON, amounts as decimal text. */
export type ChainState = {
  readonly chain: string;
  /** Of the newest block, Unix ms. */
  readonly head: { readonly number: number; readonly at: number };
  readonly baseFeeGwei: string;
  readonly headAgeMs: number;
  readonly waitMs: number;
  readonly sequencer: ChainSettings["sequencer"];
  readonly rate: string;
  /** Transactions that wait for a block. */
  readonly pending: number;
};

/** What the handlers need of the server; every command answers for now by itself. */
export type ControlledChains = {
  readonly set: (chain: string, change: Partial<ChainSettings>) => Result<void, CommandFault>;
  readonly state: () => readonly ChainState[];
};

const gwei = z
  .union([z.int().min(0).max(MAX_GWEI).transform(String), z.string()], "expected a number of gwei")
  .transform((text, context) => {
    const amount = parseAmount(text);
    if (amount.ok && amount.value <= BigInt(MAX_GWEI) * 10n ** 18n) return amount.value;
    context.addIssue({ code: "custom", message: `expected a decimal from 0 to ${MAX_GWEI}` });
    return z.NEVER;
  });
const rate = z.string().transform((text, context) => {
  const amount = parseAmount(text);
  if (amount.ok && amount.value > 0n && amount.value < 10n ** 24n) return amount.value;
  context.addIssue({ code: "custom", message: "expected a decimal text above 0 and below 1000000" });
  return z.NEVER;
});

const command = z.strictObject({
  chain: z.string().max(64),
  baseFeeGwei: gwei.optional(),
  headAgeMs: z.int().min(0).max(MAX_MS).optional(),
  waitMs: z.int().min(0).max(MAX_WAIT_MS).optional(),
  sequencer: z.enum(["up", "down"]).optional(),
  rate: rate.optional(),
});

/**
 * `POST /chain`: `{chain, baseFeeGwei?, headAgeMs?, waitMs?, sequencer?, rate?}`; what is not named stays. The new state of every
 * chain, or the field at fault and why.
 *
 * @example controlChain(chains, { chain: "ETHEREUM", baseFeeGwei: 900, headAgeMs: 60000 });
 */
export function controlChain(chains: ControlledChains, body: unknown): Result<readonly ChainState[], CommandFault> {
  const read = readCommand(command, body);
  if (!read.ok) return read;
  const { chain, ...named } = read.value;
  const change = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  if (Object.keys(change).length === 0) {
    return fail({ field: "body", problem: "expected at least one of baseFeeGwei, headAgeMs, waitMs, sequencer, rate" });
  }
  const done = chains.set(chain, change);
  return done.ok ? ok(chains.state()) : done;
}

export function stateOf(chain: SimulatedChain): ChainState {
  const { baseFeeGwei, rate: redeems, ...rest } = chain.settings();
  return {
    chain: chain.name,
    head: chain.head(),
    ...rest,
    baseFeeGwei: formatAmount(baseFeeGwei),
    rate: formatAmount(redeems),
    pending: chain.pending().length,
  };
}
