import { guardsIn, type Mutant } from "../mutant.ts";

/** What a gateway believes of those whom it follows, and how long it says what it believes. */
export const FOLLOWING_GUARDS: readonly Mutant[] = [
  ...guardsIn(
    "protocol/era.ts",
    ["test/protocol/era.test.ts", "test/client/verify.test.ts"],
    [
      ["era-config-in-force", "P2", "if (configDigest !== network.configDigest) {", "if (false) {"],
      ["era-both-quorums", "P2", "if (before !== undefined && round === fromRound) return", "if (false) return"],
      ["era-of-its-round", "P2", "eras.findLastIndex(({ fromRound }) => fromRound <= round)", "eras.length - 1"],
      ["era-steps-ascend", "P2", "{ from: network, round: fromRound }", "{ from: network, round: 0 }"],
    ],
  ),
  ...guardsIn(
    "protocol/transition.ts",
    ["test/protocol/transition.test.ts", "test/gateway/follower.test.ts", "test/gateway/following.test.ts"],
    [
      ["quorum-before-body-count", "P8", "own.length < committee.quorum || !isDistinct", "!isDistinct"],
      ["quorum-before-body-distinct", "P8", "own.length < committee.quorum || !isDistinct", "own.length < committee.quorum"],
    ],
  ),
  ...guardsIn(
    "gateway/following/rounds.ts",
    ["test/gateway/follower.test.ts"],
    [
      ["follow-stated-digest", "P7", "if (digest !== entry.digest) return", "if (false) return"],
      ["follow-stale", "P9", "if (round < walk.floor()) return", "if (false) return"],
      ["follow-future", "P3", "aheadMs > maxSkewMs ?", "false ?"],
      [
        "follow-signed-first",
        "P8",
        'if ("kind" in signed) return at(digest, signed);',
        'if ("kind" in signed) throw new Error();',
      ],
      ["follow-era", "P2", "if (verified.ok) return network;", "if (verified !== undefined) return network;"],
      ["follow-retired-quorum", "P8", "const fault = findQuorumFault(", "const fault = undefined && findQuorumFault("],
      ["follow-retired", "P2", "if (walk.missing() !== digest) {", "if (false) {"],
      ["follow-recomputed", "P7", "if (computed.value.digest !== digest) return", "if (false) return"],
    ],
  ),
  ...guardsIn(
    "gateway/following/walk.ts",
    ["test/gateway/follower.test.ts", "test/gateway/following.test.ts"],
    [
      ["follow-head-rises", "P2", "if (head === undefined || link.round > head.round) {", "if (true) {"],
      ["follow-links-bounded", "P8", "if (links.size > 2 * KNOWN_ROUNDS) forget(links, floor());", ""],
    ],
  ),
  ...guardsIn(
    "gateway/following/budget.ts",
    ["test/gateway/follower.test.ts", "test/gateway/following.test.ts"],
    [
      ["follow-budget", "P8", "shareOf(from, now).tokens >= 1", "true"],
      ["follow-budget-bounded", "P8", "Math.min(REFUSED_AT_ONCE, share.tokens + earned)", "share.tokens + earned"],
      ["follow-budget-of-each", "P8", "left.get(from) ??", "[...left.values()][0] ??"],
    ],
  ),
  ...guardsIn(
    "gateway/following/waiting.ts",
    ["test/gateway/follower.test.ts", "test/gateway/following.test.ts"],
    [["follow-waiting-bounded", "P8", "while (shelf.length > WAITING_ENTRIES || bytes > WAITING_BYTES) {", "while (false) {"]],
  ),
  ...guardsIn(
    "gateway/following/convictions.ts",
    ["test/gateway/follower.test.ts"],
    [
      ["follow-evidence-verified", "P7", 'if (!verified.ok) return refused("evidence"', 'if (false) return refused("evidence"'],
      ["follow-evidence-bounded", "P8", "if (convictions.isFull(evidence)) return", "if (false) return"],
    ],
  ),
  ...guardsIn(
    "gateway/follower.ts",
    ["test/gateway/follower.test.ts"],
    [
      ["follow-body-costs", "P8", 'judged.code === "body" ? BODY_COST : 1', "1"],
      ["follow-waits-for-config", "P8", "if (MAY_WAIT.includes(judged.code))", "if (false)"],
    ],
  ),
  ...guardsIn(
    "gateway/following/event-stream.ts",
    ["test/gateway/following.test.ts"],
    [["follow-event-bounded", "P8", "return size > maxChars ? undefined : events;", "return events;"]],
  ),
  ...guardsIn(
    "gateway/io/http-reader.ts",
    ["test/gateway/follow.test.ts"],
    [
      ["follow-paced", "P8", "pace.spend({ entries: 0, bytes: piece.length }, performance.now());", ""],
      ["follow-no-redirects", "P7", 'redirect: "error"', 'redirect: "follow"'],
      ["follow-silence", "P8", "silence.abort(new Error(", "void (new Error("],
    ],
  ),
  ...guardsIn(
    "gateway/redis-scripts.ts",
    ["test/gateway/redis-abuse.test.ts"],
    [
      ["redis-entry-bounded", "P8", "if size <= tonumber(ARGV[5]) and", "if"],
      ["redis-call-bounded", "P8", "    bytes = bytes - cost\n", ""],
    ],
  ),
  ...guardsIn(
    "gateway/redis-url.ts",
    ["test/gateway/redis-url.test.ts", "test/gateway/gateway-config.test.ts"],
    [["redis-url-password", "P8", 'if (authority.includes("@")) return fail(', "if (false) return fail("]],
  ),
  ...guardsIn(
    "gateway/redis-acl.ts",
    ["test/gateway/redis-acl.test.ts"],
    [
      ["redis-acl-own-keys", "P8", "= streamKeys(network, address);", '= { rounds: "*", papers: "*" };'],
      ["redis-acl-read-only", "P8", ":rounds %R~breakwater", ":rounds ~breakwater"],
      ["redis-acl-default-off", "P8", '"user default reset off",', ""],
    ],
  ),
  ...guardsIn(
    "gateway/lease.ts",
    ["test/gateway/caching.test.ts", "test/gateway/routes.test.ts"],
    [
      ["served-while-leased", "P3", "if (now <= validUntil) return", "if (true) return"],
      ["cached-while-leased", "P3", "if (leftS < 0) return NO_STORE;", ""],
      ["cached-no-longer", "P3", "Math.floor(roundMs / 1000), leftS)", "Math.floor(roundMs / 1000))"],
    ],
  ),
  ...guardsIn(
    "gateway/access.ts",
    ["test/gateway/access.test.ts"],
    [
      ["access-key-known", "P8", "return key === undefined\n      ?", "return false\n      ?"],
      ["access-subnet", "P8", ".slice(0, 4).join", ".slice(0, 8).join"],
      ["access-required", "P8", "return rules.required ?", "return false ?"],
    ],
  ),
  ...guardsIn(
    "gateway/limits.ts",
    ["test/gateway/access.test.ts"],
    [
      ["limits-counted", "P8", "allowed: window.taken <= max,", "allowed: true,"],
      ["limits-bounded", "P8", "if (windows.size <= maxCounted) break;", "break;"],
    ],
  ),
  ...guardsIn(
    "gateway/io/forward.ts",
    ["test/gateway/forward.test.ts"],
    [
      ["forward-own-path", "P8", "if (url !== SOURCES_ROUTE) return url;", "return raw.url;"],
      ["forward-known-feed", "P8", "return lookup.one(id) === undefined ? undefined :", "return"],
      ["forward-signed", "P8", "if (isDocumentRoute(path) && submission === undefined) {", "if (false) {"],
      ["forward-no-repeats", "P8", "if (known !== undefined) return answerSubmission", "if (false) return answerSubmission"],
      ["forward-hops", "P8", "!HOPS.test(hops) || Number(hops) >= MAX_HOPS", "!HOPS.test(hops)"],
      ["forward-no-redirects", "P8", 'redirect: "error"', 'redirect: "follow"'],
      ["forward-reply-bounded", "P8", "if (size > MAX_REPLY_BYTES)", "if (false)"],
    ],
  ),
  ...guardsIn(
    "gateway/twap.ts",
    ["test/gateway/candles.test.ts", "test/gateway/candle-routes.test.ts"],
    [
      ["twap-no-longer-than-leased", "P3", "Math.min(to, timestamp + leaseMs, entries", "Math.min(to, entries"],
      ["twap-carried-is-a-gap", "P3", "if (end > start && !isCarried(verdict.report))", "if (end > start)"],
    ],
  ),
  ...guardsIn(
    "node/restore-floor.ts",
    ["test/node/store-backup.test.ts"],
    [
      ["restore-margin", "P2", "now + maxSkewMs + RESTORE_MARGIN_MS", "now"],
      ["restore-clock-behind", "P2", "if (newestSigned === undefined || newestSigned < floor)", "if (true)"],
    ],
  ),
  ...guardsIn(
    "node/io/store-guard.ts",
    ["test/node/store-backup.test.ts", "test/node/store.test.ts"],
    [["restore-floor-kept", "P2", "raise.run(FLOOR, round);", ""]],
  ),
  ...guardsIn(
    "node/io/store-backup.ts",
    ["test/node/store-backup.test.ts"],
    [
      ["restore-own", "P2", "refuseForeign(file, manifest, owner);", ""],
      ["restore-whole", "P2", "if ((await hashOf(temporary)) !== manifest.sha256) {", "if (false) {"],
      ["restore-floor-marked", "P2", "markFloor(temporary, { floor, now });", ""],
    ],
  ),
  ...guardsIn(
    "gateway/io/stream.ts",
    ["test/gateway/drain.test.ts"],
    [["drain-no-new-readers", "P8", "if (draining) return", "if (false) return"]],
  ),
  ...guardsIn(
    "gateway/io/outlets.ts",
    ["test/gateway/websocket.test.ts"],
    [["socket-unanswered", "P8", "if (unanswered >= MAX_UNANSWERED_PINGS) return false;", ""]],
  ),
  ...guardsIn(
    "adapters/stream-session.ts",
    ["test/adapters/stream-session.test.ts"],
    [
      ["venue-stream-silent", "P3", "if (now - heardAt >= silenceMs) return", "if (false) return"],
      ["venue-stream-unread-is-silence", "P3", "if (!unread) heardAt = now;", "heardAt = now;"],
      ["venue-stream-flood", "P8", "if (window.frames > MAX_FRAMES || window.bytes > MAX_WINDOW_BYTES) {", "if (false) {"],
      ["venue-stream-gaps", "P3", "if (!track.hopeless()) return outputs;", "return outputs;"],
    ],
  ),
];
