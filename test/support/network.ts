import { toHex } from "../../protocol/bytes.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { addressOfPublicKey, type Secp256k1 } from "../../protocol/secp256k1.ts";

export const scheme: Secp256k1 = loadSecp256k1();

/** Fixed private keys 1, 2, 3 …: the same addresses in every run. */
export function testKey(index: number) {
  const privateKey = new Uint8Array(32);
  privateKey[31] = index + 1;
  return { scheme, privateKey, address: addressOfPublicKey(scheme.publicKey(privateKey)) };
}
export type TestKey = ReturnType<typeof testKey>;

/** n keys in committee order. */
export function testKeys(n: number): readonly TestKey[] {
  return Array.from({ length: n }, (_, index) => testKey(index)).sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Sources at `groups` venues, each one vote and a group of its own. */
export function plainSources(market: string, groups: number) {
  return Array.from({ length: groups }, (_, index) => ({ venue: `venue${index}`, market, weight: 1 }));
}

/** A config with the given feeds, or one major; anything can be overridden. */
export function testNetwork(overrides: Record<string, unknown> = {}, n = 4): Network {
  const committee = testKeys(n).map(({ address }, index) => ({ name: `node${index}`, address }));
  const parsed = parseNetworkConfig({
    network: "test",
    rules: 1,
    committee,
    feeds: [{ feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) }],
    ...overrides,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return genesisNetwork(parsed.value);
}

export function digestOf(byte: number): `0x${string}` {
  return toHex(new Uint8Array(32).fill(byte));
}
