import { Command } from "commander";

export function gatewayCommand(): Command {
  return new Command("gateway")
    .description(
      "Run a replica: follow nodes, gateways or Redis, verify everything, and serve the same API to any number of readers",
    )
    .requiredOption("--config <file>", "the operator's gateway.yaml; `breakwater init --gateway` writes one")
    .addHelpText("after", "\nExample:\n  breakwater gateway --config /etc/breakwater/gateway.yaml")
    .action(async ({ config }: { config: string }) => {
      const { runGateway } = await import("../run-gateway.ts");
      await runGateway(config);
    });
}
