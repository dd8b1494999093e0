import { compareBigint } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";
import type { GaugeEntry } from "../../protocol/observation.ts";
import type { Result } from "../../protocol/result.ts";
import type { Fault } from "../adapter.ts";
import type { DatedPrice, EndpointView } from "./poll.ts";

/** An endpoint more than this many blocks away from the median head is left out, where a block takes longer than a poll. */
export const MAX_LAG_BLOCKS = 3;
/** A rate moves by days; two endpoints a few blocks apart that differ by more than this do not show the same chain. */
const MAX_RATE_APART_BPS = 100n;
const BPS = 10_000n;

/** Whether an endpoint counts: `silent` has not answered of late, `lagging` and `ahead` are off the median head. */
export const ENDPOINT_STANDINGS = ["counted", "silent", "lagging", "ahead"] as const;
export type EndpointStanding = (typeof ENDPOINT_STANDINGS)[number];

/** An endpoint that counts and says something else than the median, by its place; a reason to look at it, not to leave it out. */
export type Dissent = { readonly endpoint: number; readonly gauge: string; readonly said: bigint; readonly median: bigint };

export type AgreedPrice = { readonly quote: DatedPrice; readonly sentAt: number; readonly receivedAt: number };

export type Agreement = {
  /** By the endpoints' order. */
  readonly standings: readonly EndpointStanding[];
  /** Ascending, each said by a majority of all endpoints; the value is the median's. */
  readonly gauges: readonly GaugeEntry[];
  /** By reference: the median price, or why a majority has none. */
  readonly prices: ReadonlyMap<string, Result<AgreedPrice, Fault>>;
  readonly dissents: readonly Dissent[];
};

type Within = { readonly now: number; readonly maxAgeMs: number; readonly maxLagBlocks: number };
type Counted = { readonly endpoint: number; readonly view: EndpointView };

/**
 * What the endpoints of one chain say together, so that one that lies, lags or hangs changes nothing: of each value the median (rank
 * m >> 1) over those that count, where more than half of all endpoints have it; else the value is left out.
 *
 * @param views each endpoint's newest, undefined where there was none yet
 * @param within `maxAgeMs`: an older view is a silent endpoint's; `maxLagBlocks`: farther from the median head none counts
 */
export function agree(views: readonly (EndpointView | undefined)[], within: Within): Agreement {
  const standings = standingsOf(views, within);
  const counted = views.flatMap((view, endpoint) =>
    view !== undefined && standings[endpoint] === "counted" ? [{ endpoint, view }] : [],
  );
  const majority = (views.length >> 1) + 1;
  const gauges: GaugeEntry[] = [];
  const dissents: Dissent[] = [];
  for (const gauge of namesOf(counted, ({ gauges: said }) => said)) {
    const sayers = counted.filter(({ view }) => view.gauges.has(gauge));
    if (sayers.length < majority) continue;
    const median = middle(sayers.map(({ view }) => view.gauges.get(gauge) ?? 0n).sort(compareBigint)) ?? 0n;
    gauges.push({ gauge, value: median, asOf: middle(sayers.map(({ view }) => view.sentAt).sort((a, b) => a - b)) ?? 0 });
    dissents.push(...dissentsOf(gauge, median, sayers));
  }
  const prices = new Map(
    namesOf(counted, ({ prices: said }) => said).map((name) => [name, agreePrice(name, counted, majority)] as const),
  );
  return { standings, gauges, prices, dissents };
}

function standingsOf(
  views: readonly (EndpointView | undefined)[],
  { now, maxAgeMs, maxLagBlocks }: Within,
): readonly EndpointStanding[] {
  const heard = views.map((view) => (view !== undefined && now - view.receivedAt <= maxAgeMs ? view.head.number : undefined));
  const median = middle(heard.filter((number) => number !== undefined).sort((a, b) => a - b));
  return heard.map((number) => {
    if (number === undefined || median === undefined) return "silent";
    if (median - number > maxLagBlocks) return "lagging";
    return number - median > maxLagBlocks ? "ahead" : "counted";
  });
}

/** Ascending. */
function namesOf(counted: readonly Counted[], of: (view: EndpointView) => ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set(counted.flatMap(({ view }) => [...of(view).keys()]))].sort(compareText);
}

function dissentsOf(gauge: string, median: bigint, sayers: readonly Counted[]): readonly Dissent[] {
  const heads = sayers.filter(({ view }) => view.gauges.get(gauge) === median).map(({ view }) => view.head.number);
  return sayers.flatMap(({ endpoint, view }) => {
    const said = view.gauges.get(gauge) ?? 0n;
    const blocks = Math.min(...heads.map((head) => Math.abs(head - view.head.number)));
    return isApart(gauge, { said, median, blocks }) ? [{ endpoint, gauge, said, median }] : [];
  });
}

/**
 * Whether two endpoints so many blocks apart can both be right. EIP-1559 moves a base fee by at most an eighth a block, and the two may
 * have been asked on either side of one; a sequencer's state is the block's; a rate hardly moves. Heads and waits are each endpoint's own.
 */
function isApart(
  gauge: string,
  { said, median, blocks }: { readonly said: bigint; readonly median: bigint; readonly blocks: number },
): boolean {
  const kind = gauge.slice(0, gauge.indexOf("."));
  const [low, high] = said < median ? [said, median] : [median, said];
  if (kind === "fee") return high * 8n ** BigInt(blocks + 1) > low * 9n ** BigInt(blocks + 1);
  if (kind === "seq") return said !== median && blocks === 0;
  return kind === "rate" && (high - low) * BPS > low * MAX_RATE_APART_BPS;
}

/** The median price with its own instant, or the median one where that is older: a liar in the middle cannot make it younger. */
function agreePrice(name: string, counted: readonly Counted[], majority: number): Result<AgreedPrice, Fault> {
  const given: AgreedPrice[] = [];
  let fault: Fault | undefined;
  for (const { view } of counted) {
    const price = view.prices.get(name);
    if (price?.ok) given.push({ quote: price.value, sentAt: view.sentAt, receivedAt: view.receivedAt });
    else fault ??= price?.error;
  }
  const chosen = middle(given.sort((a, b) => compareBigint(a.quote.price, b.quote.price)));
  if (chosen === undefined || given.length < majority) {
    return { ok: false, error: fault ?? { code: "timeout", detail: "too few endpoints answer" } };
  }
  const at = middle(given.map(({ quote }) => quote.at).sort((a, b) => a - b)) ?? 0;
  return { ok: true, value: { ...chosen, quote: { price: chosen.quote.price, at: Math.min(at, chosen.quote.at) } } };
}

function middle<T>(sorted: readonly T[]): T | undefined {
  return sorted[sorted.length >> 1];
}
