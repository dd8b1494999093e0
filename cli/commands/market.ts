import { Command, InvalidArgumentError } from "commander";
import { processTerminal, type Terminal } from "../terminal.ts";

type Options = {
  readonly port: number;
  readonly rpcPort: number;
  readonly controlPort: number;
  readonly blockMs: number;
  readonly seed: number;
};

const HELP = `
Example, beside nodes whose folders lie here:
  $ breakwater market >market.yaml &
  $ sed -i '/^venues: {}$/d; /^rpc: {}$/d' alice/node.yaml && cat market.yaml >>alice/node.yaml

Standard output is what node.yaml needs; it is written once everything answers. These are not real prices, and nothing here asks for a
password: it listens on this machine only. The control API moves the market, breaks venues and congests the chain, as that of
breakwater devnet does:
  $ curl -s -X POST localhost:9190/market -H 'content-type: application/json' -d '{"feed":"LINK/USD","moveBps":-2000,"overMs":0}'`;

/** `breakwater market`: the simulated exchanges and chain of the development network, by themselves. */
export function marketCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("market")
    .description("Run simulated exchanges and a simulated chain alone, for nodes on a machine that reaches no exchange")
    .option("--port <number>", "of the exchanges, each below its name", port, 9100)
    .option("--rpc-port <number>", "of the chain's three JSON-RPC endpoints", port, 9101)
    .option("--control-port <number>", "of the control API", port, 9190)
    .option("--block-ms <ms>", "time between two blocks of the chain", blockMs, 12_000)
    .option("--seed <number>", "of the prices", wholeNumber, 1)
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      const { runMarket } = await import("../devnet/market-alone.ts");
      await runMarket(options, terminal);
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

function port(text: string): number {
  const value = wholeNumber(text);
  if (value < 1 || value > 65_535) throw new InvalidArgumentError("expected a port from 1 to 65535");
  return value;
}

function blockMs(text: string): number {
  const value = wholeNumber(text);
  if (value < 1_000) throw new InvalidArgumentError("expected at least 1000");
  return value;
}
