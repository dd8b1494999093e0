import { existsSync } from "node:fs";
import { stringify } from "yaml";
import { rotateKeyFile } from "../node/io/key-rotation.ts";
import { createKeyFile, readPassword } from "../node/io/keys.ts";
import { OperationalError } from "../node/io/operational-error.ts";
import type { Address } from "../protocol/bytes.ts";
import type { NetworkConfig } from "../protocol/config.ts";
import { checkChange } from "../protocol/config-change.ts";
import { formatDuration } from "../protocol/reason-words.ts";
import { badFlag } from "./flags.ts";
import { type NodeOptions, openNodeOf } from "./governance/acting.ts";
import { fetchConfig } from "./governance/node-api.ts";
import { logTo, type PasswordOption, passwordFor } from "./key-file.ts";
import { writeNewFiles } from "./new-files.ts";
import type { Terminal } from "./terminal.ts";

export const NEW_PASSWORD_VARIABLE = "BREAKWATER_NEW_PASSWORD";

export type RotateOptions = PasswordOption & { readonly key: string; readonly newPasswordFile?: string };

/** `keys rotate`: the same key under another password. */
export async function rotate({ key, newPasswordFile, ...options }: RotateOptions, terminal: Terminal): Promise<void> {
  const password = await passwordFor(options, terminal);
  const newPassword = await newPasswordFor(newPasswordFile, terminal);
  const { address, costBefore, cost } = await rotateKeyFile(key, { password, newPassword });
  terminal.out(address);
  terminal.note(`${key} opens with the new password now, and with the old one no more; the key and its address are the same.`);
  if (costBefore !== cost) {
    terminal.note(`a guess of it costs scrypt n = ${cost} now${costBefore === undefined ? "" : `, before ${costBefore}`}`);
  }
  if (password === newPassword) terminal.note("warning: the new password is the old one");
  terminal.note("A node that runs goes on; give it the new password before its next start (key.passwordFile in node.yaml).");
  terminal.note(
    "Copies and backups of the old file still open with the old password: destroy them, or rotate them too. If somebody may",
  );
  terminal.note("have had a copy and the password, a new password helps nothing: breakwater keys replace.");
}

async function newPasswordFor(passwordFile: string | undefined, terminal: Terminal): Promise<string> {
  if (passwordFile !== undefined) return readPassword({ passwordFile, environment: {} }, logTo(terminal));
  const password = terminal.environment[NEW_PASSWORD_VARIABLE] ?? "";
  if (password !== "") return password;
  throw new OperationalError(`no new password: give --new-password-file <file> or set the variable ${NEW_PASSWORD_VARIABLE}`, {
    code: "no-password",
  });
}

export type ReplaceOptions = NodeOptions &
  PasswordOption & { readonly member: string; readonly out: string; readonly configOut: string };

/** `keys replace`: a member's new key, the config in which it stands in the old one's place, and how the two are exchanged. */
export async function replace(options: ReplaceOptions, terminal: Terminal): Promise<void> {
  const { member: name, out, configOut: configFile } = options;
  const current = await fetchConfig(await openNodeOf(options));
  const before = current.committee.find((member) => member.name === name);
  if (before === undefined) {
    throw badFlag("--member", `expected one of ${current.committee.map((member) => member.name).join(", ")}, found "${name}"`);
  }
  if (current.governance.quorum === 0) {
    throw new OperationalError(`${current.network} has no governors: no key of it can ever be exchanged`, {
      code: "no-governors",
    });
  }
  refuseTaken(configFile);
  const { address } = await createKeyFile(out, await passwordFor(options, terminal));
  const committee = current.committee.map((member) => (member === before ? { name, address } : member));
  const next = { ...current, version: current.version + 1, committee };
  writeNewFiles(
    [{ path: configFile, content: stringify(next, { lineWidth: 120, aliasDuplicateObjects: false }) }],
    () => undefined,
  );
  terminal.out(address);
  terminal.note(
    `${out} holds the new key; ${configFile} is the config in force with ${name} at this address instead of ${before.address}.`,
  );
  for (const fault of checkChange(current, next)) terminal.note(`warning: ${fault.path}: ${fault.expected}`);
  terminal.note("");
  for (const line of exchangeSteps(current, { ...options, before: before.address })) terminal.note(line);
}

function refuseTaken(path: string): void {
  if (!existsSync(path)) return;
  throw new OperationalError(`${path} exists already and is never overwritten: choose another --config-out`, { code: "exists" });
}

/** DESIGN section 6: the first round under a new committee is signed by a quorum of the old one too, so the old node stays until then. */
function exchangeSteps(
  { governance: { quorum, governors, timelockMs } }: NetworkConfig,
  { node, member, out, configOut, before }: ReplaceOptions & { readonly before: Address },
): readonly string[] {
  return [
    "Next:",
    `  1. propose it: breakwater governance propose ${configOut} --node ${node} --out proposal.json`,
    `     ${quorum} of ${governors.length} governors sign it and one hands it in: breakwater governance sign, then submit`,
    `     It comes into force ${formatDuration(timelockMs)} after that at the earliest; until then the old key goes on signing.`,
    `  2. meanwhile start a second node with ${out}, its own folder, store and ports, and \`joining: true\` in its node.yaml.`,
    "     It follows and signs nothing yet. Two keys, two stores: they cannot contradict each other.",
    "  3. tell the other operators where it listens: they add its address under peers, and keep the old one for now",
    `  4. leave the old node running until breakwater status or /v1/committee shows ${member} at the new address: the first round`,
    "     under the new committee takes a quorum of the old one too, and that is the last signature the old key is needed for",
    "  5. stop the old node, take `joining` out of the new one's node.yaml, and destroy the old key with all its copies",
    "",
    `Never copy the old node's store to the new key, never start the old key (${before}) again afterwards, on any machine, and`,
    "never run one key in two places, not even for a minute: two signatures of one round are evidence against you.",
    "If the old key is stolen rather than old, do not wait for step 4: stop its node now. The network stands without one member.",
  ];
}
