import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { followTransitions, trustNetwork } from "../../client/committee.ts";
import type { Trust } from "../../client/verify.ts";
import { roundSchema } from "../../gateway/documents.ts";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import { type ReadStore, readStore } from "../../node/io/store.ts";
import { MAX_RANGE } from "../../node/store.ts";
import type { Network } from "../../protocol/config.ts";
import { encodeReport, headerSchema, showReason } from "../../protocol/document.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import type { CertifiedRound, RoundBody, StoredRound } from "../../protocol/round.ts";
import { followFrom } from "../following.ts";
import { getJson } from "../http.ts";
import type { RecordedRound } from "./recompute.ts";

/** Requests under way at one time. */
const PARALLEL = 8;
const TIMEOUT_MS = 30_000;
/** How often a busy API is asked again, and after what time. */
const MAX_RETRIES = 120;
const RETRY_MS = 1_000;
const NOT_FOUND = 404;
const TOO_MANY = 429;

/** A round of the walk, ascending: whole, without its body, or one whose record does not read. */
export type SourcedRound = { readonly round: number } & (
  | { readonly kind: "whole"; readonly recorded: RecordedRound }
  | { readonly kind: "bare" }
  | { readonly kind: "damaged"; readonly detail: string }
);

export type RoundSource = {
  readonly name: string;
  /** From genesis along the network's changes of config. */
  readonly trust: () => Promise<Trust>;
  /** The oldest round with a body, as far as that is known, and the newest of all. */
  readonly extent: () => Promise<{ readonly first: number; readonly last: number } | undefined>;
  readonly rounds: (span: { readonly from: number; readonly to: number }) => AsyncIterable<SourcedRound>;
  readonly close: () => void;
};

/** Bytes in hex of whatever length, without a pattern that walks over millions of pairs. */
const hexSchema = z.custom<`0x${string}`>(
  (value) => typeof value === "string" && value.length % 2 === 0 && value.startsWith("0x") && !/[^0-9a-f]/.test(value.slice(2)),
  "expected lower-case hex",
);
const bodySchema = z.object({
  round: z.int().min(0),
  parent: headerSchema.nullish(),
  memory: hexSchema,
  observations: z.array(hexSchema),
  documents: z.array(hexSchema),
});

/** A record may have been written by anybody: after this the fold over it is total. */
function parseBody(input: unknown): RoundBody {
  const { parent, ...body } = bodySchema.parse(input);
  return { ...body, parent: parent ?? undefined };
}

/**
 * A node's store file, beside the node or after it.
 *
 * @throws OperationalError as `readStore`
 */
export function openStoreSource(path: string, network: Network): RoundSource {
  const store = readStore({ path, domain: network.domain });
  return {
    name: path,
    trust: async () => {
      const trust = followTransitions(trustNetwork(network), store.transitions(), { scheme: loadSecp256k1() });
      if (!trust.ok) throw new OperationalError(`${path}: ${trust.error}`, { code: "untrusted" });
      return trust.value;
    },
    extent: async () => {
      const last = store.latest();
      return last === undefined ? undefined : { first: store.firstBody() ?? roundOf(last), last: roundOf(last) };
    },
    rounds: (span) => storedRounds(store, span),
    close: store.close,
  };
}

async function* storedRounds(
  store: ReadStore,
  span: { readonly from: number; readonly to: number },
): AsyncIterable<SourcedRound> {
  for (let from = span.from; ; ) {
    const page = store.range({ from, to: span.to, limit: MAX_RANGE });
    for (const { certified } of page) yield readRecorded(store, certified);
    const last = page.at(-1);
    if (last === undefined || page.length < MAX_RANGE) return;
    from = roundOf(last) + 1;
  }
}

function readRecorded(store: ReadStore, certified: CertifiedRound): SourcedRound {
  const { round } = certified.certificate.header;
  try {
    const body = store.bodyOf(certified.digest);
    if (body === undefined) return { round, kind: "bare" };
    return { round, kind: "whole", recorded: { ...toRecorded(certified), body: parseBody(body) } };
  } catch (error) {
    return { round, kind: "damaged", detail: `body: ${faultOf(error)}` };
  }
}

function toRecorded({ digest, certificate, feeds }: CertifiedRound): Omit<RecordedRound, "body"> {
  const shown = feeds.map(({ report, reasons }) => ({
    report: encodeReport(report),
    reasons: reasons.map((reason) => showReason(reason)),
  }));
  return { digest, certificate, feeds: shown };
}

/** A node's or gateway's API: it carries, and is believed nothing. */
export function openApiSource(base: string, network: Network): RoundSource {
  return {
    name: base,
    trust: () => followFrom(trustNetwork(network), base),
    extent: async () => {
      const latest = await askPatiently(`${base}/v1/rounds/latest`);
      const header = z.object({ header: headerSchema }).safeParse(latest);
      return header.success ? { first: 0, last: header.data.header.round } : undefined;
    },
    rounds: (span) => servedRounds(base, span),
    close: () => undefined,
  };
}

async function* servedRounds(
  base: string,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncIterable<SourcedRound> {
  const underWay: Promise<SourcedRound | undefined>[] = [];
  let next = from;
  const begin = (): void => {
    while (underWay.length < PARALLEL && next <= to) {
      const asked = fetchRound(base, next);
      // Awaited in its turn: until then its failure is nobody's.
      asked.catch(() => undefined);
      underWay.push(asked);
      next += 1;
    }
  };
  for (begin(); underWay.length > 0; begin()) {
    const round = await underWay.shift();
    if (round !== undefined) yield round;
  }
}

/** Undefined for a round that the network missed, or that lies off the walk. */
async function fetchRound(base: string, round: number): Promise<SourcedRound | undefined> {
  const whole = await askPatiently(`${base}/v1/rounds/${round}?body=1`);
  if (whole === undefined) {
    const bare = await askPatiently(`${base}/v1/rounds/${round}`);
    return bare === undefined ? undefined : { round, kind: "bare" };
  }
  const parsed = roundSchema.omit({ body: true }).extend({ body: z.unknown() }).safeParse(whole);
  if (!parsed.success) return { round, kind: "damaged", detail: faultOf(parsed.error) };
  const { digest, orphan, header, signatures, feeds, body } = parsed.data;
  if (orphan) return undefined;
  try {
    const shown = feeds.map(({ report, breaker }) => ({ report, reasons: breaker.reasons }));
    return {
      round,
      kind: "whole",
      recorded: { digest, certificate: { header, signatures }, feeds: shown, body: parseBody(body) },
    };
  } catch (error) {
    return { round, kind: "damaged", detail: `body: ${faultOf(error)}` };
  }
}

/** Waits while the API has had enough of us; undefined where it has nothing. */
async function askPatiently(url: string): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await getJson(url, { timeoutMs: TIMEOUT_MS })).body;
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      if (error.details.status === NOT_FOUND) return undefined;
      if (error.details.status !== TOO_MANY || attempt > MAX_RETRIES) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function roundOf({ certified }: StoredRound): number {
  return certified.certificate.header.round;
}

function faultOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return reasonOf(error);
  const [issue] = error.issues;
  return `${issue?.path.map(String).join(".")}: ${issue?.message}`;
}
