/** Runs spent on one finding's input. */
const MAX_RUNS = 600;

/** The shortest input found that still shows the fault: runs of bytes are taken out, longest first, then bytes are made plain. */
export async function minimise(input: Uint8Array, stillFails: (input: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = input;
  let runs = 0;
  const tryInput = async (candidate: Uint8Array): Promise<boolean> => {
    runs += 1;
    if (runs > MAX_RUNS || !(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && runs < MAX_RUNS; ) {
      const without = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)]);
      if (!(await tryInput(without))) at += size;
    }
  }
  for (let at = 0; at < best.length && runs < MAX_RUNS; at++) {
    if (best[at] === 0 || best[at] === 0x30) continue;
    const plain = best.slice();
    plain[at] = isText(best) ? 0x30 : 0;
    await tryInput(plain);
  }
  return best;
}

export function isText(input: Uint8Array): boolean {
  return input.every((byte) => byte >= 0x20 && byte < 0x7f);
}
