import { setTimeout as sleep } from "node:timers/promises";
import { startTransport } from "../node/io/transport.ts";
import { benchKeys } from "./chain.ts";
import { answerParent } from "./child.ts";

/** What a parent may ask; every answer is `{ ms }`, or nothing. */
export type HopQuestion =
  /** Answered when every other node listens. */
  | { readonly kind: "ready" }
  /** Publish the first of three messages; node i passes on step i − 1. */
  | { readonly kind: "start"; readonly id: number }
  /** Answered when the third hop of this id arrived here, with the time since the first was published. */
  | { readonly kind: "await"; readonly id: number }
  /** A round without its work: everybody speaks at `at` (Unix ms), the leader when it heard all, everybody again; then a quorum. */
  | { readonly kind: "round"; readonly id: number; readonly at: number };

const NODES = 4;
const QUORUM = 3;
const HOPS = 3;
const TOPIC = "bench";
/** Fifteen feeds' observation with its signature. */
const MESSAGE_BYTES = 1_200;
const READY_MS = 25_000;
const HEADER_BYTES = 16;

const KINDS = ["chain", "round"] as const;
type Message = { readonly kind: (typeof KINDS)[number]; readonly id: number; readonly step: number; readonly startedAt: number };

const [own = 0, firstPort = 0] = (process.argv[2] ?? "").split(" ").map(Number);
const keys = benchKeys(NODES);
const key = keys[own];
if (key === undefined) throw new Error("expected an index and a first port");

const waiting = new Map<number, (ms: number) => void>();
const heard = new Map<string, number>();
const multiaddr = (index: number): string => `/ip4/127.0.0.1/tcp/${firstPort + index}`;
const transport = await startTransport({
  key,
  committee: keys.map(({ address }) => address),
  listen: [multiaddr(own)],
  peers: keys.flatMap(({ address }, index) => (index === own ? [] : { address, multiaddr: multiaddr(index) })),
  topics: [{ topic: TOPIC, maxBytes: 2 * MESSAGE_BYTES }],
  onGossip: ({ bytes }) => {
    const message = decode(bytes);
    if (message.kind === "chain") passOn(message);
    else takePart(message);
    return "accept";
  },
  onRequest: () => undefined,
  log: { info: () => undefined, warn: () => undefined },
  metrics: { onGossip: () => undefined, onRequest: () => undefined, onLink: () => undefined, onRefused: () => undefined },
});

answerParent(async (question) => answer(question as HopQuestion), transport.stop);

async function answer(question: HopQuestion): Promise<unknown> {
  switch (question.kind) {
    case "ready":
      return untilReachable();
    case "start":
      publish({ kind: "chain", id: question.id, step: 0, startedAt: clock() });
      return undefined;
    case "await":
      return { ms: await arrival(question.id) };
    case "round": {
      const arrived = arrival(question.id);
      await sleep(Math.max(1, question.at - Date.now()));
      const message: Message = { kind: "round", id: question.id, step: 0, startedAt: question.at };
      publish(message);
      takePart(message);
      return { ms: await arrived };
    }
  }
}

async function untilReachable(): Promise<undefined> {
  const deadline = Date.now() + READY_MS;
  while (transport.reachable(TOPIC).length < NODES - 1) {
    if (Date.now() > deadline) throw new Error("the nodes did not find each other");
    await sleep(100);
  }
}

function passOn({ id, step, startedAt }: Message): void {
  if (own !== step + 1) return;
  if (step === HOPS - 1) waiting.get(id)?.(clock() - startedAt);
  else publish({ kind: "chain", id, step: step + 1, startedAt });
}

/** Own messages count like anybody's, as in a round. */
function takePart(message: Message): void {
  const { id, step, startedAt } = message;
  const count = (heard.get(`${id} ${step}`) ?? 0) + 1;
  heard.set(`${id} ${step}`, count);
  const next: Message = { ...message, step: step + 1 };
  if (step === 0 && own === 0 && count === NODES) speak(next);
  if (step === 1) speak(next);
  if (step === 2 && count === QUORUM) waiting.get(id)?.(Date.now() - startedAt);
}

function speak(message: Message): void {
  publish(message);
  takePart(message);
}

function publish(message: Message): void {
  void transport.publish(TOPIC, encode(message));
}

function arrival(id: number): Promise<number> {
  return new Promise((resolve) => {
    waiting.set(id, (ms) => {
      waiting.delete(id);
      resolve(ms);
    });
  });
}

/** Monotonic and common to all processes of a machine, in ms. */
function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function encode({ kind, id, step, startedAt }: Message): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KINDS.indexOf(kind));
  view.setUint8(1, step);
  view.setUint8(2, own);
  view.setUint32(4, id);
  view.setFloat64(8, startedAt);
  return bytes.fill(own, HEADER_BYTES);
}

function decode(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    kind: KINDS[view.getUint8(0)] ?? "chain",
    step: view.getUint8(1),
    id: view.getUint32(4),
    startedAt: view.getFloat64(8),
  };
}
