import { describe, expect, it } from "vitest";
import { recomputeBody } from "../../aggregator/round.ts";
import { type BreakerMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import { createRoundMachine } from "../../node/round.ts";
import { keccakHex, toHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { FIRST_ROUND, fold, honestChain, memberKey, network } from "../fuzz/targets/chain.ts";
import { scheme } from "../support/network.ts";
import { feedId } from "../support/rounds.ts";

const [parent, child] = honestChain(2);
if (parent === undefined || child === undefined) throw new Error("a chain of two rounds");
const { memory } = parent.computed;
const FOREIGN: BreakerMemory = {
  ...memory,
  feeds: memory.feeds.map((item, index) => (index === memory.feeds.length - 1 ? { ...item, feed: feedId("ZZZ/USD") } : item)),
};

/** The child's body over another parent, which commits to its memory and which nobody has certified. */
function over(changes: Partial<RoundHeader>, remembered: BreakerMemory = memory): RoundBody {
  const bytes = encodeMemory(remembered);
  const header = { ...(parent as NonNullable<typeof parent>).computed.header, stateRoot: keccakHex(bytes), ...changes };
  return { ...(child as NonNullable<typeof child>).body, parent: header, memory: toHex(bytes) };
}

/** Found by the fuzzer's target `fold`: the fold takes for granted what only a certificate can vouch for, and a body comes without one. */
const HOSTILE: readonly { readonly what: string; readonly body: RoundBody; readonly fault: string }[] = [
  {
    what: "an older parent of a later time",
    body: over({ timestamp: FIRST_ROUND * 1_000 + 1_000 }),
    fault: "parent's timestamp does not follow from its round",
  },
  {
    what: "a parent of the end of time",
    body: over({ timestamp: Number.MAX_SAFE_INTEGER }),
    fault: "parent's timestamp does not follow from its round",
  },
  {
    what: "a memory of a feed that the config does not have",
    body: over({}, FOREIGN),
    fault: "memory: ZZZ/USD is no feed of the config",
  },
];

describe("a body that anybody may have sent", () => {
  it("the honest one recomputes", () => {
    const recomputed = recomputeBody(network, over({}), scheme);
    expect(recomputed.ok && recomputed.value.digest).toBe(child.computed.digest);
  });

  it.each(HOSTILE)("$what is a fault, not a throw", ({ body, fault }) => {
    expect(recomputeBody(network, body, scheme)).toEqual({ ok: false, error: fault });
  });

  it.each(HOSTILE)("$what costs the peer that sent it its turn, and is no fault of ours", ({ body, fault }) => {
    const start = { head: undefined, guard: [], history: [], documents: [], transitions: [] };
    const machine = createRoundMachine({ network, scheme, key: memberKey(0), fold, start });
    const now = (FIRST_ROUND + 1) * 1_000 + 500;
    machine.handle({ kind: "tick" }, now);
    const bytes = encodeCertificate(child.certificate);
    const asked = machine.handle({ kind: "gossip", id: "1", topic: "certificate", from: memberKey(1).address, bytes }, now);
    const fetch = asked.find((output) => output.kind === "fetch");
    if (fetch === undefined) throw new Error("a certificate's body is fetched");
    const { want, from } = fetch;
    const outputs = machine.handle({ kind: "fetched", want, from, bytes: encodeRoundBody(body) }, now);
    const events = outputs.flatMap((output) => (output.kind === "event" ? [output] : []));
    expect(events).toMatchObject([{ code: "bad-answer", fields: { what: "body", from, fault } }]);
    const next = outputs.find((output) => output.kind === "fetch");
    expect(next).toMatchObject({ want });
    expect(next?.from).not.toBe(from);
  });
});
