import { TOPICS, type Topic } from "../../node/machine.ts";
import { MAX_TOPIC_BYTES } from "../../node/wire.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { computeRound, freshBytes, observe, pick, proposalOf, sendObservation, signatureOf } from "./craft.ts";
import { createNotes, type Led, standingOn } from "./lead.ts";

const MAX_RANDOM_BYTES = 400;
/** When there is something to mutate. */
const GARBAGE_PERCENT = 40;
/** An oversize observation is half a megabyte: once in so many rounds is enough. */
const OVERSIZE_EVERY = 5;

/** Hopes that a decoder throws or hangs (P8): random bytes on every topic. */
export const createRandomBytes: CreateBehaviour = (view) => ({
  onRound: () => {
    for (const topic of TOPICS) view.send(topic, freshBytes(view, view.random.below(MAX_RANDOM_BYTES)));
    view.misbehaved("random bytes");
  },
});

/** Hopes that a decoder is less strict than another (P7, P8): real messages with a byte changed, cut short or continued. */
export const createMutatedMessages: CreateBehaviour = (view) => ({
  onRound: () => {
    view.after((view.network.config.roundMs * GARBAGE_PERCENT) / 100, () => {
      for (const topic of TOPICS) {
        const heard = pick(view, view.messages(topic));
        if (heard === undefined) continue;
        view.send(topic, mutate(view, heard));
        view.misbehaved(`a mutated ${topic}`);
      }
    });
  },
});

function mutate(view: AdversaryView, bytes: Uint8Array): Uint8Array {
  const at = view.random.below(Math.max(1, bytes.length));
  const kind = view.random.below(3);
  if (kind === 0) return bytes.slice(0, at);
  if (kind === 1) return Uint8Array.from([...bytes, view.random.below(256)]);
  return bytes.map((byte, index) => (index === at ? byte ^ (1 << view.random.below(8)) : byte));
}

/** Hopes that length alone costs memory (P8): a message one byte longer than its topic allows. */
export const createOversizeMessages: CreateBehaviour = (view) => ({
  onRound: (round) => {
    const topics: readonly Topic[] = round % OVERSIZE_EVERY === 0 ? TOPICS : ["proposal", "signature", "certificate"];
    for (const topic of topics) view.send(topic, new Uint8Array(MAX_TOPIC_BYTES[topic] + 1));
    view.misbehaved("oversize messages");
  },
});

/** Hopes that what is well signed need not make sense (P7, P8): messages of its own key whose parts contradict each other. */
export const createMisshapen: CreateBehaviour = (view) => {
  const notes = createNotes(view);
  return {
    onRound: (round) => {
      view.after((view.network.config.roundMs * GARBAGE_PERCENT) / 100, () => {
        const name = pick(view, Object.keys(MISSHAPEN)) ?? "";
        MISSHAPEN[name]?.(view, notes.led(round));
        view.misbehaved(name);
      });
    },
    outputs: (outputs) => {
      notes.note(outputs);
      return outputs;
    },
  };
};

type Misshape = (view: AdversaryView, led: Led) => void;

const MISSHAPEN: Readonly<Record<string, Misshape>> = {
  "a head of the same round": (view, { round }) => {
    sendObservation(view, observe(view, { round, head: { round, digest: view.network.configDigest } }));
  },
  "a head of round zero": (view, { round }) => {
    sendObservation(view, observe(view, { round, head: { round: 0, digest: view.network.configDigest } }));
  },
  "more entries than feeds": (view, { round }) => {
    const { feeds } = view.network.config;
    const sample = view.sample()[0];
    if (sample === undefined) return;
    const entries = Array.from({ length: feeds.length + 1 }, (_, index) => ({
      ...sample,
      feed: `A${String(index).padStart(5, "0")}/USD` as typeof sample.feed,
    }));
    sendObservation(view, observe(view, { round, entries }));
  },
  "an observation of no feed": (view, { round }) => sendObservation(view, observe(view, { round, entries: [] })),
  "a lease of its own choosing": (view, led) => {
    const { header } = computedOf(view, led);
    view.send("signature", signatureOf(view, { ...header, validUntil: header.validUntil + 1 }));
    view.send("signature", signatureOf(view, { ...header, timestamp: header.timestamp - 1 }));
  },
  "a proposal of its own lease": (view, led) => proposeAs(view, led, { validUntil: Number.MAX_SAFE_INTEGER }),
  "a certificate that is not the parent's": (view, led) => {
    const { header, digests } = computedOf(view, led);
    view.send("proposal", proposalOf(view, { header, observations: digests }, led.parent(1)?.certificate));
  },
  "a proposal of nothing": (view, led) => {
    view.send("proposal", proposalOf(view, { header: computedOf(view, led).header, observations: [] }, undefined));
  },
};

function computedOf(view: AdversaryView, { round, observations, parent }: Led) {
  const newest = parent(0);
  const usable = standingOn(observations, newest);
  const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
  return { header, digests: usable.map(({ digest }) => digest) };
}

function proposeAs(view: AdversaryView, led: Led, changes: { readonly validUntil: number }): void {
  const { header, digests } = computedOf(view, led);
  view.send("proposal", proposalOf(view, { header: { ...header, ...changes }, observations: digests }, undefined));
}
