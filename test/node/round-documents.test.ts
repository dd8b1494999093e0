import { describe, expect, it } from "vitest";
import type { Output } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { encodeProposalMessage } from "../../node/wire.ts";
import { type Digest, fromHex, keccakHex, toHex, utf8 } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { encodeSignedObservation, type SignedObservation, signObservation } from "../../protocol/observation.ts";
import { signProposal } from "../../protocol/proposal.ts";
import { encodeRoundBody } from "../../protocol/round-codec.ts";
import { scheme, testNetwork } from "../support/network.ts";
import { GOVERNED, guardian, pauseBy, proposalOf, signBy, successorOf } from "./council.ts";
import { certifiedBetween, createWorld, emptyDisk, type World } from "./mini-network.ts";
import { AT, codesOf, EMPTY_START, FIRST_ROUND, gossip, hear, keyOf, leaveQuarantine, only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

/** The round in which every world starts. */
const FIRST = 1_000_000_000;

function roundNow(world: World): number {
  return Math.floor(world.now() / 1_000);
}

/** Rounds whose certified bodies hold this document, by node. */
function takenIn({ trace, nodes }: World, { bytes }: { readonly bytes: Uint8Array }): readonly (readonly number[])[] {
  const hex = toHex(bytes);
  return nodes.map(({ index }) =>
    trace.flatMap(({ node, output }) =>
      node === index && output.kind === "commit" && output.body.documents.includes(hex) ? [output.body.round] : [],
    ),
  );
}

/** How many pauses each node's head remembers. */
function pausesOf({ nodes }: World): readonly number[] {
  return nodes.map(({ machine }) => machine?.governance().pauses.length ?? -1);
}

/** Fetches of documents by one node. */
function documentsFetched({ trace }: World, index: number): readonly Digest[] {
  return trace.flatMap(({ node, output }) =>
    node === index && output.kind === "fetch" && output.want.kind === "document" ? [output.want.digest] : [],
  );
}

describe("a pause handed to one node", () => {
  it("is in force at all nodes within two rounds, and is fetched by those who never saw it", () => {
    const world = createWorld({ seed: 61, config: GOVERNED });
    world.startAll();
    world.run(5.5);
    const pause = pauseBy(world.network, [guardian(0)], { at: world.now() });
    const submittedIn = roundNow(world);
    expect(world.submit(1, pause.bytes)).toEqual({ ok: true, digest: pause.digest, code: "carried" });
    world.run(3);
    for (const [first] of takenIn(world, pause)) expect(first).toBeLessThanOrEqual(submittedIn + 2);
    expect(pausesOf(world)).toEqual([1, 1, 1, 1]);
    for (const index of [0, 2, 3]) expect(documentsFetched(world, index)).toContain(pause.digest);
    for (const node of world.nodes) expect(node.disk.documents.has(pause.digest)).toBe(true);
    world.run(6);
    // Once it is taken in, nobody says it again.
    expect(Math.max(...takenIn(world, pause).flat())).toBeLessThanOrEqual(submittedIn + 3);
    expect(world.events("internal-fault")).toEqual([]);
  });

  it("is delayed by one round at most by leaders who never hear the one who has it: from then on everybody carries it", () => {
    const world = createWorld({
      seed: 62,
      config: GOVERNED,
      deliver: ({ topic, from, to, round }) => !(topic === "observation" && from === 1 && to === round % 4),
      serves: ({ to, want }) => !(want.kind === "observation" && to === 1),
    });
    world.startAll();
    world.run(5.5);
    const pause = pauseBy(world.network, [guardian(0)], { at: world.now() });
    expect(world.submit(1, pause.bytes)?.ok).toBe(true);
    const firstNamed = roundNow(world) + 1;
    world.run(4);
    // Where the carrier leads itself, it includes what it says.
    const soonest = firstNamed % 4 === 1 ? firstNamed : firstNamed + 1;
    for (const [first] of takenIn(world, pause)) expect(first).toBe(soonest);
    expect(certifiedBetween(world, firstNamed, firstNamed + 2)).toHaveLength(3);
  });

  it("outlives the restart of the only node that has it", () => {
    const world = createWorld({ seed: 63, config: GOVERNED, deliver: ({ from }) => from !== 1, serves: ({ to }) => to !== 1 });
    world.startAll();
    world.run(4.5);
    const pause = pauseBy(world.network, [guardian(0)], { at: world.now() });
    expect(world.submit(1, pause.bytes)?.ok).toBe(true);
    world.run(1);
    world.stop(world.node(1));
    world.run(1);
    world.start(world.node(1));
    world.run(5);
    const again = world.trace.findLast(
      ({ node, output }) => node === 1 && output.kind === "publish" && output.topic === "observation",
    );
    const bytes = again?.output.kind === "publish" ? toHex(again.output.bytes) : "";
    expect(bytes).toContain(pause.digest.slice(2));
  });

  it("reaches a node that was down when it was taken in, and one that lost its store", () => {
    const world = createWorld({ seed: 64, config: GOVERNED });
    world.startAll();
    world.run(4);
    world.stop(world.node(3));
    world.run(0.5);
    expect(world.submit(0, pauseBy(world.network, [guardian(0)], { at: world.now() }).bytes)?.ok).toBe(true);
    world.run(4);
    world.node(3).disk = emptyDisk();
    world.start(world.node(3));
    world.run(5);
    expect(pausesOf(world)).toEqual([1, 1, 1, 1]);
    expect(world.node(3).disk.rounds.size).toBe(world.node(0).disk.rounds.size);
  });
});

describe("what a node answers to who hands it a document", () => {
  const world = createWorld({ seed: 65, config: GOVERNED });
  world.startAll();
  world.run(4.5);
  const at = world.now();

  it("malformed: bytes that are none, and a stranger's", () => {
    expect(world.submit(0, utf8("pause"))).toMatchObject({ ok: false, code: "malformed" });
    const stranger = pauseBy(world.network, [keyOf(0)], { at });
    const receipt = world.submit(0, stranger.bytes);
    expect(receipt).toMatchObject({ ok: false, code: "malformed", detail: expect.stringContaining("neither a governor nor") });
  });

  it("the fold's own code: too long for one guardian, over, too few", () => {
    const codeOf = (bytes: Uint8Array) => {
      const receipt = world.submit(0, bytes);
      return receipt?.ok === false ? receipt.code : receipt?.code;
    };
    expect(codeOf(pauseBy(world.network, [guardian(0)], { at, forMs: 3_600_000 }).bytes)).toBe("too-long");
    expect(codeOf(pauseBy(world.network, [guardian(0)], { at: 0 }).bytes)).toBe("over");
    const removal = { kind: "removal", guardian: guardian(0).address } as const;
    expect(codeOf(signBy(world.network, [guardian(1)], removal, 1).bytes)).toBe("too-few");
  });

  it("twice the same is carried once; after it was taken in it is replayed", () => {
    const pause = pauseBy(world.network, [guardian(1)], { at });
    expect(world.submit(0, pause.bytes)).toMatchObject({ ok: true, code: "carried" });
    expect(world.submit(0, pause.bytes)).toMatchObject({ ok: true, code: "carried" });
    world.run(3);
    expect(world.submit(2, pause.bytes)).toMatchObject({ ok: false, code: "replayed" });
  });

  it("a config goes to review first, and a node that came to another report says so", () => {
    const doubtful = createWorld({ seed: 66, config: GOVERNED, agrees: () => false });
    doubtful.startAll();
    doubtful.run(4.5);
    const successor = successorOf(doubtful.network, { leaseMs: doubtful.network.config.leaseMs + 1_000 });
    const proposal = proposalOf(doubtful.network, successor, doubtful.now() + 10_000);
    expect(doubtful.submit(0, proposal.bytes)).toEqual({ ok: true, digest: proposal.digest, code: "review" });
    doubtful.run(3);
    expect(doubtful.submit(0, proposal.bytes)).toMatchObject({ ok: false, code: "waits" });
    expect(takenIn(doubtful, proposal).flat()).toEqual([]);
  });
});

describe("one machine", () => {
  const network = testNetwork(GOVERNED);
  const START = AT + 2_000;
  const junk = utf8("no document");
  const junkDigest = keccakHex(junk);
  const pause = pauseBy(network, [guardian(0)], { at: START });

  const machineOf = (index: number) => {
    const machine = createRoundMachine({ network, scheme, key: keyOf(index), fold: toyFold, start: EMPTY_START });
    leaveQuarantine(machine, index);
    machine.handle({ kind: "tick" }, START);
    return machine;
  };
  const observationOf = (index: number, documents: readonly Digest[] = []): SignedObservation =>
    signObservation(
      {
        round: FIRST_ROUND,
        configDigest: network.configDigest,
        head: NO_HEAD,
        entries: [],
        gauges: [],
        shadows: [],
        documents,
      },
      network.domain,
      keyOf(index),
    );
  const computedOf = (observations: readonly SignedObservation[], documents = [pause]) =>
    toyFold.nextRound({ network, parent: undefined, round: FIRST_ROUND, observations, documents });
  const proposalFor = (observations: readonly SignedObservation[], { header }: ReturnType<typeof computedOf>) =>
    encodeProposalMessage(
      signProposal({ header, observations: observations.map(({ digest }) => digest) }, network.domain, keyOf(2)),
      undefined,
    );
  const fetched = (digest: Digest, bytes: Uint8Array, from: number) =>
    ({ kind: "fetched", want: { kind: "document", digest }, from: keyOf(from).address, bytes }) as const;
  const wantsOf = (outputs: readonly Output[]) =>
    only(outputs, "fetch").flatMap(({ want, from }) => (want.kind === "document" ? [{ digest: want.digest, from }] : []));

  it("asks the observer for a document that it does not know, keeps it, and serves it", () => {
    const machine = machineOf(3);
    const asked = hear(machine, [observationOf(1, [pause.digest])], START + 10);
    expect(wantsOf(asked)).toEqual([{ digest: pause.digest, from: keyOf(1).address }]);
    const outputs = machine.handle(fetched(pause.digest, pause.bytes, 1), START + 20);
    expect(only(outputs, "keep")).toMatchObject([{ document: { digest: pause.digest } }]);
    expect(machine.serve({ kind: "document", digest: pause.digest })).toEqual(pause.bytes);
  });

  it("asks the next who names it after a wrong answer, and nobody who does not", () => {
    const machine = machineOf(3);
    hear(machine, [observationOf(1, [pause.digest])], START + 10);
    hear(machine, [observationOf(0, [pause.digest])], START + 12);
    const outputs = machine.handle(fetched(pause.digest, junk, 1), START + 20);
    expect(codesOf(outputs)).toEqual(["bad-answer"]);
    expect(wantsOf(outputs)).toEqual([{ digest: pause.digest, from: keyOf(0).address }]);
    const ended = machine.handle(fetched(pause.digest, junk, 0), START + 30);
    expect(codesOf(ended)).toEqual(["bad-answer", "fetch-abandoned"]);
    expect(wantsOf(ended)).toEqual([]);
  });

  it("who names sixteen documents and answers for none holds up nobody else's", () => {
    const machine = machineOf(3);
    const inventions = Array.from({ length: 16 }, (_, index) => keccakHex(Uint8Array.of(index))).sort();
    const asked = hear(machine, [observationOf(0, inventions)], START + 10);
    expect(wantsOf(asked)).toHaveLength(4);
    const other = hear(machine, [observationOf(1, [pause.digest])], START + 12);
    expect(wantsOf(other)).toEqual([{ digest: pause.digest, from: keyOf(1).address }]);
    expect(machine.wakeAt()).toBeGreaterThan(START + 12);
  });

  it("a leader leaves out who names what is no document, or what nobody has, and says whom", () => {
    for (const answered of [true, false]) {
      const machine = machineOf(2);
      const observations = [observationOf(0), observationOf(1), observationOf(2), observationOf(3, [junkDigest])];
      const [own] = only(
        machine.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 5),
        "persist",
      );
      if (own !== undefined) machine.handle({ kind: "persisted", record: own.record }, START + 6);
      hear(
        machine,
        [0, 1, 3].flatMap((index) => observations[index] ?? []),
        START + 10,
      );
      if (answered) machine.handle(fetched(junkDigest, junk, 3), START + 20);
      const outputs = machine.handle({ kind: "tick" }, START + 300);
      const events = only(outputs, "event").filter(({ code }) => code === "documents-missing");
      expect(events).toMatchObject([{ fields: { round: FIRST_ROUND, members: keyOf(3).address } }]);
      const expected = toyFold.nextRound({
        network,
        parent: undefined,
        round: FIRST_ROUND,
        observations: observations.slice(0, 3),
        documents: [],
      });
      const promised = only(outputs, "persist").find(({ record }) => record.kind === "round");
      expect(promised?.record.digest).toBe(expected.digest);
    }
  });

  it("a signer waits for a document of the proposal, and signs when it has it", () => {
    const machine = machineOf(3);
    const observations = [observationOf(0), observationOf(1), observationOf(2, [pause.digest])];
    hear(machine, observations, START + 10);
    const computed = computedOf(observations);
    const waiting = machine.handle(gossip("proposal", proposalFor(observations, computed), 2), START + 60);
    expect(only(waiting, "persist")).toEqual([]);
    const outputs = machine.handle(fetched(pause.digest, pause.bytes, 2), START + 70);
    expect(only(outputs, "persist").map(({ record }) => record.digest)).toEqual([computed.digest]);
  });

  it("a signer refuses a proposal whose documents are none", () => {
    const machine = machineOf(3);
    const observations = [observationOf(0), observationOf(1), observationOf(2, [junkDigest])];
    hear(machine, observations, START + 10);
    machine.handle(fetched(junkDigest, junk, 2), START + 20);
    const outputs = machine.handle(gossip("proposal", proposalFor(observations, computedOf(observations, [])), 2), START + 60);
    expect(only(outputs, "event")).toMatchObject([{ code: "proposal-refused", fields: { why: "documents" } }]);
  });

  it("a certified round is computed here as soon as its last document comes, though this node may not sign yet", () => {
    const machine = createRoundMachine({ network, scheme, key: keyOf(3), fold: toyFold, start: EMPTY_START });
    const observations = [observationOf(0), observationOf(1), observationOf(2, [pause.digest])];
    const computed = computedOf(observations);
    hear(machine, observations, START + 10);
    machine.handle(gossip("proposal", proposalFor(observations, computed), 2), START + 60);
    const signatures = [0, 1, 2].map((index) => ({
      signer: keyOf(index).address,
      signature: scheme.sign(fromHex(computed.digest), keyOf(index).privateKey),
    }));
    const certificate = encodeCertificate({ header: computed.header, signatures });
    expect(only(machine.handle(gossip("certificate", certificate), START + 100), "commit")).toEqual([]);
    const outputs = machine.handle(fetched(pause.digest, pause.bytes, 2), START + 110);
    expect(only(outputs, "commit").map(({ body }) => body.documents)).toEqual([[toHex(pause.bytes)]]);
    expect(machine.governance().pauses).toHaveLength(1);
  });

  it("a body brings its documents: they are kept and served like any other", () => {
    const machine = machineOf(3);
    const observations = [observationOf(0), observationOf(1), observationOf(2, [pause.digest])];
    const computed = computedOf(observations);
    const signatures = [0, 1, 2].map((index) => ({
      signer: keyOf(index).address,
      signature: scheme.sign(fromHex(computed.digest), keyOf(index).privateKey),
    }));
    const asked = machine.handle(gossip("certificate", encodeCertificate({ header: computed.header, signatures })), START + 100);
    const [body] = only(asked, "fetch");
    if (body === undefined) throw new Error("expected a fetch");
    const bytes = encodeRoundBody(toyFold.bodyOf({ parent: undefined, round: FIRST_ROUND, observations, documents: [pause] }));
    const outputs = machine.handle({ kind: "fetched", want: body.want, from: body.from, bytes }, START + 110);
    expect(only(outputs, "commit")).toHaveLength(1);
    expect(only(outputs, "keep").map(({ document }) => document.digest)).toEqual([pause.digest]);
    expect(machine.serve({ kind: "document", digest: pause.digest })).toEqual(pause.bytes);
  });

  it("names at most sixteen documents, and those of every keyholder before the second of any", () => {
    const machine = machineOf(3);
    const flood = Array.from({ length: 20 }, (_, index) =>
      pauseBy(network, [guardian(0)], { at: START, forMs: 5_000 + index, nonce: 1 + index }),
    );
    const other = pauseBy(network, [guardian(1)], { at: START });
    for (const [index, { bytes }] of [...flood, other].entries())
      machine.handle({ kind: "submitted", id: `${index}`, bytes }, START + 5);
    const outputs = machine.handle({ kind: "sampled", round: FIRST_ROUND, entries: [], gauges: [], shadows: [] }, START + 10);
    const [persisted] = only(outputs, "persist");
    if (persisted === undefined) throw new Error("expected an observation");
    const [sent] = only(machine.handle({ kind: "persisted", record: persisted.record }, START + 12), "publish");
    const text = toHex(sent?.bytes ?? new Uint8Array(0));
    expect(flood.filter(({ digest }) => text.includes(digest.slice(2)))).toHaveLength(15);
    expect(text).toContain(other.digest.slice(2));
  });

  it("an observation under the bound of its documents decodes, one above is malformed", () => {
    const many = Array.from({ length: 17 }, (_, index) => keccakHex(Uint8Array.of(index))).sort();
    const machine = machineOf(3);
    const verdicts = [16, 17].map((count) =>
      only(
        machine.handle(gossip("observation", encodeSignedObservation(observationOf(1, many.slice(0, count)))), START),
        "verdict",
      ),
    );
    expect(verdicts.map(([verdict]) => verdict?.code)).toEqual(["accepted", "malformed"]);
  });
});

it("a network without documents names none", () => {
  const world = createWorld({ seed: 67, config: GOVERNED });
  world.startAll();
  world.run(6);
  expect(certifiedBetween(world, FIRST + 2, FIRST + 5)).toHaveLength(4);
  expect(world.trace.some(({ output }) => output.kind === "fetch" && output.want.kind === "document")).toBe(false);
});
