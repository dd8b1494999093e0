import { z } from "zod";
import { OperationalError } from "../node/io/operational-error.ts";
import { addressSchema, bundleFeedSchema, countSchema, digestSchema } from "../protocol/document.ts";
import { formatInstant } from "../protocol/instant.ts";
import { formatDuration } from "../protocol/reason-words.ts";
import { getJson } from "./http.ts";
import { type Cell, type Column, formatTable } from "./table.ts";
import type { Style, Terminal } from "./terminal.ts";
import { cutDigest, formatPermits, formatWidth, sayReason } from "./words.ts";

const TIMEOUT_MS = 3_000;

const { price, low, high, breaker, permits } = bundleFeedSchema.shape;
/** Not strict: a table must not go blank because a newer gateway says more. */
const feedListSchema = z.object({
  network: z.string(),
  feeds: z.array(
    z.object({
      feed: z.string(),
      price: price.nullable(),
      low: low.nullable(),
      high: high.nullable(),
      observedAt: countSchema.nullable(),
      breaker: breaker.nullable(),
      permits: permits.nullable(),
    }),
  ),
});
const roundSchema = z.object({
  header: z.object({ round: countSchema, timestamp: countSchema, validUntil: countSchema, configDigest: digestSchema }),
  signatures: z.array(z.object({ signer: addressSchema })),
});
const committeeSchema = z.object({
  configDigest: digestSchema,
  quorum: countSchema,
  members: z.array(z.object({ name: z.string(), address: addressSchema })),
});

const chainsSchema = z.object({
  chains: z.array(
    z.object({
      feed: z.string(),
      baseFeeGwei: price.nullable(),
      observedAt: countSchema.nullable(),
      breaker: breaker.nullable(),
      permits: permits.nullable(),
    }),
  ),
});
const governanceSchema = z.object({
  version: countSchema,
  pauses: z.array(z.object({ feed: z.string(), action: z.string(), until: countSchema, power: z.string() })),
  pending: z
    .object({
      configDigest: digestSchema,
      activation: countSchema,
      feeds: z.array(z.object({ feed: z.string(), agreedAt: countSchema, accepted: z.boolean() })),
    })
    .nullable(),
});
type GovernanceShown = z.infer<typeof governanceSchema>;

export type CommitteeView = z.infer<typeof committeeSchema>;
type FeedRow = z.infer<typeof feedListSchema>["feeds"][number];
/** One look at a network; `round` is undefined before the first certificate. */
export type StatusView = z.infer<typeof feedListSchema> & {
  readonly chains: z.infer<typeof chainsSchema>["chains"];
  readonly governance: GovernanceShown | undefined;
  readonly committee: CommitteeView;
  readonly round: z.infer<typeof roundSchema> | undefined;
};

/**
 * Asks a gateway for everything the table shows. `committee` is what an earlier look learned, which spares the question.
 *
 * @throws OperationalError as {@link getJson}, and `unknown-shape` when something else than a gateway answered
 */
export async function fetchStatus(base: string, committee?: CommitteeView): Promise<StatusView> {
  const [list, chains, governance, round, members] = await Promise.all([
    fetchShape(`${base}/v1/feeds`, feedListSchema),
    fetchShape(`${base}/v1/chains`, chainsSchema).catch(whenUnknown),
    fetchShape(`${base}/v1/governance`, governanceSchema).catch(whenUnknown),
    fetchShape(`${base}/v1/rounds/latest`, roundSchema).catch(whenStarting),
    committee ?? fetchShape(`${base}/v1/committee`, committeeSchema),
  ]);
  // After a change of config others sign; the committee that was known before names them no more.
  const isRetired = round !== undefined && round.header.configDigest !== members.configDigest;
  const current = isRetired ? await fetchShape(`${base}/v1/committee`, committeeSchema) : members;
  return { ...list, chains: chains?.chains ?? [], governance, round, committee: current };
}

async function fetchShape<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  const { body } = await getJson(url, { timeoutMs: TIMEOUT_MS });
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OperationalError(`${url}: not a Breakwater gateway's answer: ${issue?.path.join(".")}: ${issue?.message}`, {
    code: "unknown-shape",
  });
}

/** 503 is how a gateway says that there is no round yet. */
function whenStarting(error: unknown): undefined {
  if (error instanceof OperationalError && error.details.status === 503) return undefined;
  throw error;
}

/** An older gateway knows no such route. */
function whenUnknown(error: unknown): undefined {
  if (error instanceof OperationalError && error.details.status === 404) return undefined;
  throw error;
}

const COLUMNS: readonly Column[] = [
  { title: "FEED", align: "left" },
  { title: "PRICE", align: "right" },
  { title: "WIDTH BPS", align: "right" },
  { title: "AGE", align: "right" },
  { title: "BREAKER", align: "left" },
  { title: "PERMITS", align: "left" },
  { title: "WHY", align: "left" },
];

/** The lines of the table and, above it, those of the round that it is of. */
export function renderStatus(
  view: StatusView,
  { now, paint, width }: { readonly now: number; readonly paint: Terminal["paint"]; readonly width: number | undefined },
): readonly string[] {
  const expired = view.round !== undefined && now > view.round.header.validUntil;
  const rows = [
    ...view.feeds.map((feed) => feedCells(feed, { now, expired })),
    ...view.chains.map((chain) => chainCells(chain, { now, expired })),
  ];
  return [
    paint("bold", `network ${view.network}`),
    ...roundLines(view, now, paint),
    ...governanceLines(view.governance, now).map((line) => paint("yellow", line)),
    "",
    ...formatTable(COLUMNS, rows, { paint, width }),
  ];
}

function roundLines({ round, committee }: StatusView, now: number, paint: Terminal["paint"]): readonly string[] {
  const { members, quorum } = committee;
  const needed = `any ${quorum} of ${members.length} suffice`;
  if (round === undefined)
    return [`no round has been certified yet: the nodes are starting, or fewer than ${quorum} of them run`];
  const { header, signatures } = round;
  const signers = signatures.map(({ signer }) => members.find(({ address }) => address === signer)?.name ?? signer);
  const lease =
    now > header.validUntil
      ? paint("red", `EXPIRED ${formatDuration(now - header.validUntil)} ago: nothing is permitted`)
      : `lease runs for another ${formatDuration(header.validUntil - now)}`;
  return [
    `round ${header.round}, ${formatDuration(Math.max(0, now - header.timestamp))} old, ${lease}`,
    `signed by ${signers.join(", ")} (${needed})`,
  ];
}

/** Pauses in force and the pending config; nothing while there is neither. */
function governanceLines(governance: GovernanceShown | undefined, now: number): readonly string[] {
  if (governance === undefined) return [];
  const { pauses, pending, version } = governance;
  const lines = pauses.map(({ feed, action, until, power }) => {
    const scope = feed === "*" ? "every feed" : feed;
    return `${scope} paused by ${power}, ${action}, for another ${formatDuration(Math.max(0, until - now))}`;
  });
  if (pending === null) return lines;
  const waiting = pending.feeds.filter(({ agreedAt, accepted }) => !accepted && agreedAt === 0).map(({ feed }) => feed);
  const activation = pending.activation > now ? `not before ${formatInstant(pending.activation)}` : "due";
  const held = waiting.length === 0 ? "" : `; not yet agreeing: ${waiting.join(", ")}`;
  return [...lines, `config ${cutDigest(pending.configDigest)} is to replace version ${version}, ${activation}${held}`];
}

const STATE_STYLES = { closed: "green", "half-open": "yellow", open: "red" } as const satisfies Record<string, Style>;

function feedCells(row: FeedRow, { now, expired }: { readonly now: number; readonly expired: boolean }): readonly Cell<Style>[] {
  const { feed, price, low, high, observedAt, breaker, permits } = row;
  if (price === null || low === null || high === null || observedAt === null || breaker === null || permits === null) {
    return [{ text: feed }, ...["–", "–", "–", "–"].map((text) => ({ text })), { text: "nothing" }, { text: "no price yet" }];
  }
  return [
    { text: feed },
    { text: price },
    { text: formatWidth({ price, low, high }) ?? "–" },
    { text: formatDuration(Math.max(0, now - observedAt)) },
    ...verdictCells({ breaker, permits, expired }),
  ];
}

/** A chain's price is its base fee, which has no width. */
function chainCells(
  { feed, baseFeeGwei, observedAt, breaker, permits }: StatusView["chains"][number],
  { now, expired }: { readonly now: number; readonly expired: boolean },
): readonly Cell<Style>[] {
  if (baseFeeGwei === null || observedAt === null || breaker === null || permits === null) {
    return [{ text: feed }, ...["–", "–", "–", "–"].map((text) => ({ text })), { text: "nothing" }, { text: "no block yet" }];
  }
  return [
    { text: feed },
    { text: `${baseFeeGwei} gwei` },
    { text: "–" },
    { text: formatDuration(Math.max(0, now - observedAt)) },
    ...verdictCells({ breaker, permits, expired }),
  ];
}

function verdictCells({
  breaker,
  permits,
  expired,
}: {
  readonly breaker: NonNullable<FeedRow["breaker"]>;
  readonly permits: NonNullable<FeedRow["permits"]>;
  readonly expired: boolean;
}): readonly Cell<Style>[] {
  return [
    { text: breaker.state, style: STATE_STYLES[breaker.state] },
    expired ? { text: "nothing: lease expired", style: "red" } : { text: formatPermits(permits) },
    { text: breaker.reasons.map(sayReason).join("; ") },
  ];
}
