import { z } from "zod";
import { OperationalError } from "../node/io/operational-error.ts";
import { addressSchema, bundleFeedSchema, countSchema } from "../protocol/document.ts";
import { getJson } from "./http.ts";
import { type Cell, type Column, formatTable } from "./table.ts";
import type { Style, Terminal } from "./terminal.ts";
import { formatDuration, formatPermits, formatReason, formatWidth } from "./words.ts";

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
  header: z.object({ round: countSchema, timestamp: countSchema, validUntil: countSchema }),
  signatures: z.array(z.object({ signer: addressSchema })),
});
const committeeSchema = z.object({
  quorum: countSchema,
  members: z.array(z.object({ name: z.string(), address: addressSchema })),
});

export type CommitteeView = z.infer<typeof committeeSchema>;
type FeedRow = z.infer<typeof feedListSchema>["feeds"][number];
/** One look at a network; `round` is undefined before the first certificate. */
export type StatusView = z.infer<typeof feedListSchema> & {
  readonly committee: CommitteeView;
  readonly round: z.infer<typeof roundSchema> | undefined;
};

/**
 * Asks a gateway for everything the table shows. `committee` is what an earlier look learned, which spares the question.
 *
 * @throws OperationalError as {@link getJson}, and `unknown-shape` when something else than a gateway answered
 */
export async function fetchStatus(base: string, committee?: CommitteeView): Promise<StatusView> {
  const [list, round, members] = await Promise.all([
    fetchShape(`${base}/v1/feeds`, feedListSchema),
    fetchShape(`${base}/v1/rounds/latest`, roundSchema).catch(whenStarting),
    committee ?? fetchShape(`${base}/v1/committee`, committeeSchema),
  ]);
  return { ...list, round, committee: members };
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
  const rows = view.feeds.map((feed) => feedCells(feed, { now, expired }));
  return [
    paint("bold", `network ${view.network}`),
    ...roundLines(view, now, paint),
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

const STATE_STYLES = { closed: "green", "half-open": "yellow", open: "red" } as const satisfies Record<string, Style>;

function feedCells(row: FeedRow, { now, expired }: { readonly now: number; readonly expired: boolean }): readonly Cell<Style>[] {
  const { feed, price, low, high, observedAt, breaker, permits } = row;
  if (price === null || low === null || high === null || observedAt === null || breaker === null || permits === null) {
    return [{ text: feed }, ...["–", "–", "–", "–"].map((text) => ({ text })), { text: "nothing" }, { text: "no price yet" }];
  }
  const permitted: Cell<Style> = expired ? { text: "nothing: lease expired", style: "red" } : { text: formatPermits(permits) };
  return [
    { text: feed },
    { text: price },
    { text: formatWidth({ price, low, high }) ?? "–" },
    { text: formatDuration(Math.max(0, now - observedAt)) },
    { text: breaker.state, style: STATE_STYLES[breaker.state] },
    permitted,
    { text: breaker.reasons.map(formatReason).join("; ") },
  ];
}
