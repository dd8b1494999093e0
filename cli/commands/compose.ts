import { Command } from "commander";
import { PRESETS } from "../../protocol/thresholds.ts";
import { badFlag } from "../flags.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

/** Whom the containers run as when root prepares the folder: the image's own user. */
const IMAGE_USER = { uid: 10_001, gid: 10_001 };

/** It names streams and users in Redis too. */
const PLAIN_NAME = /^[A-Za-z0-9._-]{1,31}$/;

type Options = { readonly dir: string; readonly name: string };

const HELP = `
Example:
  $ breakwater compose-init --dir ./network
  $ docker compose --env-file ./network/compose.env up --build --detach
  $ curl -s http://127.0.0.1:8080/v1/feeds/ETH-USD

All keys of this network are made on one machine: fit to try it and to show it, not to hold anybody's money. Members of a real network each
make their own key (breakwater init, breakwater keys).`;

/** `breakwater compose-init`: the folder that docker-compose.yml runs a network from. */
export function composeCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("compose-init")
    .description("Write the keys, configs and secrets that docker-compose.yml runs a network of four nodes and two gateways with")
    .requiredOption("--dir <dir>", "folder to make; one that is there and not empty is never written into")
    .option("--name <network>", "name of the new network; part of what every signature is bound to", "compose")
    .addHelpText("after", HELP)
    .action((options: Options) => prepare(options, terminal));
}

async function prepare({ dir, name }: Options, { out, note }: Terminal): Promise<void> {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (uid === undefined || gid === undefined) throw badFlag("--dir", "needs a system whose files have owners: Linux or macOS");
  if (!PLAIN_NAME.test(name)) throw badFlag("--name", "expected 1 to 31 of A-Z a-z 0-9 . _ -");
  const owner = uid === 0 ? IMAGE_USER : { uid, gid };
  const { writeComposeFolder } = await import("../compose/folder.ts");
  const { config, genesisConfigDigest } = await writeComposeFolder({ dir, name, owner, giveAway: uid === 0 });
  note(`wrote ${dir}: genesis, configs, secrets and data folders, readable by user ${owner.uid} only`);
  note("");
  note("Is every asset in its class? A stable filed as longtail, or a market-trusted asset as staked, loses its protection:");
  for (const preset of PRESETS) {
    const feeds = config.feeds.filter((feed) => feed.preset === preset).map(({ feed }) => feed);
    if (feeds.length > 0) note(`  ${preset.padEnd(8)}  ${feeds.join(" ")}`);
  }
  note("");
  note("genesis digest:");
  out(genesisConfigDigest);
  note("");
  note("Next:");
  note(`  1. move ${dir}/keyholders off this machine: who holds those keys pauses and changes the network`);
  note(
    `  2. give each node RPC endpoints of ETHEREUM, under rpc in ${dir}/config/node*.yaml, if the chain's congestion is to be seen`,
  );
  note(`  3. docker compose --env-file ${dir}/compose.env up --build --detach`);
  note(`  4. Grafana: http://127.0.0.1:3000, user admin, password in ${dir}/secrets/grafana.password`);
}
