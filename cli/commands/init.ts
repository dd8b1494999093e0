import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { Member } from "../../protocol/committee.ts";
import type { Network } from "../../protocol/config.ts";
import { PRESETS } from "../../protocol/thresholds.ts";
import { catalogueOn, DEFAULT_BASKET } from "../catalogue.ts";
import { readNetworkFile, readNodeFile } from "../files.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { findMe, parseChains, parseGovernance, parseMembers, parsePeers, parseRpc } from "../init-flags.ts";
import { readStatedAddress } from "../key-file.ts";
import { type NewFile, writeNewFiles } from "../new-files.ts";
import { networkYaml, nodeYaml } from "../templates.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

type InitOptions = {
  readonly dir: string;
  readonly name?: string;
  readonly member: readonly string[];
  readonly join?: string;
  readonly me?: string;
  readonly listen: string;
  readonly peer: readonly string[];
  readonly apiHost: string;
  readonly apiPort: string;
  readonly key?: string;
  readonly passwordFile?: string;
  readonly chain?: readonly string[];
  readonly governor: readonly string[];
  readonly guardian: readonly string[];
  readonly governorsQuorum?: string;
  readonly rpc: readonly string[];
  readonly lease: string;
  readonly printDigest?: string;
};

const DEFAULT_CHAINS = ["ETHEREUM=12000"];
const DEFAULT_KEY = "node.key.json";

const HELP = `
Founding a network: one person collects the members' addresses, runs init and sends network.yaml to the others, byte for byte.
  $ breakwater init --dir alice --name harbour --me alice --key alice.key.json \\
      --member alice=0x1f… --member bob=0x2a… --member carol=0x3b… --member dave=0x4c… \\
      --peer bob=/ip4/10.0.0.2/tcp/9000 --peer carol=/ip4/10.0.0.3/tcp/9000 --peer dave=/dns4/dave.example/tcp/9000 \\
      --governor gwen=0x5a… --governor gil=0x6b… --governor gus=0x7c… --guardian greta=0x8d… \\
      --rpc ETHEREUM=https://one.example/key --rpc ETHEREUM=https://two.example/key --rpc ETHEREUM=https://three.example/key

Joining it: every other operator writes only his own node.yaml, beside the network.yaml that he was sent.
  $ breakwater init --dir bob --join network.yaml --me bob --key bob.key.json --peer alice=/ip4/10.0.0.1/tcp/9000

All of them must get the same digest:
  $ breakwater init --print-digest network.yaml

Before you share network.yaml, look at the class (preset) of every asset. A stable filed as longtail may lose 10 % before anything
fires, and an asset whose worth is what the market pays for it, filed as staked, leans on a rate that nobody may honour. No software
can see that: the file's comments ask the questions, you answer them. The digest goes to standard output, the rest to standard error.`;

/** `breakwater init`: writes a commented network.yaml and node.yaml, reads them back and prints the genesis digest. */
export function initCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("init")
    .description("Write a commented network.yaml and node.yaml for a new network, or a node.yaml that joins one")
    .option("--dir <dir>", "folder to write to", ".")
    .option("--name <network>", "name of the new network; part of what every signature is bound to")
    .option("--member <name=0xaddress>", "a committee member, repeated for each; at least four", collect, [])
    .option("--join <network.yaml>", "write a node.yaml for this existing network instead of founding one")
    .option("--me <name>", "which of the members this node is")
    .option("--listen <multiaddr>", "where this node listens for its peers", "/ip4/0.0.0.0/tcp/9000")
    .option("--peer <name=multiaddr>", "where another member listens, repeated", collect, [])
    .option("--api-host <host>", "address the HTTP API binds to", "127.0.0.1")
    .option("--api-port <port>", "port of the HTTP API", "8080")
    .option("--key <file>", `this node's key file (default: ${DEFAULT_KEY} in --dir)`)
    .option("--password-file <file>", "file with the key's password; without it the node reads BREAKWATER_PASSWORD")
    .option(
      "--chain <NAME=ms>",
      `a chain that consumers act on and its block time, repeated (default: ${DEFAULT_CHAINS})`,
      append,
    )
    .option(
      "--governor <name=0xaddress>",
      "who may change the config, repeated; without any nothing can ever be changed",
      collect,
      [],
    )
    .option("--governors-quorum <number>", "how many governors a change takes (default: more than half)")
    .option("--guardian <name=0xaddress>", "who may pause at once, repeated", collect, [])
    .option(
      "--rpc <NAME=url>",
      "a JSON-RPC endpoint of a chain for this node, repeated; at least three a chain or none",
      collect,
      [],
    )
    .option("--lease <ms>", "how long a certificate is good for; at least 4 blocks of the slowest chain and 10 s", "60000")
    .option("--print-digest <network.yaml>", "print the genesis digest of a file and do nothing else")
    .addHelpText("after", HELP)
    .action(async (options: InitOptions) => {
      if (options.printDigest !== undefined) printDigest(readNetworkFile(options.printDigest), terminal);
      else if (options.join !== undefined) await joinNetwork(options, options.join, terminal);
      else await foundNetwork(options, terminal);
    });
}

async function foundNetwork(options: InitOptions, terminal: Terminal): Promise<void> {
  if (options.name === undefined) throw badFlag("--name", "missing: give the new network a name, or --join an existing one");
  const members = parseMembers(options.member);
  const chains = parseChains(options.chain ?? DEFAULT_CHAINS);
  const governance = parseGovernance({ ...options, quorum: options.governorsQuorum });
  const networkFile: NewFile = {
    path: join(options.dir, "network.yaml"),
    content: networkYaml({
      network: options.name,
      members,
      leaseMs: parseWhole("--lease", options.lease),
      chains,
      governance,
      thresholds: {},
      basket: DEFAULT_BASKET,
      ...catalogueOn(chains),
    }),
  };
  const nodeFile = await planNode(options, { members, network: networkFile.path, chains });
  const network = writeNewFiles([networkFile, nodeFile], () => {
    readNodeFile(nodeFile.path);
    return readNetworkFile(networkFile.path);
  });
  terminal.note(`wrote ${networkFile.path}: the genesis, the same for every member`);
  terminal.note(`wrote ${nodeFile.path}: ${options.me}'s own side of it`);
  terminal.note("");
  askClasses(network, terminal);
  tellDigest(network, terminal);
  terminal.note("");
  if (governance.governors.length === 0) {
    terminal.note("No --governor was named: nothing of this network can ever be changed, not a threshold and not a member.");
    terminal.note("");
  }
  tellNext(terminal, [
    `send ${networkFile.path} to every member, byte for byte; each runs: breakwater init --join network.yaml --me <name> …`,
    "compare the digest with every member; consumers pin it (breakwater verify --genesis <digest>)",
    ...startSteps(options, { members, nodePath: nodeFile.path }),
  ]);
}

async function joinNetwork(options: InitOptions, networkPath: string, terminal: Terminal): Promise<void> {
  if (options.name !== undefined || options.member.length > 0) {
    throw badFlag("--join", "the network is named and its members are listed in that file: leave --name and --member away");
  }
  if (options.governor.length > 0 || options.guardian.length > 0) {
    throw badFlag("--join", "governors and guardians are in that file: leave --governor and --guardian away");
  }
  const network = readNetworkFile(networkPath);
  const { members } = network.committee;
  const nodeFile = await planNode(options, { members, network: networkPath, chains: network.config.chains });
  writeNewFiles([nodeFile], () => readNodeFile(nodeFile.path));
  terminal.note(`wrote ${nodeFile.path}: ${options.me}'s own side of ${networkPath}`);
  terminal.note("");
  askClasses(network, terminal);
  tellDigest(network, terminal);
  terminal.note("");
  tellNext(terminal, [
    "compare the digest with every other member",
    ...startSteps(options, { members, nodePath: nodeFile.path }),
  ]);
}

/** Flags are relative to where the command runs, paths in node.yaml to the file itself. */
async function planNode(
  options: InitOptions,
  {
    members,
    network,
    chains,
  }: { readonly members: readonly Member[]; readonly network: string; readonly chains: readonly { readonly chain: string }[] },
): Promise<NewFile> {
  const { dir, me: name, passwordFile } = options;
  const rpc = parseRpc(options.rpc);
  const stranger = Object.keys(rpc).find((chain) => !chains.some((item) => item.chain === chain));
  if (stranger !== undefined) throw badFlag("--rpc", `the network has no chain "${stranger}"`);
  const me = findMe(name, members);
  const keyFile = keyPath(options);
  await checkKey(keyFile, me);
  const fromDir = (path: string) => relative(resolve(dir), resolve(path));
  return {
    path: join(dir, "node.yaml"),
    content: nodeYaml({
      network: fromDir(network),
      keyFile: fromDir(keyFile),
      ...(passwordFile === undefined ? {} : { passwordFile: fromDir(passwordFile) }),
      listen: options.listen,
      peers: parsePeers(options.peer, { me, members }),
      api: { host: options.apiHost, port: parseWhole("--api-port", options.apiPort) },
      storage: "breakwater.db",
      venues: {},
      rpc,
      logLevel: "info",
    }),
  };
}

function keyPath({ key, dir }: InitOptions): string {
  return key ?? join(dir, DEFAULT_KEY);
}

/** A key that is there already must be this member's; one that states no address is checked when the node starts. */
async function checkKey(path: string, me: Member): Promise<void> {
  if (!existsSync(path)) return;
  const address = await readStatedAddress(path);
  if (address === undefined || address === me.address) return;
  throw new OperationalError(`${path}: it is the key of ${address}, but ${me.name}'s address is ${me.address}`, {
    code: "address-mismatch",
    details: { path },
  });
}

function printDigest(network: Network, terminal: Terminal): void {
  terminal.note(describe(network));
  askClasses(network, terminal);
  tellDigest(network, terminal);
}

function tellDigest(network: Network, { out, note }: Terminal): void {
  note("genesis digest:");
  out(network.genesisConfigDigest);
}

function describe({ config, committee }: Network): string {
  const { members, f, quorum } = committee;
  return `network ${config.network}: ${config.feeds.length} feeds, ${members.length} members (f ${f}, quorum ${quorum})`;
}

/** BREAKER.md's known weak spots: a person must look at the classes, so every way to the digest shows them. */
function askClasses({ config }: Network, { note }: Terminal): void {
  note("Is every asset in its class? A stable filed as longtail, or a market-trusted asset as staked, loses its protection:");
  for (const preset of PRESETS) {
    const feeds = config.feeds.filter((feed) => feed.preset === preset).map(({ feed }) => feed);
    if (feeds.length > 0) note(`  ${preset.padEnd(8)}  ${feeds.join(" ")}`);
  }
  note("");
}

function startSteps(
  options: InitOptions,
  { members, nodePath }: { readonly members: readonly Member[]; readonly nodePath: string },
): readonly string[] {
  const named = new Set(options.peer.map((text) => text.slice(0, text.indexOf("="))));
  const unknown = members.map(({ name }) => name).filter((name) => name !== options.me && !named.has(name));
  return [
    ...(existsSync(keyPath(options)) ? [] : [`put ${options.me}'s key file at ${keyPath(options)}`]),
    ...(unknown.length === 0 ? [] : [`fill in where these listen, under peers in ${nodePath}: ${unknown.join(", ")}`]),
    `breakwater node --config ${nodePath}`,
  ];
}

function tellNext({ note }: Terminal, steps: readonly string[]): void {
  note("Next:");
  for (const [index, step] of steps.entries()) note(`  ${index + 1}. ${step}`);
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Unlike {@link collect} it has no default to grow from: the first chain named replaces the default one. */
function append(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
