/** Two 32-bit lanes of FNV-1a-like mixing: quick and the same everywhere; it tells traces apart, it protects nothing. */
export type Hash = {
  readonly add: (text: string) => void;
  readonly addBytes: (bytes: Uint8Array) => void;
  readonly lanes: () => readonly [number, number];
};

export function createHash(): Hash {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  const mix = (value: number): void => {
    high = Math.imul(high ^ value, 0x9e3779b1);
    low = Math.imul(low ^ value, 0x5f356495);
    high ^= low >>> 15;
    low ^= high >>> 13;
  };
  return {
    add: (text) => {
      for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i));
      mix(0x10000);
    },
    addBytes: (bytes) => {
      for (const byte of bytes) mix(byte);
      mix(0x10001);
    },
    lanes: () => [high >>> 0, low >>> 0],
  };
}

/** 16 hex digits. */
export function hexOfHash(hash: Hash): string {
  return hash
    .lanes()
    .map((lane) => lane.toString(16).padStart(8, "0"))
    .join("");
}

export function bytesOfHash(hash: Hash): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  const [high, low] = hash.lanes();
  view.setUint32(0, high);
  view.setUint32(4, low);
  return bytes;
}
