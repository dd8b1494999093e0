import { guardsIn, type Mutant } from "../mutant.ts";

export const PROTOCOL_GUARDS: readonly Mutant[] = [
  ...guardsIn(
    "protocol/committee.ts",
    ["test/protocol/committee.test.ts"],
    [
      ["quorum-size", "P2", "Math.floor((sorted.length + f) / 2) + 1", "Math.floor((sorted.length + f) / 2)"],
      ["quorum-for-every-n", "P2", "Math.floor((sorted.length + f) / 2) + 1", "2 * f + 1"],
      ["f-derived", "P1", "Math.floor((sorted.length - 1) / 3)", "Math.floor(sorted.length / 3)"],
      ["leader-turns", "P8", "committee.members[round % committee.members.length]", "committee.members[0]"],
      ["committee-order", "P7", "[...members].sort((a, b) => compareText(a.address, b.address))", "[...members]"],
    ],
  ),
  ...guardsIn(
    "protocol/certificate.ts",
    ["test/protocol/committee.test.ts", "test/client/verify.test.ts"],
    [
      ["certificate-exactly-q", "P2", "signatures.length !== committee.quorum", "signatures.length < committee.quorum"],
      ["certificate-at-least-q", "P2", "signatures.length !== committee.quorum", "signatures.length > committee.quorum"],
      ["certificate-strangers", "P2", "if (position < 0)", "if (position < -1)"],
      ["certificate-distinct", "P2", "if (position <= previous)", "if (position < previous)"],
      ["certificate-order", "P2", "if (position <= previous)", "if (position === previous)"],
      [
        "certificate-signatures",
        "P2",
        "scheme.recover(hash, signature) === signer",
        "scheme.recover(hash, signature) !== undefined",
      ],
    ],
  ),
  ...guardsIn(
    "protocol/secp256k1.ts",
    ["test/protocol/secp256k1.test.ts"],
    [
      ["signature-low-s", "P7", "if (BigInt(toHex(bytes.subarray(32, 64))) > HALF_ORDER) return undefined;", ""],
      ["signature-v", "P7", "if (v !== 27 && v !== 28) return undefined;", ""],
      ["signature-length", "P8", "if (!isHex(signature, SIGNATURE_BYTES)) return undefined;", ""],
    ],
  ),
  ...guardsIn(
    "protocol/merkle.ts",
    ["test/protocol/merkle.test.ts"],
    [
      ["merkle-pair-order", "P7", "compareBytes(a, b) < 0 ? concat(a, b) : concat(b, a)", "concat(a, b)"],
      ["merkle-leaf-order", "P7", "[...leaves].sort(compareBytes)", "[...leaves]"],
    ],
  ),
  ...guardsIn(
    "protocol/report.ts",
    ["test/protocol/merkle.test.ts", "test/protocol/vectors.test.ts", "test/client/independent.test.ts"],
    [["merkle-second-preimage", "P7", "keccak(keccak(encodeWords(tuple)))", "keccak(encodeWords(tuple))"]],
  ),
  ...guardsIn(
    "protocol/codec.ts",
    ["test/protocol/codec.test.ts"],
    [
      ["codec-left-over", "P7", "if (fault === undefined && at < source.length)", "if (false)"],
      ["codec-shortest-amount", "P7", "if (bytes[0] === 0)", "if (false)"],
      ["codec-amount-bound", "P8", "if (value > max)", "if (false)"],
      ["codec-safe-integer", "P7", "if (value > Number.MAX_SAFE_INTEGER)", "if (false)"],
      ["codec-text-length", "P8", "if (length > maxBytes)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "protocol/observation.ts",
    ["test/protocol/codec.test.ts"],
    [
      [
        "observation-observer",
        "P1",
        'if (signer !== decoded.value.observer) return fail("signed by another than its observer");',
        "",
      ],
      ["observation-feeds-once", "P1", "compareText(previous, key) >= 0", "compareText(previous, key) > 0"],
      ["observation-feed-order", "P7", "compareText(previous, key) >= 0", "compareText(previous, key) === 0"],
      ["observation-item-count", "P8", "if (count > max)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "protocol/proposal.ts",
    ["test/protocol/codec.test.ts", "test/node/wire.test.ts"],
    [
      [
        "proposal-names-once",
        "P1",
        'if (new Set(observations).size !== observations.length) reader.refuse("an observation named twice");',
        "",
      ],
      ["proposal-count", "P8", "if (count > MAX_MEMBERS)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "protocol/evidence.ts",
    ["test/protocol/evidence.test.ts"],
    [
      ["evidence-members", "P7", 'if (memberIndex(committee, signer) < 0) return fail("stranger");', ""],
      ["evidence-one-round", "P7", 'if (first.struct.round !== second.struct.round) return fail("round");', ""],
      ["evidence-one-config", "P7", 'if (first.struct.configDigest !== second.struct.configDigest) return fail("config");', ""],
      ["evidence-two-digests", "P7", 'if (digests[0] === digests[1]) return fail("same");', ""],
      ["evidence-both-signed", "P7", "statements.every((", "statements.some(("],
    ],
  ),
  ...guardsIn(
    "protocol/amount.ts",
    ["test/protocol/amount.test.ts"],
    [
      ["amount-negative", "P1", 'if (sign === "-") return fail("negative");', ""],
      ["amount-precision", "P1", 'if (digits.length > DECIMALS) return fail("precision");', ""],
      ["amount-oversize", "P8", 'value > MAX_AMOUNT ? fail("oversize") : ok(value)', "ok(value)"],
      ["amount-text-bound", "P8", 'if (text.length > MAX_TEXT) return fail("oversize");', ""],
    ],
  ),
  ...guardsIn(
    "protocol/config.ts",
    ["test/protocol/config-relations.test.ts", "test/protocol/config-shape.test.ts"],
    [
      ["config-lease-for-f-leaders", "P3", "if (leaseMs < (f + 2) * roundMs)", "if (false)"],
      ["config-round-fits-hops", "P8", "if (graceMs + 5 * hopBudgetMs + maxSkewMs >= roundMs)", "if (false)"],
      ["config-committee-of-four", "P2", "if (n < MIN_COMMITTEE)", "if (false)"],
      ["config-members-once", "P2", '...duplicates(committee, (member) => member.address, "committee", "address"),', ""],
      ["config-spare-source", "P8", "if (thresholds.minSources >= sources.length)", "if (false)"],
      ["config-spare-group", "P8", "if (thresholds.wantGroups >= groups)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "protocol/thresholds.ts",
    ["test/protocol/config-relations.test.ts", "test/protocol/config-shape.test.ts"],
    [
      ["threshold-floor", "P6", ".min(floor, expected)", ""],
      ["threshold-ceiling", "P6", ".max(ceiling, expected)", ""],
      ["threshold-quote-before-stale", "P3", "[t.quoteMs < t.staleMs,", "[true,"],
      ["threshold-confirm-before-cap", "P5", "[t.confirmMs < t.maxOpenMs,", "[true,"],
      ["threshold-cap-within-meter", "P5", "[t.maxOpenMs <= t.pauseBudgetMs,", "[true,"],
      ["threshold-jump-before-gap", "P5", "[t.jumpBps < t.gapBps,", "[true,"],
    ],
  ),
];
