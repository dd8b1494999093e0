import { usedMsOf } from "../../circuit-breaker/governance/allowance.ts";
import type { Digest } from "../../protocol/bytes.ts";
import { configDigest, parseNetworkConfig } from "../../protocol/config.ts";
import type { FeedScope } from "../../protocol/governance.ts";
import { formatInstant } from "../../protocol/instant.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import type { Terminal } from "../terminal.ts";
import { labelled } from "../verdict-lines.ts";
import { type NodeOptions, openNodeOf } from "./acting.ts";
import { describeDifferences } from "./differences.ts";
import {
  type DocumentItem,
  fetchConfig,
  fetchDocument,
  fetchDocuments,
  fetchGovernance,
  fetchKeyholders,
  type GovernanceState,
  type Keyholder,
  type NodeApi,
} from "./node-api.ts";
import { formatScope, formatWhen, nameOf } from "./words.ts";

/** `governance list`: who may do what, what is in force, what is on its way, and what was said. */
export async function list(options: NodeOptions, terminal: Terminal): Promise<void> {
  const node = await openNodeOf(options);
  const [state, keyholders, documents] = await Promise.all([fetchGovernance(node), fetchKeyholders(node), fetchDocuments(node)]);
  const now = terminal.now();
  const lines = [
    labelled("network", node.network),
    labelled("in force", `config ${state.configDigest}, version ${state.version}`),
    labelled("before it", state.previous === null ? "none: nothing to roll back to" : `config ${state.previous}`),
    ...describePending(state, now),
    ...describePauses(state, keyholders, now),
    ...keyholders.map((holder) => labelled(holder.role, describeKeyholder(holder, state.quorum, now))),
    ...(keyholders.length === 0 ? [labelled("keyholders", "none: nobody can pause or change anything")] : []),
    ...documents.map((item) => labelled("document", describeItem(item))),
  ];
  for (const line of lines) terminal.out(line);
}

function describePending({ pending }: GovernanceState, now: number): readonly string[] {
  if (pending === null) return [labelled("pending", "nothing")];
  const { configDigest, activation, feeds } = pending;
  return [
    labelled("pending", `config ${configDigest}, from ${formatWhen(activation, now)} on`),
    ...feeds.map(({ feed, agreedAt, accepted }) => labelled("", `${feed}: ${describeShadow(agreedAt, accepted, now)}`)),
  ];
}

function describeShadow(agreedAt: number, accepted: boolean, now: number): string {
  if (accepted) return "accepted by governors";
  return agreedAt === 0
    ? "its price does not agree with the served one (yet)"
    : `agrees for ${formatDuration(Math.max(0, now - agreedAt))}`;
}

function describePauses({ pauses }: GovernanceState, keyholders: readonly Keyholder[], now: number): readonly string[] {
  if (pauses.length === 0) return [labelled("pauses", "none")];
  return pauses.map(({ feed, action, until, keyholders: signers }, index) => {
    const by = signers.map((signer) => nameOf(signer, keyholders)).join(", ");
    return labelled(
      index === 0 ? "pauses" : "",
      `${formatScope(feed as FeedScope)}: ${action} until ${formatWhen(until, now)}, by ${by}`,
    );
  });
}

function describeKeyholder(holder: Keyholder, quorum: number, now: number): string {
  const name = `${holder.name} (${holder.address})`;
  if (holder.nonce >= Number.MAX_SAFE_INTEGER) return `${name}: removed`;
  if (holder.role === "governor") return `${name}: nonce ${holder.nonce}; ${quorum} together decide`;
  return `${name}: nonce ${holder.nonce}, ${formatDuration(usedMsOf(holder, now))} of 1 h in seven days used`;
}

function describeItem({ digest, kind, approvals = [] }: DocumentItem): string {
  const by = approvals.map(({ name, keyholder }) => name ?? keyholder).join(", ");
  return `${digest} ${kind}${by === "" ? "" : ` by ${by}`}`;
}

/** `governance show`: one document that the node holds, field by field. */
export async function show(digest: Digest, options: NodeOptions, terminal: Terminal): Promise<void> {
  const node = await openNodeOf(options);
  const item = await fetchDocument(node, digest);
  terminal.out(labelled("document", item.digest));
  terminal.out(labelled("kind", item.kind));
  for (const [field, value] of Object.entries(item.content ?? {})) terminal.out(labelled(field, formatValue(field, value)));
  for (const { name, keyholder, nonce } of item.approvals ?? []) {
    terminal.out(labelled("signed by", `${name ?? "a keyholder of another time"} (${keyholder}), nonce ${nonce}`));
  }
  for (const line of await describeProposal(item, node)) terminal.out(labelled("changes", line));
}

/** What a proposal would change of the config in force; nothing of any other document. */
async function describeProposal({ config, content }: DocumentItem, node: NodeApi): Promise<readonly string[]> {
  if (config === undefined || content?.replaces !== node.configDigest) return [];
  const proposed = parseNetworkConfig(config);
  // Only what was signed: its digest is part of the document, the config beside it is the node's word.
  if (!proposed.ok || configDigest(proposed.value) !== content.configDigest) return [];
  return describeDifferences(await fetchConfig(node), proposed.value);
}

const INSTANTS = ["until", "activation", "gapAt"];

function formatValue(field: string, value: unknown): string {
  if (typeof value === "number" && INSTANTS.includes(field) && value > 0) return `${value}, ${formatInstant(value)}`;
  return typeof value === "string" ? value : JSON.stringify(value);
}
