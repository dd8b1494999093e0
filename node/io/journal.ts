import type { Logger } from "pino";
import { adviceOn } from "../events.ts";
import type { Output } from "../machine.ts";
import type { NodeMetrics } from "./metrics.ts";
import { OperationalError } from "./operational-error.ts";
import { createQuietTaper } from "./quiet-taper.ts";

/** What an operator reads of a node, its repeats tapered. */
export type Journal = {
  /** Counts an event of the machine and logs it, a concern together with what to do about it. */
  readonly event: (output: Extract<Output, { kind: "event" }>) => void;
  /** A store that fails (a full disk, say) costs what it should have kept, not the process: undefined then, and a line. */
  readonly attempt: <T>(write: () => T) => T | undefined;
};

/** @param now monotonic ms */
export function createJournal(log: Logger, metrics: Pick<NodeMetrics, "onEvent">, now?: () => number): Journal {
  const taper = createQuietTaper(now);
  return {
    event: ({ level, code, fields }) => {
      metrics.onEvent(code);
      const advice = adviceOn(code, fields);
      if (advice === undefined) {
        log[level]({ code, ...fields }, code);
        return;
      }
      const repeats = taper.count(code);
      if (repeats !== undefined) log[level]({ code, ...fields, repeats }, `${code}: ${advice}`);
    },
    attempt: (write) => {
      try {
        return write();
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        const repeats = taper.count(`store ${error.code}`);
        if (repeats !== undefined) log.error({ code: error.code, ...error.details, repeats }, error.message);
        return undefined;
      }
    },
  };
}
