import { fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type Network, networkUnder, parseNetworkConfig } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import type { CertifiedRound, FeedVerdict } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";
import { scheme, type TestKey, testKey } from "../support/network.ts";
import { certify } from "../support/rounds.ts";

/** Keys 1, 2, 3 … of the given places, in committee order. */
export function keysOf(...indices: readonly number[]): readonly TestKey[] {
  return indices.map(testKey).sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** The network under its next config: another committee, or only another version. */
export function changed(from: Network, committee?: readonly TestKey[], overrides: object = {}): Network {
  const members = committee?.map(({ address }, index) => ({ name: `member${index}-${address.slice(2, 6)}`, address }));
  const parsed = parseNetworkConfig({
    ...from.config,
    version: from.config.version + 1,
    ...(members === undefined ? {} : { committee: members }),
    ...overrides,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return networkUnder(from, parsed.value);
}

/** A round with exactly these keys' signatures. */
export function certifiedBy(
  network: Network,
  keys: readonly TestKey[],
  { round, verdicts = [] }: { readonly round: number; readonly verdicts?: readonly FeedVerdict[] },
): CertifiedRound {
  const unsigned = certify({ network, round, verdicts, parent: ZERO_DIGEST, keys: [] });
  const { header } = unsigned.certificate;
  const digest = roundDigest(network.domain, header);
  const signatures = keys.map(({ address, privateKey }) => ({
    signer: address,
    signature: scheme.sign(fromHex(digest), privateKey),
  }));
  return { ...unsigned, digest, certificate: { header, signatures } };
}

/** Into this network's config, its first round signed by these keys. */
export function transitionInto(network: Network, round: number, keys: readonly TestKey[]): Transition {
  return { config: network.config, certificate: certifiedBy(network, keys, { round }).certificate };
}

/** As JSON that came over HTTP. */
export function overHttp<T>(value: T): unknown {
  return JSON.parse(JSON.stringify(value));
}
