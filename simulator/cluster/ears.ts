import type { Topic } from "../../node/machine.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedObservation, type SignedObservation } from "../../protocol/observation.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";

/** Messages of a topic that a byzantine node keeps. */
const KEPT: Readonly<Record<Topic, number>> = { observation: 64, proposal: 8, signature: 64, certificate: 8 };
const KEPT_ROUNDS = 8;

/** What a byzantine node has heard; decoded only when it looks. */
export type Ears = {
  readonly hear: (topic: Topic, bytes: Uint8Array) => void;
  readonly messages: (topic: Topic) => readonly Uint8Array[];
  readonly observations: (round: number) => readonly SignedObservation[];
  readonly certificates: () => readonly { readonly certificate: Certificate; readonly digest: Digest }[];
};

export function createEars({ domain, committee }: Network, scheme: Secp256k1): Ears {
  const kept: Record<Topic, Uint8Array[]> = { observation: [], proposal: [], signature: [], certificate: [] };
  const rounds = new Map<number, SignedObservation[]>();
  let unread: Uint8Array[] = [];

  const read = (): void => {
    for (const bytes of unread) {
      const decoded = decodeSignedObservation(bytes, domain, scheme);
      if (!decoded.ok || !committee.members.some(({ address }) => address === decoded.value.signer)) continue;
      const { round } = decoded.value.observation;
      rounds.set(round, [...(rounds.get(round) ?? []), decoded.value]);
    }
    unread = [];
    const newest = Math.max(...rounds.keys());
    for (const round of rounds.keys()) if (round < newest - KEPT_ROUNDS) rounds.delete(round);
  };

  return {
    hear: (topic, bytes) => {
      kept[topic].push(bytes);
      if (kept[topic].length > KEPT[topic]) kept[topic].shift();
      if (topic === "observation") unread.push(bytes);
      if (unread.length > KEPT.observation) unread.shift();
    },
    messages: (topic) => kept[topic],
    observations: (round) => {
      read();
      return rounds.get(round) ?? [];
    },
    certificates: () =>
      kept.certificate.flatMap((bytes) => {
        const decoded = decodeCertificate(bytes);
        return decoded.ok ? [{ certificate: decoded.value, digest: roundDigest(domain, decoded.value.header) }] : [];
      }),
  };
}
