import { guardsIn, type Mutant } from "../mutant.ts";

const POOL = ["test/node/documents.test.ts"];
const WEIGHT = ["test/node/document-weight.test.ts"];
const DOCUMENTS = ["test/node/round-documents.test.ts"];
const REVIEWS = ["test/node/round-reviews.test.ts"];
const CONFIGS = ["test/node/round-configs.test.ts", "test/node/round-committee.test.ts"];
const TRANSITIONS = ["test/node/transitions.test.ts", ...CONFIGS];
const REVIEW = ["test/node/review.test.ts"];
const REPLAY = ["test/aggregator/replay.test.ts", "test/aggregator/replay-governed.test.ts"];

/** How documents and configs go through nodes: carried, reviewed, kept out of no round, and followed from quorum to quorum. */
export const CARRYING_GUARDS: readonly Mutant[] = [
  ...guardsIn(
    "node/carrying.ts",
    [...REVIEWS, ...DOCUMENTS],
    [
      [
        "carry-what-is-taken",
        "P8",
        "desk.documents.all().filter(({ signed }) => isTakeable(desk, signed, judgement))",
        "desk.documents.all()",
      ],
      ["carry-reviewed", "P6", '|| review === "agrees")', '|| review !== "differs")'],
      ["carry-configs-that-wait", "P6", '(document.kind === "config" && code === "waits")', "false"],
      ["named-refused", "P6", "invalid: refused || strange ||", "invalid: strange ||"],
      ["answer-document", "P7", 'if (!isNamed && !isContent) return "another document";', ""],
      ["answer-no-document", "P8", "    desk.documents.refuse(digest);\n", ""],
      ["submitted-judged", "P6", "if (!isTakeable(desk, signed, judgement)) {", "if (false) {"],
      ["submitted-differs", "P6", 'if (pooled.review !== "differs") return { ok: true', "if (true) return { ok: true"],
      ["review-one-at-a-time", "P8", 'if (all.some(({ review }) => review === "asked")) return;', ""],
      ["review-approved", "P8", 'review === "none" && isTakeable(desk, signed, judgement),', 'review === "none",'],
      ["review-differs", "P6", 'agrees ? "agrees" : "differs"', '"agrees"'],
    ],
  ),
  ...guardsIn(
    "node/carrying.ts",
    [...WEIGHT, ...DOCUMENTS],
    [
      ["carry-count", "P8", "chosen.length >= MAX_DOCUMENTS || ", ""],
      ["carry-weight", "P8", " || bytes + signed.bytes.length > MAX_CARRIED_BYTES", ""],
      ["carry-in-turns", "P6", ".sort((a, b) => a.turn - b.turn)", ""],
      ["named-strangers", "P6", "refused || strange || weightOf", "refused || weightOf"],
      ["named-weight", "P8", " || weightOf(documents) > MAX_ROUND_DOCUMENT_BYTES }", " }"],
    ],
  ),
  ...guardsIn("node/documents.ts", POOL, [
    ["pool-of-same-keyholders", "P8", "else if (same >= MAX_OF_SAME_KEYHOLDERS && !named) return false;", ""],
    ["pool-idle-go", "P6", "usedIn < round - WINDOW_ROUNDS && keyholdersOf", "keyholdersOf"],
    ["pool-count", "P8", "if (pooled.size <= MAX_POOLED && bytes", "if (bytes"],
    ["pool-bytes", "P8", "pooled.size <= MAX_POOLED && bytes <= MAX_POOLED_BYTES", "pooled.size <= MAX_POOLED"],
    ["pool-most-lose", "P8", "next[1] > most[1] ? next : most", "most[1] < 0 ? next : most"],
    ["pool-refused-bounded", "P8", "if (refused.size > MAX_INVALID) refused.delete(oldest);", "void oldest;"],
    ["pool-forgets", "P8", "if (!isNeeded && usedIn < round - KEPT_ROUNDS) pooled.delete(digest);", ""],
    ["pool-config-needed", "P6", "if (!isNeeded && usedIn", "if (usedIn"],
    [
      "document-keyholders-of-round",
      "P6",
      "approvals.every(({ keyholder }) => keyholders.has(keyholder))",
      "keyholders.size >= 0",
    ],
  ]),
  ...guardsIn(
    "node/leading.ts",
    [...WEIGHT, ...DOCUMENTS],
    [
      ["leader-holds-documents", "P8", "missing.length === 0 && !invalid", "!invalid"],
      ["leader-valid-documents", "P8", "missing.length === 0 && !invalid", "missing.length === 0"],
      ["leader-member-weight", "P8", " && weightOf(documents) <= MAX_CARRIED_BYTES;", ";"],
      ["leader-round-weight", "P8", "if (weigh([...chosen, signed]) <= MAX_ROUND_DOCUMENT_BYTES) chosen", "chosen"],
      ["leader-least-foreign", "P6", ".sort((a, b) => foreign(a) - foreign(b))", ""],
    ],
  ),
  ...guardsIn("node/fetching.ts", DOCUMENTS, [
    ["fetch-documents-of-one", "P8", "isDocument(job) ? isBusy(jobs, job) : free", "isDocument(job) ? false : free"],
  ]),
  ...guardsIn("node/signing.ts", DOCUMENTS, [
    ["sign-valid-documents", "P6", 'if (invalid) return { kind: "refused", why: "documents" };', ""],
    ["sign-held-documents", "P6", "if (missing.length > 0) return {", "if (false) return {"],
  ]),
  ...guardsIn(
    "node/shadows.ts",
    ["test/node/shadows.test.ts"],
    [
      ["shadows-due", "P8", "if (timestamp < pending.activation - network.config.governance.shadowMs) return [];", ""],
      ["shadows-of-changed", "P8", "changed.has(feed) ? [{ feed, price }] : []", "[{ feed, price }]"],
    ],
  ),
  ...guardsIn("node/configuring.ts", TRANSITIONS, [
    [
      "retired-configs-refused",
      "P2",
      "ahead === undefined ? distinct([desk.network, own, waiting]) : [ahead];",
      "distinct([desk.network, own, waiting]);",
    ],
    ["config-follows-head", "P6", "desk.network = ahead ?? desk.networks.after(head) ?? own;", "desk.network = ahead ?? own;"],
  ]),
  ...guardsIn("node/round.ts", CONFIGS, [
    [
      "retired-configs-not-judged",
      "P2",
      "desk.current.find(({ configDigest }) => configDigest === digest)",
      "desk.networks.find(digest)",
    ],
  ]),
  ...guardsIn("node/certifying.ts", TRANSITIONS, [
    ["certify-by-parent", "P2", "if (parent !== undefined) return checkAfter(desk, certificate, parent);", ""],
    ["certify-unreached", "P2", "const isReached = network === genesis ||", "const isReached = network !== undefined ||"],
    ["certify-both", "P2", "    from === to\n", "    from !== undefined\n"],
    ["assemble-both", "P2", "if (from === to) return assembleCertificate", "if (from !== undefined) return assembleCertificate"],
    ["before-votes", "P2", 'if (own.configDigest !== configDigest && isMember(own.committee)) return "votes";', ""],
  ]),
  ...guardsIn("node/signing.ts", CONFIGS, [
    ["sign-as-voter", "P2", 'if (!isVoter(desk, network, parent)) return { kind: "follows" };', ""],
  ]),
  ...guardsIn("node/transitions.ts", TRANSITIONS, [
    ["transition-from-reached", "P2", "return predecessor === reached(desk);", "return true;"],
    ["transition-asked-for", "P7", 'if (transition.certificate.header.configDigest !== digest) return "another transition";', ""],
    [
      "transition-no-circle",
      "P8",
      'if (waiting.from === digest || desk.waiting.has(waiting.from)) return "a transition that leads in a circle";',
      "",
    ],
    ["transitions-waiting-bounded", "P8", "if (desk.waiting.size > MAX_WAITING) desk.waiting.delete(oldest);", "void oldest;"],
    ["rumours-rest", "P8", "if (desk.now < (desk.rumours.get(from) ?? 0)) return;", ""],
  ]),
  ...guardsIn(
    "node/networks.ts",
    ["test/node/networks.test.ts"],
    [
      ["step-once-a-round", "P2", "if (steps.some(({ round }) => round === step.round)) return false;", ""],
      ["steps-bounded", "P8", ".slice(-MAX_STEPS)", ""],
      ["steps-newest", "P2", ".sort((a, b) => a.round - b.round)", ""],
      ["announced-bounded", "P8", "if (announced.size > MAX_ANNOUNCED) announced.delete(oldest);", "void oldest;"],
    ],
  ),
  ...guardsIn("node/io/review.ts", REVIEW, [
    ["review-refusals", "P6", "found.refusals.length === 0 && ", ""],
    ["review-this-report", "P6", " && replayDigest(found) === expected", ""],
    ["review-rounds-there", "P6", "if (body === undefined) throw missing(round);", "if (body === undefined) continue;"],
    ["review-some-rounds", "P6", "if (replayed === 0) throw missing(to);", ""],
    ["review-span", "P8", "Math.max(since, to - governance.replayRounds + 1, 0)", "Math.max(since, 0)"],
    ["review-since-config", "P6", "Math.max(since, to -", "Math.max(to -"],
    ["review-in-turn", "P8", "queue.then(() => replay(next, to))", "replay(next, to)"],
    ["review-after-a-fault", "P8", "queue = turn.catch(() => undefined);", "queue = turn;"],
  ]),
  ...guardsIn("aggregator/replay/report.ts", REPLAY, [
    ["replay-one-in-twenty", "P6", "const BEYOND_SHARE = 20;", "const BEYOND_SHARE = 1;"],
    ["replay-refuses-price", "P6", "...feeds.flatMap((feed) => refusePrice(feed, current.config)),", ""],
    ["replay-refuses-incident", "P6", ", ...incidents.flatMap(refuseIncident)]", "]"],
    ["replay-incident-was-right", "P6", "before === AS_EXPECTED && after !== AS_EXPECTED", "after !== AS_EXPECTED"],
    [
      "replay-limit-in-force",
      "P6",
      "new Map(current.feeds.map(({ feed, thresholds })",
      "new Map(next.feeds.map(({ feed, thresholds })",
    ],
    ["replay-activates-nothing", "P6", "taken.documents.filter(changesNoConfig)", "taken.documents"],
    ["replay-at-rest", "P6", "atRest(taken.parent, current.configDigest)", "taken.parent"],
    ["replay-reprices", "P6", "taken.observations.map((signed) => reprice(signed, priced))", "taken.observations"],
  ]),
  ...guardsIn("aggregator/replay/implied.ts", REPLAY, [
    ["replay-by-contract", "P6", "references.has(venue) ? venue : `", "`"],
    ["replay-inverts", "P6", 'numerator *= "multiply" in step ? ONE : leg;', 'numerator *= "multiply" in step ? leg : ONE;'],
  ]),
];
