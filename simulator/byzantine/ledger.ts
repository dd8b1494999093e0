import { type ParentRound, recomputeBody } from "../../aggregator/round.ts";
import type { Output } from "../../node/machine.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { decodeRoundBody } from "../../protocol/round-codec.ts";
import type { AdversaryView } from "../cluster/adversary.ts";

/** Rounds kept to build on: further back than any honest node would. */
const KEPT_ROUNDS = 12;

/** A certified round that something can be built on. */
export type Parent = { readonly opened: ParentRound; readonly certificate: Certificate };

/** The rounds that this node's machine has committed, for building on others than the newest. */
export type Ledger = {
  /** To be shown every output of the machine. */
  readonly note: (outputs: readonly Output[]) => void;
  /** The newest certified round before this one is 0 back; undefined when there is none so far back. */
  readonly back: (round: number, rounds: number) => Parent | undefined;
};

type Kept = { readonly digest: Digest; readonly certificate: Certificate; readonly body: RoundBody };

export function createLedger(view: AdversaryView): Ledger {
  let kept: readonly Kept[] = [];
  const opened = new Map<Digest, ParentRound>();
  const add = (round: Kept): void => {
    if (kept.some(({ digest }) => digest === round.digest)) return;
    kept = [...kept, round].sort((a, b) => b.body.round - a.body.round).slice(0, KEPT_ROUNDS);
  };
  const open = ({ digest, body }: Kept): ParentRound | undefined => {
    const known = opened.get(digest);
    if (known !== undefined) return known;
    const recomputed = recomputeBody(view.network, body, view.scheme);
    if (!recomputed.ok) return undefined;
    opened.set(digest, recomputed.value);
    for (const key of opened.keys()) if (opened.size > KEPT_ROUNDS) opened.delete(key);
    return recomputed.value;
  };
  return {
    note: (outputs) => {
      for (const output of outputs) {
        if (output.kind === "commit") add({ ...output.certified, body: output.body });
      }
    },
    back: (round, rounds) => {
      const head = headOfMachine(view);
      if (head !== undefined) add(head);
      const found = kept.filter(({ body }) => body.round < round)[rounds];
      const parent = found === undefined ? undefined : open(found);
      return parent === undefined || found === undefined ? undefined : { opened: parent, certificate: found.certificate };
    },
  };
}

/** After a restart the machine has its head from the disk and commits it no second time. */
function headOfMachine({ machine }: AdversaryView): Kept | undefined {
  const { digest } = machine.status().head;
  const certificate = machine.serve({ kind: "certificate", digest });
  const body = machine.serve({ kind: "body", digest });
  if (certificate === undefined || body === undefined) return undefined;
  const [readCertificate, readBody] = [decodeCertificate(certificate), decodeRoundBody(body)];
  return readCertificate.ok && readBody.ok ? { digest, certificate: readCertificate.value, body: readBody.value } : undefined;
}
