import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { type Digest, keccakHex } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import { decodeSignedObservation, MAX_DOCUMENTS } from "../../protocol/observation.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { freshBytes, halves, leads, observe, pick, sendObservation } from "./craft.ts";
import { divert, headerOf } from "./interception.ts";
import { asLeader, proposeRound, standingOn } from "./lead.ts";

const DAY_MS = 86_400_000;

/**
 * Hopes to keep a pause or a config out (P6): as leader it includes those that carry nothing, and of the others, where it cannot do
 * without, the fewest.
 */
export const createCensorCarriers: CreateBehaviour = (view) =>
  asLeader(view, ({ round, observations, parent }) => {
    const { quorum } = view.network.committee;
    const usable = standingOn(observations, parent(0));
    const silentFirst = [...usable].sort((a, b) => a.observation.documents.length - b.observation.documents.length);
    const chosen = new Set(silentFirst.slice(0, quorum));
    if (chosen.size < quorum) return;
    const left = usable.filter((signed) => !chosen.has(signed));
    const carriers = left.filter(({ observation }) => observation.documents.length > 0).length;
    view.misbehaved(`leaves ${left.length} out, ${carriers} of them with documents`);
    proposeRound(view, { round, parent: parent(0), observations: usable.filter((signed) => chosen.has(signed)) });
  });

/** Hopes to stop whoever looks for what is not there (P6, P8): its observations name documents that nobody has. */
export const createPhantomDocuments: CreateBehaviour = (view) => ({
  outputs: (outputs) =>
    divert(outputs, (topic, bytes) => {
      const own = topic === "observation" ? decodeSignedObservation(bytes, view.network.domain, view.scheme) : undefined;
      if (own?.ok !== true) return false;
      const invented = Array.from({ length: 1 + view.random.below(MAX_DOCUMENTS) }, () => keccakHex(freshBytes(view, 32)));
      const documents = [...new Set([...own.value.observation.documents, ...invented])].sort(compareText);
      view.misbehaved(`names ${invented.length} documents that are not there`);
      sendObservation(view, observe(view, { ...own.value.observation, documents: documents.slice(0, MAX_DOCUMENTS) }));
      return true;
    }),
});

/** Hopes to divide those who carry from those who cannot (P6): gives documents to the first half only, after naming them to all. */
export const createDocumentToSome: CreateBehaviour = (view) => {
  const [served] = halves(view);
  return {
    ...createPhantomDocuments(view),
    serves: ({ kind, digest }, from, honest) => {
      if (kind !== "document" || served.includes(from)) return honest;
      view.misbehaved(`keeps document ${digest} from node ${from}`);
      return undefined;
    },
  };
};

/** Hopes that what a digest is asked for by is believed (P6): answers for documents with others, altered ones, and noise. */
export const createForgedDocuments: CreateBehaviour = (view) => {
  const known = new Map<Digest, Uint8Array>();
  const invented = new Map<Digest, Uint8Array>();
  return {
    ...naming(view, () => {
      const bytes = forge(view, [...known.values()]);
      const digest = keccakHex(bytes);
      invented.set(digest, bytes);
      view.misbehaved(`names forged document ${digest}`);
      return digest;
    }),
    serves: ({ kind, digest }, _, honest) => {
      if (kind !== "document") return honest;
      if (honest !== undefined) known.set(digest, honest);
      return invented.get(digest) ?? forge(view, [...known.values()]);
    },
  };
};

/** Altered in one byte, or noise. */
function forge(view: AdversaryView, known: readonly Uint8Array[]): Uint8Array {
  const model = pick(view, known);
  if (model === undefined) return freshBytes(view, 1 + view.random.below(300));
  const altered = Uint8Array.from(model);
  const at = view.random.below(altered.length);
  altered[at] = (altered[at] ?? 0) ^ (1 + view.random.below(255));
  return altered;
}

/** One more document in each observation. */
function naming(view: AdversaryView, name: () => Digest) {
  return {
    outputs: (outputs: Parameters<typeof divert>[0]) =>
      divert(outputs, (topic, bytes) => {
        const own = topic === "observation" ? decodeSignedObservation(bytes, view.network.domain, view.scheme) : undefined;
        if (own?.ok !== true) return false;
        const documents = [...new Set([...own.value.observation.documents, name()])].sort(compareText);
        sendObservation(view, observe(view, { ...own.value.observation, documents }));
        return true;
      }),
  };
}

/** Hopes to carry a config past everybody (P6): says of every replay that it agrees, and of those that are sound that it does not. */
export const createUnreviewedConfig: CreateBehaviour = (view) => ({
  outputs: (outputs) => {
    const reviews = outputs.filter((output) => output.kind === "review");
    for (const { document } of reviews) {
      view.misbehaved(`agrees to config document ${document.digest} unseen`);
      view.after(1, () => view.handle({ kind: "reviewed", document: document.digest, agrees: true }));
    }
    return outputs.filter((output) => output.kind !== "review");
  },
});

/** Hopes to fork off under what is no more in force (P6, P2): goes on observing and signing under the config that it began with. */
export const createRetiredConfig: CreateBehaviour = (view) => {
  const { configDigest } = view.network;
  return {
    outputs: (outputs) =>
      divert(outputs, (topic, bytes) => {
        if (view.network.configDigest === configDigest) return false;
        if (topic === "observation") {
          const own = decodeSignedObservation(bytes, view.network.domain, view.scheme);
          if (own.ok) sendObservation(view, observe(view, { ...own.value.observation, configDigest }));
          view.misbehaved("an observation under the retired config");
          return true;
        }
        return headerOf({ topic, bytes })?.round !== undefined;
      }),
  };
};

/** Hopes to lead others into a config of its own (P6): speaks of configs that are not, and forges the way into them. */
export const createForgedTransitions: CreateBehaviour = (view) => {
  let configDigest = keccakHex(freshBytes(view, 32));
  return {
    onRound: (round) => {
      if (round % 4 === 0) configDigest = keccakHex(freshBytes(view, 32));
      sendObservation(view, observe(view, { round, configDigest }));
      view.misbehaved("speaks of a config that is not");
    },
    serves: ({ kind }, _, honest) => {
      if (kind !== "transition") return honest;
      view.misbehaved("a forged transition");
      return honest === undefined ? freshBytes(view, 600) : forge(view, [honest]);
    },
  };
};

/** Hopes to move what gauges and shadows decide (P5, P6): the largest, none, of yesterday, of tomorrow, and names nobody asked for. */
export const createExtremeGauges: CreateBehaviour = (view) => ({
  outputs: (outputs) =>
    outputs.filter((output) => {
      if (output.kind !== "sample") return true;
      const { round } = output;
      view.after(1, () => {
        const honest = view.look();
        const value = pick(view, [0n, 1n, MAX_AMOUNT]) ?? 0n;
        const shiftMs = pick(view, [-DAY_MS, 0, DAY_MS]) ?? 0;
        const gauges = honest.gauges.map((entry) => ({ ...entry, value, asOf: entry.asOf + shiftMs }));
        const named = [...gauges, { gauge: "zero.NOWHERE", value, asOf: view.now() }];
        const shadows = honest.entries.map(({ feed }) => ({ feed, price: value }));
        view.misbehaved(`gauges and shadows of ${value}, ${shiftMs} ms off`);
        view.handle({ kind: "sampled", round, entries: honest.entries, gauges: named, shadows });
      });
      return false;
    }),
});

/** Hopes to stop a round by what it includes (P8): proposes with observations that name documents, and keeps the documents. */
export const createHiddenDocuments: CreateBehaviour = (view) => ({
  ...asLeader(view, ({ round, observations, parent }) => {
    const usable = standingOn(observations, parent(0));
    if (usable.length < view.network.committee.quorum) return;
    view.misbehaved("proposes and serves no document");
    proposeRound(view, { round, parent: parent(0), observations: usable });
  }),
  serves: ({ kind }, _, honest) =>
    kind === "document" && leads(view, Math.floor(view.now() / view.network.config.roundMs)) ? undefined : honest,
});
