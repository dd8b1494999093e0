import { stringify } from "yaml";
import type { ThresholdOverrides } from "../protocol/thresholds.ts";
import type { CatalogueFeed, CatalogueReference } from "./catalogue.ts";

type Named = { readonly name: string; readonly address: string };

export type GovernanceTemplate = {
  readonly governors: readonly Named[];
  /** How many of them a change takes. */
  readonly quorum: number;
  readonly guardians: readonly Named[];
  readonly timelockMs?: number;
  readonly shadowMs?: number;
  readonly replayRounds?: number;
};

export type NetworkTemplate = {
  readonly network: string;
  readonly members: readonly Named[];
  readonly leaseMs: number;
  readonly chains: readonly { readonly chain: string; readonly blockMs: number; readonly uptimeFeed?: string }[];
  readonly governance?: GovernanceTemplate;
  readonly references?: readonly CatalogueReference[];
  readonly thresholds: ThresholdOverrides;
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
  readonly feeds: readonly CatalogueFeed[];
};

/** BREAKER.md's known weak spots: nothing but a person can see that an asset stands in the wrong class. */
const FEEDS_COMMENT = `Feeds. A source is a venue's market with a weight; \`group\` names its provenance (default: the venue) and \`convert\` the legs that
turn the market into the feed. Two venues that show the same book, or the same company's, are one group: say so.

\`preset\` is the asset's class. A wrong one takes the asset's protection away, and no software can tell. Ask of every feed:
  major     BTC or ETH? Nothing else is as deep.
  large     traded on many venues in real size, and moving with the market?
  stable    meant to hold a fixed price? As longtail it could lose 10 % before anything fires.
  staked    a claim that can be redeemed at a rate, priced in what it is redeemed for? Only then may its interval lean on
            that rate: an asset whose worth is what the market pays for it (a wrapper, a points token) belongs elsewhere.
  longtail  thin and volatile: a jump below 10 % passes. Do holders of this token have another way to be hurt (wash trading,
            shorts of the token itself)? That is for the listing cap of the protocol that lists it, not for an oracle.`;

const GOVERNANCE_COMMENT = `Who may pause and who may change (BREAKER.md B14). A guardian pauses alone for half an hour at most and within an allowance; quorum of
the governors change anything, no sooner than timelockMs after it was proposed and once its prices have matched for shadowMs. Keep these
keys apart from the nodes'. Without governors nothing of this file can ever be changed.`;

const REFERENCES_COMMENT = `What contracts say: an exchange-rate is a gauge, named by a feed's \`peg\`; chainlink, uniswap-v3-twap and uniswap-v3-spot are prices, and
a source names one as its venue. Nodes read them through the \`rpc\` of their node.yaml.`;

/** A commented `network.yaml`: what the committee shares, and what its genesis digest is taken of. */
export function networkYaml(template: NetworkTemplate): string {
  return [
    section(
      "The genesis of a Breakwater network. Every committee member runs with the same file; its parsed content, defaults filled in,\nis hashed into the domain of every signature, so any change makes another network. f and the quorum follow from the committee.",
      { network: template.network, rules: 1 },
    ),
    section(
      "Time, in milliseconds. A certificate is good for leaseMs; roundMs must exceed graceMs + 5 × hopBudgetMs + maxSkewMs.",
      { roundMs: 1_000, graceMs: 150, hopBudgetMs: 50, maxSkewMs: 250, leaseMs: template.leaseMs, restartRounds: 3 },
    ),
    section(
      "Chains on which consumers act, with the time between blocks: the lease must hold four blocks of the slowest and 10 s.\nuptimeFeed is Chainlink's, where a chain has a sequencer.",
      {
        chains: template.chains,
      },
    ),
    section("Who signs: at least four, each with the address of its own key (`breakwater keys new`).", {
      committee: template.members,
    }),
    section(GOVERNANCE_COMMENT, { governance: template.governance ?? { governors: [], quorum: 0, guardians: [] } }),
    section(REFERENCES_COMMENT, { references: template.references ?? [] }),
    section(
      "Thresholds for all feeds, over their presets (major, large, stable, staked, longtail); a feed's own `thresholds` go over these.",
      { thresholds: template.thresholds },
    ),
    section("The systemic move: majors whose common move a jump of any feed is measured against.", { basket: template.basket }),
    section(FEEDS_COMMENT, { feeds: template.feeds }),
  ].join("\n");
}

export type NodeTemplate = {
  readonly network: string;
  readonly keyFile: string;
  readonly passwordFile?: string;
  readonly listen: string;
  readonly peers: readonly { readonly address: string; readonly multiaddr: string }[];
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly requestsPerMinute?: number;
    readonly streamsPerAddress?: number;
  };
  readonly storage: string;
  readonly venues: Readonly<
    Record<string, { readonly url: string; readonly requestsPerSecond?: number; readonly stream?: string }>
  >;
  readonly rpc?: Readonly<Record<string, readonly string[]>>;
  readonly redis?: RedisTemplate;
  readonly alerts?: readonly { readonly url: string; readonly secretFile: string }[];
  readonly logLevel: string;
};

export type RedisTemplate = {
  readonly url: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
};

const REDIS_COMMENT = `Where this node appends its certified rounds for gateways to follow, in a stream of its own. Redis is not trusted: gateways verify
what they read. Without it they follow this node's API.`;

const ALERTS_COMMENT = `Webhooks that are told at once what an operator must know. Each body is signed with the secret in its file (HMAC-SHA256), so that
the receiver knows it is yours: breakwater doctor says whether the file can be read.`;

const RPC_COMMENT = `JSON-RPC endpoints of each chain of the network: at least three of different providers, or none. Of every value the median counts, so
one that lies or lags changes nothing. Without any this node says nothing of that chain. URLs that hold keys are never logged.`;

/** A commented `node.yaml`: one operator's own side of it. Paths are relative to the file. */
export function nodeYaml(template: NodeTemplate): string {
  const key = { file: template.keyFile, ...(template.passwordFile === undefined ? {} : { passwordFile: template.passwordFile }) };
  return [
    section("One node of a Breakwater network. Paths are relative to this file.", { network: template.network }),
    section("The signing key, web3 secret storage v3. Its password is read from passwordFile, or from BREAKWATER_PASSWORD.", {
      key,
    }),
    section("Where this node listens for its peers, and where it finds them. Only committee members may connect.", {
      listen: [template.listen],
      peers: template.peers,
    }),
    section("The HTTP API: feeds, proofs, stream, metrics. Put it behind a proxy that ends TLS before it faces the internet.", {
      api: template.api,
    }),
    section("The store; `rounds` and `bodies` say how many it keeps. Never put an old copy in its place: sign nothing twice.", {
      storage: { path: template.storage },
    }),
    section("Per venue: `url` points its adapter elsewhere; intervalMs, timeoutMs and requestsPerSecond change its polling.", {
      venues: template.venues,
    }),
    section(RPC_COMMENT, { rpc: template.rpc ?? {} }),
    ...(template.redis === undefined ? [] : [section(REDIS_COMMENT, { redis: template.redis })]),
    ...(template.alerts === undefined ? [] : [section(ALERTS_COMMENT, { alerts: template.alerts })]),
    section("fatal, error, warn, info or debug.", { logLevel: template.logLevel }),
  ].join("\n");
}

/** Of a config file: a comment and what it is about. */
export function section(comment: string, content: Record<string, unknown>): string {
  const lines = comment.split("\n").map((line) => `# ${line}`.trimEnd());
  return `${lines.join("\n")}\n${stringify(content, { lineWidth: 120, aliasDuplicateObjects: false })}`;
}
