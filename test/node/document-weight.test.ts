import { describe, expect, it } from "vitest";
import { carriedDocuments, documentsOf } from "../../node/carrying.ts";
import { createDesk } from "../../node/desk.ts";
import { gatherObservations } from "../../node/leading.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { type SignedObservation, signObservation } from "../../protocol/observation.ts";
import { scheme, testNetwork } from "../support/network.ts";
import { GOVERNED, guardian, pauseBy } from "./council.ts";
import { EMPTY_START, FIRST_ROUND, keyOf } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

const network = testNetwork(GOVERNED);
const AT = FIRST_ROUND * 1_000;

/** A pause, of which only the length matters here: what it weighs. Over before the round, it is nothing that a node would carry. */
function heavy(mebibytes: number, nonce: number, { by = 0, isOver = false } = {}): SignedDocument {
  const signed = pauseBy(network, [guardian(by)], { at: AT, nonce, forMs: isOver ? -1_000 : 60_000 });
  return { ...signed, bytes: new Uint8Array(mebibytes * 1024 * 1024) };
}

function deskWith(documents: readonly SignedDocument[], under = network) {
  const desk = createDesk({ network: under, scheme, key: keyOf(2), fold: toyFold }, EMPTY_START);
  desk.round = FIRST_ROUND;
  desk.now = AT;
  for (const signed of documents) desk.documents.add(signed, { round: FIRST_ROUND, named: true });
  return desk;
}

function naming(index: number, documents: readonly SignedDocument[], { configDigest, domain } = network): SignedObservation {
  const said = { entries: [], gauges: [], shadows: [], documents: documents.map(({ digest }) => digest).sort() };
  const observation = { round: FIRST_ROUND, configDigest, head: NO_HEAD, ...said };
  return signObservation(observation, domain, keyOf(index));
}

/** What the leader makes of the members' observations, member by member. */
function led(desk: ReturnType<typeof deskWith>, named: readonly (readonly SignedDocument[])[]) {
  for (const [index, documents] of named.entries()) {
    const signed = naming(index, documents, desk.network);
    desk.observations.add({ round: FIRST_ROUND, signer: signed.signer, digest: signed.digest, value: signed });
  }
  const { usable, undocumented } = gatherObservations(desk);
  const membersOf = (observations: readonly SignedObservation[]) =>
    observations.map(({ signer }) => named.findIndex((_, index) => keyOf(index).address === signer)).sort();
  return { usable: membersOf(usable), undocumented: membersOf(undocumented) };
}

describe("what documents weigh", () => {
  it("an observation names no more than 5 MiB of them, and what still fits beside", () => {
    const [first, second, third, light] = [heavy(2, 1), heavy(2, 2), heavy(2, 3), heavy(1, 4)];
    const desk = deskWith([first, second, third, light]);
    expect(carriedDocuments(desk, FIRST_ROUND)).toEqual([first, second, light].map(({ digest }) => digest).sort());
  });

  it("those of a round weigh no more than 8 MiB: a proposal with more is none that is signed", () => {
    const documents = [heavy(4, 1), heavy(4, 2), heavy(1, 3)];
    const desk = deskWith(documents);
    expect(documentsOf(desk, network, [naming(0, documents.slice(0, 2))]).invalid).toBe(false);
    expect(documentsOf(desk, network, [naming(0, documents)]).invalid).toBe(true);
  });

  it("a leader leaves out who alone names more than an observation may", () => {
    const documents = [heavy(3, 1), heavy(3, 2)];
    expect(led(deskWith(documents), [documents, [], [], []])).toEqual({ usable: [1, 2, 3], undocumented: [0] });
  });

  it("a leader fills the round's 8 MiB with what it would carry itself, then with what weighs least beside that", () => {
    const foreign = [heavy(4, 1, { isOver: true }), heavy(4, 2, { isOver: true })];
    const own = heavy(4, 3, { by: 1 });
    const desk = deskWith([...foreign, own]);
    expect(led(desk, [foreign.slice(0, 1), foreign.slice(1), [], [own]])).toEqual({ usable: [0, 2, 3], undocumented: [1] });
  });
});

describe("documents that observations name", () => {
  it("are none under a config that does not know their keyholder", () => {
    const pause = pauseBy(network, [guardian(1)], { at: AT });
    const { governance } = GOVERNED;
    const after = testNetwork({ governance: { ...governance, guardians: governance.guardians.slice(0, 1) } });
    const desk = deskWith([pause]);
    expect(documentsOf(desk, network, [naming(0, [pause])])).toMatchObject({ missing: [], invalid: false });
    expect(documentsOf(desk, after, [naming(0, [pause])])).toMatchObject({ missing: [], invalid: true });
    expect(led(deskWith([pause], after), [[pause], [], [], []])).toEqual({ usable: [1, 2, 3], undocumented: [0] });
  });
});
