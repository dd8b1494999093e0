import { describe, expect, it } from "vitest";
import { trustCommittee, trustGenesis } from "../../client/committee.ts";
import { networkOf } from "../support/rounds.ts";

const network = networkOf(["BTC/USD", "ETH/USD"]);
const { name, version, salt } = network.domain;
const document = {
  network: network.config.network,
  domain: { name, version, salt },
  configDigest: network.configDigest,
  genesisConfigDigest: network.genesisConfigDigest,
  f: network.committee.f,
  quorum: network.committee.quorum,
  members: network.committee.members,
};
const carried = JSON.parse(JSON.stringify({ ...document, config: network.config }));
const other = networkOf(["BTC/USD"], 7);

describe("a stated committee", () => {
  it("is taken when what it derives agrees", () => {
    const trust = trustCommittee(document);
    expect(trust).toEqual({ ok: true, value: { committee: network.committee, domain: network.domain } });
  });

  const members = document.members;
  const cases: readonly (readonly [string, object, string])[] = [
    ["an unknown key", { extra: 1 }, "extra"],
    ["too few members", { members: members.slice(1) }, "members"],
    ["one address twice", { members: [members[0], ...members.slice(0, 3)] }, "members: expected every address once"],
    ["a lower quorum", { quorum: 2 }, "quorum: 4 members give 3, found 2"],
    ["another f", { f: 0 }, "f: 4 members give 1, found 0"],
    ["another network's salt", { domain: { name, version, salt: other.domain.salt } }, "domain.salt"],
    ["another name under the same salt", { network: "elsewhere" }, "domain.salt"],
  ];
  it.each(cases)("with %s is refused, naming the field", (_, change, named) => {
    const trust = trustCommittee({ ...document, ...change });
    expect(trust.ok ? "" : trust.error).toContain(named);
  });
});

describe("the genesis digest alone", () => {
  it("is enough: the carried config must hash to it, and the members come from that config", () => {
    const trust = trustGenesis(carried, network.genesisConfigDigest);
    expect(trust).toEqual({ ok: true, value: { committee: network.committee, domain: network.domain } });
  });

  it("refuses a host that swaps the members and keeps the digest", () => {
    const swapped = { ...carried, members: other.committee.members.slice(3) };
    const trust = trustGenesis(swapped, network.genesisConfigDigest);
    expect(trust.ok ? "" : trust.error).toContain("members: not those of the genesis config");
  });

  it("refuses a config of another digest, an invalid one, none at all, and a digest that is none", () => {
    const faultOf = (input: unknown, digest: string) => {
      const trust = trustGenesis(input, digest as `0x${string}`);
      return trust.ok ? "" : trust.error;
    };
    expect(faultOf(carried, other.genesisConfigDigest)).toContain("config: its digest is");
    expect(faultOf({ ...carried, config: { ...carried.config, leaseMs: 30_000 } }, network.genesisConfigDigest)).toContain(
      "its digest",
    );
    expect(faultOf({ ...carried, config: { ...carried.config, f: 1 } }, network.genesisConfigDigest)).toContain("config.");
    expect(faultOf(document, network.genesisConfigDigest)).toContain("?config=1");
    expect(faultOf(carried, "0xAB")).toContain("64 lower-case hex digits");
  });
});
