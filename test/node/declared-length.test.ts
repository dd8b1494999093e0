import { getHeapStatistics } from "node:v8";
import { describe, expect, it } from "vitest";
import { splitProposalMessage } from "../../node/wire.ts";
import { decodeObservation } from "../../protocol/observation.ts";
import { decodeRoundBody } from "../../protocol/round-codec.ts";

/** Found by the fuzzer's target `wire`: 14 bytes whose memory says it has 8 MiB were given them. */
const EIGHT_MEBIBYTES = "0000000000000000000080000000";
const OBSERVATION_OF_512_KIB = "0000000000000000000000000001" + "00080000";

function allocatedBy(run: () => void): number {
  const used = () => getHeapStatistics().used_heap_size + getHeapStatistics().external_memory;
  run();
  const before = used();
  run();
  return used() - before;
}

describe("a declared length is a stranger's word", () => {
  it.each([
    ["a memory of 8 MiB", EIGHT_MEBIBYTES, (bytes: Uint8Array) => decodeRoundBody(bytes)],
    ["an observation of 512 KiB", OBSERVATION_OF_512_KIB, (bytes: Uint8Array) => decodeRoundBody(bytes)],
    ["a proposal of 64 KiB", "ffff", (bytes: Uint8Array) => splitProposalMessage(bytes)],
    ["65 535 entries", `01${"00".repeat(100)}ffff`, (bytes: Uint8Array) => decodeObservation(bytes)],
  ] as const)("%s that is not there makes no room", (_what, hex, decode) => {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"));
    expect(decode(bytes).ok).toBe(false);
    expect(allocatedBy(() => decode(bytes))).toBeLessThan(48 * 1024);
  });
});
