import { usedMsOf } from "../../../circuit-breaker/governance/allowance.ts";
import type { DocumentCode } from "../../../circuit-breaker/governance/codes.ts";
import { type GovernanceInput, type GovernanceRound, stepGovernance } from "../../../circuit-breaker/governance/step.ts";
import { EMPTY_GOVERNANCE, type GovernanceMemory } from "../../../circuit-breaker/governance-memory.ts";
import { type Address, type Digest, type Hex, ZERO_DIGEST } from "../../../protocol/bytes.ts";
import { configDigest, type NetworkConfig } from "../../../protocol/config.ts";
import type { FeedId } from "../../../protocol/feed.ts";
import type { Approval, FeedScope, GovernanceDocument, PauseAction } from "../../../protocol/governance.ts";
import { plainSources, testNetwork } from "../../support/network.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const ETH = "ETH/USD" as FeedId;
export const BTC = "BTC/USD" as FeedId;
export const LINK = "LINK/USD" as FeedId;
export const CHAIN = "CHAIN/ETHEREUM" as FeedId;

/** A whole second. */
export const START = 1_800_000_000_000;
export const SIGNATURE: Hex = `0x${"00".repeat(65)}`;

export function addressOf(index: number): Address {
  return `0x${index.toString(16).padStart(40, "0")}`;
}

const [alice, bob, carol] = [addressOf(0xa1), addressOf(0xb1), addressOf(0xc1)];
export const GUARDIANS = { alice, bob, carol };
export const GOVERNORS: readonly Address[] = [1, 2, 3, 4, 5].map(addressOf);
/** Three of the five. */
export const QUORUM = GOVERNORS.slice(0, 3);

const GOVERNANCE = {
  governors: GOVERNORS.map((address, index) => ({ name: `governor${index}`, address })),
  quorum: 3,
  guardians: Object.entries(GUARDIANS).map(([name, address]) => ({ name, address })),
};

export function feedOf(feed: FeedId, groups = 6) {
  return { feed, preset: "major", sources: plainSources(feed, groups) };
}

/** The raw form of the config that {@link COUNCIL} parses. */
export const RAW = {
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  governance: GOVERNANCE,
  feeds: [feedOf(BTC), feedOf(ETH), feedOf(LINK)],
};

/** Three feeds, a chain, 3 of 5 governors, three guardians; timelock 48 h, shadows 600 s, lapse 24 h. */
export function configOf(overrides: Readonly<Record<string, unknown>> = {}): NetworkConfig {
  return testNetwork({ ...RAW, ...overrides }).config;
}

export const COUNCIL = configOf();
export const IN_FORCE = configDigest(COUNCIL);
/** ETH/USD from one more source. */
export const SUCCESSOR = configOf({ version: 2, feeds: [feedOf(BTC), feedOf(ETH, 7), feedOf(LINK)] });
export const PENDING = configDigest(SUCCESSOR);

export function approve(keyholders: readonly Address[], nonce: number): readonly Approval[] {
  return [...keyholders].sort().map((keyholder) => ({ keyholder, nonce, signature: SIGNATURE }));
}

type By = { readonly by: readonly Address[]; readonly nonce?: number };

export function pause({
  by,
  nonce = 1,
  feed = ETH,
  action = "none",
  until,
}: By & { readonly feed?: FeedScope; readonly action?: PauseAction; readonly until: number }): GovernanceDocument {
  return { kind: "pause", feed, action, until, approvals: approve(by, nonce) };
}

export function withdrawal({ by, nonce = 2, feed = ETH }: By & { readonly feed?: FeedScope }): GovernanceDocument {
  return pause({ by, nonce, feed, action: "withdraw", until: 0 });
}

export function acceptOf({
  by,
  nonce = 1,
  feed = ETH,
  config = ZERO_DIGEST,
  gapAt = 0,
}: By & { readonly feed?: FeedId; readonly config?: Digest; readonly gapAt?: number }): GovernanceDocument {
  return { kind: "accept", feed, configDigest: config, gapAt, approvals: approve(by, nonce) };
}

export function rollback({ by, nonce = 1, from, to }: By & { readonly from: Digest; readonly to: Digest }): GovernanceDocument {
  return { kind: "rollback", from, to, approvals: approve(by, nonce) };
}

export function removal({ by, nonce = 1, guardian }: By & { readonly guardian: Address }): GovernanceDocument {
  return { kind: "removal", guardian, approvals: approve(by, nonce) };
}

export function proposal({
  by = QUORUM,
  config = SUCCESSOR,
  replaces = IN_FORCE,
  activation = START + 48 * HOUR,
  replayTo = 1,
}: Partial<By> & {
  readonly config?: NetworkConfig;
  readonly replaces?: Digest;
  readonly activation?: number;
  readonly replayTo?: number;
}): GovernanceDocument {
  return {
    kind: "config",
    version: config.version,
    replaces,
    configDigest: configDigest(config),
    activation,
    replayTo,
    replay: ZERO_DIGEST,
    config,
    approvals: approve(by, 0),
  };
}

export type Said = {
  readonly at: number;
  readonly documents?: readonly GovernanceDocument[];
  /** Of every document; enough for a config unless said otherwise. */
  readonly carriers?: number;
  readonly prices?: Readonly<Record<string, bigint>>;
  readonly shadows?: Readonly<Record<string, bigint>>;
  readonly gaps?: Readonly<Record<string, number>>;
  /** From this round on. */
  readonly config?: NetworkConfig;
};

export type Council = {
  readonly round: (said: Said) => GovernanceRound;
  /** One document in a round of its own. */
  readonly say: (at: number, document: GovernanceDocument) => DocumentCode;
  readonly memory: () => GovernanceMemory;
};

/** Rounds one after another on their own memory. Documents get digests in the order in which they are given. */
export function createCouncil(start: GovernanceMemory = EMPTY_GOVERNANCE, config: NetworkConfig = COUNCIL): Council {
  let memory = start;
  let inForce = founded(config);
  let parent: Past | undefined;
  const round = (said: Said): GovernanceRound => {
    if (said.config !== undefined) inForce = founded(said.config);
    const outcome = stepGovernance({
      ...inputOf(said),
      ...inForce,
      memory,
      parentRound: parent?.round,
      parentConfigDigest: parent?.configDigest,
    });
    memory = outcome.memory;
    parent = { round: said.at / inForce.config.roundMs, configDigest: inForce.configDigest };
    return outcome;
  };
  return {
    round,
    say: (at, document) => round({ at, documents: [document] }).intake[0]?.code ?? "nothing",
    memory: () => memory,
  };
}

type Past = { readonly round: number; readonly configDigest: Digest };

function founded(config: NetworkConfig) {
  return { config, configDigest: configDigest(config) };
}

export function inputOf({
  at,
  documents = [],
  carriers = 2,
  prices = {},
  shadows = {},
  gaps = {},
}: Said): Omit<GovernanceInput, "config" | "configDigest" | "memory" | "parentRound" | "parentConfigDigest"> {
  return {
    round: Math.floor(at / 1_000),
    timestamp: at,
    f: 1,
    documents: documents.map((document, index) => ({ digest: digestAt(index), document, carriers })),
    views: new Map(Object.entries(prices).map(([feed, price]) => [feed as FeedId, viewOf(feed as FeedId, price, at)])),
    shadows: new Map(Object.entries(shadows).map(([feed, price]) => [feed as FeedId, price])),
    gapAt: (feed) => gaps[feed] ?? 0,
  };
}

function digestAt(index: number): Digest {
  return `0x${index.toString(16).padStart(64, "0")}`;
}

export function viewOf(feed: FeedId, price: bigint, at: number) {
  return { feed, price, rawLow: price, rawHigh: price, observedAt: at, groups: 6, topBps: 1_667, outsideBps: 0 };
}

/** What counts against a guardian's allowance. */
export function used(council: Council, guardian: Address, at: number): number {
  const holder = council.memory().keyholders.find(({ address }) => address === guardian);
  return holder === undefined ? 0 : usedMsOf(holder, at);
}
