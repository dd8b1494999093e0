import type { Output, Topic } from "../../node/machine.ts";
import { decodeSignatureMessage, splitProposalMessage } from "../../node/wire.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import { decodeProposal } from "../../protocol/proposal.ts";
import { SIGNATURE_BYTES } from "../../protocol/secp256k1.ts";
import type { AdversaryView, Behaviour } from "../cluster/adversary.ts";

/** The answer to `sample` is due as soon as an honest sampler's would be. */
const SAMPLE_MS = 1;

/** What the machine publishes, but for those messages that `take` says it has dealt with. */
export function divert(outputs: readonly Output[], take: (topic: Topic, bytes: Uint8Array) => boolean): readonly Output[] {
  return outputs.filter((output) => output.kind !== "publish" || !take(output.topic, output.bytes));
}

/**
 * The machine signs other entries than it saw; undefined for the honest ones. `afterMs`: waits so long with it, to hear the others
 * first.
 */
export function misreport(
  view: AdversaryView,
  distort: (entries: readonly FeedEntry[], round: number) => readonly FeedEntry[] | undefined,
  afterMs = SAMPLE_MS,
): Required<Pick<Behaviour, "outputs">> {
  return {
    outputs: (outputs) =>
      outputs.filter((output) => {
        if (output.kind !== "sample") return true;
        const { round } = output;
        view.after(afterMs, () => {
          const honest = view.look();
          view.handle({ kind: "sampled", round, ...honest, entries: distort(honest.entries, round) ?? honest.entries });
        });
        return false;
      }),
  };
}

/** The header that a proposal or a signature is about. */
export function headerOf({ topic, bytes }: { readonly topic: Topic; readonly bytes: Uint8Array }): RoundHeader | undefined {
  if (topic === "proposal") return headerOfProposal(bytes);
  const decoded = topic === "signature" ? decodeSignatureMessage(bytes) : undefined;
  return decoded?.ok === true ? decoded.value.header : undefined;
}

function headerOfProposal(bytes: Uint8Array): RoundHeader | undefined {
  const parts = splitProposalMessage(bytes);
  if (!parts.ok) return undefined;
  const decoded = decodeProposal(withoutSignature(parts.value.proposal));
  return decoded.ok ? decoded.value.header : undefined;
}

/** The signed bytes of a message that ends with its signature. */
export function withoutSignature(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES));
}
