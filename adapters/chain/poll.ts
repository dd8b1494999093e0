import type { Hex } from "../../protocol/bytes.ts";
import type { ChainConfig, ReferenceConfig } from "../../protocol/config.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import { type Fees, feeHistoryProbe, gweiOf } from "./fee-history.ts";
import { type Head, headProbe } from "./head.ts";
import type { Probe, RpcAnswer, RpcCall } from "./json-rpc.ts";
import { type PendingTracker, pendingProbe, standingProbe } from "./pending.ts";
import { isPriceReference, type ReferencePrice, referenceProbe } from "./reference.ts";
import { uptimeProbe } from "./uptime.ts";

/** What is read of one chain, and on it. */
export type ChainTarget = {
  readonly chain: ChainConfig;
  /** Those of this chain. */
  readonly references: readonly ReferenceConfig[];
};

/** A price and its instant: the contract's own, or the newest block's. */
export type DatedPrice = Required<ReferencePrice>;

/** What one endpoint said in one poll. */
export type EndpointView = {
  /** Unix ms of this node's clock: what was said is as of then or later. */
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly head: Head;
  /** By gauge, in the gauge's unit. */
  readonly gauges: ReadonlyMap<string, bigint>;
  /** By reference; those that are prices. */
  readonly prices: ReadonlyMap<string, Result<DatedPrice, Fault>>;
};

/** A part of a poll that was not to be had: `head`, `fees`, `sequencer`, `followed`, `pending` or a reference's name. */
export type ReadFault = { readonly read: string; readonly fault: Fault };

export type PollTimes = Pick<EndpointView, "sentAt" | "receivedAt">;

export type Poll = {
  readonly calls: readonly RpcCall[];
  /** One answer for each call. Without a head there is no view: nothing could be compared with other endpoints'. */
  readonly read: (
    answers: readonly RpcAnswer[],
    times: PollTimes,
  ) => { readonly view: EndpointView | undefined; readonly faults: readonly ReadFault[] };
};

/** What the steps of a poll write down. */
type Draft = {
  readonly receivedAt: number;
  head: Head | undefined;
  fees: Fees | undefined;
  readonly gauges: Map<string, bigint>;
  readonly prices: Map<string, Result<DatedPrice, Fault>>;
};

type Step = {
  readonly name: string;
  readonly calls: readonly RpcCall[];
  readonly take: (answers: readonly RpcAnswer[], draft: Draft) => Fault | undefined;
};

/**
 * One poll of one endpoint: head, fees, sequencer, references and what became of the transactions that are followed; with
 * `lookForNew` its pending block as well. The tracker is the endpoint's own and moves when the answers are read.
 */
export function planPoll(
  { chain, references }: ChainTarget,
  { tracker, lookForNew }: { readonly tracker: PendingTracker; readonly lookForNew: boolean },
): Poll {
  const steps = [
    headStep(chain),
    feeStep(chain),
    ...(chain.uptimeFeed === undefined ? [] : [sequencerStep(chain, chain.uptimeFeed)]),
    ...references.map(referenceStep),
    ...tracker.following().map((hash) => followStep(hash, tracker)),
    ...(lookForNew ? [sampleStep(tracker)] : []),
  ];
  return {
    calls: steps.flatMap(({ calls }) => calls),
    read: (answers, times) => {
      const draft: Draft = { ...times, head: undefined, fees: undefined, gauges: new Map(), prices: new Map() };
      const faults = takeAll(steps, answers, draft);
      const { head, gauges, prices } = draft;
      if (head === undefined) return { view: undefined, faults };
      const waitMs = tracker.medianWaitMs(times.receivedAt);
      if (waitMs !== undefined) gauges.set(`wait.${chain.chain}`, BigInt(waitMs));
      return { view: { ...times, head, gauges, prices }, faults };
    },
  };
}

/** The head comes first, and the rest is only worth something with it. */
function takeAll(steps: readonly Step[], answers: readonly RpcAnswer[], draft: Draft): readonly ReadFault[] {
  const faults: ReadFault[] = [];
  let from = 0;
  for (const { name, calls, take } of steps) {
    const fault = take(answers.slice(from, from + calls.length), draft);
    from += calls.length;
    if (fault !== undefined) faults.push({ read: name, fault });
    if (draft.head === undefined) break;
  }
  return faults;
}

function step<T>(name: string, probe: Probe<T>, write: (value: T, draft: Draft) => void): Step {
  return {
    name,
    calls: probe.calls,
    take: (answers, draft) => {
      const result = probe.read(answers);
      if (!result.ok) return result.error;
      write(result.value, draft);
      return undefined;
    },
  };
}

function headStep({ chain }: ChainConfig): Step {
  return step("head", headProbe, (head, draft) => {
    draft.head = head;
    draft.gauges.set(`head.${chain}`, BigInt(head.at));
  });
}

function feeStep({ chain }: ChainConfig): Step {
  return step("fees", feeHistoryProbe, (fees, draft) => {
    draft.fees = fees;
    draft.gauges.set(`fee.${chain}`, gweiOf(fees.baseFee));
  });
}

function sequencerStep({ chain }: ChainConfig, feed: NonNullable<ChainConfig["uptimeFeed"]>): Step {
  return step("sequencer", uptimeProbe(feed), ({ up }, { gauges }) => gauges.set(`seq.${chain}`, up ? 0n : 1n));
}

function referenceStep(reference: ReferenceConfig): Step {
  const { name } = reference;
  const probe = referenceProbe(reference.read);
  if (!isPriceReference(reference)) return step(name, probe, ({ price }, { gauges }) => gauges.set(`rate.${name}`, price));
  return {
    name,
    calls: probe.calls,
    take: (answers, { head, prices }) => {
      const result = probe.read(answers);
      prices.set(name, result.ok ? ok({ at: head?.at ?? 0, ...result.value }) : fail(result.error));
      return result.ok ? undefined : result.error;
    },
  };
}

function followStep(hash: Hex, tracker: PendingTracker): Step {
  return step("followed", standingProbe(hash), (standing, { receivedAt }) => tracker.settle(hash, standing, receivedAt));
}

function sampleStep(tracker: PendingTracker): Step {
  return step("pending", pendingProbe, (block, { head, fees, receivedAt }) => {
    if (head !== undefined && fees !== undefined) tracker.sample(block, { fees, newest: head.number, at: receivedAt });
  });
}
