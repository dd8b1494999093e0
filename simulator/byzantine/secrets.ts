import type { Want } from "../../node/machine.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { type Certificate, encodeCertificate } from "../../protocol/certificate.ts";
import type { AdversaryView } from "../cluster/adversary.ts";
import { halves, send } from "./craft.ts";
import { certificateOf, createGathering, type Gathered } from "./gathering.ts";

/** Hidden certificates kept, and answers that are this node's alone to give. */
const KEPT_SECRETS = 16;
const KEPT_ANSWERS = 48;
/** Before the next round's observations: those who see the certificate then name it in theirs. */
const EVE_MS = 60;

/** What becomes of certificates that this node alone can make. */
export type Hiding = {
  /** Rounds later to everybody; on the eve of the next round to one half; when the next leader has proposed; or never. */
  readonly shows: "rounds-later" | "to-some" | "after-next-proposal" | "never";
  /** Whether its observations name them as its head. */
  readonly names: boolean;
  /** What of them it gives to those who ask. */
  readonly serves: "all" | "certificates" | "nothing";
};

type Secret = { readonly certificate: Certificate; readonly digest: Digest; shown: boolean };

/** Certificates that the others cannot make without a signature of the cabal, and answers that only this node can give. */
export type Secrets = {
  /** A signature message, heard or held back. */
  readonly gather: (signature: Uint8Array) => void;
  readonly isHidden: (digest: Digest) => boolean;
  /** Shows what is older than this round, if it is time for that now. */
  readonly proposed: (round: number) => void;
  /** From now on this is the answer, to these nodes; the others are told that it is not here. */
  readonly keep: (want: Want, bytes: Uint8Array, to: readonly number[]) => void;
  readonly serve: (want: Want, from: number, honest: Uint8Array | undefined) => Uint8Array | undefined;
};

export function createSecrets(view: AdversaryView, { shows, serves }: Hiding): Secrets {
  const gathering = createGathering(view);
  const secrets = new Map<Digest, Secret>();
  const answers = new Map<string, { readonly bytes: Uint8Array; readonly to: readonly number[] }>();
  const keep: Secrets["keep"] = (want, bytes, to) => {
    answers.set(keyOf(want), { bytes, to });
    dropFirst(answers, KEPT_ANSWERS);
  };
  const show = (secret: Secret, to?: readonly number[]): void => {
    if (secret.shown) return;
    secret.shown = true;
    send(view, "certificate", encodeCertificate(secret.certificate), to);
    view.misbehaved("shows a hidden certificate");
  };
  const plan = (secret: Secret): void => {
    const { roundMs } = view.network.config;
    if (shows === "rounds-later") view.after(roundMs * (1 + view.random.below(2)), () => show(secret));
    if (shows !== "to-some") return;
    const untilNext = roundMs - (view.now() % roundMs);
    view.after(Math.max(0, untilNext - EVE_MS), () => show(secret, halves(view)[1]));
  };
  return {
    gather: (signature) => {
      const gathered = gathering.note(signature);
      if (gathered === undefined || secrets.has(gathered.digest) || !isOurs(view, gathered)) return;
      const certificate = certificateOf(view, gathered);
      if (certificate === undefined) return;
      const secret = { certificate, digest: gathered.digest, shown: false };
      secrets.set(secret.digest, secret);
      dropFirst(secrets, KEPT_SECRETS);
      keep({ kind: "certificate", digest: secret.digest }, encodeCertificate(certificate), view.everybody);
      view.misbehaved("holds a certificate alone");
      plan(secret);
    },
    isHidden: (digest) => secrets.get(digest)?.shown === false,
    proposed: (round) => {
      if (shows !== "after-next-proposal") return;
      for (const secret of secrets.values()) if (secret.certificate.header.round < round) show(secret);
    },
    keep,
    serve: (want, from, honest) => {
      const withheld = serves === "nothing" || (serves === "certificates" && want.kind === "body");
      if (withheld && secrets.has(want.digest)) {
        view.misbehaved(`does not serve a hidden ${want.kind}`);
        return undefined;
      }
      const own = answers.get(keyOf(want));
      if (own === undefined) return honest;
      return own.to.includes(from) ? own.bytes : undefined;
    },
  };
}

/** Whether the others have less than a quorum of these signatures, because the cabal's are held back. */
function isOurs({ cabal, network }: AdversaryView, { signatures }: Gathered): boolean {
  const ours = cabal.filter(({ key }) => signatures.has(key.address)).length;
  return signatures.size >= network.committee.quorum && signatures.size - ours < network.committee.quorum;
}

function keyOf({ kind, digest }: Want): string {
  return `${kind} ${digest}`;
}

function dropFirst(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
