import { Command } from "commander";
import type { BackupOptions } from "../store-copies.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

/** `breakwater backup`: a copy of the store of a node that runs or not, with a manifest. */
export function backupCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("backup")
    .description("Copy a node's store, while it runs or not, into a file that `breakwater restore` takes")
    .requiredOption("--config <file>", "the operator's node.yaml")
    .requiredOption("--out <file>", "the file to write, and <file>.manifest.json beside it; existing ones are never replaced")
    .option("--with-key", "put the key file into the manifest too, encrypted as it is: then keep its password elsewhere")
    .addHelpText(
      "after",
      `
Examples:
  $ breakwater backup --config node.yaml --out /mnt/backup/alice-2027-01-15.sqlite
  $ breakwater backup --config node.yaml --out alice.sqlite --with-key

Never copy a running node's store with cp or a snapshot of its disk: what the copy has forgotten it would sign again. A backup is
as good an hour old as a day old: what the network certified since comes from the peers.`,
    )
    .action(async (options: BackupOptions) => (await storeCopies()).backup(options, terminal));
}

/** `breakwater restore`: a store from a backup, marked so that nothing is signed twice. */
export function restoreCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("restore")
    .description("Put a backup where a node's store was lost, so that the node signs nothing twice")
    .requiredOption("--config <file>", "the operator's node.yaml")
    .argument("<file>", "what `breakwater backup` wrote; its manifest lies beside it")
    .addHelpText(
      "after",
      `
Example:
  $ breakwater restore --config node.yaml /mnt/backup/alice-2027-01-15.sqlite

Only when the old node is gone for good: two nodes that sign with one key are evidence against you, and no backup can prevent that.`,
    )
    .action(async (file: string, options: { readonly config: string }) => {
      await (await storeCopies()).restore(file, options, terminal);
    });
}

/** Loaded when it is wanted: the other commands start without SQLite. */
function storeCopies() {
  return import("../store-copies.ts");
}
