import type { Output } from "../../node/machine.ts";
import { decodeSignatureMessage, splitProposalMessage } from "../../node/wire.ts";
import { type Digest, fromHex, keccakHex, toHex } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import { observationDigest, proposalDigest, roundDigest } from "../../protocol/eip712.ts";
import { decodeObservation } from "../../protocol/observation.ts";
import { decodeProposal } from "../../protocol/proposal.ts";
import type { AdversaryView, Behaviour, CreateBehaviour } from "../cluster/adversary.ts";
import { leads } from "./craft.ts";
import { withoutSignature } from "./interception.ts";

type Message = Parameters<NonNullable<Behaviour["hears"]>>[0];

/** Digests remembered: of a few hundred rounds. */
const MAX_DIGESTS = 4_096;

/**
 * Keeps from the machine what is signed behind its back with its key, or it would stop signing for good: "someone else signs with this
 * key". What the machine signed itself is known from its promises; everything else under its key is hidden from it, whether it comes
 * by gossip, in a certificate, or as the answer to a fetch.
 */
export function masked(create: CreateBehaviour): CreateBehaviour {
  return (view) => {
    const promised = new Set<Digest>();
    const foreign = new Set<Digest>();
    const behaviour = create(recordingView(view, (digest) => remember(foreign, digest)));
    const isForeign = (digest: Digest | undefined): boolean => {
      if (digest === undefined || promised.has(digest)) return false;
      remember(foreign, digest);
      return true;
    };
    return {
      ...behaviour,
      hears: (message) => {
        const passes = behaviour.hears?.(message) ?? true;
        return passes && !isForeign(ownDigest(view, message));
      },
      outputs: (outputs) => {
        for (const output of outputs) if (output.kind === "persist") remember(promised, output.record.digest);
        const asked = outputs.filter(
          (output) => !refuses(view, output, (digest) => foreign.has(digest) && !promised.has(digest)),
        );
        return behaviour.outputs?.(asked) ?? asked;
      },
    };
  };
}

/** The view, with everything noted that is signed through it with this node's own key. */
function recordingView(view: AdversaryView, note: (digest: Digest) => void): AdversaryView {
  const sign: AdversaryView["scheme"]["sign"] = (digest, privateKey) => {
    if (privateKey === view.key.privateKey) note(toHex(digest));
    return view.scheme.sign(digest, privateKey);
  };
  // The view's machine is another one after each start, so the view must not be copied.
  return Object.create(view, { scheme: { value: { ...view.scheme, sign }, enumerable: true } });
}

/** A fetch of something that the machine must not see fails before it is made. */
function refuses(view: AdversaryView, output: Output, isHidden: (digest: Digest) => boolean): boolean {
  if (output.kind !== "fetch" || output.want.kind === "body" || !isHidden(output.want.digest)) return false;
  const { want, from } = output;
  view.after(1, () => view.handle({ kind: "fetch-failed", want, from }));
  return true;
}

function remember(digests: Set<Digest>, digest: Digest): void {
  digests.add(digest);
  for (const oldest of digests) {
    if (digests.size <= MAX_DIGESTS) return;
    digests.delete(oldest);
  }
}

/** The digest under which a message carries this node's own signature; undefined when it does not. */
export function ownDigest(view: AdversaryView, { topic, bytes }: Message): Digest | undefined {
  return OWN[topic](view, bytes);
}

const OWN: { readonly [K in Message["topic"]]: (view: AdversaryView, bytes: Uint8Array) => Digest | undefined } = {
  observation: ({ network, key }, bytes) => {
    const contents = withoutSignature(bytes);
    const decoded = decodeObservation(contents);
    if (!decoded.ok || decoded.value.observer !== key.address) return undefined;
    const { round, configDigest } = decoded.value;
    return observationDigest(network.domain, { round, configDigest, contents: keccakHex(contents) });
  },
  proposal: (view, bytes) => {
    const parts = splitProposalMessage(bytes);
    if (!parts.ok) return undefined;
    const contents = withoutSignature(parts.value.proposal);
    const decoded = decodeProposal(contents);
    if (!decoded.ok) return undefined;
    const { round, configDigest } = decoded.value.header;
    if (leads(view, round)) return proposalDigest(view.network.domain, { round, configDigest, contents: keccakHex(contents) });
    const { certificate } = parts.value;
    return certificate === undefined ? undefined : ownIn(view, certificate);
  },
  signature: ({ network, scheme, key }, bytes) => {
    const decoded = decodeSignatureMessage(bytes);
    if (!decoded.ok) return undefined;
    const digest = roundDigest(network.domain, decoded.value.header);
    return scheme.recover(fromHex(digest), decoded.value.signature) === key.address ? digest : undefined;
  },
  certificate: (view, bytes) => {
    const decoded = decodeCertificate(bytes);
    return decoded.ok ? ownIn(view, decoded.value) : undefined;
  },
};

function ownIn({ network, key }: AdversaryView, { header, signatures }: Certificate): Digest | undefined {
  return signatures.some(({ signer }) => signer === key.address) ? roundDigest(network.domain, header) : undefined;
}
