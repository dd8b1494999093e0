import { Command } from "commander";
import { processTerminal, type Terminal } from "../terminal.ts";

type DoctorOptions = {
  readonly config?: string;
  readonly gateway?: string;
  readonly peerApi: readonly string[];
  readonly json?: true;
};

/** `breakwater doctor`: one line a check of everything that a node or a gateway needs; ends with 1 when anything fails. */
export function doctorCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("doctor")
    .description("Look at everything a node or gateway needs: clock, key, ports, disk, venues, chains, peers; change nothing")
    .option("--config <file>", "the operator's node.yaml")
    .option("--gateway <file>", "a gateway.yaml, instead of a node's")
    .option("--peer-api <url>", "another member's API, to compare the config's digest with, repeated", collect, [])
    .option("--json", "the findings as one JSON document")
    .addHelpText(
      "after",
      `
Examples:
  $ breakwater doctor --config node.yaml
  $ breakwater doctor --config node.yaml --peer-api https://bob.example --peer-api https://carol.example
  $ breakwater doctor --gateway gateway.yaml --json

ok: as it should be. warn: the node does its part, and worse than it might. FAIL: it cannot, until that is put right; the exit code is
then 1. It may be run beside a node that runs: nothing is signed, written or stopped.`,
    )
    .action(async (options: DoctorOptions) => {
      // Loaded when it is wanted: the other commands start without libp2p, SQLite and Redis.
      const { diagnose } = await import("../doctor/diagnose.ts");
      if (!(await diagnose(options, terminal))) process.exitCode = 1;
    });
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
