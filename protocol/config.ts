import { z } from "zod";
import { parseAmount } from "./amount.ts";
import { type Digest, isHex, keccakHex, utf8 } from "./bytes.ts";
import { type Committee, createCommittee } from "./committee.ts";
import { parseShape } from "./config-fault.ts";
import { findRelationFaults } from "./config-relations.ts";
import { createDomain, type Domain } from "./eip712.ts";
import { compareText, type FeedId, parseFeedId } from "./feed.ts";
import { canonicalJson, type Json } from "./jcs.ts";
import { MAX_MEMBERS } from "./proposal.ts";
import { fail, ok, type Result } from "./result.ts";
import { PRESETS, resolveThresholds, thresholdOverridesSchema } from "./thresholds.ts";

const MAX_FEEDS = 2_048;
const MAX_SOURCES = 64;
const MAX_CONVERSIONS = 4;
const MAX_LEASE_MS = 120_000;
const MAX_REFERENCES = 128;
const MAX_KEYHOLDERS = 64;
const HOUR_MS = 3_600_000;

const addressSchema = z.custom<`0x${string}`>(
  (value) => isHex(value, 20),
  "expected an address in quotes: 0x and 40 lower-case hex digits",
);

const feedSchema = z.string("expected BASE/QUOTE").transform((text, context): FeedId => {
  const feed = parseFeedId(text);
  if (feed.ok) return feed.value;
  context.addIssue({ code: "custom", message: feed.error });
  return z.NEVER;
});

function wholeNumber(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,31}$/, "expected 1 to 32 of a-z, 0-9, '.' and '-'");

const conversionSchema = z.union(
  [z.strictObject({ multiply: feedSchema }), z.strictObject({ divide: feedSchema })],
  "expected { multiply: FEED } or { divide: FEED }",
);

const amountTextSchema = z.string("expected a decimal amount in quotes").refine((text) => {
  const amount = parseAmount(text);
  return amount.ok && amount.value > 0n;
}, "expected a decimal amount in quotes, above zero");

/** A name that a reference's gauge (`rate.<name>`) can hold. */
const referenceNameSchema = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,23}$/, "expected 1 to 24 of a-z, 0-9, '.' and '-'");
const chainNameSchema = z.string().regex(/^[A-Z0-9]{1,20}$/, "expected 1 to 20 of A-Z and 0-9");

/** How an exchange rate is asked for: the contract's own function; `convertToAssets` is asked for one whole share. */
export const RATE_METHODS = ["stEthPerToken", "getExchangeRate", "exchangeRate", "convertToAssets", "getRate"] as const;

const decimalsSchema = wholeNumber(0, 36);
const poolFields = {
  pool: addressSchema,
  /** Which of the pool's two tokens is the market's base. */
  base: z.enum(["token0", "token1"]),
  baseDecimals: decimalsSchema,
  quoteDecimals: decimalsSchema,
};

/** A contract whose answer is a price or an exchange rate; `market` says of what in what. */
const referenceSchema = z.strictObject({
  name: referenceNameSchema,
  chain: chainNameSchema,
  market: feedSchema,
  read: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("chainlink"), contract: addressSchema }),
    z.strictObject({ kind: z.literal("uniswap-v3-twap"), ...poolFields, windowMs: wholeNumber(1_000, 86_400_000) }),
    z.strictObject({ kind: z.literal("uniswap-v3-spot"), ...poolFields }),
    z.strictObject({
      kind: z.literal("exchange-rate"),
      contract: addressSchema,
      method: z.enum(RATE_METHODS),
      /** Of the answer; `convertToAssets` is asked for 10^shareDecimals shares. */
      decimals: decimalsSchema,
      shareDecimals: decimalsSchema.default(18),
    }),
  ]),
});

/**
 * An upper bound on a source's quote that grows with time: value · (1 + growthBps · (t − at) / year). For ratios that can only rise so
 * fast.
 */
const capSchema = z.strictObject({
  value: amountTextSchema,
  at: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  growthBps: wholeNumber(0, 100_000),
});

/** What a feed is redeemable for: a fixed amount, or what a reference of kind exchange-rate says. */
const pegSchema = z.union(
  [z.strictObject({ par: amountTextSchema }), z.strictObject({ rate: referenceNameSchema })],
  "expected { par: AMOUNT } or { rate: REFERENCE }",
);

const sourceSchema = z
  .strictObject({
    venue: nameSchema,
    market: feedSchema,
    weight: wholeNumber(1, 1_000_000),
    group: nameSchema.optional(),
    convert: z.array(conversionSchema).max(MAX_CONVERSIONS).default([]),
    cap: capSchema.optional(),
  })
  .transform(({ group, ...source }) => ({ ...source, group: group ?? source.venue }));

const feedConfigSchema = z.strictObject({
  feed: feedSchema,
  preset: z.enum(PRESETS),
  thresholds: thresholdOverridesSchema.default({}),
  /** A stable without one is held against 1. */
  peg: pegSchema.optional(),
  sources: z.array(sourceSchema).min(1).max(MAX_SOURCES),
});

const keyholdersSchema = z
  .array(z.strictObject({ name: nameSchema, address: addressSchema }))
  .max(MAX_KEYHOLDERS)
  .default([]);

/** Who may pause and who may change, and how slowly (P6). Without governors nothing can ever be changed. */
const governanceSchema = z.strictObject({
  governors: keyholdersSchema,
  /** m of k: more than half of the governors; 0 only without any. */
  quorum: wholeNumber(0, MAX_KEYHOLDERS).default(0),
  guardians: keyholdersSchema,
  timelockMs: wholeNumber(1_000, 30 * 24 * HOUR_MS).default(48 * HOUR_MS),
  shadowMs: wholeNumber(1_000, 24 * HOUR_MS).default(600_000),
  /** A config that its shadows keep out for this long after its activation time is dropped. */
  lapseMs: wholeNumber(1_000, 7 * 24 * HOUR_MS).default(24 * HOUR_MS),
  /** Rounds that a replay report covers. */
  replayRounds: wholeNumber(1, 604_800).default(86_400),
});

const networkSchema = z.strictObject({
  network: nameSchema,
  /** Version of the fold; code keeps the older fold until a newer one is activated. */
  rules: z.literal(1),
  /** Every change of config counts it up. */
  version: wholeNumber(1, 4_294_967_295).default(1),
  roundMs: wholeNumber(100, 60_000).default(1_000),
  graceMs: wholeNumber(1, 60_000).default(150),
  hopBudgetMs: wholeNumber(1, 10_000).default(50),
  maxSkewMs: wholeNumber(1, 10_000).default(250),
  leaseMs: wholeNumber(1_000, MAX_LEASE_MS).default(60_000),
  restartRounds: wholeNumber(1, 100).default(3),
  chains: z
    .array(
      z.strictObject({
        chain: chainNameSchema,
        blockMs: wholeNumber(1, 60_000),
        /** Below this base fee, in gwei, no rise of it is a sign of congestion. */
        feeFloorGwei: amountTextSchema.default("20"),
        /** Chainlink's sequencer uptime feed, on chains that have a sequencer. */
        uptimeFeed: addressSchema.optional(),
        /** Congestion of this chain forbids every liquidation there, not only disputed ones. */
        liquidateNone: z.boolean().default(false),
      }),
    )
    .max(32)
    .default([]),
  committee: z.array(z.strictObject({ name: nameSchema, address: addressSchema })).max(MAX_MEMBERS),
  governance: governanceSchema.prefault({}),
  references: z.array(referenceSchema).max(MAX_REFERENCES).default([]),
  /** Overrides for every feed of the network, under each feed's own. */
  thresholds: thresholdOverridesSchema.default({}),
  basket: z
    .array(z.strictObject({ feed: feedSchema, weight: wholeNumber(1, 1_000_000) }))
    .max(64)
    .default([]),
  feeds: z.array(feedConfigSchema).min(1).max(MAX_FEEDS),
});

export type Conversion = z.infer<typeof conversionSchema>;
export type SourceConfig = z.infer<typeof sourceSchema>;
export type SourceCap = z.infer<typeof capSchema>;
export type ReferenceConfig = z.infer<typeof referenceSchema>;
export type PegConfig = z.infer<typeof pegSchema>;
export type GovernanceConfig = z.infer<typeof governanceSchema>;
export type ChainConfig = NetworkConfig["chains"][number];
type ParsedNetwork = z.infer<typeof networkSchema>;

export type FeedConfig = Omit<z.infer<typeof feedConfigSchema>, "thresholds"> & {
  readonly thresholds: ReturnType<typeof resolveThresholds>;
};

/** A parsed config cannot be invalid: feeds by ascending id, committee by ascending address, every default filled in. */
export type NetworkConfig = Readonly<Omit<ParsedNetwork, "feeds" | "thresholds">> & { readonly feeds: readonly FeedConfig[] };

/** The path of a field, as `feeds[2].sources[0].venue`, and what was expected there. */
export type ConfigFault = { readonly path: string; readonly expected: string };

/**
 * Parses `network.yaml`'s content, already read into plain values. Strict: an unknown key (`f`, say, which is derived) is a fault.
 * All faults of one kind come at once: first those of shape, then those of relation.
 */
export function parseNetworkConfig(input: unknown): Result<NetworkConfig, readonly ConfigFault[]> {
  const shape = parseShape(networkSchema, input);
  if (!shape.ok) return shape;
  const config = complete(shape.value);
  const faults = findRelationFaults(config);
  return faults.length === 0 ? ok(deepFreeze(config)) : fail(faults);
}

/** keccak of the RFC 8785 JSON of the parsed config. */
export function configDigest(config: NetworkConfig): Digest {
  return keccakHex(utf8(canonicalJson(config as unknown as Json)));
}

/** The config with what follows from it, computed once. */
export type Network = {
  readonly config: NetworkConfig;
  readonly configDigest: Digest;
  readonly genesisConfigDigest: Digest;
  readonly committee: Committee;
  readonly domain: Domain;
};

/** The network as its genesis config founds it. */
export function genesisNetwork(config: NetworkConfig): Network {
  const digest = configDigest(config);
  return {
    config,
    configDigest: digest,
    genesisConfigDigest: digest,
    committee: createCommittee(config.committee),
    domain: createDomain(config.network, digest),
  };
}

/** The same network under another config: its committee, and the domain and genesis that it was founded with. */
export function networkUnder({ genesisConfigDigest, domain }: Network, config: NetworkConfig): Network {
  return {
    config,
    configDigest: configDigest(config),
    genesisConfigDigest,
    committee: createCommittee(config.committee),
    domain,
  };
}

function complete({ thresholds, feeds, ...rest }: ParsedNetwork): NetworkConfig {
  return {
    ...rest,
    committee: [...rest.committee].sort((a, b) => compareText(a.address, b.address)),
    basket: [...rest.basket].sort((a, b) => compareText(a.feed, b.feed)),
    chains: [...rest.chains].sort((a, b) => compareText(a.chain, b.chain)),
    references: [...rest.references].sort((a, b) => compareText(a.name, b.name)),
    feeds: feeds
      .map((feed) => ({
        ...feed,
        ...(feed.peg === undefined && feed.preset === "stable" ? { peg: { par: "1" } } : {}),
        thresholds: resolveThresholds(feed.preset, thresholds, feed.thresholds),
      }))
      .sort((a, b) => compareText(a.feed, b.feed)),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
