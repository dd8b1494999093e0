import { stringify } from "yaml";
import type { ThresholdOverrides } from "../protocol/thresholds.ts";
import type { CatalogueFeed } from "./catalogue.ts";

export type NetworkTemplate = {
  readonly network: string;
  readonly members: readonly { readonly name: string; readonly address: string }[];
  readonly leaseMs: number;
  readonly chains: readonly { readonly chain: string; readonly blockMs: number }[];
  readonly thresholds: ThresholdOverrides;
  readonly basket: readonly { readonly feed: string; readonly weight: number }[];
  readonly feeds: readonly CatalogueFeed[];
};

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
    section("Chains on which consumers act: the lease must hold four blocks of the slowest and ten seconds.", {
      chains: template.chains,
    }),
    section("Who signs: at least four, each with the address of its own key (`breakwater keys new`).", {
      committee: template.members,
    }),
    section(
      "Thresholds for all feeds, over their presets (major, large, stable, staked, longtail); a feed's own `thresholds` go over these.",
      { thresholds: template.thresholds },
    ),
    section("The systemic move: majors whose common move a jump of any feed is measured against.", { basket: template.basket }),
    section(
      "Feeds. A source is a venue's market with a weight; `group` names its provenance (default: the venue) and `convert` the legs that\nturn the market into the feed. Listing a stable as longtail, or a market-trusted asset as staked, gives its protection away.",
      { feeds: template.feeds },
    ),
  ].join("\n");
}

export type NodeTemplate = {
  readonly network: string;
  readonly keyFile: string;
  readonly passwordFile?: string;
  readonly listen: string;
  readonly peers: readonly { readonly address: string; readonly multiaddr: string }[];
  readonly api: { readonly host: string; readonly port: number };
  readonly storage: string;
  readonly venues: Readonly<Record<string, { readonly url: string }>>;
  readonly logLevel: string;
};

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
    section("The store, and how many rounds and how many recomputable bodies it keeps. Never copy it back over a newer one.", {
      storage: { path: template.storage },
    }),
    section("Per venue: `url` points an adapter elsewhere; intervalMs and timeoutMs change its polling.", {
      venues: template.venues,
    }),
    section("fatal, error, warn, info or debug.", { logLevel: template.logLevel }),
  ].join("\n");
}

function section(comment: string, content: Record<string, unknown>): string {
  const lines = comment.split("\n").map((line) => `# ${line}`);
  return `${lines.join("\n")}\n${stringify(content, { lineWidth: 120, flowCollectionPadding: true })}`;
}
