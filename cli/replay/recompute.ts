import { recomputeBody } from "../../aggregator/round.ts";
import { type Trust, verifyCertified } from "../../client/verify.ts";
import type { Digest } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import { encodeReport, type ReasonDocument, type ReportDocument, showReason } from "../../protocol/document.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { Report } from "../../protocol/report.ts";
import type { FeedVerdict, RoundBody } from "../../protocol/round.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";

/** A round as a store or an API has it, and all that is needed to compute it again. */
export type RecordedRound = {
  readonly digest: Digest;
  readonly certificate: Certificate;
  readonly feeds: readonly { readonly report: ReportDocument; readonly reasons: readonly ReasonDocument[] }[];
  readonly body: RoundBody;
};

const HEADER_FIELDS = [
  ...["round", "timestamp", "validUntil", "parent", "configDigest"],
  ...["inputsRoot", "reportsRoot", "stateRoot"],
] as readonly (keyof RoundHeader)[];

/** Where two leaves part is said by name; the leaf itself is compared as the texts that are signed. */
const LEAF_FIELDS = [
  ...["feed", "price", "low", "high", "ema", "volatility", "observedAt"],
  ...["state", "liquidate", "borrow", "budgetBps", "reasons", "since"],
] as readonly (keyof Report)[];

/**
 * Computes a round from its body and compares it, byte for byte, with what was certified (P7): certificate, header, every leaf and reason.
 * The memory that it ends with is in the header's `stateRoot`, the one that it begins with in its parent's. Gives the first part that
 * differs, undefined when none does.
 *
 * @param options.network the one whose config is in force in this round
 */
export function differenceIn(
  { digest, certificate, feeds, body }: RecordedRound,
  { trust, network, scheme }: { readonly trust: Trust; readonly network: Network; readonly scheme: Secp256k1 },
): string | undefined {
  const certified = verifyCertified(certificate, { trust, scheme });
  if (!certified.ok) return `certificate: ${certified.error.code}`;
  if (certified.value !== digest) return `digest: recorded as ${digest}, the header's is ${certified.value}`;
  const computed = recomputeBody(network, body, scheme);
  if (!computed.ok) return `body: ${computed.error}`;
  const leaf = compareLeaves(feeds, computed.value.feeds);
  const field = HEADER_FIELDS.find((name) => computed.value.header[name] !== certificate.header[name]);
  // A leaf that differs makes its root differ: what is at the bottom of it is named.
  if (field === undefined || (field === "reportsRoot" && leaf !== undefined)) return leaf;
  return `header.${field}: certified as ${certificate.header[field]}, computed ${computed.value.header[field]}`;
}

function compareLeaves(recorded: RecordedRound["feeds"], computed: readonly FeedVerdict[]): string | undefined {
  if (recorded.length !== computed.length) return `leaves: ${recorded.length} recorded, ${computed.length} computed`;
  for (const [index, { report, reasons }] of computed.entries()) {
    const { feed } = report;
    const [leaf, shown] = [recorded[index]?.report ?? [], recorded[index]?.reasons ?? []];
    const texts = encodeReport(report);
    const place = texts.findIndex((text, at) => text !== leaf[at]);
    if (place >= 0) return `leaf ${feed}: ${LEAF_FIELDS[place]} recorded as ${leaf[place]}, computed ${texts[place]}`;
    const expected = reasons.map((reason) => JSON.stringify(showReason(reason)));
    const differing = expected.findIndex((text, at) => text !== JSON.stringify(shown[at]));
    if (differing >= 0 || expected.length !== shown.length) {
      const at = Math.max(differing, 0);
      return `reasons ${feed}: recorded as ${JSON.stringify(shown[at])}, computed ${expected[at]}`;
    }
  }
  return undefined;
}
