import { recomputeBody } from "../../aggregator/round.ts";
import { trustGenesis } from "../../client/committee.ts";
import { type Digest, toHex, utf8 } from "../../protocol/bytes.ts";
import { verifyCertificate } from "../../protocol/certificate.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import { committeeDocumentSchema, encodeReport, showReason } from "../../protocol/document.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { noble } from "../../protocol/secp256k1.ts";

/** `GET /v1/rounds/:round?body=1`. */
export type RoundDocument = {
  readonly digest: Digest;
  readonly header: RoundHeader;
  readonly signatures: readonly { readonly signer: `0x${string}`; readonly signature: `0x${string}` }[];
  readonly feeds: readonly {
    readonly feed: string;
    readonly report: readonly string[];
    readonly breaker: { readonly state: string; readonly reasons: readonly { readonly rule: string }[] };
  }[];
  readonly body: Omit<RoundBody, "parent"> & { readonly parent: RoundHeader | null };
};

const HEADER_FIELDS = [
  ...["round", "timestamp", "validUntil", "parent"],
  ...["reportsRoot", "stateRoot", "inputsRoot", "configDigest"],
] as readonly (keyof RoundHeader)[];

/** The network as a stranger knows it: the genesis digest is all that he trusts, the document only carries the config. */
export function networkFromGenesis(committee: unknown, genesis: Digest): Result<Network, string> {
  const trust = trustGenesis(committee, genesis);
  if (!trust.ok) return trust;
  const config = parseNetworkConfig(committeeDocumentSchema.parse(committee).config);
  return config.ok ? ok(genesisNetwork(config.value)) : fail("config: does not parse");
}

/**
 * P7, from the API's JSON alone: a quorum signed this header, and the fold over the body gives every field of it and every leaf and
 * reason that is shown beside it. The fault names the part.
 */
export function audit(network: Network, { digest, header, signatures, feeds, body }: RoundDocument): Result<RoundHeader, string> {
  const certified = verifyCertificate({ header, signatures }, { ...network, scheme: noble });
  if (!certified.ok) return fail(`signatures: ${certified.error.code}`);
  if (certified.value !== digest) return fail("digest: not the header's");
  const computed = recomputeBody(network, { ...body, parent: body.parent ?? undefined }, noble);
  if (!computed.ok) return computed;
  const differing = HEADER_FIELDS.find((field) => computed.value.header[field] !== header[field]);
  if (differing !== undefined)
    return fail(`header.${differing}: ${header[differing]}, computed ${computed.value.header[differing]}`);
  const leaves = computed.value.feeds.map(({ report, reasons }) =>
    hexOf([encodeReport(report), reasons.map((reason) => showReason(reason))]),
  );
  const shown = feeds.map(({ report, breaker }) => hexOf([report, breaker.reasons]));
  const wrong = leaves.findIndex((leaf, index) => leaf !== shown[index]);
  if (wrong >= 0 || leaves.length !== shown.length)
    return fail(`feeds[${wrong < 0 ? leaves.length : wrong}]: not what the fold gives`);
  return ok(computed.value.header);
}

/** One text for one value, whatever it is made of. */
function hexOf(value: unknown): string {
  return toHex(utf8(JSON.stringify(value)));
}
