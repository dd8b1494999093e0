import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { readKeyFile } from "../../node/io/keys.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { isHex } from "../../protocol/bytes.ts";
import type { DocumentContent, DocumentKind, SignedDocument } from "../../protocol/governance.ts";
import { approvedDocument } from "../../protocol/governance-codec.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { logTo, PASSWORD_FLAG, type PasswordOption, passwordFor } from "../key-file.ts";
import type { Terminal } from "../terminal.ts";
import { checkApprovals, consent, formatStanding } from "./consent.ts";
import { type Draft, readDraft, writeDraft } from "./document-file.ts";
import { fetchGovernance, fetchKeyholders, type Keyholder, type NodeApi, openNode, submitDocument } from "./node-api.ts";
import { formatContent } from "./words.ts";

const LOOK_EVERY_MS = 500;

export type NodeOptions = { readonly node: string; readonly genesis?: string };
export type ActOptions = NodeOptions &
  PasswordOption & { readonly key: string; readonly out?: string; readonly with?: string; readonly wait: string };

/** The options of every command that asks a node. */
export function withNode(command: Command): Command {
  return command
    .option("--node <url>", "a node's API", "http://localhost:8080")
    .option("--genesis <digest>", "the network's genesis digest: refuse any other network");
}

/** The options of every command that signs a document and hands it in at once. */
export function withConsent(command: Command): Command {
  return withNode(command)
    .requiredOption("--key <file>", "the keyholder's key file")
    .option(...PASSWORD_FLAG)
    .option("--out <file>", "write the signed document here, for others to sign too, instead of handing it in")
    .option("--with <file>", "sign the document in this file, beside those who have")
    .option("--wait <ms>", "how long to watch for it to take effect", "10000");
}

export function openNodeOf({ node, genesis }: NodeOptions): Promise<NodeApi> {
  if (genesis !== undefined && !isHex(genesis, 32)) {
    throw badFlag("--genesis", `expected 0x and 64 lower-case hex digits, found "${genesis}"`);
  }
  return openNode(node, genesis);
}

/** Where a document comes from: a file that others have begun, or what this keyholder has to say. */
export type Origin = { readonly file: string } | { readonly say: (node: NodeApi) => DocumentContent | Promise<DocumentContent> };

/** Signs a document of guardians or governors, and hands it in or passes it on. */
export async function act(kind: DocumentKind, origin: Origin, options: ActOptions, terminal: Terminal): Promise<void> {
  const waitMs = parseWhole("--wait", options.wait);
  const key = await readKeyFile(options.key, await passwordFor(options, terminal), { log: logTo(terminal) });
  const node = await openNodeOf(options);
  const [keyholders, { quorum }] = await Promise.all([fetchKeyholders(node), fetchGovernance(node)]);
  const begun = "file" in origin ? await readDraft(origin.file) : { content: await origin.say(node), approvals: [] };
  if (begun.content.kind !== kind) throw badFlag("--with", `expected a ${kind}, found a ${begun.content.kind}`);
  const council = { ...node, keyholders };
  checkApprovals(begun, council, key.scheme);
  const draft = consent(begun, key, council);
  terminal.note(`${node.network}: ${formatContent(draft.content, terminal.now(), keyholders)}`);
  terminal.note(formatStanding(draft, keyholders, quorum));
  if (options.out !== undefined) {
    writeDraft(options.out, draft, options.with);
    terminal.out(options.out);
    return;
  }
  await handIn(draft, node, { keyholders, waitMs, terminal });
}

/** Hands a document in and, unless it is a config, watches until the network has taken it. */
export async function handIn(
  draft: Draft,
  node: NodeApi,
  {
    keyholders,
    waitMs,
    terminal,
  }: { readonly keyholders: readonly Keyholder[]; readonly waitMs: number; readonly terminal: Terminal },
): Promise<void> {
  const signed = approvedDocument(draft.content, draft.approvals);
  const code = await submitDocument(node, signed);
  terminal.out(signed.digest);
  if (code === "review") {
    terminal.note(
      "handed in: the nodes recompute its replay, then carry it; breakwater governance list shows when it is pending",
    );
    return;
  }
  if (!(await isTaken(signed, node, waitMs))) {
    throw new OperationalError(
      `${node.url}: carries ${signed.digest}, but no round has taken it in within ${waitMs} ms: is the network certifying?`,
      { code: "not-taken" },
    );
  }
  terminal.note(`in force: ${formatContent(draft.content, terminal.now(), keyholders)}`);
}

/** The network has taken a document in as soon as its nonces count as used; of a config, which has none, this says nothing. */
async function isTaken({ document }: SignedDocument, node: NodeApi, waitMs: number): Promise<boolean> {
  if (document.kind === "config") return true;
  const endsAt = performance.now() + waitMs;
  for (;;) {
    const keyholders = await fetchKeyholders(node);
    const nonces = new Map(keyholders.map(({ address, nonce }) => [address, nonce]));
    if (document.approvals.every(({ keyholder, nonce }) => (nonces.get(keyholder) ?? 0) >= nonce)) return true;
    if (performance.now() >= endsAt) return false;
    await sleep(LOOK_EVERY_MS);
  }
}
