import { ensure, type Target } from "./target.ts";

const MAX_ITEMS = 64;

/**
 * A decoder with the three mistakes that a fuzzer is for: it believes a declared length, it throws on one rare tag, and it takes two
 * encodings of one value. It proves that the engine finds something.
 */
export const fragile: Target = {
  name: "fragile",
  about: "a deliberately broken decoder: `L<u32 length>…`, `T<tag>`, `V<value>`",
  covers: ["test/fuzz/toy.ts"],
  shape: "bytes",
  maxBytes: 64,
  batch: 64,
  limitMs: 500,
  maxAllocation: 2 ** 20,
  dictionary: ["L", "T", "V"],
  open: async () => ({
    seeds: [Buffer.from("L\x00\x00\x00\x04abcd"), Buffer.from("T\x01"), Buffer.from("V\x05")].map((seed) => new Uint8Array(seed)),
    execute: (input) => decode(input),
    close: async () => undefined,
  }),
};

function decode(input: Uint8Array): string {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const kind = String.fromCharCode(input[0] ?? 0);
  if (kind === "L" && input.length >= 5) return `list ${new Uint8Array(view.getUint32(1) % 2 ** 25).length > MAX_ITEMS}`;
  if (kind === "T" && input[1] === 0x7f) throw new RangeError("an unknown tag");
  if (kind === "V" && input.length > 1) ensure(input.length === 2 || input[1] !== 0, "a value has one encoding");
  return kind;
}
