import { Command } from "commander";
import { runNode } from "../run-node.ts";

export function nodeCommand(): Command {
  return new Command("node")
    .description("Run one node of a network: sample venues, take part in rounds, serve the API")
    .requiredOption("--config <file>", "the operator's node.yaml")
    .addHelpText("after", "\nExample:\n  breakwater node --config /etc/breakwater/node.yaml")
    .action(async ({ config }: { config: string }) => {
      await runNode(config);
    });
}
