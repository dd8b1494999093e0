import { readKeyFile } from "../../node/io/keys.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { configDigest, type NetworkConfig } from "../../protocol/config.ts";
import { checkChange } from "../../protocol/config-change.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { readNetworkConfig } from "../files.ts";
import { badFlag } from "../flags.ts";
import { logTo, type PasswordOption, passwordFor } from "../key-file.ts";
import type { Terminal } from "../terminal.ts";
import { handIn, type NodeOptions, openNodeOf } from "./acting.ts";
import { checkApprovals, consent, formatStanding } from "./consent.ts";
import { describeDifferences } from "./differences.ts";
import { type Draft, readDraft, writeDraft } from "./document-file.ts";
import { fetchConfig, fetchGovernance, fetchKeyholders, fetchReplay, type NodeApi, type Replay } from "./node-api.ts";
import { describeReplay } from "./replay-words.ts";
import { formatContent, formatWhen } from "./words.ts";

const MINUTE_MS = 60_000;
/** Most faults of a change that goes too far are of one kind. */
const MAX_FAULTS = 10;

type Proposed = Extract<Draft["content"], { readonly kind: "config" }>;

/** Reads the config that is to follow the one in force; a file without a version gets the next one. */
async function readSuccessor(path: string, node: NodeApi) {
  const current = await fetchConfig(node);
  const fill = (content: unknown): unknown =>
    typeof content === "object" && content !== null && !("version" in content)
      ? { ...content, version: current.version + 1 }
      : content;
  return { current, next: readNetworkConfig(path, fill) };
}

/** @throws OperationalError `bad-change`, naming every fault up to a few */
function refuseBadChange(path: string, current: NetworkConfig, next: NetworkConfig): void {
  const faults = checkChange(current, next);
  if (faults.length === 0) return;
  const named = faults.slice(0, MAX_FAULTS).map(({ path: field, expected }) => `${field}: ${expected}`);
  const more = faults.length > MAX_FAULTS ? `; and ${faults.length - MAX_FAULTS} more` : "";
  throw new OperationalError(`${path}: cannot follow the config in force: ${named.join("; ")}${more}`, { code: "bad-change" });
}

export type ProposeOptions = NodeOptions & { readonly activation?: string; readonly out: string };

/** `governance propose`: a config and the digest of its replay, in a file that governors sign. */
export async function propose(path: string, options: ProposeOptions, terminal: Terminal): Promise<void> {
  const node = await openNodeOf(options);
  const { current, next } = await readSuccessor(path, node);
  refuseBadChange(path, current, next);
  const asked = options.activation === undefined ? undefined : parseActivation(options.activation, current, terminal.now());
  for (const line of describeDifferences(current, next)) terminal.note(line);
  const replay = await askReplay(node, next, { to: undefined, terminal });
  const activation = asked ?? defaultActivation(current, terminal.now());
  const content: Proposed = {
    ...{ kind: "config", version: next.version, replaces: node.configDigest, configDigest: configDigest(next), activation },
    ...{ replayTo: replay.report.to, replay: replay.digest, config: next },
  };
  writeDraft(options.out, { content, approvals: [] });
  terminal.note(`it activates no sooner than ${formatWhen(activation, terminal.now())}`);
  terminal.out(options.out);
}

/** Half a timelock after the timelock: so long signatures may be collected and replays recomputed. */
function defaultActivation({ governance: { timelockMs } }: NetworkConfig, now: number): number {
  return now + timelockMs + Math.max(MINUTE_MS, Math.floor(timelockMs / 2));
}

/** Unix ms or a date. */
function parseActivation(text: string, { governance: { timelockMs } }: NetworkConfig, now: number): number {
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/.test(text);
  const at = isDate ? Date.parse(text) : /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(at))
    throw badFlag("--activation", `expected Unix ms or a date as 2027-01-15T08:00:00Z, found "${text}"`);
  if (at >= now + timelockMs) return at;
  throw badFlag(
    "--activation",
    `expected at least the timelock of ${formatDuration(timelockMs)} from now, found ${formatWhen(at, now)}`,
  );
}

type ReplayOptions = { readonly to: number | undefined; readonly terminal: Terminal };

/** @throws OperationalError `refused-by-replay` after printing the report */
async function askReplay(node: NodeApi, config: NetworkConfig, { to, terminal }: ReplayOptions): Promise<Replay> {
  terminal.note(`${node.url} recomputes the rounds under it; that may take minutes`);
  const replay = await fetchReplay(node, config, to);
  for (const line of describeReplay(replay)) terminal.note(line);
  const { refusals } = replay.report;
  if (refusals.length === 0) return replay;
  throw new OperationalError(
    `the replay refuses this config: ${refusals[0]}${refusals.length > 1 ? `, and ${refusals.length - 1} more` : ""}`,
    {
      code: "refused-by-replay",
    },
  );
}

/** `governance replay`: what a config would have done, of a network.yaml or a proposal. Nothing is written. */
export async function replay(path: string, options: NodeOptions, terminal: Terminal): Promise<void> {
  const node = await openNodeOf(options);
  const proposed = path.endsWith(".json") ? proposedIn(path, await readDraft(path)) : undefined;
  const current = await fetchConfig(node);
  const next = proposed?.config ?? (await readSuccessor(path, node)).next;
  for (const line of describeDifferences(current, next)) terminal.note(line);
  const found = await askReplay(node, next, { to: proposed?.replayTo, terminal });
  if (proposed !== undefined) refuseOtherReplay(path, proposed, found);
  terminal.out(found.digest);
}

export type SignOptions = NodeOptions & PasswordOption & { readonly key: string; readonly out?: string };

/** `governance sign`: one governor's consent, after the node has come to the same replay as the proposal. */
export async function sign(path: string, options: SignOptions, terminal: Terminal): Promise<void> {
  const key = await readKeyFile(options.key, await passwordFor(options, terminal), { log: logTo(terminal) });
  const node = await openNodeOf(options);
  const [keyholders, { quorum }] = await Promise.all([fetchKeyholders(node), fetchGovernance(node)]);
  const council = { ...node, keyholders };
  const begun = await readDraft(path);
  checkApprovals(begun, council, key.scheme);
  const draft = consent(begun, key, council);
  if (begun.content.kind === "config") await reviewProposal(path, begun.content, node, terminal);
  writeDraft(options.out ?? path, draft, path);
  terminal.note(`signed: ${formatContent(draft.content, terminal.now(), keyholders)}`);
  terminal.note(formatStanding(draft, keyholders, quorum));
  terminal.out(options.out ?? path);
}

async function reviewProposal(path: string, proposed: Proposed, node: NodeApi, terminal: Terminal): Promise<void> {
  if (proposed.replaces !== node.configDigest) {
    throw new OperationalError(
      `${path}: it replaces ${proposed.replaces}, and ${node.configDigest} is in force: propose it again`,
      {
        code: "bad-change",
      },
    );
  }
  const current = await fetchConfig(node);
  refuseBadChange(path, current, proposed.config);
  for (const line of describeDifferences(current, proposed.config)) terminal.note(line);
  refuseOtherReplay(path, proposed, await askReplay(node, proposed.config, { to: proposed.replayTo, terminal }));
}

function refuseOtherReplay(path: string, { replay: named, replayTo }: Proposed, { digest }: Replay): void {
  if (digest === named) return;
  throw new OperationalError(
    `${path}: names the replay ${named}, but up to round ${replayTo} the node comes to ${digest}: do not sign`,
    {
      code: "another-replay",
    },
  );
}

function proposedIn(path: string, { content }: Draft): Proposed {
  if (content.kind === "config") return content;
  throw new OperationalError(`${path}: expected a proposed config, found a ${content.kind}`, { code: "not-a-document" });
}

/** `governance submit`: hands in what enough keyholders have signed; how many are enough the network judges. */
export async function submit(path: string, options: NodeOptions & { readonly wait: number }, terminal: Terminal): Promise<void> {
  const node = await openNodeOf(options);
  const draft = await readDraft(path);
  if (draft.approvals.length === 0) throw new OperationalError(`${path}: nobody has signed it yet`, { code: "too-few" });
  const [keyholders, { quorum }] = await Promise.all([fetchKeyholders(node), fetchGovernance(node)]);
  terminal.note(formatStanding(draft, keyholders, quorum));
  await handIn(draft, node, { keyholders, waitMs: options.wait, terminal });
}
