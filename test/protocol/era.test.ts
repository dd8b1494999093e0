import { describe, expect, test } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { type Network, networkUnder } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { type Eras, firstEra, nextEra, verifyInEra } from "../../protocol/era.ts";
import type { Transition } from "../../protocol/transition.ts";
import { governance } from "../support/governance.ts";
import { scheme, type TestKey, testKey, testNetwork } from "../support/network.ts";
import { header as anyHeader } from "./fixtures.ts";

const ROUND = 1_795_300_123;
const [leaving, first, second, third, coming] = [0, 1, 2, 3, 4].map(testKey) as [TestKey, TestKey, TestKey, TestKey, TestKey];
const founded = (keys: readonly TestKey[], overrides: Record<string, unknown> = {}) => {
  const committee = keys.map(({ address }) => ({ name: `node-${address.slice(2, 8)}`, address }));
  return testNetwork({ committee, governance: governance(), ...overrides });
};

const genesis = founded([leaving, first, second, third]);
const changed = networkUnder(genesis, founded([first, second, third, coming], { version: 2 }).config);
const later = networkUnder(genesis, founded([first, second, third, coming], { version: 3 }).config);

function certificate({ config, configDigest }: Network, round: number, by: readonly TestKey[]): Certificate {
  const timestamp = round * config.roundMs;
  const header = { ...anyHeader, round, timestamp, validUntil: timestamp + config.leaseMs, configDigest };
  const hash = fromHex(roundDigest(genesis.domain, header));
  const signatures = by
    .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }))
    .sort((a, b) => (a.signer < b.signer ? -1 : 1));
  return { header, signatures };
}

const into = (network: Network, round: number): Transition => {
  return { config: network.config, certificate: certificate(network, round, [first, second, third]) };
};

function follow(eras: Eras, transition: Transition): Eras {
  const era = nextEra(eras, transition, scheme);
  if (!era.ok) throw new Error(era.error.detail);
  return [...eras, era.value];
}

describe("eras", () => {
  const eras = follow(firstEra(genesis), into(changed, ROUND));
  const codeOf = (given: Certificate, of: Eras = eras) => {
    const verified = verifyInEra(given, { eras: of, scheme });
    return verified.ok ? "ok" : verified.error.code;
  };

  test("follow each other by ascending rounds: what was rolled back does not come again", () => {
    expect(nextEra(eras, into(later, ROUND + 5), scheme)).toMatchObject({ ok: true, value: { fromRound: ROUND + 5 } });
    for (const round of [ROUND, ROUND - 5])
      expect(nextEra(eras, into(later, round), scheme)).toMatchObject({ error: { code: "older" } });
  });

  test.each<[what: string, network: Network, round: number, by: readonly TestKey[], expected: string]>([
    ["its own quorum, before the change", genesis, ROUND - 1, [leaving, first, second], "ok"],
    ["both, in the first round", changed, ROUND, [first, second, third], "ok"],
    ["the new committee alone, in the first round", changed, ROUND, [second, third, coming], "count"],
    ["the old committee alone, in the first round", changed, ROUND, [leaving, first, second], "count"],
    ["its own quorum, after it", changed, ROUND + 1, [second, third, coming], "ok"],
    ["a member who left, after it", changed, ROUND + 1, [leaving, first, second], "signer"],
    ["the old committee under the old config, after it", genesis, ROUND + 1, [leaving, first, second], "config"],
    ["the new committee, before it", changed, ROUND - 1, [second, third, coming], "config"],
  ])("%s", (_, network, round, by, expected) => {
    expect(codeOf(certificate(network, round, by))).toBe(expected);
  });
});
