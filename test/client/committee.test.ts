import { describe, expect, it } from "vitest";
import { followTransitions, parseChanges, trustCommittee, trustGenesis, trustNetwork } from "../../client/committee.ts";
import { verifyCertified } from "../../client/verify.ts";
import { scheme } from "../support/network.ts";
import { networkOf } from "../support/rounds.ts";
import { certifiedBy, changed, keysOf, overHttp, transitionInto } from "./changing.ts";

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
    expect(trust).toEqual({ ok: true, value: trustNetwork(network) });
    expect(trustNetwork(network)).toMatchObject({ committee: network.committee, domain: network.domain });
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

describe("the way from genesis to the committee of today", () => {
  const OLD = keysOf(0, 1, 2, 3);
  const NEW = keysOf(1, 2, 3, 4);
  const NEWEST = keysOf(2, 3, 4, 5);
  const second = changed(network, NEW);
  const third = changed(second, NEWEST);
  const both = transitionInto(second, 1_000, keysOf(1, 2, 3));
  const then = transitionInto(third, 2_000, keysOf(2, 3, 4));
  const follow = (...transitions: Parameters<typeof followTransitions>[1]) =>
    followTransitions(trustNetwork(network), transitions, { scheme });
  const faultOf = (result: ReturnType<typeof follow>) => (result.ok ? "" : result.error);
  const trust = follow(both, then);
  if (!trust.ok) throw new Error(trust.error);

  it("is followed over any number of changes, at once or page by page", () => {
    expect(trust.value).toMatchObject({ committee: third.committee, domain: network.domain });
    expect(trust.value.eras?.map(({ fromRound, network: { configDigest } }) => [fromRound, configDigest])).toEqual([
      [0, network.configDigest],
      [1_000, second.configDigest],
      [2_000, third.configDigest],
    ]);
    const first = follow(both);
    expect(first.ok && followTransitions(first.value, [then], { scheme })).toEqual(trust);
    expect(follow()).toEqual({ ok: true, value: trustNetwork(network) });
  });

  it("is not followed past a step that a quorum of either side did not sign, that is out of order, or that leads elsewhere", () => {
    const ofNew = transitionInto(second, 1_000, keysOf(2, 3, 4));
    const ofOld = transitionInto(second, 1_000, keysOf(0, 1, 2));
    expect(faultOf(follow(ofNew))).toBe("the transition in round 1000: count");
    expect(faultOf(follow(ofOld))).toBe("the transition in round 1000: count");
    expect(faultOf(follow(then))).toContain("in round 2000");
    expect(faultOf(follow(both, both))).toContain("expected a round after 1000, found 1000");
    expect(faultOf(follow({ ...both, config: third.config }))).toContain("under another config");
    expect(faultOf(follow(transitionInto(changed(other, NEW), 1_000, NEW)))).toContain("in round 1000");
  });

  it("goes on past a second first round under a config, whose sibling was an orphan", () => {
    const again = transitionInto(second, 1_001, keysOf(1, 2, 3));
    expect(follow(both, again, then)).toEqual(trust);
  });

  it("cannot begin at a committee that was only stated", () => {
    const stated = trustCommittee(document);
    expect(stated.ok && followTransitions(stated.value, [both], { scheme })).toMatchObject({ ok: false });
  });

  it("gives each round its own committee, and the first round under a config both", () => {
    const certificate = (at: typeof network, round: number, keys: typeof OLD) => certifiedBy(at, keys, { round }).certificate;
    const verdictOf = (at: typeof network, round: number, keys: typeof OLD) => {
      const verified = verifyCertified(certificate(at, round, keys), { trust: trust.value, scheme });
      return verified.ok ? "ok" : verified.error.code;
    };
    expect(verdictOf(network, 999, OLD.slice(0, 3))).toBe("ok");
    expect(verdictOf(second, 1_000, keysOf(1, 2, 3))).toBe("ok");
    expect(verdictOf(second, 1_000, keysOf(0, 1, 2, 3, 4))).toBe("ok");
    expect(verdictOf(second, 1_000, keysOf(2, 3, 4))).toBe("count");
    expect(verdictOf(second, 1_001, keysOf(2, 3, 4))).toBe("ok");
    expect(verdictOf(second, 1_001, keysOf(0, 1, 2))).toBe("signer");
    // The first round under it turned out an orphan: the next is a first one as well, and both quorums signed it.
    expect(verdictOf(second, 1_002, keysOf(0, 1, 2, 3, 4))).toBe("ok");
    expect(verdictOf(second, 1_002, keysOf(0, 1, 2, 4))).toBe("ok");
    expect(verdictOf(second, 1_002, keysOf(0, 1, 4))).toBe("signer");
    expect(verdictOf(third, 5_000, NEWEST.slice(0, 3))).toBe("ok");
    // A retired committee, its config, and a config before its time.
    expect(verdictOf(network, 1_000, OLD.slice(0, 3))).toBe("config");
    expect(verdictOf(network, 1_001, OLD.slice(0, 3))).toBe("config");
    expect(verdictOf(second, 2_001, NEW.slice(0, 3))).toBe("config");
    expect(verdictOf(second, 999, NEW.slice(0, 3))).toBe("config");
  });

  it("comes back to an earlier config after a roll-back, and not by the first step again", () => {
    const back = transitionInto(second, 3_000, keysOf(2, 3, 4));
    const rolled = follow(both, then, back);
    expect(rolled.ok && rolled.value.committee).toEqual(second.committee);
    expect(follow(both, then, both).ok).toBe(false);
  });

  it("is read from a gateway's answer, each fault by its field", () => {
    const answer = { genesis: network.config, more: false, transitions: [both, then] };
    expect(parseChanges(overHttp(answer))).toEqual({
      ok: true,
      value: { genesis: network, transitions: [both, then], more: false },
    });
    expect(parseChanges(overHttp({ more: true, transitions: [] }))).toEqual({
      ok: true,
      value: { genesis: undefined, transitions: [], more: true },
    });
    const faultIn = (input: unknown) => {
      const parsed = parseChanges(input);
      return parsed.ok ? "" : parsed.error;
    };
    expect(faultIn({ transitions: [] })).toContain("more");
    expect(faultIn(overHttp({ ...answer, genesis: { ...network.config, f: 1 } }))).toContain("genesis.");
    expect(faultIn(overHttp({ ...answer, transitions: [{ ...both, config: {} }] }))).toContain("transitions.0.config");
    expect(faultIn(overHttp({ ...answer, transitions: [{ config: both.config, certificate: {} }] }))).toContain(
      "transitions.0.certificate.header",
    );
    expect(faultIn({ more: false, transitions: Array.from({ length: 257 }, () => overHttp(both)) })).toContain("transitions");
  });
});
