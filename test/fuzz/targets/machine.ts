import { GOSSIP_VERDICTS } from "../../../node/gossip-codes.ts";
import type { Input, Output, RoundMachine, Topic, Want } from "../../../node/machine.ts";
import { createRoundMachine } from "../../../node/round.ts";
import { decodeRequest, encodeHello, encodeRequest } from "../../../node/wire.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { encodeCertificate } from "../../../protocol/certificate.ts";
import { encodeSignedObservation } from "../../../protocol/observation.ts";
import { encodeRoundBody } from "../../../protocol/round-codec.ts";
import { scheme } from "../../support/network.ts";
import { ensure, type Target } from "../target.ts";
import { entriesOf, FIRST_ROUND, fold, honestChain, keys, type Link, memberKey, network } from "./chain.ts";
import { documentAt, heldDocument, naming } from "./machine-documents.ts";
import { resign } from "./resign.ts";

/** One step of a program: what happens, with which message, how it is changed, and how much time passes first. */
const STEP_BYTES = 8;
const MAX_STEPS = 40;
/** A handled input gives at most this much to do: commits, fetches and events of a few rounds. */
const MAX_OUTPUTS = 200;
/** This node: the leader of the first round. */
const SELF = 2;
const START_AT = (FIRST_ROUND - 2) * network.config.roundMs;
/** From this value of the time byte on, steps of 100 ms instead of single ones. */
const LONG_STEP = 128;
const LONG_MS = 100;
const MAX_RECOVERED = 10_000;

const KINDS = [
  "observation",
  "proposal",
  "signature",
  "certificate",
  "fetched",
  "hello",
  "acknowledge",
  "sampled",
  "tick",
  "request",
  "naming",
  "submitted",
  "reviewed",
] as const;
type Kind = (typeof KINDS)[number];
type Step = {
  readonly kind: Kind;
  readonly link: number;
  readonly member: number;
  readonly change: number;
  readonly at: number;
  readonly value: number;
};

/** A program of steps for a fresh machine. */
export const machine: Target = {
  name: "machine",
  about:
    "a whole round machine with the real fold: gossip, answers to its fetches, hellos, requests, keyholders' documents, in any order",
  covers: ["node/"],
  shape: "bytes",
  maxBytes: STEP_BYTES * MAX_STEPS,
  batch: 1,
  limitMs: 2_000,
  maxAllocation: 64 * 2 ** 20,
  dictionary: [],
  open: async () => {
    const links = honestChain(3);
    return { seeds: seedsOf(), execute: (input) => execute(links, input), close: async () => undefined };
  },
};

const recovered = new Map<string, ReturnType<typeof scheme.recover>>();
/** Recovering one signature in thousands of lives teaches nothing: once is enough. */
const remembering: typeof scheme = {
  ...scheme,
  recover: (digest, signature) => {
    const key = `${toHex(digest)} ${signature}`;
    if (!recovered.has(key)) {
      if (recovered.size >= MAX_RECOVERED) recovered.clear();
      recovered.set(key, scheme.recover(digest, signature));
    }
    return recovered.get(key);
  },
};

function encodeStep(kind: Kind, { link = 0, member = 0, change = 0, at = 0, value = 0, wait = 0 } = {}): readonly number[] {
  return [KINDS.indexOf(kind), link, member, change, at >> 8, at & 0xff, value, wait];
}

/** An honest life: hellos, then rounds that this node leads, signs or follows, live and from the others' word alone. */
function seedsOf(): readonly Uint8Array[] {
  const hellos = [0, 1, 3].map((member) => encodeStep("hello", { member }));
  const acknowledged = [0, 1, 2].map(() => encodeStep("acknowledge"));
  const round = (link: number) => [
    encodeStep("tick", { wait: LONG_STEP + 10 }),
    encodeStep("sampled", { link }),
    encodeStep("acknowledge"),
    ...[0, 1, 3].map((member) => encodeStep("observation", { link, member, wait: 5 })),
    ...acknowledged,
    encodeStep("proposal", { link, wait: 5 }),
    ...acknowledged,
    ...[0, 1, 3].map((member) => encodeStep("signature", { link, member })),
    encodeStep("certificate", { link }),
  ];
  const follow = [
    encodeStep("tick", { wait: LONG_STEP + 30 }),
    encodeStep("certificate", { link: 2 }),
    ...[0, 1, 2, 3].map(() => encodeStep("fetched")),
  ];
  const governed = [0, 4, 25, 38, 9].flatMap((link) => [
    encodeStep("submitted", { link }),
    encodeStep("naming", { link, member: 1 }),
    encodeStep("fetched"),
    encodeStep("reviewed", { link, value: 1 }),
  ]);
  const asked = [0, 1, 2, 3].map((value) => encodeStep("request", { value }));
  return [
    [...hellos, encodeStep("tick", { wait: LONG_STEP + 10 }), ...round(0), ...round(1)],
    [...hellos, ...follow, ...asked],
    [...follow, ...follow, ...asked],
    [
      ...hellos,
      encodeStep("tick", { wait: LONG_STEP + 10 }),
      ...governed,
      encodeStep("sampled"),
      encodeStep("acknowledge"),
      ...asked,
    ],
    [
      ...hellos,
      encodeStep("tick", { wait: LONG_STEP + 20 }),
      encodeStep("proposal", { link: 1 }),
      ...[0, 1, 2, 3, 4, 5].map(() => encodeStep("fetched")),
    ],
  ].map((steps) => Uint8Array.from(steps.flat()));
}

type Life = {
  readonly node: RoundMachine;
  readonly links: readonly Link[];
  now: number;
  ids: number;
  readonly fetches: (Output & { readonly kind: "fetch" })[];
  readonly promises: (Output & { readonly kind: "persist" })[];
  readonly seen: Set<string>;
};

function execute(links: readonly Link[], input: Uint8Array): string {
  const node = createRoundMachine({
    network,
    scheme: remembering,
    key: memberKey(SELF),
    fold,
    start: { head: undefined, guard: [], history: [], documents: [], transitions: [] },
  });
  const life: Life = { node, links, now: START_AT, ids: 0, fetches: [], promises: [], seen: new Set() };
  handle(life, { kind: "tick" });
  for (let at = 0; at + STEP_BYTES <= input.length; at += STEP_BYTES) {
    const [kind = 0, link = 0, member = 0, change = 0, high = 0, low = 0, value = 0, wait = 0] = input.subarray(at);
    life.now += wait < LONG_STEP ? wait : (wait - LONG_STEP) * LONG_MS;
    perform(life, { kind: KINDS[kind % KINDS.length] ?? "tick", link, member, change, at: high * 256 + low, value });
  }
  return [...life.seen].sort().join(" ");
}

function perform(life: Life, step: Step): void {
  if (step.kind === "fetched") answer(life, step);
  else if (step.kind === "hello") greet(life, step);
  else if (step.kind === "acknowledge") acknowledge(life, step);
  else if (step.kind === "sampled") sample(life, step);
  else if (step.kind === "tick") handle(life, { kind: "tick" });
  else if (step.kind === "request") ask(life, step);
  else if (step.kind === "naming") name(life, step);
  else if (step.kind === "submitted") submit(life, step);
  else if (step.kind === "reviewed") review(life, step);
  else gossip(life, step.kind, step);
}

function greet(life: Life, step: Step): void {
  const head = { round: step.value === 0 ? 0 : FIRST_ROUND + step.value - 1, digest: network.configDigest };
  const bytes = changed(encodeHello({ clock: life.now, head, quarantine: false }), step);
  const from = memberKey(step.member).address;
  handle(life, { kind: "hello", from, bytes, sentAt: life.now - (step.value >> 4), receivedAt: life.now });
}

function acknowledge(life: Life, step: Step): void {
  const promise = life.promises.shift();
  if (promise === undefined) return;
  handle(life, { kind: step.value === 255 ? "refused" : "persisted", record: promise.record });
}

function sample(life: Life, step: Step): void {
  const round = Math.floor(life.now / network.config.roundMs);
  handle(life, {
    kind: "sampled",
    round: round + (step.value % 2),
    entries: entriesOf(round, step.member),
    gauges: [],
    shadows: [],
  });
}

function name(life: Life, step: Step): void {
  const key = memberKey(step.member);
  life.ids += 1;
  const id = String(life.ids);
  const bytes = changed(naming(Math.floor(life.now / network.config.roundMs), step), step, "observation");
  handle(life, { kind: "gossip", id, topic: "observation", from: key.address, bytes }, id);
}

function submit(life: Life, step: Step): void {
  life.ids += 1;
  handle(life, { kind: "submitted", id: `submitted ${life.ids}`, bytes: changed(documentAt(step.link).bytes, step) });
}

function review(life: Life, { link, value }: Step): void {
  handle(life, { kind: "reviewed", document: documentAt(link).digest, agrees: value % 2 === 1 });
}

function gossip(life: Life, topic: Topic, step: Step): void {
  const link = life.links[step.link % life.links.length];
  if (link === undefined) return;
  const bytes = changed(messageOf(topic, link, step.member), step, topic);
  life.ids += 1;
  const id = String(life.ids);
  handle(life, { kind: "gossip", id, topic, from: memberKey(step.value).address, bytes }, id);
}

function messageOf(topic: Topic, link: Link, member: number): Uint8Array {
  const index = member % keys.length;
  const observation = link.observations[index];
  const signature = link.signatures[index];
  if (topic === "proposal") return link.proposal;
  if (topic === "certificate") return encodeCertificate(link.certificate);
  if (observation === undefined || signature === undefined) throw new Error("every member has sent its messages");
  return topic === "observation" ? encodeSignedObservation(observation) : signature;
}

/** The oldest fetch answered with what was asked for, changed or not, by whom it was asked or by another, or not at all. */
function answer(life: Life, step: Step): void {
  const fetch = life.fetches.shift();
  if (fetch === undefined) return;
  const { want } = fetch;
  const from = step.value === 254 ? memberKey(step.member).address : fetch.from;
  const bytes = held(life.links, want);
  if (bytes === undefined || step.value === 255) handle(life, { kind: "fetch-failed", want, from });
  else handle(life, { kind: "fetched", want, from, bytes: changed(bytes, step, topicOf(want)) });
}

/** What is gossiped as well can be signed again after a change. */
function topicOf({ kind }: Want): Topic | undefined {
  return kind === "observation" || kind === "certificate" ? kind : undefined;
}

function held(links: readonly Link[], { kind, digest }: Want): Uint8Array | undefined {
  if (kind === "document" || kind === "transition") return heldDocument({ kind, digest });
  for (const { computed, certificate, body, observations } of links) {
    const observation = observations.find((signed) => signed.digest === digest);
    if (kind === "observation" && observation !== undefined) return encodeSignedObservation(observation);
    if (computed.digest === digest) return kind === "body" ? encodeRoundBody(body) : encodeCertificate(certificate);
  }
  return undefined;
}

/** What a peer's request stream may bring; a certificate or body that this node holds, or anything. */
function ask(life: Life, step: Step): void {
  const digest = life.links[step.link % life.links.length]?.computed.digest ?? network.configDigest;
  const kinds = ["observation", "certificate", "body", "document", "transition"] as const;
  const request = decodeRequest(changed(encodeRequest({ kind: kinds[step.value % kinds.length] ?? "body", digest }), step));
  if (!request.ok || request.value.kind === "hello") {
    life.node.hello(life.now);
    return;
  }
  const served = life.node.serve(request.value);
  life.seen.add(`serves-${request.value.kind}-${served !== undefined}`);
}

/** Four changes: a byte, a cut, a tail, and each of them under the member's own signature. */
function changed(bytes: Uint8Array, { change, at, value, member }: Step, topic?: Topic): Uint8Array {
  const position = bytes.length === 0 ? 0 : at % bytes.length;
  const edits = [
    () => bytes,
    () => bytes.map((byte, index) => (index === position ? value : byte)),
    () => bytes.slice(0, position),
    () => Uint8Array.from([...bytes, ...new Uint8Array(value)]),
  ];
  const edited = edits[change % 4]?.() ?? bytes;
  const isResigned = change % 8 >= 4 && topic !== undefined;
  return (isResigned ? resign(topic, edited, memberKey(member)) : undefined) ?? edited;
}

function handle(life: Life, input: Input, id?: string): void {
  const outputs = life.node.handle(input, life.now);
  ensure(outputs.length <= MAX_OUTPUTS, "one input gives a bounded number of outputs");
  const verdicts = outputs.filter((output) => output.kind === "verdict");
  ensure(verdicts.length === (id === undefined ? 0 : 1), "a gossip message gets one verdict, nothing else gets any");
  const receipts = outputs.filter((output) => output.kind === "receipt");
  ensure(
    receipts.length === (input.kind === "submitted" ? 1 : 0),
    "a submitted document gets one receipt, nothing else gets any",
  );
  for (const output of outputs) take(life, output, id);
  ensure(life.node.wakeAt() > life.now, "the next tick lies ahead");
}

function take(life: Life, output: Output, id: string | undefined): void {
  if (output.kind === "verdict") {
    ensure(output.id === id && output.verdict === GOSSIP_VERDICTS[output.code], "the verdict is this message's and the table's");
    ensure(output.code !== "internal", "no message is a fault of ours");
    life.seen.add(output.code);
  }
  if (output.kind === "event") {
    ensure(output.code !== "internal-fault", `no input is a fault of ours: ${String(output.fields.fault)}`);
    life.seen.add(output.code);
  }
  if (output.kind === "receipt") life.seen.add(`receipt-${output.receipt.code}`);
  if (output.kind === "keep" || output.kind === "review" || output.kind === "transition") life.seen.add(output.kind);
  if (output.kind === "fetch") life.fetches.push(output);
  if (output.kind === "persist") life.promises.push(output);
}
