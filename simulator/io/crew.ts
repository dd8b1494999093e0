import { Worker } from "node:worker_threads";
import type { Order, OrderOf, Reply, ReplyTo } from "../trial/work.ts";

/** Those who carry orders out, one order each at a time. */
export type Crew = {
  readonly size: number;
  /** Undefined when the crew was sent home before the order was done. */
  readonly ask: <K extends Order["kind"]>(order: OrderOf<K>) => Promise<ReplyTo<K> | undefined>;
  readonly end: () => Promise<void>;
};

type Hand = { readonly worker: Worker; settle: ((reply: Reply | Error | undefined) => void) | undefined };

/** A trial makes much that lives a moment only: with a larger nursery a tenth less time goes into collecting it. */
const LIMITS = { maxYoungGenerationSizeMb: 128 };

/** Worker threads: a trial is pure, so it does not matter which of them runs it. An order waits until one is idle. */
export function createCrew(size: number): Crew {
  const idle: Hand[] = [];
  const waiting: ((hand: Hand | undefined) => void)[] = [];
  let ended = false;

  const release = (hand: Hand): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(hand);
    else next(hand);
  };
  const hands = Array.from({ length: size }, (): Hand => {
    const hand: Hand = {
      worker: new Worker(new URL("./simulate-worker.ts", import.meta.url), { resourceLimits: LIMITS }),
      settle: undefined,
    };
    hand.worker.on("message", (reply: Reply) => hand.settle?.(reply));
    hand.worker.on("error", (error: unknown) => hand.settle?.(error instanceof Error ? error : new Error(String(error))));
    return hand;
  });
  idle.push(...hands);

  const takeHand = (): Promise<Hand | undefined> => {
    const hand = idle.pop();
    if (hand !== undefined || ended) return Promise.resolve(ended ? undefined : hand);
    return new Promise((resolve) => waiting.push(resolve));
  };

  return {
    size,
    ask: async <K extends Order["kind"]>(order: OrderOf<K>) => {
      const hand = await takeHand();
      if (hand === undefined) return undefined;
      const reply = await new Promise<Reply | Error | undefined>((resolve) => {
        hand.settle = resolve;
        hand.worker.postMessage(order);
      });
      hand.settle = undefined;
      if (reply instanceof Error) throw reply;
      release(hand);
      return reply as ReplyTo<K> | undefined;
    },
    end: async () => {
      ended = true;
      for (const wait of waiting.splice(0)) wait(undefined);
      for (const hand of hands) hand.settle?.(undefined);
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}
