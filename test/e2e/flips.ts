import type { FeedDocument } from "../../protocol/document.ts";

export const PROOF_PARTS = ["report", "path", "header", "signatures"] as const;
export type ProofPart = (typeof PROOF_PARTS)[number];

/** One character of a document's proof, changed: `text` is the whole document with it. */
export type Flip = { readonly part: ProofPart; readonly at: string; readonly text: string };

/** Every `every`-th character of every value in each part of the proof: once to its neighbour digit, once with its lowest bit turned. */
export function flipProof(document: FeedDocument, every: number): readonly Flip[] {
  return PROOF_PARTS.flatMap((part) =>
    leavesOf(document.proof[part], []).flatMap(({ path, value }) => {
      const text = String(value);
      const sampled = [...text].flatMap((_, index) => (index % every === 0 || index === text.length - 1 ? index : []));
      return sampled.flatMap((index) =>
        [neighbour(text, index), bitTurned(text, index)].map((changed) => ({
          part,
          at: `${part}.${path.join(".")}[${index}]`,
          text: withValue(document, ["proof", part, ...path], typeof value === "number" ? Number(changed) : changed),
        })),
      );
    }),
  );
}

type Leaf = { readonly path: readonly (string | number)[]; readonly value: string | number };

function leavesOf(value: unknown, path: readonly (string | number)[]): readonly Leaf[] {
  if (typeof value === "string" || typeof value === "number") return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  return Object.entries(value as Record<string, unknown>).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

/** Another digit of the same alphabet, so that the shape still holds: 9 → 0, f → 0. The x of 0x has none and becomes y. */
function neighbour(text: string, index: number): string {
  const digits = text.startsWith("0x") ? "0123456789abcdef" : "0123456789";
  const place = digits.indexOf(text[index] ?? "");
  return replaceAt(text, index, place < 0 ? "y" : (digits[(place + 1) % digits.length] ?? ""));
}

function bitTurned(text: string, index: number): string {
  return replaceAt(text, index, String.fromCharCode(text.charCodeAt(index) ^ 1));
}

function replaceAt(text: string, index: number, character: string): string {
  return text.slice(0, index) + character + text.slice(index + 1);
}

function withValue(document: FeedDocument, path: readonly (string | number)[], value: string | number): string {
  const copy: unknown = structuredClone(document);
  let place = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  place[path.at(-1) ?? ""] = value;
  return JSON.stringify(copy);
}
