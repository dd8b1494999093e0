import type { Input, Output, RoundMachine, StartState } from "../../node/machine.ts";
import { createRoundMachine } from "../../node/round.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { encodeHello, encodeProposalMessage, encodeSignatureMessage } from "../../node/wire.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { fromHex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import {
  encodeSignedObservation,
  type Observation,
  type SignedObservation,
  signObservation,
} from "../../protocol/observation.ts";
import { signProposal } from "../../protocol/proposal.ts";
import { scheme, type TestKey, testKeys, testNetwork } from "../support/network.ts";
import { toyFold } from "./toy-fold.ts";

/** Round 0 of every test here; 1 000 000 002 is the first that may be signed, and its leader is member 2. */
export const AT = 1_000_000_000_000;
export const network = testNetwork();
export const keys = testKeys(4);
export const FIRST_ROUND = 1_000_000_002;
export const EMPTY_START: StartState = { head: undefined, guard: [], history: [], documents: [], transitions: [] };

export function keyOf(index: number): TestKey {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  return key;
}

export function createNode(index: number, start: StartState = EMPTY_START): RoundMachine {
  return createRoundMachine({ network, scheme, key: keyOf(index), fold: toyFold, start });
}

export function observationBy(index: number, changes: Partial<Observation> = {}): SignedObservation {
  const key = keyOf(index);
  const observation = {
    round: FIRST_ROUND,
    configDigest: network.configDigest,
    head: NO_HEAD,
    entries: [],
    gauges: [],
    shadows: [],
    documents: [],
    ...changes,
  };
  return signObservation(observation, network.domain, key);
}

/** The first round as the fold gives it for these observations. */
export function headerOf(observations: readonly SignedObservation[], round = FIRST_ROUND): RoundHeader {
  return toyFold.nextRound({ network, parent: undefined, round, observations, documents: [] }).header;
}

export function proposalBy(
  index: number,
  header: RoundHeader,
  observations: readonly Digest[],
  certificate?: Certificate,
): Uint8Array {
  return encodeProposalMessage(signProposal({ header, observations }, network.domain, keyOf(index)), certificate);
}

export function signatureBy(index: number, header: RoundHeader): Uint8Array {
  const signature = scheme.sign(fromHex(roundDigest(network.domain, header)), keyOf(index).privateKey);
  return encodeSignatureMessage({ header, signature });
}

export function certificateBy(indices: readonly number[], header: RoundHeader): Certificate {
  const hash = fromHex(roundDigest(network.domain, header));
  const signatures = indices.map((index) => ({
    signer: keyOf(index).address,
    signature: scheme.sign(hash, keyOf(index).privateKey),
  }));
  return { header, signatures };
}

/** Greets and is greeted at AT, so that rounds from FIRST_ROUND on may be signed. */
export function leaveQuarantine(machine: RoundMachine, index: number, at = AT): readonly Output[] {
  const peers = keys.filter((_, peer) => peer !== index).slice(0, 2);
  const bytes = encodeHello({ clock: at, head: NO_HEAD, quarantine: true });
  return [
    ...machine.handle({ kind: "tick" }, at),
    ...peers.flatMap(({ address }) => machine.handle({ kind: "hello", from: address, bytes, sentAt: at, receivedAt: at }, at)),
  ];
}

let ids = 0;
export function gossip(topic: (Input & { kind: "gossip" })["topic"], bytes: Uint8Array, from = 0): Input {
  ids += 1;
  return { kind: "gossip", id: String(ids), topic, from: keyOf(from).address, bytes };
}

/** Gossips these observations to a machine. */
export function hear(machine: RoundMachine, observations: readonly SignedObservation[], now: number): readonly Output[] {
  return observations.flatMap((signed) => machine.handle(gossip("observation", encodeSignedObservation(signed)), now));
}

/** The outputs of one kind. */
export function only<K extends Output["kind"]>(outputs: readonly Output[], kind: K): readonly Extract<Output, { kind: K }>[] {
  return outputs.filter((output): output is Extract<Output, { kind: K }> => output.kind === kind);
}

export function codesOf(outputs: readonly Output[]): readonly string[] {
  return only(outputs, "event").map(({ code }) => code);
}
