import { guardsIn, type Mutant } from "../mutant.ts";

const ROUND = ["test/node/round.test.ts", "test/node/round-refusals.test.ts"];
const GOSSIP = ["test/node/round-gossip.test.ts"];
const BOUNDS = ["test/node/round-bounds.test.ts"];

/** What a node takes from its peers and what it keeps of it. */
export const MESSAGE_GUARDS: readonly Mutant[] = [
  ...guardsIn("node/signatures.ts", BOUNDS, [
    ["assemble-at-q", "P2", "signatures.length < quorum ? undefined :", "signatures.length < 1 ? undefined :"],
    ["assemble-exactly-q", "P2", "signatures.slice(0, quorum)", "signatures"],
    ["assemble-one-digest", "P2", "pool.of(header.round).filter((entry) => entry.digest === digest)", "pool.of(header.round)"],
  ]),
  ...guardsIn("node/gossip-judge.ts", GOSSIP, [
    ["gossip-size", "P8", 'if (bytes.length > MAX_TOPIC_BYTES[topic]) return { code: "oversize" };', ""],
    ["gossip-old-round", "P8", 'if (round < view.round - WINDOW_ROUNDS) return "old-round";', ""],
    ["gossip-future-round", "P8", 'round > view.round + WINDOW_ROUNDS ? "future-round" : undefined', "undefined"],
    [
      "gossip-observation-count",
      "P8",
      "if (Math.max(entries.length, shadows.length) > network.config.feeds.length)",
      "if (false)",
    ],
    ["gossip-head-older", "P2", "head.round >= round || ", ""],
    [
      "gossip-first-head",
      "P2",
      "if (head.round >= round || (head.round === 0) !== (head.digest === ZERO_DIGEST))",
      "if (head.round >= round)",
    ],
    ["gossip-not-observer", "P1", 'if (signer !== observation.observer) return { code: "not-observer" };', ""],
    ["gossip-observer-unknown", "P1", 'if (memberIndex(network.committee, signer) < 0) return { code: "unknown-signer" };', ""],
    [
      "gossip-proposal-count",
      "P1",
      "observations.length < committee.quorum || observations.length > committee.members.length",
      "observations.length > committee.members.length",
    ],
    [
      "gossip-proposal-count-most",
      "P8",
      "observations.length < committee.quorum || observations.length > committee.members.length",
      "observations.length < committee.quorum",
    ],
    ["gossip-not-leader", "P8", 'if (signer !== leaderOf(committee, round)) return { code: "not-leader" };', ""],
    [
      "gossip-attached-is-parent",
      "P2",
      "if (certificate !== undefined && !isParent(certificate.header, header, network))",
      "if (false)",
    ],
    ["gossip-attached-is-certificate", "P2", "certificate === undefined ? undefined : faultOf(certificate, view);", "undefined;"],
    ["gossip-signer-unknown", "P2", 'if (standing !== "votes") return {', "if (false) return {"],
    ["gossip-bad-certificate", "P2", "return faultOf(certificate, view) ?? {", "return {"],
    ["header-timestamp-derived", "P3", "header.timestamp === header.round * config.roundMs && ", ""],
    ["header-lease-derived", "P3", " && header.validUntil === header.timestamp + config.leaseMs", ""],
    ["gossip-seen-observation", "P8", 'if (view.seen("observation", round, digest)) return { code: "duplicate" };', ""],
  ]),
  ...guardsIn("node/round.ts", GOSSIP, [
    [
      "gossip-config",
      "P6",
      "desk.current.find(({ configDigest }) => configDigest === digest)",
      "desk.current.find(({ configDigest }) => configDigest === digest) ?? desk.network",
    ],
  ]),
  ...guardsIn(
    "node/pool.ts",
    [...BOUNDS, ...GOSSIP, "test/node/round-refusals.test.ts"],
    [
      ["pool-sender-bound", "P8", 'if (earlier >= MAX_DIGESTS_PER_SIGNER) return "surplus";', ""],
      ["pool-window", "P8", "if (round < before) rounds.delete(round);", "void before;"],
      ["pool-first-counts", "P1", "entries.findIndex((other) => other.signer === entry.signer) === index", "index >= 0"],
      ["pool-by-signer", "P8", "(signer === undefined || entry.signer === signer)", "true"],
      ["pool-equivocation", "P7", 'earlier === 0 ? "accepted" : "equivocation"', '"accepted"'],
    ],
  ),
  ...guardsIn(
    "node/answers.ts",
    ["test/node/round-answers.test.ts", ...ROUND],
    [
      ["answer-of-the-asked", "P8", "if (!desk.fetching.isAsked(want, from)) return;", ""],
      ["answer-observation", "P7", 'if (signed.digest !== digest) return "another observation";', ""],
      ["answer-member", "P1", 'if (memberIndex(committee, signed.signer) < 0) return "not a member\'s observation";', ""],
      ["answer-window", "P8", "if (Math.abs(signed.observation.round - desk.round) > WINDOW_ROUNDS)", "if (false)"],
      ["answer-certificate-verified", "P2", "if (checked?.ok === true) {", "if (checked !== undefined) {"],
      [
        "answer-certificate",
        "P2",
        'if (roundDigest(desk.networks.genesis.domain, header) !== digest) return "another certificate";',
        "",
      ],
      ["answer-body-recomputed", "P7", 'if (computed.digest !== digest) return "recomputes to another header";', ""],
    ],
  ),
  ...guardsIn("node/fetching.ts", BOUNDS, [
    ["fetch-jobs-bounded", "P8", "jobs.size < MAX_JOBS", "true"],
    ["fetch-in-flight-bounded", "P8", ": free === 0)) continue;", ": false)) continue;"],
    ["fetch-bad-not-again", "P8", "job.refused.add(from);", ""],
    ["fetch-asked-peer", "P8", "return job?.asked?.from === from ? job : undefined;", "return job;"],
  ]),
  ...guardsIn(
    "node/following.ts",
    [...ROUND, "test/node/round-chain.test.ts"],
    [
      ["head-of-the-future", "P8", " || round > desk.round + WINDOW_ROUNDS", ""],
      ["walk-back-rests", "P8", "desk.backfillAt = desk.now + BACKFILL_REST_MS;", ""],
    ],
  ),
  ...guardsIn(
    "protocol/round-codec.ts",
    ["test/node/wire.test.ts"],
    [
      ["wire-body-memory", "P8", "reader.u32(), MAX_MEMORY_BYTES", "reader.u32(), 2 ** 32"],
      ["wire-body-observation", "P8", "reader.u32(), MAX_OBSERVATION_BYTES", "reader.u32(), 2 ** 32"],
      ["wire-body-count", "P8", "if (count > MAX_MEMBERS)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "protocol/codec.ts",
    ["test/node/wire.test.ts"],
    [
      ["wire-flag", "P7", "if (flag > 1)", "if (false)"],
      ["wire-ends", "P7", "const fault = reader.end();", "const fault = reader.fault();"],
    ],
  ),
  ...guardsIn(
    "protocol/codec.ts",
    ["test/node/declared-length.test.ts"],
    [["wire-declared-length", "P8", "else if (length > reader.remaining())", "else if (false)"]],
  ),
];
