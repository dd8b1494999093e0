import { Command } from "commander";
import { readNetworkFile } from "../files.ts";
import { showCommand } from "../init-command-line.ts";
import { writeGateway } from "../init-gateway.ts";
import { interviewed } from "../init-interview.ts";
import { DEFAULT_CHAINS, DEFAULT_KEY, foundNetwork, type InitOptions, joinNetwork, printDigest } from "../init-network.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

const HELP = `
Founding a network: one person collects the members' addresses, runs init and sends network.yaml to the others, byte for byte.
  $ breakwater init --dir alice --name harbour --me alice --key alice.key.json \\
      --member alice=0x1f… --member bob=0x2a… --member carol=0x3b… --member dave=0x4c… \\
      --peer bob=/ip4/10.0.0.2/tcp/9000 --peer carol=/ip4/10.0.0.3/tcp/9000 --peer dave=/dns4/dave.example/tcp/9000 \\
      --governor gwen=0x5a… --governor gil=0x6b… --governor gus=0x7c… --guardian greta=0x8d… \\
      --rpc ETHEREUM=https://one.example/key --rpc ETHEREUM=https://two.example/key --rpc ETHEREUM=https://three.example/key

Joining it: every other operator writes only his own node.yaml, beside the network.yaml that he was sent.
  $ breakwater init --dir bob --join network.yaml --me bob --key bob.key.json --peer alice=/ip4/10.0.0.1/tcp/9000

A gateway, which holds no key and needs none: it verifies whatever nodes or Redis hand it.
  $ breakwater init --gateway --dir edge --join network.yaml --follow http://10.0.0.1:8080 --follow http://10.0.0.2:8080

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
    .option("--redis <url>", "a Redis that this node appends its rounds to, or that a gateway follows")
    .option("--redis-username <name>", "this node's or gateway's user there")
    .option("--redis-password-file <file>", "file with that user's password")
    .option("--redis-ca-file <file>", "certificates (PEM) that a TLS Redis is checked against")
    .option(
      "--alert <file=url>",
      "a webhook told what an operator must know, and the file with its secret, repeated",
      collect,
      [],
    )
    .option("--gateway", "write a gateway.yaml instead: a replica without a key")
    .option("--follow <url>", "a node or gateway whose rounds the gateway follows, repeated", collect, [])
    .option("--forward <url>", "a node that answers what a gateway cannot, repeated", collect, [])
    .option("--keys-file <file>", "the gateway's list of readers' keys (breakwater keys api)")
    .option("--storage <file>", "where the gateway keeps rounds; in memory without it")
    .option("--no-interview", "never ask; on a terminal what is missing is asked for otherwise")
    .option("--print-digest <network.yaml>", "print the genesis digest of a file and do nothing else")
    .addHelpText("after", HELP)
    .action(async (options: InitOptions) => {
      if (options.printDigest !== undefined) return printDigest(readNetworkFile(options.printDigest), terminal);
      const complete = await interviewed(options, terminal);
      if (complete.gateway === true) writeGateway(complete, terminal);
      else if (complete.join !== undefined) await joinNetwork(complete, complete.join, terminal);
      else await foundNetwork(complete, terminal);
      if (complete !== options) showCommand(complete, terminal);
    });
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Unlike {@link collect} it has no default to grow from: the first chain named replaces the default one. */
function append(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
