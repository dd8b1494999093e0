import { trustGenesis } from "../../client/committee.ts";
import { type Trust, verifyDocument } from "../../client/verify.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";

/** Documents whose verdict is remembered: a thousand readers of one selection are sent the same text. */
const MAX_REMEMBERED = 512;

/** What a document proved, and the window that its header gives. */
export type Proven = {
  readonly round: number;
  readonly timestamp: number;
  readonly validUntil: number;
  /** Why it proves nothing; undefined when it does. */
  readonly fault: string | undefined;
};

export type Prover = (text: string) => Proven;

/**
 * Verifies each distinct text once, against a committee that follows from the genesis digest alone: the gateway that is asked for it is
 * only its carrier.
 *
 * @throws Error when the gateway has no config of that genesis
 */
export async function openProver(gateway: string, genesis: Digest): Promise<Prover> {
  const response = await fetch(`${gateway}/v1/committee?config=1`);
  const trust = trustGenesis(await response.json(), genesis);
  if (!trust.ok) throw new Error(`${gateway}: ${trust.error}`);
  return createProver(trust.value);
}

/** @param trust whose signatures count */
export function createProver(trust: Trust): Prover {
  const options = { trust, scheme: loadSecp256k1() };
  const known = new Map<string, Proven>();
  const prove: Prover = (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const proven = proveText(text, (document) => verifyDocument(document, options));
    known.set(text, proven);
    for (const oldest of known.keys()) if (known.size > MAX_REMEMBERED) known.delete(oldest);
    return proven;
  };
  return prove;
}

/** A document, or an array of documents which must all be of one round. */
function proveText(text: string, verify: (document: unknown) => ReturnType<typeof verifyDocument>): Proven {
  const nothing = { round: -1, timestamp: 0, validUntil: 0 };
  try {
    const parsed: unknown = JSON.parse(text);
    const found = (Array.isArray(parsed) ? parsed : [parsed]).map(verify);
    const header = found[0]?.header;
    if (header === undefined) return { ...nothing, fault: found[0]?.faults[0]?.detail ?? "no document" };
    const { round, timestamp, validUntil } = header;
    const bad = found.find(({ ok }) => !ok);
    const torn = found.some((item) => item.header?.round !== round) ? "documents of several rounds in one answer" : undefined;
    const fault = bad === undefined ? torn : (bad.faults[0]?.detail ?? "not proven");
    return { round, timestamp, validUntil, fault };
  } catch (error) {
    return { ...nothing, fault: error instanceof Error ? error.message : String(error) };
  }
}
