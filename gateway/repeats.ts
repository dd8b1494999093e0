import type { Digest } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import type { GovernanceDocument } from "../protocol/governance.ts";
import type { GovernanceView, SubmissionView } from "./ports.ts";

/** So long a node's answer about a known document stands that may still take effect; then it is relayed again: nodes may have lost it. */
export const AGAIN_MS = 60_000;
/** Documents whose answers are remembered: more than may wait at one time. */
const MAX_REMEMBERED = 1_024;

type Known = {
  readonly network: () => Network;
  readonly governance: () => GovernanceView | undefined;
  readonly isKnown: (digest: Digest) => boolean;
};

export type Repeats = {
  /** What a node would say to a document that was said before; undefined for one that is to be relayed, now: `now` is monotonic ms. */
  readonly answer: (digest: Digest, document: GovernanceDocument, now: number) => SubmissionView | undefined;
  /** What a node said to one that was relayed; undefined where none said anything. */
  readonly settle: (digest: Digest, said: SubmissionView | undefined) => void;
};

/**
 * Documents that rounds have carried are public, and signed by keyholders for ever: whoever relays them again and again for a stranger lets
 * him use up what a node grants this gateway, and with it a guardian's way to a node. What can never take effect again gets the network's
 * own code here; to what may, a node's answer stands for a while, and until it comes it is carried as the rounds say.
 */
export function createRepeats({ network, governance, isKnown }: Known): Repeats {
  const answers = new Map<Digest, { readonly at: number; readonly said: SubmissionView }>();
  return {
    answer: (digest, document, now) => {
      const known = isKnown(digest);
      const spent = document.kind === "config" ? spentConfig(document, known) : spentNonce(document);
      if (spent !== undefined || !known) return spent;
      const last = answers.get(digest);
      if (last !== undefined && now - last.at < AGAIN_MS) return last.said;
      answers.delete(digest);
      answers.set(digest, { at: now, said: { ok: true, digest, code: "carried" } });
      for (const oldest of answers.keys()) if (answers.size > MAX_REMEMBERED) answers.delete(oldest);
      return undefined;
    },
    settle: (digest, said) => {
      const last = answers.get(digest);
      if (last === undefined) return;
      if (said === undefined) answers.delete(digest);
      else answers.set(digest, { ...last, said });
    },
  };

  /** Nonces only rise (BREAKER.md B14), so what this gateway knows as used is used at every node. */
  function spentNonce({ approvals }: GovernanceDocument): SubmissionView | undefined {
    const nonces = new Map(governance()?.keyholders.map(({ address, nonce }) => [address, nonce]));
    const used = approvals.find(({ keyholder, nonce }) => nonce <= (nonces.get(keyholder) ?? 0));
    if (used === undefined) return undefined;
    const detail = `${used.keyholder} used nonce ${nonces.get(used.keyholder)} already, and this document says ${used.nonce}`;
    return { ok: false, code: "replayed", detail };
  }

  /** One that is not known may follow from a config that this gateway has yet to hear of. */
  function spentConfig(
    { configDigest, replaces }: Extract<GovernanceDocument, { readonly kind: "config" }>,
    known: boolean,
  ): SubmissionView | undefined {
    const inForce = network().configDigest;
    if (configDigest === inForce || configDigest === governance()?.pending?.configDigest) {
      return { ok: false, code: "replayed", detail: "the config is in force or pending already" };
    }
    if (!known || replaces === inForce) return undefined;
    return { ok: false, code: "not-successor", detail: `it replaces the config ${replaces}, and ${inForce} is in force` };
  }
}
