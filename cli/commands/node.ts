import { Command } from "commander";

export function nodeCommand(): Command {
  return new Command("node")
    .description("Run one node of a network: sample venues, take part in rounds, serve the API")
    .requiredOption("--config <file>", "the operator's node.yaml")
    .addHelpText("after", "\nExample:\n  breakwater node --config /etc/breakwater/node.yaml")
    .action(async ({ config }: { config: string }) => {
      // Loaded when it is wanted: the other commands start without libp2p and SQLite.
      const { runNode } = await import("../run-node.ts");
      await runNode(config);
    });
}
