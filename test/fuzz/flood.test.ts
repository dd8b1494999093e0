import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { Input, RoundMachine } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { encodeHello, encodeSignatureMessage } from "../../node/wire.ts";
import { fromHex, keccakHex, utf8 } from "../../protocol/bytes.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { encodeSignedObservation } from "../../protocol/observation.ts";
import { scheme } from "../support/network.ts";
import { FIRST_ROUND, fold, honestChain, memberKey, network, observe } from "./targets/chain.ts";

const ROUNDS = 60;
/** Everything that ends with time has ended once after this many rounds. */
const SETTLED = 20;
const MESSAGES_A_MEMBER = 6;
/** The noise of a heap is some tens of kilobytes; what is heard in forty rounds is more than a megabyte. */
const MAX_GROWTH_BYTES = 512 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collect();
  return getHeapStatistics().used_heap_size + getHeapStatistics().external_memory;
}

/** What three members may say in one round when all of them lie: other heads, other headers, and answers to every fetch. */
function flood(machine: RoundMachine, round: number, ids: { next: number }): void {
  const now = round * network.config.roundMs + 100;
  const handle = (input: Input): void => {
    for (const output of machine.handle(input, now)) {
      if (output.kind === "event") expect(output.code).not.toBe("internal-fault");
      if (output.kind !== "fetch") continue;
      const { want, from } = output;
      handle({ kind: "fetched", want, from, bytes: utf8(`no ${want.kind} of ${want.digest}`) });
    }
  };
  const [link] = honest;
  if (link === undefined) throw new Error("a chain has a round");
  handle({ kind: "tick" });
  for (let member = 1; member < 4; member++) {
    const key = memberKey(member);
    for (let variant = 0; variant < MESSAGES_A_MEMBER; variant++) {
      const digest = keccakHex(utf8(`${round} ${member} ${variant}`));
      const head = { round: round - 1, digest };
      const observation = encodeSignedObservation(observe(round, member, head, key));
      const { roundMs, leaseMs } = network.config;
      const times = { round, timestamp: round * roundMs, validUntil: round * roundMs + leaseMs };
      const header = { ...link.computed.header, ...times, stateRoot: digest };
      const signature = scheme.sign(fromHex(roundDigest(network.domain, header)), key.privateKey);
      const hello = encodeHello({ clock: now, head, quarantine: false });
      handle({ kind: "gossip", id: String(ids.next++), topic: "observation", from: key.address, bytes: observation });
      const bytes = encodeSignatureMessage({ header, signature });
      handle({ kind: "gossip", id: String(ids.next++), topic: "signature", from: key.address, bytes });
      handle({ kind: "hello", from: key.address, bytes: hello, sentAt: now, receivedAt: now });
    }
  }
}

const honest = honestChain(1);

it("a node that three members flood for a minute holds no more than after a third of it", () => {
  const start = { head: undefined, guard: [], history: [], documents: [], transitions: [] };
  const machine = createRoundMachine({ network, scheme, key: memberKey(0), fold, start });
  const ids = { next: 0 };
  let settled = 0;
  for (let round = 0; round < ROUNDS; round++) {
    flood(machine, FIRST_ROUND + round, ids);
    if (round === SETTLED) settled = heapBytes();
  }
  expect(ids.next).toBe(ROUNDS * 3 * MESSAGES_A_MEMBER * 2);
  const growth = heapBytes() - settled;
  expect(machine.status().head.round, "the machine is still here to be measured").toBe(0);
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
});
