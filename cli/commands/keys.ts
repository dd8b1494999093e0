import { Command } from "commander";
import { createKeyFile, PASSWORD_VARIABLE, readKeyFile } from "../../node/io/keys.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { type Address, fromHex, isHex } from "../../protocol/bytes.ts";
import { type ApiKeyOptions, makeApiKey } from "../api-key.ts";
import { withNode } from "../governance/acting.ts";
import { collectText, readTextFile } from "../input.ts";
import { NEW_PASSWORD_VARIABLE, type ReplaceOptions, type RotateOptions, replace, rotate } from "../key-changes.ts";
import { logTo, PASSWORD_FLAG, type PasswordOption, passwordFor, readStatedAddress } from "../key-file.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

/** 64 digits, `0x` and a line end. */
const MAX_HEX_BYTES = 80;

/** `breakwater keys`: makes, shows and imports the key files that nodes sign with. No subcommand prints a private key. */
export function keysCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("keys")
    .description("Make, show, import, re-encrypt and exchange the key that a node signs with")
    .addCommand(newCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(importCommand(terminal))
    .addCommand(rotateCommand(terminal))
    .addCommand(replaceCommand(terminal))
    .addCommand(apiCommand(terminal));
}

function newCommand(terminal: Terminal): Command {
  return new Command("new")
    .description("Make a new key in a new file (web3 secret storage v3, owner-only) and print its address")
    .requiredOption("--out <file>", "the file to write; an existing one is never replaced")
    .option(...PASSWORD_FLAG)
    .addHelpText(
      "after",
      `
Examples:
  $ breakwater keys new --out alice.key.json --password-file alice.password
  $ ${PASSWORD_VARIABLE}="$(pass show breakwater/alice)" breakwater keys new --out alice.key.json

The address goes to standard output, everything else to standard error.`,
    )
    .action(async ({ out, ...options }: PasswordOption & { readonly out: string }) => {
      const { address } = await createKeyFile(out, await passwordFor(options, terminal));
      tellKept(out, address, terminal);
    });
}

function showCommand(terminal: Terminal): Command {
  return new Command("show")
    .description("Print the address of a key file; without a password when the file states it")
    .argument("<file>", "the key file")
    .option("--verify", "open the file with its password and check that the address is that of the key")
    .option(...PASSWORD_FLAG)
    .addHelpText(
      "after",
      `
Examples:
  $ breakwater keys show alice.key.json
  $ breakwater keys show alice.key.json --verify --password-file alice.password`,
    )
    .action(async (file: string, { verify, ...options }: PasswordOption & { readonly verify?: true }) => {
      const stated = verify === true ? undefined : await readStatedAddress(file);
      if (stated !== undefined) {
        terminal.out(stated);
        return;
      }
      const { address } = await readKeyFile(file, await passwordFor(options, terminal), { log: logTo(terminal) });
      terminal.out(address);
      terminal.note("the password opens the file, and the key is this address's");
    });
}

function importCommand(terminal: Terminal): Command {
  return new Command("import")
    .description("Encrypt a private key that you have as hex into a new file and print its address")
    .requiredOption("--out <file>", "the file to write; an existing one is never replaced")
    .option("--from <file>", "file with 64 hex digits; - reads standard input", "-")
    .option(...PASSWORD_FLAG)
    .addHelpText(
      "after",
      `
Examples:
  $ pass show old-key | breakwater keys import --out alice.key.json --password-file alice.password
  $ breakwater keys import --from key.hex --out alice.key.json --password-file alice.password

The key is read from a file or a pipe only: arguments are seen by every process of the machine.`,
    )
    .action(async ({ out, from, ...options }: PasswordOption & { readonly out: string; readonly from: string }) => {
      const password = await passwordFor(options, terminal);
      const { address } = await createKeyFile(out, password, { privateKey: await readPrivateKey(from, terminal) });
      tellKept(out, address, terminal);
    });
}

function rotateCommand(terminal: Terminal): Command {
  return new Command("rotate")
    .description("Put the same key under another password, in the same file; nothing of the old file is kept")
    .requiredOption("--key <file>", "the key file to encrypt anew")
    .option(...PASSWORD_FLAG)
    .option("--new-password-file <file>", `file with the new password; without it the variable ${NEW_PASSWORD_VARIABLE}`)
    .addHelpText(
      "after",
      `
Example:
  $ breakwater keys rotate --key alice.key.json --password-file alice.password --new-password-file alice.new

The file is replaced in one step: a crash leaves the old one or the new one. A password derivation that is weaker than today's default
is made as strong. A key that may be in other hands is not helped by a new password: breakwater keys replace.`,
    )
    .action(async (options: RotateOptions) => rotate(options, terminal));
}

function replaceCommand(terminal: Terminal): Command {
  const command = new Command("replace")
    .description("Exchange a member's key for a new one: make it, write the config to propose, and say what to do when")
    .requiredOption("--member <name>", "whose key")
    .requiredOption("--out <file>", "the new key file; an existing one is never replaced")
    .option("--config-out <file>", "where to write the config that governors are to sign", "next.yaml")
    .option(...PASSWORD_FLAG)
    .addHelpText(
      "after",
      `
Example:
  $ breakwater keys replace --member alice --out alice.new.key.json --password-file alice.new.password \\
      --node http://localhost:8080 --genesis 0x5e12…

The committee is part of the config: a quorum of governors and the timelock stand before any change of it, a lost key's too.`,
    )
    .action(async (options: ReplaceOptions) => replace(options, terminal));
  return withNode(command);
}

function apiCommand(terminal: Terminal): Command {
  return new Command("api")
    .description("Make a key for a reader of a gateway's API; it is shown once, the gateway keeps its digest")
    .option("--name <name>", "the holder, as the gateway's logs and counters name it", "reader")
    .option("--requests-per-minute <number>", "how much the holder may ask", "600")
    .option("--streams <number>", "how many streams the holder may read at one time", "10")
    .addHelpText(
      "after",
      `
Example:
  $ breakwater keys api --name harbour-lending --requests-per-minute 6000

The key goes to standard output, the entry for the gateway's keysFile to standard error. Send the key over a channel that only its
holder reads; it is shown in \`X-Api-Key\` or \`Authorization: Bearer\`, never in a URL.`,
    )
    .action(async (options: ApiKeyOptions) => makeApiKey(options, terminal));
}

function tellKept(file: string, address: Address, { out, note }: Terminal): void {
  out(address);
  note(`${file} holds the encrypted key of this address.`);
  note("Give the address to whoever writes network.yaml. Keep a copy of the file and, apart from it, of the password:");
  note("neither can be made again. Never run one key in two places: two signatures of one round are evidence against you.");
}

/** The digits are never repeated in a message. */
async function readPrivateKey(from: string, { stdin }: Terminal): Promise<Uint8Array> {
  const name = from === "-" ? "standard input" : from;
  const text =
    from === "-" ? await collectText(stdin, { name, maxBytes: MAX_HEX_BYTES }) : await readTextFile(from, MAX_HEX_BYTES);
  const hex = `0x${text.trim().toLowerCase().replace(/^0x/, "")}`;
  if (!isHex(hex, 32)) {
    throw new OperationalError(`${name}: expected a private key as 64 hex digits`, { code: "not-a-key" });
  }
  return fromHex(hex);
}
