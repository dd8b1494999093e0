import { guardsIn, type Mutant } from "../mutant.ts";

/** Where promises meet strangers: venues, peers' connections, consumers. */
export const SURFACE_GUARDS: readonly Mutant[] = [
  ...guardsIn(
    "adapters/json.ts",
    ["test/adapters/json.test.ts"],
    [
      ["venue-body-size", "P8", "if (body.length > MAX_BODY_BYTES)", "if (false)"],
      ["venue-body-depth", "P8", "if (deepest > MAX_DEPTH)", "if (false)"],
      ["venue-body-values", "P8", "if (values > MAX_VALUES)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "node/budget.ts",
    ["test/node/budget.test.ts"],
    [
      [
        "peer-budget-burst",
        "P8",
        "Math.min(burst, balance + (Math.max(0, to - at) * perSecond) / 1000)",
        "balance + (Math.max(0, to - at) * perSecond) / 1000",
      ],
      ["peer-budget-debt", "P8", "balance >= 0 ? 0 :", "true ? 0 :"],
    ],
  ),
  ...guardsIn(
    "client/verify.ts",
    ["test/client/verify.test.ts"],
    [
      ["client-shown-fields", "P7", "pairs.find(([, a, b]) => a !== b)", "pairs.find(() => false)"],
      ["client-shown-window", "P7", ".find((name) => window[name] !== header[name])", ".find(() => false)"],
      ["client-leaf-under-root", "P7", "proven: root === header.reportsRoot", "proven: root !== undefined"],
      [
        "client-certificate",
        "P7",
        "certified.ok ? undefined : describeCertificateFault(",
        "true ? undefined : describeCertificateFault(",
      ],
      ["client-unknown-reason", "P3", "return rules >= 2 ** RULES.length;", "return false;"],
      ["client-empty-bundle", "P3", 'if (feeds.length === 0) return misshapen("feeds: expected at least one feed");', ""],
      ["client-document-size", "P8", "if (text.length > MAX_DOCUMENT_CHARS) return misshapen(", "if (false) return misshapen("],
    ],
  ),
  ...guardsIn(
    "client/policy.ts",
    ["test/client/policy.test.ts"],
    [
      ["client-unproven", "P7", "if (!ok || header === undefined)", "if (header === undefined)"],
      ["client-lease", "P3", "if (now > validUntil)", "if (false)"],
      ["client-future", "P3", "if (timestamp > now + maxAheadMs)", "if (false)"],
      ["client-age", "P3", "if (now - timestamp > maxAgeMs)", "if (false)"],
      ["client-monotonic", "P2", "if (round < newestRound)", "if (false)"],
      ["client-clock", "P3", "if (!Number.isFinite(now))", "if (false)"],
      [
        "client-disputed-needs-any",
        "P4",
        'if (liquidate === "any" && state === "closed") return yes;',
        'if (state === "closed" || liquidate === "robust") return yes;',
      ],
      [
        "client-half-open-budget",
        "P9",
        '&& state === "half-open" && budgetBps > 0) return { ok: true, budgetBps };',
        '&& state === "half-open") return yes;',
      ],
      ["client-newest-verified", "P7", "    .filter(({ ok }) => ok)\n", ""],
      ["client-borrow", "P4", "return borrow ? yes :", "return true ? yes :"],
    ],
  ),
  ...guardsIn(
    "client/committee.ts",
    ["test/client/committee.test.ts"],
    [
      ["client-f-derived", "P7", "if (committee.f !== f)", "if (false)"],
      ["client-quorum-derived", "P7", "if (committee.quorum !== quorum)", "if (false)"],
      ["client-salt-derived", "P7", "if (derived.salt !== domain.salt)", "if (false)"],
      ["client-members-once", "P2", "if (new Set(members.map(({ address }) => address)).size < members.length)", "if (false)"],
      [
        "client-way-verified",
        "P7",
        "if (!next.ok) return fail(`the transition",
        "if (next.ok && false) return fail(`the transition",
      ],
      ["client-genesis-digest", "P7", "if (network.configDigest !== genesis)", "if (false)"],
      ["client-genesis-members", "P7", "if (!sameMembers(network.committee, stated.value.committee))", "if (false)"],
    ],
  ),
  ...guardsIn(
    "gateway/lease.ts",
    ["test/gateway/routes.test.ts", "test/gateway/problems.test.ts", "test/gateway/caching.test.ts"],
    [
      ["gateway-ready-within-lease", "P3", "if (now <= validUntil) return", "if (true) return"],
      ["gateway-cache-within-lease", "P3", "if (leftS < 0) return NO_STORE;", ""],
    ],
  ),
  ...guardsIn(
    "gateway/io/submission-routes.ts",
    ["test/gateway/governance.test.ts"],
    [["gateway-pause-only", "P6", "if (kind !== undefined && kind !== only) {", "if (false) {"]],
  ),
  ...guardsIn(
    "node/io/store-governance.ts",
    ["test/node/store.test.ts"],
    [["store-documents-bounded", "P8", "dropOld.run(kind, kind, DOCUMENTS_KEPT[kind]);", ""]],
  ),
  ...guardsIn(
    "gateway/io/stream.ts",
    ["test/gateway/stream.test.ts"],
    [
      ["stream-slow-reader", "P8", "if (reader.outlet.bufferedBytes() > hub.limits.maxReaderBytes)", "if (false)"],
      ["stream-monotonic", "P2", "if (round.certificate.header.round <= reader.round) return;", ""],
      ["stream-readers-bounded", "P8", "if (readers.size >= limits.maxReaders) return", "if (false) return"],
    ],
  ),
];
