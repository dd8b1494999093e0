import type { Address } from "../../protocol/bytes.ts";
import { leaderOf } from "../../protocol/committee.ts";
import type { Network } from "../../protocol/config.ts";
import { isWorldFault, type PlannedFault } from "../cluster/fault.ts";
import { wrongClocks } from "../trial/bounds.ts";
import type { TrialFacts } from "./checker.ts";

/** What one peer that never answers may cost a fetch: its time-outs for a certificate and a body (node/fetching.ts). */
export const SILENT_PEER_MS = 2_400;

export type Span = { readonly from: number; readonly to: number };

/** What follows from a trial's facts before it begins: who is who, and when the world around the nodes was in order. */
export type Truth = {
  readonly n: number;
  readonly f: number;
  readonly quorum: number;
  /** In the order of the first committee; −1 for a stranger. */
  readonly indexOf: (address: Address) => number;
  readonly isHonest: (node: number) => boolean;
  readonly honest: readonly number[];
  /** Under a config; the genesis if none is given. */
  readonly leaderOf: (round: number, network?: Network) => number;
  /** Honest members of a committee. */
  readonly honestIn: (network: Network) => readonly number[];
  /** Honest nodes whose clock is set wrong at some time: the model counts them among the faulty while it lasts. */
  readonly wrongClock: ReadonlySet<number>;
  /** A wrong clock signs for the future and a lost disk forgets it: together they are a fault that no quarantine can see. */
  readonly mayRepeat: (node: number) => boolean;
  /** No link, clock or node was at fault at any time of this span, Unix ms. */
  readonly isQuiet: (span: Span) => boolean;
};

export function createTruth({ network, nodes, faults, byzantine, startAt }: TrialFacts): Truth {
  const { members, f, quorum } = network.committee;
  const liars = new Set(byzantine);
  const positions = new Map(nodes.map((address, index) => [address, index]));
  const wrongClock = new Set(wrongClocks(faults, network.config.maxSkewMs));
  const forgetful = new Set(faults.flatMap(({ fault }) => (losesRecords(fault) ? [fault.node] : [])));
  const disturbances = faults
    .filter(({ fault }) => !isWorldFault(fault))
    .map(({ at, until }) => ({ from: startAt + at, to: startAt + until }));
  return {
    n: members.length,
    f,
    quorum,
    indexOf: (address) => positions.get(address) ?? -1,
    isHonest: (node) => node >= 0 && !liars.has(node),
    honest: members.flatMap((_, index) => (liars.has(index) ? [] : [index])),
    leaderOf: (round, { committee } = network) => positions.get(leaderOf(committee, round)) ?? -1,
    honestIn: ({ committee }) => {
      const indices = committee.members.flatMap(({ address }) => positions.get(address) ?? []);
      return indices.filter((index) => !liars.has(index)).sort((a, b) => a - b);
    },
    wrongClock,
    mayRepeat: (node) => wrongClock.has(node) && forgetful.has(node),
    isQuiet: (span) => !disturbances.some((disturbed) => overlaps(disturbed, span)),
  };
}

export function overlaps(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to;
}

type Fault = PlannedFault["fault"];

function losesRecords(
  fault: Fault,
): fault is Extract<Fault, { readonly kind: "crash-lost" | "disk-wiped" | "disk-restored" | "crash-torn" }> {
  return ["crash-lost", "crash-torn", "disk-wiped", "disk-restored"].includes(fault.kind);
}
