import { bodyOf } from "../../aggregator/round.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { toHex } from "../../protocol/bytes.ts";
import { decodeSignedObservation, encodeSignedObservation } from "../../protocol/observation.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { freshBytes, inCommitteeOrder, leads, observe, sendObservation, signatureOf } from "./craft.ts";
import { divert, headerOf } from "./interception.ts";
import { asLeader, createNotes, type Led, proposeRound, standingOn } from "./lead.ts";
import { createSecrets, type Hiding, type Secrets } from "./secrets.ts";

/** How long before the end of a round's window it proposes: long enough for friends to sign, too short for the others. */
const HASTE_MS = 120;

/**
 * Holds its own signature and its certificates back, and as leader sees to it that its signature is the one that is missing: when the
 * window is about to close it proposes what only its chosen friends can complete in time.
 */
function hide(hiding: Hiding): CreateBehaviour {
  return (view) => {
    const notes = createNotes(view);
    const secrets = createSecrets(view, hiding);
    return {
      onRound: (round) => {
        const { roundMs, maxSkewMs } = view.network.config;
        if (leads(view, round)) view.after(roundMs + maxSkewMs - HASTE_MS, () => leadInHaste(view, notes.led(round), secrets));
      },
      hears: (message) => {
        if (message.topic === "signature") secrets.gather(message.bytes);
        if (message.topic === "proposal") secrets.proposed(headerOf(message)?.round ?? 0);
        return true;
      },
      outputs: (outputs) => {
        notes.note(outputs);
        return divert(outputs, (topic, bytes) => {
          if (topic === "observation") return !hiding.names && nameOlderHead(view, bytes, secrets);
          if (topic === "signature") secrets.gather(bytes);
          return true;
        });
      },
      serves: secrets.serve,
    };
  };
}

/** One of the observations that the proposal names is given to the friends only; they have it too late to hand it on in time. */
function leadInHaste(view: AdversaryView, { round, observations, parent }: Led, secrets: Secrets): void {
  const { quorum } = view.network.committee;
  const newest = parent(0);
  const friends = view.honest.slice(0, Math.max(0, quorum - view.cabal.length));
  const unsent = observe(view, { round, gauges: [{ gauge: "unsent", value: 1n, asOf: view.now() }] });
  const others = standingOn(observations, newest).filter(({ signer }) => signer !== view.key.address);
  const chosen = inCommitteeOrder(view, [...others, unsent]);
  if (chosen.length < quorum) return;
  secrets.keep({ kind: "observation", digest: unsent.digest }, encodeSignedObservation(unsent), friends);
  const { header, digest } = proposeRound(view, { round, parent: newest, observations: chosen }, { keys: [] });
  const body = bodyOf({ parent: newest?.opened, round, observations: chosen, documents: [] });
  secrets.keep({ kind: "body", digest }, encodeRoundBody(body), view.everybody);
  for (const { key } of view.cabal) secrets.gather(signatureOf(view, header, key));
  view.misbehaved("proposes in haste what few can complete");
}

/** The machine knows what the behaviour hides: its observation is signed again on the parent of the hidden head. */
function nameOlderHead(view: AdversaryView, bytes: Uint8Array, secrets: Secrets): boolean {
  const own = decodeSignedObservation(bytes, view.network.domain, view.scheme);
  if (!own.ok || !secrets.isHidden(own.value.observation.head.digest)) return false;
  const { observer: _, ...contents } = own.value.observation;
  sendObservation(view, observe(view, { ...contents, head: NO_HEAD }));
  view.misbehaved("names no head, to hide its own");
  return true;
}

/** Hopes to roll back what was built meanwhile (P2, P9): a hidden certificate, shown to everybody rounds later. */
export const createHiddenCertificate = hide({ shows: "rounds-later", names: false, serves: "all" });

/** Hopes to divide the honest nodes by their heads (P2, progress): a hidden certificate, shown to half of them before they observe. */
export const createCertificateToSome = hide({ shows: "to-some", names: false, serves: "all" });

/** Hopes to cost the next leader its round: a hidden certificate, shown when the next proposal on an older parent is out. */
export const createLateParentCertificate = hide({ shows: "after-next-proposal", names: false, serves: "all" });

/** Hopes that a head which only it can serve holds the others up: names its hidden certificate, and serves it when asked. */
export const createNamedHead = hide({ shows: "never", names: true, serves: "all" });

/** Hopes that a head which nobody can fetch holds the others up (progress): names its hidden certificate and serves nothing of it. */
export const createUnservedHead = hide({ shows: "never", names: true, serves: "nothing" });

/** Hopes to halt those who know a certificate without its body (progress): serves the one and not the other. */
export const createHiddenBody = hide({ shows: "rounds-later", names: true, serves: "certificates" });

/** Hopes that the others search for ever, or adopt what is not (P7, P8): names a head that was never certified. */
export const createInventedHead: CreateBehaviour = (view) => ({
  outputs: (outputs) =>
    divert(outputs, (topic, bytes) => {
      const own = topic === "observation" ? decodeSignedObservation(bytes, view.network.domain, view.scheme) : undefined;
      if (own?.ok !== true) return false;
      const { observer: _, ...contents } = own.value.observation;
      const ahead = 1 + view.random.below(3);
      const head = { round: contents.round - Math.min(ahead, contents.round - 1), digest: toHex(freshBytes(view, 32)) };
      sendObservation(view, observe(view, { ...contents, head }));
      view.misbehaved("names a head that is none");
      return true;
    }),
});

/**
 * Hopes that an answer is believed (P7, P8): serves random bytes, another round's body, or the right bytes with one changed. As leader
 * it proposes an observation that nobody has, so that all have to ask.
 */
export const createGarbageAnswers: CreateBehaviour = (view) => {
  let other: Uint8Array | undefined;
  const leading = asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const unsent = observe(view, { round, gauges: [{ gauge: "unsent", value: 1n, asOf: view.now() }] });
    const others = standingOn(observations, newest).filter(({ signer }) => signer !== view.key.address);
    const chosen = inCommitteeOrder(view, [...others, unsent]);
    if (chosen.length >= view.network.committee.quorum) proposeRound(view, { round, parent: newest, observations: chosen });
  });
  return {
    ...leading,
    serves: ({ kind }, _from, honest) => {
      const lies = [freshBytes(view, 64), new Uint8Array(0), other ?? freshBytes(view, 300), flip(view, honest)];
      if (honest !== undefined && kind === "body") other = honest;
      view.misbehaved(`serves garbage for a ${kind}`);
      return lies[view.random.below(lies.length)];
    },
  };
};

function flip(view: AdversaryView, bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  const changed = Uint8Array.from(bytes);
  const at = view.random.below(Math.max(1, changed.length));
  changed[at] = (changed[at] ?? 0) ^ (1 << view.random.below(8));
  return changed;
}
