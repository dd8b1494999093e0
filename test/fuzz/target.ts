/** How a target's inputs are built, and with it how they are mutated. */
export type Shape = "bytes" | "text" | "json";

/** One boundary that a stranger's bytes cross, and what must hold there for any bytes. */
export type Target = {
  readonly name: string;
  /** What is behind the boundary, for a person who reads the list. */
  readonly about: string;
  /** Path prefixes from the root: the source files whose blocks are this target's coverage. */
  readonly covers: readonly string[];
  readonly shape: Shape;
  /** Longer inputs are cut. */
  readonly maxBytes: number;
  /** Executions between two looks at the coverage: one where an execution costs more than a look, some milliseconds. */
  readonly batch: number;
  /** One execution may take no more CPU in this thread, measured as the best of three when it first does. */
  readonly limitMs: number;
  /** One execution may allocate this many bytes and {@link ALLOCATION_A_BYTE} more for each of its input. */
  readonly maxAllocation: number;
  /** Words that mean something behind the boundary. */
  readonly dictionary: readonly string[];
  readonly open: () => Promise<Harness>;
};

export type Harness = {
  readonly seeds: readonly Uint8Array[];
  /**
   * Runs one input, the same way each time, and gives the class of its outcome: a code or the kind of a fault's text. Whatever it
   * throws is a finding; {@link ensure} says which invariant broke.
   */
  readonly execute: (input: Uint8Array) => string | Promise<string>;
  readonly close: () => Promise<void>;
};

/** Decoded JSON costs some tens of bytes a byte, an error list of a schema some hundreds. */
export const ALLOCATION_A_BYTE = 2_000;

/** A broken invariant, worded so that two inputs that break it alike read alike. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

export function ensure(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new BrokenInvariant(invariant);
}

/** An outcome's class: texts that differ in numbers, quoted parts and hex only are one. */
export function classOf(text: string): string {
  return text
    .slice(0, 160)
    .replace(/0x[0-9a-f]+/gi, "#")
    .replace(/"[^"]*"?/g, '"…"')
    .replace(/\d+/g, "#");
}
