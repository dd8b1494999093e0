/** One direction of a node's access line: what is sent waits for what was sent before it. */
export type Port = {
  /** When the last of these bytes has passed, ms. */
  readonly pass: (bytes: number, now: number) => number;
};

/** @example createPort(1_000).pass(1_250_000, 0); // 10: a thousand Mbit/s are 125 000 bytes a ms */
export function createPort(mbitPerSecond: number): Port {
  const bytesPerMs = mbitPerSecond * 125;
  let freeAt = 0;
  return {
    pass: (bytes, now) => {
      freeAt = Math.max(freeAt, now) + bytes / bytesPerMs;
      return freeAt;
    },
  };
}
