import { z } from "zod";
import { formatAmount, parseAmount } from "../protocol/amount.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { VenueFault } from "./faults.ts";
import type { CommandFault, MoveCommand, SetPriceCommand } from "./market.ts";
import { MAX_VALUE, MIN_VALUE } from "./world.ts";

/** Bounds of the control API; the world is also clamped by its own. */
const MAX_OVER_MS = 3_600_000;
const MAX_MOVE_BPS = 100_000_000;
const MIN_MOVE_BPS = -9_999;
const MAX_LATENCY_MS = 120_000;
const MAX_NAME = 64;

/** The world as control shows it: JSON, amounts as decimal text. */
export type WorldState = {
  /** Unix ms of the world's last step. */
  readonly at: number;
  readonly feeds: readonly { readonly feed: string; readonly price: string }[];
  readonly faults: readonly VenueFault[];
};

/** What the handlers need of the market server; every command answers for `now` by itself. */
export type ControlledWorld = {
  readonly move: (command: MoveCommand) => Result<void, CommandFault>;
  readonly setPrice: (command: SetPriceCommand) => Result<void, CommandFault>;
  readonly addFault: (fault: VenueFault) => Result<void, CommandFault>;
  readonly clearFaults: () => void;
  readonly state: () => WorldState;
};

const feed = z.string().max(MAX_NAME);
const overMs = z.int().min(0).max(MAX_OVER_MS).default(0);
const price = z.string().transform((text, context) => {
  const parsed = parseAmount(text);
  if (parsed.ok && parsed.value >= MIN_VALUE && parsed.value <= MAX_VALUE) return parsed.value;
  context.addIssue({
    code: "custom",
    message: `expected a decimal text from ${formatAmount(MIN_VALUE)} to ${formatAmount(MAX_VALUE)}`,
  });
  return z.NEVER;
});

const moveCommand = z.strictObject({ feed, moveBps: z.int().min(MIN_MOVE_BPS).max(MAX_MOVE_BPS), overMs });
const setPriceCommand = z.strictObject({ feed, price, overMs });

const place = { venue: z.string().max(MAX_NAME), market: z.string().max(MAX_NAME).optional() };
const venueFault = z.discriminatedUnion(
  "fault",
  [
    z.strictObject({ ...place, fault: z.literal("offset"), bps: z.int().min(-10_000).max(MAX_MOVE_BPS) }),
    z.strictObject({ ...place, fault: z.literal("freeze") }),
    z.strictObject({ ...place, fault: z.literal("latency"), ms: z.int().min(1).max(MAX_LATENCY_MS) }),
    z.strictObject({ ...place, fault: z.literal("status"), status: z.int().min(300).max(599) }),
    z.strictObject({ ...place, fault: z.literal("malformed") }),
    z.strictObject({ ...place, fault: z.literal("down") }),
    z.strictObject({ ...place, fault: z.literal("gap") }),
    z.strictObject({ ...place, fault: z.literal("silent") }),
  ],
  {
    error: (issue) =>
      issue.code === "invalid_union"
        ? "expected one of offset, freeze, latency, status, malformed, down, gap, silent"
        : undefined,
  },
);

/**
 * `POST /market`: `{feed, moveBps, overMs}` or `{feed, price, overMs}`, `overMs` 0 when absent. The new state, or the field at
 * fault and why.
 *
 * @example controlMarket(world, { feed: "ETH/USD", moveBps: -4000, overMs: 5000 });
 */
export function controlMarket(world: ControlledWorld, body: unknown): Result<WorldState, CommandFault> {
  const named = typeof body === "object" && body !== null;
  const bySize = named && "moveBps" in body;
  if (named && bySize === "price" in body)
    return fail({ field: "moveBps", problem: "expected exactly one of moveBps and price" });
  if (bySize) {
    const command = readCommand(moveCommand, body);
    return command.ok ? then(world, world.move(command.value)) : command;
  }
  const command = readCommand(setPriceCommand, body);
  return command.ok ? then(world, world.setPrice(command.value)) : command;
}

/**
 * `POST /faults`: `{venue, market?, fault, …}`; `offset` takes `bps`, `latency` takes `ms`, `status` takes `status`.
 *
 * @example controlFaults(world, { venue: "binance", market: "ETH/USDT", fault: "offset", bps: -3000 });
 */
export function controlFaults(world: ControlledWorld, body: unknown): Result<WorldState, CommandFault> {
  const command = readCommand(venueFault, body);
  if (!command.ok) return command;
  const { market, ...fault } = command.value;
  return then(world, world.addFault(market === undefined ? fault : { ...fault, market }));
}

/** `DELETE /faults`: every fault ends; prices moved by `/market` stay where they are. */
export function controlClearFaults(world: ControlledWorld): Result<WorldState, CommandFault> {
  world.clearFaults();
  return ok(world.state());
}

function then(world: ControlledWorld, done: Result<void, CommandFault>): Result<WorldState, CommandFault> {
  return done.ok ? ok(world.state()) : done;
}

/** The first thing wrong, with its field; the body itself when it is no object or has a key too many. */
export function readCommand<Schema extends z.ZodType>(schema: Schema, body: unknown): Result<z.output<Schema>, CommandFault> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  return fail({ field: unknownKey ?? (issue?.path.join(".") || "body"), problem: issue?.message ?? "invalid" });
}
