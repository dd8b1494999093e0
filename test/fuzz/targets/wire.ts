import { decodeMemory, EMPTY_MEMORY, encodeMemory } from "../../../circuit-breaker/memory.ts";
import {
  decodeHello,
  decodeRequest,
  decodeTransitionAnswer,
  encodeHello,
  encodeRequest,
  encodeTransitionAnswer,
} from "../../../node/wire.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import { decodeRoundBody, encodeRoundBody } from "../../../protocol/round-codec.ts";
import { scheme } from "../../support/network.ts";
import { joined } from "../mutate-bytes.ts";
import { ensure, type Target } from "../target.ts";
import { fold, honestChain, network } from "./chain.ts";
import { sameAgain } from "./gossip.ts";
import { INTO_CHANGED } from "./governance-memory.ts";

const KINDS = ["request", "hello", "body", "memory", "transition"] as const;

/** The kind of message, then the message. */
export const wire: Target = {
  name: "wire",
  about: "requests, hellos, round bodies, transitions and breaker memories as other nodes send them; one value has one encoding",
  covers: [
    "protocol/codec.ts",
    "protocol/proposal.ts",
    "node/wire.ts",
    "circuit-breaker/memory.ts",
    "circuit-breaker/governance-memory.ts",
    "circuit-breaker/words.ts",
  ],
  shape: "bytes",
  maxBytes: 64 * 1024,
  batch: 64,
  limitMs: 500,
  maxAllocation: 2 ** 20,
  dictionary: ["ETH/USD", "\x00\x80\x00\x00", "\xff\xff\xff\xff"],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  const links = honestChain(3);
  const digest = network.configDigest;
  const tagged = (kind: (typeof KINDS)[number], bytes: Uint8Array) => joined(Uint8Array.of(KINDS.indexOf(kind)), bytes);
  return [
    ...(["observation", "certificate", "body", "document", "transition"] as const).map((kind) =>
      tagged("request", encodeRequest({ kind, digest })),
    ),
    tagged("request", encodeRequest({ kind: "hello" })),
    tagged("hello", encodeHello({ clock: 1_000_000_000_000, head: { round: 7, digest }, quarantine: true })),
    ...links.map(({ body }) => tagged("body", encodeRoundBody(body))),
    tagged("body", encodeRoundBody({ round: 1, parent: undefined, memory: "0x", observations: ["0x00"], documents: ["0x00"] })),
    ...links.map(({ computed }) => tagged("memory", encodeMemory(computed.memory))),
    tagged("memory", encodeMemory(EMPTY_MEMORY)),
    ...[undefined, digest].map((from) => tagged("transition", encodeTransitionAnswer({ from, transition: INTO_CHANGED }))),
  ];
}

function execute(input: Uint8Array): string {
  const kind = KINDS[(input[0] ?? 0) % KINDS.length] ?? "request";
  const bytes = input.subarray(1);
  if (kind === "request") return `${kind} ${sameAgain(bytes, decodeRequest(bytes), encodeRequest)}`;
  if (kind === "hello") return `${kind} ${sameAgain(bytes, decodeHello(bytes), encodeHello)}`;
  if (kind === "memory") return `${kind} ${sameAgain(bytes, decodeMemory(bytes), encodeMemory)}`;
  if (kind === "transition") return `${kind} ${sameAgain(bytes, decodeTransitionAnswer(bytes), encodeTransitionAnswer)}`;
  const body = decodeRoundBody(bytes);
  const outcome = sameAgain(bytes, body, encodeRoundBody);
  if (!body.ok) return `${kind} ${outcome}`;
  ensure(fromHex(body.value.memory).length <= bytes.length, "a body holds no more memory than it has bytes");
  const recomputed = fold.recomputeBody(network, body.value, scheme);
  return `${kind} ${recomputed.ok ? "recomputes" : recomputed.error.replace(/\d+/g, "#").slice(0, 80)}`;
}
