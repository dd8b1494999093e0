import type { Input, Output, RoundMachine } from "../machine.ts";

/** The longest sleep: a wall clock that was set forward is noticed within it. */
const MAX_SLEEP_MS = 250;

/** What each output of the machine makes happen; whatever comes of it goes back in through `handle`. */
export type Executors = { readonly [Kind in Output["kind"]]: (output: Extract<Output, { kind: Kind }>) => void };

export type Shell = {
  /** One input, and every output that follows from it, before anything else. Gives the outputs of this very input. */
  readonly handle: (input: Input) => readonly Output[];
  readonly start: () => void;
  readonly stop: () => void;
};

/**
 * Runs a round machine: inputs one after the other, outputs in their order, and one timer for its next moment. An executor that
 * answers at once (a durable record) calls `handle` again; its input waits until the outputs before it are carried out.
 */
export function createShell(machine: RoundMachine, execute: Executors, now: () => number): Shell {
  const waiting: Input[] = [];
  let busy = false;
  let running = false;
  let timer: NodeJS.Timeout | undefined;

  const carryOut = <Kind extends Output["kind"]>(output: Extract<Output, { kind: Kind }>): void => {
    const executor: (output: Extract<Output, { kind: Kind }>) => void = execute[output.kind as Kind];
    executor(output);
  };
  const step = (input: Input): readonly Output[] => {
    const outputs = machine.handle(input, now());
    for (const output of outputs) carryOut(output);
    return outputs;
  };
  const handle = (input: Input): readonly Output[] => {
    if (busy) {
      waiting.push(input);
      return [];
    }
    busy = true;
    try {
      const outputs = step(input);
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) step(next);
      return outputs;
    } finally {
      busy = false;
      sleep();
    }
  };
  const sleep = (): void => {
    clearTimeout(timer);
    if (!running) return;
    const pause = Math.min(Math.max(machine.wakeAt() - now(), 0), MAX_SLEEP_MS);
    timer = setTimeout(() => handle({ kind: "tick" }), pause);
  };
  return {
    handle,
    start: () => {
      running = true;
      handle({ kind: "tick" });
    },
    stop: () => {
      running = false;
      clearTimeout(timer);
    },
  };
}
