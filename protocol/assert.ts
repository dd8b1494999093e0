/** A broken invariant is a bug in this program, never a fault of its input: crash rather than sign on top of it. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${invariant}`);
}
