import type { Input, Output, RoundMachine, Topic, Want } from "../../node/machine.ts";
import type { Address, Digest } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedEntry, SignedObservation } from "../../protocol/observation.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Random } from "../random.ts";
import type { Look } from "./host.ts";
import type { Key } from "./signatures.ts";

/**
 * What a byzantine node has: its key, the keys of the other byzantine ones, an honest machine that runs with its key as long as the
 * behaviour lets it, and the network. It can sign as itself and its accomplices, never as anybody else.
 */
export type AdversaryView = {
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly node: number;
  readonly key: Key;
  /** The byzantine nodes of this trial with their keys, this one included, in committee order. */
  readonly cabal: readonly { readonly node: number; readonly key: Key }[];
  readonly random: Random;
  /** This node's clock, Unix ms. */
  readonly now: () => number;
  readonly machine: RoundMachine;
  /** Indices of all nodes; of those that are not byzantine. */
  readonly everybody: readonly number[];
  readonly honest: readonly number[];
  readonly addressOf: (node: number) => Address;
  /** What it really sees of the market now. */
  readonly sample: () => readonly FeedEntry[];
  /** That, and what it really sees of the chains and under a pending config. */
  readonly look: () => Look;
  /** The observations heard for a round so far, decoded and verified, of any signer, in order of arrival. */
  readonly heard: (round: number) => readonly SignedObservation[];
  /** Certificates heard, newest last, a few. */
  readonly certificates: () => readonly { readonly certificate: Certificate; readonly digest: Digest }[];
  /** Raw messages heard, of a topic, newest last, a few. */
  readonly messages: (topic: Topic) => readonly Uint8Array[];
  /** To these nodes only; they cannot tell it from gossip. Without `to`, to everybody. */
  readonly send: (topic: Topic, bytes: Uint8Array, to?: readonly number[]) => void;
  readonly after: (ms: number, run: () => void) => void;
  /** Feeds the honest machine of this node; its outputs pass through `outputs` like any others. */
  readonly handle: (input: Input) => void;
  /** Says what was done, for the trace and for coverage. */
  readonly misbehaved: (what: string) => void;
};

/**
 * One way of being byzantine: it stands between an honest machine and the world. Whatever it leaves out, the honest machine does.
 * A behaviour keeps its state in the closure that `create` makes.
 */
export type Behaviour = {
  /** At the start of each round by this node's clock. */
  readonly onRound?: (round: number) => void;
  /** What the machine wants done → what is done instead. `persist` passes untouched: a byzantine disk concerns nobody. */
  readonly outputs?: (outputs: readonly Output[]) => readonly Output[];
  /** Gossip that arrived, before the machine sees it; false keeps it from the machine and from being forwarded. */
  readonly hears?: (message: { readonly topic: Topic; readonly bytes: Uint8Array; readonly from: number }) => boolean;
  /** What it answers to a fetch; `honest` is what an honest node would answer. */
  readonly serves?: (want: Want, from: number, honest: Uint8Array | undefined) => Uint8Array | undefined;
  readonly hello?: (honest: Uint8Array, to: number) => Uint8Array | undefined;
};

export type CreateBehaviour = (view: AdversaryView) => Behaviour;
