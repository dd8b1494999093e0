import { guardsIn, type Mutant } from "../mutant.ts";

const ROUND = ["test/node/round.test.ts", "test/node/round-refusals.test.ts"];
const GOSSIP = ["test/node/round-gossip.test.ts"];
const BOUNDS = ["test/node/round-bounds.test.ts"];
const QUARANTINE = ["test/node/quarantine.test.ts"];
const NETWORK = ["test/node/round-network.test.ts"];

/** What a node signs, and what it must know, keep and have recorded before it does. */
export const NODE_GUARDS: readonly Mutant[] = [
  ...guardsIn(
    "node/desk.ts",
    [...ROUND, ...NETWORK],
    [
      [
        "record-before-send",
        "P2",
        '  emit(desk, { kind: "persist", record: pending.record });',
        '  emit(desk, { kind: "publish", topic: pending.topic, bytes: pending.bytes });\n  emit(desk, { kind: "persist", record: pending.record });',
      ],
      ["sign-while-running", "P2", 'desk.phase === "running" && round >= desk.firstRound', "round >= desk.firstRound"],
      ["sign-from-first-round", "P2", "&& round >= desk.firstRound", ""],
      [
        "acknowledged-digest",
        "P2",
        "if (pending?.record.digest !== record.digest) return undefined;",
        "if (pending === undefined) return undefined;",
      ],
      ["halt-forgets-promises", "P2", "  desk.pending.clear();\n", ""],
      ["halt-is-for-good", "P2", '  desk.phase = "halted";\n', ""],
    ],
  ),
  ...guardsIn(
    "node/guard.ts",
    [...BOUNDS, ...ROUND],
    [
      [
        "guard-claim",
        "P2",
        "if (standing !== undefined) return standing.digest === record.digest;",
        "if (standing !== undefined) return true;",
      ],
      // Whether anything stands is asked by maySign and again by claim; either alone still holds P2, so both go at once.
      [
        "sign-one-header",
        "P2",
        "    find: (kind, round) => digests.get(keyOf(kind, round))?.digest,\n    claim,",
        '    find: (kind, round) => (kind === "round" ? undefined : digests.get(keyOf(kind, round))?.digest),\n    claim: (record) => claim(record) || record.kind === "round",',
      ],
      ["guard-newest", "P2", "newest = Math.max(newest, record.round);", ""],
      [
        "guard-whatever-config",
        "P2",
        "const key = keyOf(record.kind, record.round);",
        "const key = keyOf(record.kind, record.round) + record.configDigest;",
      ],
      ["guard-bounded", "P8", "if (record.round < round - GUARD_ROUNDS) digests.delete(key);", "void key;"],
    ],
  ),
  ...guardsIn(
    "node/memory-store.ts",
    ["test/node/store.test.ts"],
    [
      [
        "memory-store-conflict",
        "P2",
        'known.digest === signing.digest && known.configDigest === signing.configDigest ? "same" : "conflict"',
        '"same"',
      ],
      ["memory-store-floor", "P2", 'if (signing.round <= floor) return "conflict";', ""],
      ["memory-store-evidence-share", "P8", "ofSigner.length >= retention.evidencePerSigner || ", ""],
    ],
  ),
  ...guardsIn(
    "node/io/store-guard.ts",
    ["test/node/store.test.ts"],
    [
      [
        "sqlite-store-conflict",
        "P2",
        'known.digest === signing.digest && known.configDigest === signing.configDigest ? "same" : "conflict"',
        '"same"',
      ],
      ["sqlite-store-floor", "P2", 'if (signing.round <= floor) return "conflict";', ""],
      ["sqlite-floor-kept", "P2", "raise.run(FLOOR, upTo);", ""],
      ["sqlite-store-evidence-share", "P8", "Number(kept?.signer) >= retention.evidencePerSigner || ", ""],
    ],
  ),
  ...guardsIn("node/signing.ts", ROUND, [
    [
      "proposal-members-once",
      "P1",
      "position <= previous || observation.round !== round",
      "position < previous || observation.round !== round",
    ],
    ["proposal-round", "P1", "position <= previous || observation.round !== round", "position <= previous"],
    ["proposal-config", "P6", "if (observation.configDigest !== configDigest) return false;", ""],
    ["parent-older", "P2", 'if (parent !== undefined && parent.header.round >= round) return "parent";', ""],
    [
      "newer-head-named",
      "P2",
      'if (observations.some(({ observation }) => observation.head.round > parentRound)) return "newer-head-named";',
      "",
    ],
    ["newer-head-own", "P2", "desk.ownHead.head > parentRound ?", "false ?"],
    ["header-recomputed", "P1", "if (computed.digest !== roundDigest(network.domain, header))", "if (false)"],
    ["window-early", "P3", 'if (desk.now < opensAt) return { kind: "early" };', ""],
    ["window-late", "P3", 'if (desk.now > closesAt) return { kind: "late" };', ""],
    ["body-kept-by-signers", "P8", "  desk.rounds.keepSigned(computation);\n", ""],
  ]),
  ...guardsIn("node/signing.ts", ROUND, [
    [
      "parent-is-asked-for",
      "P8",
      '  return [{ kind: desk.rounds.certificate(digest) === undefined ? "certificate" : "body", digest }];\n',
      "  return [];\n",
    ],
  ]),
  ...guardsIn("node/round-book.ts", BOUNDS, [
    [
      "signed-body-until-later-head",
      "P8",
      "if (computed.header.round <= head().round) signed.delete(other);",
      "signed.delete(other);",
    ],
    ["signed-bodies-bounded", "P8", "dropFirst(signed, MAX_SIGNED);", ""],
    ["certificates-bounded", "P8", "dropFirst(certificates, MAX_CERTIFICATES);", ""],
    ["head-is-newest", "P2", "newest === undefined || header.round > newest.computed.header.round", "true"],
  ]),
  ...guardsIn(
    "node/leading.ts",
    [...ROUND, ...NETWORK],
    [
      ["leader-leaves-out-newer", "P8", "observation.head.round <= head);", "observation.head.round <= head + 1e9);"],
      ["leader-waits-for-quorum", "P1", "if (usable.length < committee.quorum) return;", "if (usable.length < 1) return;"],
      ["leader-waits-grace", "P8", "&& desk.now < desk.quorumAt + config.graceMs", "&& false"],
    ],
  ),
  ...guardsIn(
    "node/round.ts",
    [...ROUND, ...GOSSIP, "test/node/round-memory.test.ts", "test/node/round-clock.test.ts"],
    [
      ["round-never-back", "P2", "if (round <= desk.round && !isSetBack) return;", "if (round === desk.round) return;"],
      ["clock-set-right", "P8", "const isSetBack = round < desk.round - WINDOW_ROUNDS;", "const isSetBack = false;"],
      ["deadlines-forgotten", "P8", "  desk.greetAt = desk.now;\n", ""],
      ["fetches-forgotten", "P8", "  desk.fetching = createFetching();\n", ""],
      ["prune-observations", "P8", "  desk.observations.prune(oldest);\n", ""],
      ["prune-proposals", "P8", "  desk.proposals.prune(oldest);\n", ""],
      ["prune-signatures", "P8", "  desk.signatures.prune(oldest);\n", ""],
      ["prune-named", "P8", "if (observation.round < oldest) desk.named.delete(digest);", "void digest;"],
      ["own-head-remembered", "P2", "  desk.ownHead = { round, head: head.round };\n", ""],
      ["sample-of-this-round", "P3", "const isLate = round !== desk.round ||", "const isLate ="],
      [
        "stored-head-recomputed",
        "P7",
        "recomputed.value.digest === verified.value ? recomputed :",
        "recomputed.ok ? recomputed :",
      ],
      ["stored-head-own-digest", "P7", "if (verified.value !== certified.digest)", "if (!verified.ok)"],
      [
        "stored-head-certified",
        "P7",
        "const verified = checkAfter(desk, certified.certificate, body.parent?.configDigest ?? header.configDigest);",
        'const verified = { ok: true, value: certified.digest, error: "" };',
      ],
      ["bug-costs-one-input", "P8", 'report(desk, "internal-fault", { input: input.kind, fault: text });', "throw fault;"],
      [
        "refusal-halts",
        "P2",
        'refused: (desk, { record: { kind, round, digest } }) => halt(desk, "guard-refused", { kind, round, digest }),',
        "refused: () => undefined,",
      ],
    ],
  ),
  ...guardsIn(
    "node/recomputing.ts",
    ["test/node/round-recomputing.test.ts"],
    [
      ["recomputed-is-certified", "P7", "if (computed.digest === digest) return", "if (round >= 0) return"],
      ["recomputed-once", "P8", "    value.unsound = true;\n", ""],
      ["recomputed-from-all", "P7", "if (observations.length < proposal.observations.length) continue;", ""],
    ],
  ),
  ...guardsIn(
    "node/round.ts",
    ["test/node/round-late.test.ts"],
    [["sample-before-certificate", "P8", "|| head.round >= round ||", "||"]],
  ),
  ...guardsIn(
    "node/admission.ts",
    [...ROUND, ...NETWORK, ...GOSSIP],
    [
      ["key-used-elsewhere", "P2", '    halt(desk, "key-used-elsewhere", fields);\n', ""],
      ["own-echo-is-no-alarm", "P2", " || desk.guard.find(kind, round) === digest", ""],
      [
        "certificate-signatures-judged",
        "P2",
        "if (Math.abs(round - desk.round) <= WINDOW_ROUNDS) admitSignature(desk, signature);",
        "if (false) admitSignature(desk, signature);",
      ],
    ],
  ),
  ...guardsIn("node/quarantine.ts", QUARANTINE, [
    ["quarantine-two-rounds", "P2", "(heard[committee.f] ?? 0) + 2", "(heard[committee.f] ?? 0) + 1"],
    ["quarantine-f+1-highest", "P2", "(heard[committee.f] ?? 0) + 2", "(heard[committee.f + 1] ?? 0) + 2"],
    ["quarantine-f-liars", "P8", "(heard[committee.f] ?? 0) + 2", "(heard[0] ?? 0) + 2"],
    ["quarantine-2f+1", "P2", "const needed = 2 * committee.f + 1;", "const needed = committee.f + 1;"],
    ["quarantine-clock", "P3", "if (Math.abs(median) > maxSkewMs)", "if (false)"],
    ["quarantine-guard", "P2", "Math.max(bound, guardNewest + 1)", "bound"],
    ["quarantine-fresh", "P2", "Math.abs(now - receivedAt) <= REPORT_FRESH_MS", "now >= 0"],
    ["quarantine-slow-exchange", "P3", "receivedAt < sentAt || receivedAt - sentAt > 2 * maxSkewMs", "receivedAt < sentAt"],
    ["quarantine-heard-head", "P2", "Math.max(Math.floor(clock / roundMs), headRound)", "Math.floor(clock / roundMs)"],
  ]),
  ...guardsIn("node/starting.ts", QUARANTINE, [
    ["hello-of-members", "P2", "from !== desk.key.address && desk.peers.includes(from)", "from !== desk.key.address"],
    ["hello-not-own", "P2", "from !== desk.key.address && desk.peers.includes(from)", "desk.peers.includes(from)"],
  ]),
];
