import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { readAccessFile, readGatewayFile, readNetworkFile, readNodeFile } from "../../../cli/files.ts";
import { parseRedisUrl } from "../../../gateway/redis-url.ts";
import { OperationalError } from "../../../node/io/operational-error.ts";
import { configDigest, parseNetworkConfig } from "../../../protocol/config.ts";
import { base, parsed } from "../../protocol/config-input.ts";
import { governance } from "../../support/governance.ts";
import { classOf, ensure, type Target } from "../target.ts";

const NODE = {
  network: "network.yaml",
  key: { file: "key.json", passwordFile: "password" },
  listen: ["/ip4/0.0.0.0/tcp/9000"],
  peers: [{ address: `0x${"11".repeat(20)}`, multiaddr: "/dns4/node1/tcp/9000" }],
  api: { host: "127.0.0.1", port: 8080 },
  storage: { path: "data/node.db", rounds: 604_800 },
  venues: { binance: { url: "http://127.0.0.1:9001/binance", intervalMs: 500 } },
  rpc: { ETHEREUM: [1, 2, 3].map((index) => `https://rpc${index}.example/v2/0123456789abcdef`), BASE: [] },
  logLevel: "info",
};

const GATEWAY = {
  network: "network.yaml",
  api: {
    host: "0.0.0.0",
    port: 8080,
    trustProxy: ["10.0.0.0/8", "::1"],
    cors: ["https://app.example.org"],
    streamsPerAddress: 10,
  },
  follow: {
    redis: { url: "rediss+sentinel://10.0.0.1,[::1]:7000/oracle", username: "gateway", passwordFile: "redis-password" },
    http: ["http://10.0.0.1:8081", "https://node.example.org/api"],
  },
  forward: [{ url: "http://10.0.0.1:8081", keyFile: "edge.key" }],
  storage: { path: "gateway.sqlite", rounds: 3_600 },
  keysFile: "keys.yaml",
  limits: { redis: true },
};
const KEYS = { required: true, keys: [{ name: "alice", sha256: "ab".repeat(32), requestsPerMinute: 60, streams: 2 }] };

/** A file that is read as network.yaml, node.yaml, gateway.yaml and as keys. */
export const config: Target = {
  name: "config",
  about:
    "network.yaml, node.yaml, gateway.yaml and a keys file: YAML, shape, thresholds and relations; an accepted config means one thing",
  covers: [
    "protocol/config.ts",
    "protocol/config-fault.ts",
    "protocol/config-relations.ts",
    "protocol/conversion.ts",
    "protocol/thresholds.ts",
    "protocol/jcs.ts",
    "node/node-config.ts",
    "gateway/gateway-config.ts",
    "gateway/redis-url.ts",
    "gateway/access.ts",
    "cli/files.ts",
  ],
  shape: "json",
  maxBytes: 16 * 1024,
  batch: 1,
  limitMs: 2_000,
  maxAllocation: 64 * 2 ** 20,
  dictionary: [
    ...[
      "&a ",
      "*a",
      "<<: *a\n",
      "!!binary ",
      "!!set ",
      "!!omap ",
      "!!timestamp ",
      "%YAML 1.1\n---\n",
      "---\n",
      "? ",
      "|\n",
      ">\n",
      "- ",
      ": ",
      "\n  ",
      "\t",
    ],
    ...[
      "~",
      ".inf",
      ".nan",
      "0x10",
      "0o7",
      "1_000",
      "yes",
      "2024-01-01",
      "__proto__: 1\n",
      "multiply",
      "divide",
      "ETH/USD",
      "preset",
      "thresholds",
      "jumpBps",
      "pegTrust",
      "uptimeFeed",
      "cap",
      "exchange-rate",
      "uniswap-v3-twap",
      "governors",
      "quorum",
      "redis://",
      "rediss+cluster://",
      "@",
      "::/0",
    ],
  ],
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-fuzz-config-"));
    const path = join(folder, "file.yaml");
    const small = { ...base(), feeds: base().feeds.slice(0, 1), basket: [] };
    const inputs = [base(), parsed(small), NODE, small, parsed(GOVERNED), GOVERNED, GATEWAY, KEYS];
    const texts = [...inputs.map((input) => stringify(input)), ...inputs.map((input) => JSON.stringify(input)), ALIASES, CIRCLE];
    return {
      seeds: texts.map((text) => new Uint8Array(Buffer.from(text))),
      execute: (input) => execute(path, input),
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

const CONTRACT = `0x${"ab".repeat(20)}`;
const POOL = { pool: CONTRACT, base: "token1", baseDecimals: 18, quoteDecimals: 6 };
const reference = (name: string, market: string, read: object) => ({ name, chain: "ETHEREUM", market, read });
/** Everything that a config says of chains, references, pegs, caps and keyholders. */
const GOVERNED = {
  ...base(),
  chains: [{ chain: "ETHEREUM", blockMs: 12_000, feeFloorGwei: "20", uptimeFeed: CONTRACT }],
  references: [
    reference("aggregator", "ETH/USD", { kind: "chainlink", contract: CONTRACT }),
    reference("pool", "ETH/USD", { kind: "uniswap-v3-spot", ...POOL }),
    reference("rate", "ETH/USD", { kind: "exchange-rate", contract: CONTRACT, method: "getRate", decimals: 18 }),
    reference("twap", "ETH/USD", { kind: "uniswap-v3-twap", ...POOL, windowMs: 1_800_000 }),
  ],
  basket: [],
  governance: governance(),
  feeds: [
    {
      ...{ feed: "ETH/USD", preset: "major", peg: { rate: "rate" }, thresholds: { pegTrust: "rate", pegHoldMs: 3_600_000 } },
      sources: [
        ...(base().feeds[1]?.sources ?? []).map((source, index) =>
          index === 0 ? { ...source, cap: { value: "1.2", at: 1_763_800_000_000, growthBps: 968 } } : source,
        ),
        { venue: "aggregator", market: "ETH/USD", weight: 1 },
      ],
    },
  ],
};

/** A billion laughs, and a value that holds itself. */
const ALIASES = `a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\nfeeds: [*d,*d,*d,*d,*d,*d]\n`;
const CIRCLE = "network: &a\n  network: *a\nvenues: &b { x: *b }\n";

function execute(path: string, input: Uint8Array): string {
  writeFileSync(path, input);
  const asNode = outcomeOf(() => void readNodeFile(path));
  const asNetwork = outcomeOf(() => {
    const network = readNetworkFile(path);
    const again = parseNetworkConfig(JSON.parse(JSON.stringify(network.config)));
    ensure(again.ok, "a parsed config parses again");
    ensure(configDigest(again.value) === network.configDigest, "a parsed config has one digest");
  });
  const asGateway = outcomeOf(() => {
    const { follow, limits } = readGatewayFile(path);
    ensure(follow.redis === undefined || parseRedisUrl(follow.redis.url).ok, "an accepted Redis URL opens");
    ensure(follow.redis === undefined || !follow.redis.url.includes("@"), "no password stands in a URL");
    ensure(follow.redis !== undefined || follow.http.length > 0, "there is something to follow");
    ensure(!limits.redis || follow.redis !== undefined, "what counts is there");
  });
  const asKeys = outcomeOf(() => void readAccessFile(path));
  return `${asNetwork} | ${asNode} | ${asGateway} | ${asKeys}`;
}

function outcomeOf(read: () => void): string {
  try {
    read();
    return "reads";
  } catch (error) {
    if (error instanceof OperationalError) return `${error.code} ${classOf(error.message.replace(/^[^:]*: /, ""))}`;
    throw error;
  }
}
