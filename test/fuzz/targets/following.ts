import type { FollowOutput } from "../../../gateway/follower.ts";
import { createEventSplitter } from "../../../gateway/following/event-stream.ts";
import { decodeEvent, encodeEvent } from "../../../gateway/io/follow-wire.ts";
import type { LogEntry } from "../../../gateway/log.ts";
import { entryFields, readEntry, type StreamName } from "../../../gateway/redis-entries.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import { createReader, createWriter } from "../../../protocol/codec.ts";
import { roundDigest } from "../../../protocol/eip712.ts";
import type { Evidence } from "../../../protocol/evidence.ts";
import { changedHistory, evidenceEntry, followerOf, NOTHING, roundEntry, transitionEntry } from "../../gateway/followed.ts";
import { digestOf, scheme } from "../../support/network.ts";
import { joined } from "../mutate-bytes.ts";
import { ensure, type Target } from "../target.ts";

/** How a gateway comes by what it follows: server-sent events, and a writer's two streams in Redis. */
const WAYS = ["events", "rounds", "papers"] as const;
const MAX_EVENT_CHARS = 64 * 1024;
const MAX_PARTS = 16;
const ROUTE = /^(?:round|transition|evidence)$/;

/** The way, then text of events, or the parts of one entry in Redis with their lengths. */
export const following: Target = {
  name: "following",
  about: "what a gateway follows, from /v1/follow and from Redis, up to the verified head: only what a quorum signed ever counts",
  covers: ["gateway/follow", "gateway/following/", "gateway/io/follow-wire.ts", "gateway/redis-entries.ts", "protocol/era.ts"],
  shape: "bytes",
  maxBytes: 64 * 1024,
  batch: 4,
  limitMs: 1_000,
  maxAllocation: 128 * 2 ** 20,
  dictionary: [
    "event: round\ndata: ",
    "event: evidence\ndata: ",
    '{"bytes":"',
    "id: 7\n",
    "\r\n",
    "\n\n",
    "=",
    "\x28\xb5\x2f\xfd",
  ],
  open: async () => {
    const { world, before, history, transition } = changedHistory();
    const now = world.now();
    const honest = new Set(history.map(({ certified }) => certified.digest));
    const rounds = [...history.slice(0, 2), ...history.slice(-2)].map(roundEntry);
    const [liar] = world.keys;
    const [first] = history;
    ensure(liar !== undefined && first !== undefined, "there is a history");
    const statementOf = (byte: number) => {
      const struct = { ...first.certified.certificate.header, parent: digestOf(byte) };
      return { struct, signature: scheme.sign(fromHex(roundDigest(before.domain, struct)), liar.privateKey) };
    };
    const evidence: Evidence = { kind: "round", signer: liar.address, statements: [statementOf(1), statementOf(2)] };
    const papers = [transitionEntry(transition), evidenceEntry(evidence)];
    const links = history.slice(0, 1).map(
      ({
        certified: {
          digest,
          certificate: { header },
        },
      }) => {
        return { round: header.round, digest, parent: header.parent };
      },
    );
    const execute = (input: Uint8Array): string => {
      const follower = followerOf(before, { ...NOTHING, links });
      const codes = entriesOf(input).map((entry) => {
        if (typeof entry === "string") return entry;
        const outputs = follower.handle({ from: "a", entry }, now);
        for (const output of outputs) check(output, honest);
        return outputs.flatMap((output) => (output.kind === "counted" ? [output.code] : [])).join("+");
      });
      const head = follower.head();
      ensure(head !== undefined && honest.has(head.digest), "the head is one that a quorum signed");
      ensure(follower.writers().length >= 4, "there is somebody to follow");
      return [...new Set(codes)].join(" ");
    };
    const events = [...rounds, ...papers].map((entry) => Buffer.from(encodeEvent(entry, 7)));
    const seeds = [
      ...events.map((event) => tagged("events", event)),
      tagged("events", Buffer.concat([Buffer.from(": hello\n\nretry: 5\n\n"), ...events.slice(-3)])),
      ...[...rounds, ...papers].map(storedSeed),
    ];
    return { seeds, execute, close: async () => undefined };
  },
};

function check(output: FollowOutput, honest: ReadonlySet<string>): void {
  if (output.kind !== "round") return;
  ensure(honest.has(output.certified.digest), "a round that is kept is one that a quorum signed");
}

function tagged(way: (typeof WAYS)[number], bytes: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(WAYS.indexOf(way)), bytes);
}

function storedSeed(entry: LogEntry): Uint8Array {
  const { stream, fields } = entryFields(entry);
  const writer = createWriter();
  for (const field of fields) {
    const bytes = Buffer.from(field);
    writer.u32(bytes.length);
    writer.bytes(bytes);
  }
  return tagged(stream, writer.finish());
}

/** Entries, or why there is none. */
function entriesOf(input: Uint8Array): readonly (LogEntry | string)[] {
  const way = WAYS[(input[0] ?? 0) % WAYS.length] ?? "events";
  return way === "events" ? entriesOfText(input.subarray(1)) : entriesOfParts(way, input.subarray(1));
}

/** Cut in two somewhere, as a network does. */
function entriesOfText(bytes: Uint8Array): readonly (LogEntry | string)[] {
  const text = new TextDecoder().decode(bytes);
  const splitter = createEventSplitter(MAX_EVENT_CHARS);
  const middle = (bytes[bytes.length >> 1] ?? 0) * 16;
  const whole = createEventSplitter(MAX_EVENT_CHARS).take(text);
  const pieces = [splitter.take(text.slice(0, middle)), splitter.take(text.slice(middle))];
  if (whole === undefined || pieces.includes(undefined)) return ["an event too long"];
  const events = pieces.flatMap((piece) => piece ?? []);
  ensure(JSON.stringify(events) === JSON.stringify(whole), "events are the same, however they come in pieces");
  return events.map(({ name, data }) => {
    if (!ROUTE.test(name)) return "another event";
    const entry = decodeEvent(name as LogEntry["kind"], data);
    return entry.ok ? entry.value : entry.error;
  });
}

function entriesOfParts(stream: StreamName, bytes: Uint8Array): readonly (LogEntry | string)[] {
  const reader = createReader(bytes);
  const parts: Uint8Array[] = [];
  while (parts.length < MAX_PARTS && reader.remaining() > 0 && reader.fault() === undefined) {
    parts.push(reader.bytes(Math.min(reader.u32(), reader.remaining())));
  }
  const entry = readEntry(stream, parts);
  return [entry.ok ? entry.value : entry.error];
}
