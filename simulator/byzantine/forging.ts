import { concat, fromHex, keccakHex } from "../../protocol/bytes.ts";
import { observationDigest } from "../../protocol/eip712.ts";
import { encodeObservation, encodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import { addressOfPublicKey } from "../../protocol/secp256k1.ts";
import type { AdversaryView, Behaviour, CreateBehaviour } from "../cluster/adversary.ts";
import type { Key } from "../cluster/signatures.ts";
import { computeRound, freshBytes, leads, observe, pick, proposalOf, signatureOf } from "./craft.ts";
import { asLeader, createNotes, type Led, standingOn } from "./lead.ts";

/** When the others have spoken and their words can be taken from them. */
const FORGE_PERCENT = 20;

/** Honest in all, and once a round forges something of what it has heard. */
function onceARound(view: AdversaryView, forge: (led: Led) => void): Behaviour {
  const notes = createNotes(view);
  return {
    onRound: (round) => view.after((view.network.config.roundMs * FORGE_PERCENT) / 100, () => forge(notes.led(round))),
    outputs: (outputs) => {
      notes.note(outputs);
      return outputs;
    },
  };
}

/** Another's contents under this key: what they say of their observer stays as it is. */
function signAsOther(view: AdversaryView, { observation }: SignedObservation, key: Key): Uint8Array {
  const bytes = encodeObservation(observation);
  const { round, configDigest } = observation;
  const digest = observationDigest(view.network.domain, { round, configDigest, contents: keccakHex(bytes) });
  return concat(bytes, fromHex(view.scheme.sign(fromHex(digest), key.privateKey)));
}

/** Hopes to speak for another (P1, P8): observations in the name of an honest member, with its own signature. */
export const createForgedObserver: CreateBehaviour = (view) =>
  onceARound(view, ({ round }) => {
    const victim = pick(view, view.honest);
    if (victim === undefined) return;
    const lie = observe(view, { round });
    const forged = { ...lie, observation: { ...lie.observation, observer: view.addressOf(victim) } };
    view.send("observation", signAsOther(view, forged, view.key));
    view.misbehaved("observes in another's name");
  });

/** Hopes to pass others' words off as its own, or to lead rounds that are not its own (P8): signs again what others have signed. */
export const createResigned: CreateBehaviour = (view) =>
  onceARound(view, ({ round, observations, parent }) => {
    const other = observations.find(({ signer }) => signer !== view.key.address);
    if (other !== undefined) {
      view.send("observation", signAsOther(view, other, view.key));
      view.misbehaved("signs another's observation");
    }
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    if (leads(view, round) || usable.length < view.network.committee.quorum) return;
    const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
    // In another order than the leader's, or it would be a duplicate of his before anybody looks at the signature.
    const digests = usable.map(({ digest }) => digest).reverse();
    view.send("proposal", proposalOf(view, { header, observations: digests }, newest?.certificate));
    view.misbehaved("proposes in another's round");
  });

/** Hopes that any key will do (P2, P8): all it says again under a stranger's key. */
export const createStrangerKey: CreateBehaviour = (view) => {
  const privateKey = freshBytes(view, 32);
  privateKey[0] = 1;
  const stranger = { privateKey, address: addressOfPublicKey(view.scheme.publicKey(privateKey)) };
  return onceARound(view, ({ round, observations, parent }) => {
    view.send("observation", encodeSignedObservation(observe(view, { round }, stranger)));
    view.misbehaved("observes under a stranger's key");
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    if (usable.length < view.network.committee.quorum) return;
    const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
    const digests = usable.map(({ digest }) => digest);
    view.send("signature", signatureOf(view, header, stranger));
    view.send("proposal", proposalOf(view, { header, observations: digests }, newest?.certificate, stranger));
  });
};

/** Hopes that members can be made to seem to sign what they did not (P2): headers and proposals with the bytes of others' signatures. */
export const createMovedSignatures: CreateBehaviour = (view) => {
  return asLeader(view, ({ round, observations, parent }) => {
    const newest = parent(0);
    const usable = standingOn(observations, newest);
    const taken = pick(view, view.messages("signature"));
    if (usable.length < view.network.committee.quorum || taken === undefined) return;
    const { header } = computeRound(view, { parent: newest?.opened, round, observations: usable });
    const digests = usable.map(({ digest }) => digest);
    for (const [topic, bytes] of [
      ["proposal", proposalOf(view, { header, observations: digests }, undefined)],
      ["signature", signatureOf(view, header)],
      ["observation", encodeSignedObservation(observe(view, { round }))],
    ] as const) {
      view.send(topic, concat(bytes.subarray(0, -65), taken.subarray(-65)));
    }
    view.misbehaved("puts another's signature under its words");
  });
};
