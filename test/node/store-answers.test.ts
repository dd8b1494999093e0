import { expect, it } from "vitest";
import { createMemoryStore } from "../../node/memory-store.ts";
import { startState } from "../../node/start-state.ts";
import { createOwnAnswers, storedBytes } from "../../node/stored-bytes.ts";
import { decodeTransition } from "../../protocol/transition.ts";
import { digestOf, documentOf, transitionOf } from "./store-fixtures.ts";

function openStore() {
  return createMemoryStore({ now: () => 0 });
}

it("a document is answered with its bytes, a transition by the digest of the config that it leads to", () => {
  const store = openStore();
  const document = documentOf("pause");
  const transition = transitionOf(7);
  const { configDigest } = transition.certificate.header;
  store.saveDocument(document);
  store.saveTransition(transition);
  expect(storedBytes(store, { kind: "document", digest: document.digest })).toEqual(document.bytes);
  expect(storedBytes(store, { kind: "document", digest: digestOf("another") })).toBeUndefined();
  const bytes = storedBytes(store, { kind: "transition", digest: configDigest });
  expect(bytes === undefined ? undefined : decodeTransition(bytes)).toEqual({ ok: true, value: transition });
  expect(storedBytes(store, { kind: "transition", digest: digestOf("another") })).toBeUndefined();
});

it("of two ways into one config the newest counts: the first may have been rolled back", () => {
  const store = openStore();
  const first = transitionOf(7);
  const header = { ...first.certificate.header, round: 9 };
  const again = { config: first.config, certificate: { ...first.certificate, header } };
  for (const transition of [again, first]) store.saveTransition(transition);
  const bytes = storedBytes(store, { kind: "transition", digest: header.configDigest });
  expect(bytes === undefined ? undefined : decodeTransition(bytes)).toEqual({ ok: true, value: again });
});

it("own bytes that were not good enough are not offered twice", () => {
  const store = openStore();
  const { digest, bytes, document } = documentOf("pause");
  store.saveDocument({ digest, bytes, document });
  const answer = createOwnAnswers(store);
  expect([answer({ kind: "document", digest }), answer({ kind: "document", digest })]).toEqual([bytes, undefined]);
});

it("a start knows what governance said, newest first, and the way into the config in force", () => {
  const store = openStore();
  for (const name of ["one", "two"]) store.saveDocument(documentOf(name));
  for (const round of [8, 5]) store.saveTransition(transitionOf(round));
  const { documents, transitions } = startState(store);
  expect(documents).toEqual([documentOf("two").bytes, documentOf("one").bytes]);
  expect(transitions).toEqual([transitionOf(5), transitionOf(8)]);
});
