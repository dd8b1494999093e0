import { expect, test } from "vitest";
import { judgeDocument } from "../../../circuit-breaker/governance/judge.ts";
import { EMPTY_GOVERNANCE } from "../../../circuit-breaker/governance-memory.ts";
import type { Act } from "../../../simulator/cluster/act.ts";
import { createCouncil } from "../../../simulator/cluster/council.ts";
import { GOVERNORS, GUARDIANS } from "../../../simulator/cluster/keyholders.ts";
import { createKeys } from "../../../simulator/cluster/signatures.ts";
import { scheme, testNetwork } from "../../support/network.ts";

const NOW = 1_800_000_000_400;
const ROUND_AT = 1_800_000_000_000;

function named(keys: typeof GOVERNORS, name: string) {
  return keys.map(({ address }, index) => ({ name: `${name}${index}`, address }));
}

const genesis = testNetwork({
  governance: { governors: named(GOVERNORS, "governor"), quorum: 2, guardians: named(GUARDIANS, "guardian") },
});

/** What the round of `ROUND_AT` would say to a proposal that is made in it, after a pending config was dropped. */
function judged(kind: Act["kind"], droppedAt: number) {
  const governance = { ...EMPTY_GOVERNANCE, droppedAt };
  const council = createCouncil({ genesis, scheme, nodes: createKeys(5) });
  const machine = { network: () => genesis, governance: () => governance };
  const handed = council.draft({ kind, who: 0, feed: "ETH/USD", forMs: 0 }, { machine, now: NOW });
  if (handed === undefined) throw new Error(`${kind}: nothing drafted`);
  const { config, configDigest } = genesis;
  const at = { config, configDigest, parentConfigDigest: configDigest, timestamp: ROUND_AT, f: 1, carriers: 2 };
  return judgeDocument(handed.document, { ...at, memory: { feeds: [], governance } });
}

test.each(["config-thresholds", "config-source", "config-committee"] as const)("%s is taken after a drop too", (kind) => {
  expect(judged(kind, 0)).toBe("taken");
  expect(judged(kind, ROUND_AT)).toBe("taken");
  expect(judged(kind, ROUND_AT + 1_000)).toBe("replayed");
});
