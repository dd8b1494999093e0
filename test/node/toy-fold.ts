import { configAfter, type FoldParent, type RoundInput } from "../../aggregator/round.ts";
import { explainDocument } from "../../circuit-breaker/governance/explain.ts";
import { judgeDocument } from "../../circuit-breaker/governance/judge.ts";
import { stepGovernance } from "../../circuit-breaker/governance/step.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../../circuit-breaker/governance-memory.ts";
import { decodeMemory, encodeMemory } from "../../circuit-breaker/memory.ts";
import type { Fold } from "../../node/fold.ts";
import { assert } from "../../protocol/assert.ts";
import { concat, fromHex, keccakHex, toHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedDocument } from "../../protocol/governance-codec.ts";
import { decodeSignedObservation, encodeSignedObservation } from "../../protocol/observation.ts";
import { fail, ok } from "../../protocol/result.ts";

/**
 * A fold of the real one's shape that prices nothing: its state is governance's memory and a hash of everything that went in since the
 * first round. What governance makes of documents is the real one's.
 */
export const toyFold: Fold = {
  nextRound: (input: RoundInput) => {
    const { network, parent, round, observations, documents } = input;
    assert((configAfter(parent) ?? network.configDigest) === network.configDigest, "as the real fold asks");
    const { memory, intake } = govern(input);
    const timestamp = round * network.config.roundMs;
    const inputs = [...observations, ...documents].map(({ digest }) => fromHex(digest));
    const inputsRoot = keccakHex(concat(...inputs));
    const before = fromHex(parent?.header.stateRoot ?? ZERO_DIGEST);
    const header = {
      round,
      timestamp,
      validUntil: timestamp + network.config.leaseMs,
      parent: parent?.digest ?? ZERO_DIGEST,
      reportsRoot: ZERO_DIGEST,
      stateRoot: keccakHex(concat(utf8("state"), fromHex(inputsRoot), encodeMemory({ feeds: [], governance: memory }), before)),
      inputsRoot,
      configDigest: network.configDigest,
    };
    return {
      header,
      digest: roundDigest(network.domain, header),
      feeds: [],
      memory: { feeds: [], governance: memory },
      intake,
    };
  },
  bodyOf: ({ parent, round, observations, documents }) => ({
    round,
    parent: parent?.header,
    memory: parent === undefined ? "0x" : toHex(encodeMemory(parent.memory)),
    observations: observations.map((signed) => toHex(encodeSignedObservation(signed))),
    documents: documents.map(({ bytes }) => toHex(bytes)),
  }),
  recomputeBody: (network, body, scheme) => {
    const observations = body.observations.flatMap((hex) => {
      const decoded = decodeSignedObservation(fromHex(hex), network.domain, scheme);
      return decoded.ok ? [decoded.value] : [];
    });
    if (observations.length < network.committee.quorum) return fail("too few observations");
    const documents = body.documents.flatMap((hex) => {
      const { domain, config } = network;
      const decoded = decodeSignedDocument(fromHex(hex), { governance: config.governance, domain, scheme });
      return decoded.ok ? [decoded.value] : [];
    });
    const { parent: header, round } = body;
    const memory = header === undefined ? undefined : decodeMemory(fromHex(body.memory));
    if (memory?.ok === false) return memory;
    const parent =
      header === undefined || memory === undefined
        ? undefined
        : { header, digest: roundDigest(network.domain, header), memory: memory.value };
    const opened = { parent, round, observations, documents };
    return ok({ ...opened, ...toyFold.nextRound({ network, ...opened }) });
  },
  judgeDocument,
  explainDocument,
};

function govern({ network, parent, round, observations, documents }: RoundInput) {
  const { config, configDigest, committee } = network;
  return stepGovernance({
    config,
    configDigest,
    parentConfigDigest: parent?.header.configDigest,
    memory: memoryOf(parent),
    round,
    parentRound: parent?.header.round,
    timestamp: round * config.roundMs,
    f: committee.f,
    documents: documents.map(({ digest, document }) => ({
      digest,
      document,
      carriers: observations.filter(({ observation }) => observation.documents.includes(digest)).length,
    })),
    views: new Map(),
    shadows: new Map(),
    gapAt: () => 0,
  });
}

function memoryOf(parent: FoldParent | undefined): GovernanceMemory {
  return parent?.memory.governance ?? EMPTY_GOVERNANCE;
}
