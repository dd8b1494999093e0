import { createHash } from "node:crypto";
import { Command } from "commander";
import { type RedisUser, redisAcl } from "../../gateway/redis-acl.ts";
import { readPassword } from "../../node/io/keys.ts";
import { readNetworkFile } from "../files.ts";
import { badFlag } from "../flags.ts";
import { logTo } from "../key-file.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

type Options = { readonly network: string; readonly node: readonly string[]; readonly gateway: readonly string[] };
type Named = { readonly name: string; readonly file: string };

const HELP = `
Example:
  $ breakwater redis-acl --network network.yaml --node alice=alice/redis.password --gateway edge1=edge1/redis.password >users.acl
  $ redis-server deploy/redis/redis.conf --aclfile users.acl

Each member may write its own two streams and nothing else; gateways read them all. The file holds digests, no passwords.`;

/** `breakwater redis-acl`: the users of a network's Redis. */
export function redisAclCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("redis-acl")
    .description("Print the ACL file of a network's Redis: one user a member, who writes its own streams, and one a gateway")
    .requiredOption("--network <network.yaml>", "the genesis, which says the members' addresses")
    .option("--node <name=file>", "a member, and the file with the password of its user of that name, repeated", collect, [])
    .option("--gateway <name=file>", "a gateway's user and the file with its password, repeated", collect, [])
    .addHelpText("after", HELP)
    .action((options: Options) => print(options, terminal));
}

async function print({ network: networkFile, node, gateway }: Options, terminal: Terminal): Promise<void> {
  const { config, committee } = readNetworkFile(networkFile);
  const nodes = await Promise.all(
    node.map(async (text) => {
      const user = parse("--node", text);
      const member = committee.members.find(({ name }) => name === user.name);
      if (member === undefined) throw badFlag("--node", `"${user.name}" is no member of the committee`);
      return { ...(await digestOf(user, terminal)), address: member.address };
    }),
  );
  const gateways = await Promise.all(gateway.map((text) => digestOf(parse("--gateway", text), terminal)));
  try {
    terminal.out(redisAcl({ network: config.network, nodes, gateways }).trimEnd());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badFlag("--node, --gateway", error.message);
  }
}

function parse(flag: string, text: string): Named {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw badFlag(flag, `expected name=file, found "${text}"`);
  return { name: text.slice(0, at), file: text.slice(at + 1) };
}

/** As nodes and gateways read it: the file's content without its line end. */
async function digestOf({ name, file }: Named, terminal: Terminal): Promise<RedisUser> {
  const password = await readPassword({ passwordFile: file, environment: {} }, logTo(terminal));
  return { username: name, passwordSha256: createHash("sha256").update(password).digest("hex") };
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
