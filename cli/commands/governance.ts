import { Command } from "commander";
import { OperationalError } from "../../node/io/operational-error.ts";
import { type Address, type Digest, isHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type FeedId, slugToFeed } from "../../protocol/feed.ts";
import type { DocumentContent } from "../../protocol/governance.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { type ActOptions, act, type NodeOptions, type Origin, withConsent, withNode } from "../governance/acting.ts";
import { list, show } from "../governance/listing.ts";
import { fetchGovernance, fetchKeyholders, type NodeApi } from "../governance/node-api.ts";
import { type ProposeOptions, propose, replay, type SignOptions, sign, submit } from "../governance/proposing.ts";
import { PASSWORD_FLAG } from "../key-file.ts";
import { processTerminal, type Terminal } from "../terminal.ts";

const HELP = `
Examples, a change of config by three of five governors:
  $ breakwater governance propose next.yaml --out proposal.json
  $ breakwater governance sign proposal.json --key dora.key.json      (and two more governors)
  $ breakwater governance submit proposal.json
  $ breakwater governance list

What governors decide at once; each signs the file of the one before:
  $ breakwater governance rollback --key dora.key.json --out back.json
  $ breakwater governance rollback --key emil.key.json --with back.json --out back.json
  $ breakwater governance rollback --key fred.key.json --with back.json`;

/** `breakwater governance`: changes of config from proposal to activation, and what governors decide at once. */
export function governanceCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("governance")
    .description("Propose, replay, sign and follow changes of the config; accept, roll back, remove a guardian")
    .addHelpText("after", HELP)
    .addCommand(listCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(replayCommand(terminal))
    .addCommand(proposeCommand(terminal))
    .addCommand(signCommand(terminal))
    .addCommand(submitCommand(terminal))
    .addCommand(acceptCommand(terminal))
    .addCommand(rollbackCommand(terminal))
    .addCommand(removeCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  return withNode(new Command("list"))
    .description("Who may do what, the config in force, the pending one, pauses, and what was said")
    .action((options: NodeOptions) => list(options, terminal));
}

function showCommand(terminal: Terminal): Command {
  return withNode(new Command("show"))
    .description("One document that the node holds")
    .argument("<digest>", "the document's digest")
    .action((digest: string, options: NodeOptions) => show(parseDigest("<digest>", digest), options, terminal));
}

function replayCommand(terminal: Terminal): Command {
  return withNode(new Command("replay"))
    .description(
      "What a config would have done over the last rounds and in the incident suite; exit code 1 when the replay refuses it",
    )
    .argument("<file>", "a network.yaml, or a proposal (.json)")
    .action((file: string, options: NodeOptions) => replay(file, options, terminal));
}

function proposeCommand(terminal: Terminal): Command {
  return withNode(new Command("propose"))
    .description("Write a proposal: a config, when it activates, and the digest of its replay")
    .argument("<network.yaml>", "the whole config; without a version it gets the next one")
    .requiredOption("--out <file>", "the proposal to write")
    .option("--activation <when>", "Unix ms or a date; default: the timelock and half of it from now")
    .action((file: string, options: ProposeOptions) => propose(file, options, terminal));
}

function signCommand(terminal: Terminal): Command {
  return withNode(new Command("sign"))
    .description("Add one keyholder's signature to a proposal, after the node has come to the same replay")
    .argument("<file>", "the proposal")
    .requiredOption("--key <file>", "the governor's key file")
    .option(...PASSWORD_FLAG)
    .option("--out <file>", "write here instead of into the same file")
    .action((file: string, options: SignOptions) => sign(file, options, terminal));
}

function submitCommand(terminal: Terminal): Command {
  return withNode(new Command("submit"))
    .description("Hand a signed proposal, or any signed document, to a node")
    .argument("<file>", "the proposal")
    .option("--wait <ms>", "how long to watch for it to take effect; a config's replay is not waited for", "10000")
    .action((file: string, options: NodeOptions & { readonly wait: string }) =>
      submit(file, { ...options, wait: parseWhole("--wait", options.wait) }, terminal),
    );
}

type AcceptOptions = ActOptions & { readonly feed?: string; readonly gap?: string; readonly config?: string };

function acceptCommand(terminal: Terminal): Command {
  return withConsent(new Command("accept"))
    .description("Accept a feed's price under the pending config, or the gap that it is held for")
    .option("--feed <feed>", "ETH/USD")
    .option("--config <digest>", "the pending config")
    .option("--gap <ms>", "the gap that began at this Unix ms, as /v1/breaker/log gives it")
    .action((options: AcceptOptions) => {
      const origin = originOf(options, [options.feed, options.config, options.gap], () => acceptance(options));
      return act("accept", origin, options, terminal);
    });
}

function acceptance({ feed, config, gap }: AcceptOptions): DocumentContent {
  const parsed = slugToFeed(feed ?? "");
  if (!parsed.ok) throw badFlag("--feed", "expected a feed as ETH/USD");
  if ((config === undefined) === (gap === undefined)) throw badFlag("--config", "expected either --config or --gap");
  return acceptOf(parsed.value, config, gap);
}

function acceptOf(feed: FeedId, config: string | undefined, gap: string | undefined): DocumentContent {
  if (config !== undefined) return { kind: "accept", feed, configDigest: parseDigest("--config", config), gapAt: 0 };
  return { kind: "accept", feed, configDigest: ZERO_DIGEST, gapAt: parseWhole("--gap", gap ?? "") };
}

type RollbackOptions = ActOptions & { readonly pending?: true };

function rollbackCommand(terminal: Terminal): Command {
  return withConsent(new Command("rollback"))
    .description("Return to the config before the one in force, at once; or drop the pending one")
    .option("--pending", "drop the pending config")
    .action((options: RollbackOptions) => {
      const origin = originOf(options, [options.pending], () => (node: NodeApi) => rollbackOf(node, options.pending === true));
      return act("rollback", origin, options, terminal);
    });
}

async function rollbackOf(node: NodeApi, dropsPending: boolean): Promise<DocumentContent> {
  const { configDigest, previous, pending } = await fetchGovernance(node);
  if (dropsPending) {
    if (pending === null) throw new OperationalError(`${node.url}: no config is pending`, { code: "nothing" });
    return { kind: "rollback", from: pending.configDigest, to: configDigest };
  }
  if (previous === null) throw new OperationalError(`${node.url}: no config was in force before this one`, { code: "nothing" });
  return { kind: "rollback", from: configDigest, to: previous };
}

type RemoveOptions = ActOptions & { readonly guardian?: string };

function removeCommand(terminal: Terminal): Command {
  return withConsent(new Command("remove-guardian"))
    .description("Take a guardian's power away, at once and for good")
    .option("--guardian <name|address>", "whom")
    .action((options: RemoveOptions) => {
      const origin = originOf(options, [options.guardian], () => (node: NodeApi) => removalOf(node, options.guardian));
      return act("removal", origin, options, terminal);
    });
}

async function removalOf(node: NodeApi, guardian: string | undefined): Promise<DocumentContent> {
  const guardians = (await fetchKeyholders(node)).filter(({ role }) => role === "guardian");
  const found = guardians.find(({ name, address }) => name === guardian || address === guardian);
  if (found !== undefined) return { kind: "removal", guardian: found.address satisfies Address };
  const names = guardians.map(({ name }) => name).join(", ");
  throw badFlag("--guardian", `expected one of ${names === "" ? "nobody: there are no guardians" : names}`);
}

/** The file that others began, or one's own words, but not both: it is the file that says what is signed. */
function originOf(
  { with: file }: ActOptions,
  words: readonly unknown[],
  say: () => DocumentContent | ((node: NodeApi) => Promise<DocumentContent>),
): Origin {
  if (file === undefined) {
    const said = say();
    return { say: typeof said === "function" ? said : () => said };
  }
  if (words.every((word) => word === undefined)) return { file };
  throw badFlag("--with", "the file says what is signed: leave the other flags out");
}

function parseDigest(flag: string, text: string): Digest {
  if (isHex(text, 32)) return text;
  throw badFlag(flag, `expected 0x and 64 lower-case hex digits, found "${text}"`);
}
