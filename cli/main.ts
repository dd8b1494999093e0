#!/usr/bin/env -S node --max-semi-space-size=8
import { Command, CommanderError } from "commander";
import { OperationalError } from "../node/io/operational-error.ts";
import { backtestCommand } from "./commands/backtest.ts";
import { backupCommand, restoreCommand } from "./commands/backup.ts";
import { composeCommand } from "./commands/compose.ts";
import { devnetCommand } from "./commands/devnet.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { gatewayCommand } from "./commands/gateway.ts";
import { governanceCommand } from "./commands/governance.ts";
import { incidentsCommand } from "./commands/incidents.ts";
import { initCommand } from "./commands/init.ts";
import { keysCommand } from "./commands/keys.ts";
import { marketCommand } from "./commands/market.ts";
import { nodeCommand } from "./commands/node.ts";
import { pauseCommand } from "./commands/pause.ts";
import { redisAclCommand } from "./commands/redis-acl.ts";
import { replayCommand } from "./commands/replay.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";

const program = new Command("breakwater")
  .description("An oracle network for lending protocols that signs a price and whether a loan may be liquidated on it")
  .showHelpAfterError("(--help shows the options)")
  .addCommand(devnetCommand())
  .addCommand(initCommand())
  .addCommand(composeCommand())
  .addCommand(keysCommand())
  .addCommand(nodeCommand())
  .addCommand(gatewayCommand())
  .addCommand(redisAclCommand())
  .addCommand(marketCommand())
  .addCommand(doctorCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(verifyCommand())
  .addCommand(statusCommand())
  .addCommand(replayCommand())
  .addCommand(backtestCommand())
  .addCommand(incidentsCommand())
  .addCommand(pauseCommand())
  .addCommand(governanceCommand());

/** An operator's mistake is one line; anything else is a bug, and shows where. */
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    if (error instanceof OperationalError) console.error(`breakwater: ${error.message}`);
    else console.error(error);
    process.exitCode = 1;
  }
}
