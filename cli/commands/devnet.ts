import { Command, InvalidArgumentError, Option } from "commander";
import { ADAPTERS } from "../../adapters/index.ts";
import type { MarketMode } from "../devnet/market.ts";

const MARKET_MODES: readonly MarketMode[] = ["auto", "live", "simulated"];

type Options = {
  readonly market: MarketMode;
  readonly venue: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly streams: boolean;
  readonly port: number;
  readonly controlPort: number;
  readonly p2pPort: number;
  readonly dir?: string;
};

export function devnetCommand(): Command {
  return new Command("devnet")
    .description("Run a whole network on this machine: four nodes, a market, the API and a control API to break things with")
    .addOption(new Option("--market <kind>", "where prices come from").choices(MARKET_MODES).default("auto"))
    .option("--venue <name=url>", "point one venue's adapter elsewhere; repeatable", collectVenue, {})
    .option("--seed <number>", "of the simulated market", wholeNumber, 1)
    .option("--streams", "let the simulated venues push their quotes as well, where the real ones do", false)
    .option("--port <number>", "of the network's API; node i serves its own on the next ones", wholeNumber, 8080)
    .option("--control-port <number>", "of the control API", wholeNumber, 8090)
    .option("--p2p-port <number>", "of the first node; the others take the next ones", wholeNumber, 9080)
    .option("--dir <folder>", "keep keys, stores and logs here and continue from them; else a temporary folder that is removed")
    .addHelpText(
      "after",
      "\nExamples:\n  breakwater devnet\n  breakwater devnet --market simulated --seed 7\n  breakwater devnet --venue kraken=http://127.0.0.1:9001 --dir ./devnet",
    )
    .action(async (options: Options) => {
      const { runDevnet } = await import("../devnet/run.ts");
      await runDevnet(options);
    });
}

function collectVenue(text: string, all: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const split = text.indexOf("=");
  const venue = text.slice(0, split);
  const url = text.slice(split + 1);
  if (split < 1 || !Object.hasOwn(ADAPTERS, venue)) {
    throw new InvalidArgumentError(`expected name=url with one of ${Object.keys(ADAPTERS).join(", ")}`);
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new InvalidArgumentError(`expected an http or https URL after ${venue}=`);
  return { ...all, [venue]: url };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}
