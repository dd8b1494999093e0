import { fromHex, toHex } from "../../protocol/bytes.ts";
import { type Certificate, encodeCertificate, type RoundSignature } from "../../protocol/certificate.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { freshBytes, pick } from "./craft.ts";
import { certificateOf, createGathering } from "./gathering.ts";

/** When the round before has its certificate. */
const FORGE_PERCENT = 60;

type Forge = (view: AdversaryView, real: Certificate) => Certificate;

/** Each is over a header that nobody has seen, or it would be a duplicate of the real one before it is looked at. */
const FORGERIES: Readonly<Record<string, Forge>> = {
  "of another header": (view, real) => ({ ...real, header: otherHeader(view, real) }),
  "of q − 1": (view, real) => ({ header: otherHeader(view, real), signatures: real.signatures.slice(1) }),
  "of the cabal alone": (view, real) => {
    const header = otherHeader(view, real);
    return { header, signatures: signaturesOfCabal(view, header) };
  },
  "of the cabal and others' old signatures": (view, real) => {
    const header = otherHeader(view, real);
    const own = signaturesOfCabal(view, header);
    const others = real.signatures.filter(({ signer }) => !own.some((signature) => signature.signer === signer));
    return { header, signatures: ascending([...own, ...others].slice(0, real.signatures.length)) };
  },
  "with a stranger": (view, real) => {
    const header = otherHeader(view, real);
    const stranger = { signer: toHex(freshBytes(view, 20)), signature: real.signatures[0]?.signature ?? "0x" };
    return { header, signatures: ascending([stranger, ...real.signatures.slice(1)]) };
  },
  "out of order": (view, real) => ({ header: otherHeader(view, real), signatures: [...real.signatures].reverse() }),
  "with one signature twice": (view, real) => ({
    header: otherHeader(view, real),
    signatures: [...real.signatures.slice(0, 1), ...real.signatures.slice(0, -1)],
  }),
  "of a lease of its own": (_view, real) => ({ ...real, header: { ...real.header, validUntil: real.header.validUntil + 1 } }),
};

function otherHeader(view: AdversaryView, { header }: Certificate): Certificate["header"] {
  return { ...header, stateRoot: toHex(freshBytes(view, 32)) };
}

function signaturesOfCabal({ cabal, network, scheme }: AdversaryView, header: Certificate["header"]): readonly RoundSignature[] {
  const hash = fromHex(roundDigest(network.domain, header));
  return cabal.map(({ key }) => ({ signer: key.address, signature: scheme.sign(hash, key.privateKey) }));
}

function ascending(signatures: readonly RoundSignature[]): readonly RoundSignature[] {
  return [...signatures].sort((a, b) => (a.signer < b.signer ? -1 : 1));
}

/** Hopes that less than a quorum passes for one (P2, P7): certificates that are none, one after the other. */
export const createBadCertificates: CreateBehaviour = (view) => ({
  onRound: () => {
    view.after((view.network.config.roundMs * FORGE_PERCENT) / 100, () => {
      const { digest } = view.machine.status().head;
      const real = view.certificates().find((heard) => heard.digest === digest) ?? view.certificates().at(-1);
      const name = pick(view, Object.keys(FORGERIES));
      if (real === undefined || name === undefined) return;
      const forged = FORGERIES[name]?.(view, real.certificate);
      if (forged === undefined) return;
      view.send("certificate", encodeCertificate(forged));
      view.misbehaved(`a certificate ${name}`);
    });
  },
});

/** Hopes that one round counts for two (P2): the certificate again, with another quorum's signatures under the same header. */
export const createOtherSubset: CreateBehaviour = (view) => {
  const gathering = createGathering(view);
  return {
    hears: ({ topic, bytes }) => {
      if (topic === "signature") gathering.note(bytes);
      return true;
    },
    outputs: (outputs) => {
      for (const output of outputs) if (output.kind === "publish" && output.topic === "signature") gathering.note(output.bytes);
      return outputs;
    },
    onRound: (round) => {
      for (const gathered of gathering.all()) {
        const certificate = certificateOf(view, gathered, "last");
        if (gathered.header.round !== round - 1 || certificate === undefined) continue;
        view.send("certificate", encodeCertificate(certificate));
        view.misbehaved("a certificate of other signers");
      }
    },
  };
};
