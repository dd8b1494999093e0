import { statfs } from "node:fs/promises";
import type { Address } from "../../protocol/bytes.ts";
import type { AlertInput } from "../alerting.ts";
import { type ClockExchange, createClockOffset } from "../clock-offset.ts";
import type { RoundMachine } from "../machine.ts";
import { decodeHello } from "../wire.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { Transport } from "./transport-types.ts";

const STATUS_MS = 1_000;
/** How often every connected peer's round trip and clock are measured, and the free space of the store. */
const SURVEY_MS = 10_000;

export type SurveyOptions = {
  readonly machine: Pick<RoundMachine, "status" | "network">;
  readonly transport: Pick<Transport, "connected">;
  /** Asks a peer for its hello; what it says comes back through `heard`. */
  readonly measure: (peer: Address) => Promise<void>;
  readonly storePath: string;
  readonly metrics: Pick<NodeMetrics, "onPhase" | "onClockOffset" | "onFreeBytes">;
  readonly alerts: { readonly handle: (input: AlertInput) => void };
  readonly now: () => number;
};

export type Survey = {
  /** A peer's hello in the bytes it came in, with our clock around it. */
  readonly heard: (hello: Omit<ClockExchange, "clock"> & { readonly bytes: Uint8Array }) => void;
  readonly start: () => void;
  readonly stop: () => void;
};

/** Looks at the node from time to time: its phase, its peers and their clocks, its disk. */
export function createSurvey(options: SurveyOptions): Survey {
  const { machine, transport, metrics, alerts, now } = options;
  const clock = createClockOffset();
  const timers: NodeJS.Timeout[] = [];
  const look = (): void => {
    const { phase } = machine.status();
    const { committee, config } = machine.network();
    metrics.onPhase(phase);
    metrics.onClockOffset(clock.offsetMs(now()));
    const connected = transport.connected().length;
    alerts.handle({ kind: "status", phase, connected, quorum: committee.quorum, roundMs: config.roundMs });
  };
  const survey = (): void => {
    for (const peer of transport.connected()) void options.measure(peer);
    void freeBytesAt(options.storePath).then(metrics.onFreeBytes);
  };
  return {
    heard: ({ bytes, ...exchange }) => {
      const hello = decodeHello(bytes);
      if (hello.ok) clock.heard({ ...exchange, clock: hello.value.clock });
    },
    start: () => {
      timers.push(setInterval(look, STATUS_MS), setInterval(survey, SURVEY_MS));
      survey();
    },
    stop: () => timers.splice(0).forEach(clearInterval),
  };
}

/** What this user may still write on a path's file system; undefined where it does not say (a store in memory). */
async function freeBytesAt(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
