import { describe, expect, it } from "vitest";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import { compareBigint, type Digest } from "../../../protocol/bytes.ts";
import { decodeCertificate } from "../../../protocol/certificate.ts";
import type { FeedEntry, SignedObservation } from "../../../protocol/observation.ts";
import { decodeSignedObservation } from "../../../protocol/observation.ts";
import type { BehaviourName } from "../../../simulator/byzantine/index.ts";
import { type Stage, stage, taken } from "./stage.ts";

/** The first observation of each round that a behaviour signed, with the start of that round. */
function observed(scene: Stage): readonly (SignedObservation & { readonly timestamp: number })[] {
  const { roundMs } = scene.network.config;
  const found = taken(scene, "observation").map(({ message: { signed } }) => signed);
  expect(found.length).toBeGreaterThan(10);
  return found.map((signed) => ({ ...signed, timestamp: signed.observation.round * roundMs }));
}

function entries(name: BehaviourName): readonly (FeedEntry & { readonly timestamp: number })[] {
  const found = observed(stage(name)).flatMap(({ observation, timestamp }) =>
    observation.entries.map((entry) => ({ ...entry, timestamp })),
  );
  expect(found.length).toBeGreaterThan(10);
  return found;
}

/** Every observation that anybody sent, by digest. */
function everyObservation(scene: Stage): ReadonlyMap<Digest, SignedObservation> {
  const found = new Map<Digest, SignedObservation>();
  for (const { topic, bytes } of scene.of("sent")) {
    const decoded = topic === "observation" ? decodeSignedObservation(bytes, scene.network.domain, scene.scheme) : undefined;
    if (decoded?.ok === true) found.set(decoded.value.digest, decoded.value);
  }
  return found;
}

/** What its proposals are made of: the included observations, and those of the round that are left out. */
function led(name: BehaviourName) {
  const scene = stage(name);
  const all = everyObservation(scene);
  const proposals = taken(scene, "proposal").map(({ message: { signed }, at }) => {
    const { header, observations } = signed.proposal;
    const included = observations.flatMap((digest) => all.get(digest) ?? []);
    const rest = [...all.values()].filter(
      ({ observation, digest }) => observation.round === header.round && !observations.includes(digest),
    );
    return { header, at, included, rest, signer: signed.signer };
  });
  expect(proposals.length).toBeGreaterThan(2);
  return { scene, proposals };
}

const priceOf = ({ observation }: SignedObservation): bigint => observation.entries[0]?.price ?? 0n;

describe("values", () => {
  const quoteMs = 4_000;
  const roundMs = 2_000;

  it("stale values are as old as counts, or one ms older", () => {
    const ages = new Set(entries("stale-values").map(({ timestamp, asOf }) => timestamp - asOf));
    expect([...ages].sort()).toEqual([quoteMs + roundMs, quoteMs + roundMs + 1]);
  });

  it("future values are at the edge of what counts, just beyond it, and a day ahead", () => {
    const ahead = new Set(entries("future-values").map(({ timestamp, asOf }) => asOf - timestamp - roundMs - 250));
    expect([...ahead].sort((a, b) => a - b)).toEqual([0, 1, 86_400_000]);
  });

  it("extreme values hold the largest and the smallest, and intervals that are none", () => {
    const found = entries("extreme-values");
    expect(found.some(({ price }) => price === MAX_AMOUNT)).toBe(true);
    expect(found.some(({ price }) => price === 0n)).toBe(true);
    expect(found.some(({ price }) => price === 1n)).toBe(true);
    expect(found.some(({ low, high }) => low > high)).toBe(true);
  });

  it("replayed observations say again what was said rounds before", () => {
    const prices = entries("replayed-observations").map(({ price }) => price);
    expect(new Set(prices).size).toBeLessThan(prices.length);
  });

  it("the edge price is one that an honest node has named in the round", () => {
    const scene = stage("edge-price");
    const all = [...everyObservation(scene).values()];
    for (const own of observed(scene)) {
      const others = all.filter(
        ({ signer, observation }) => signer !== own.signer && observation.round === own.observation.round,
      );
      expect(others.map(priceOf)).toContain(priceOf(own));
    }
  });

  it("wide intervals and thin evidence keep the price and change what goes with it", () => {
    expect(
      entries("wide-interval").every(({ price, low, high }) => low === (price * 8n) / 10n && high === (price * 12n) / 10n),
    ).toBe(true);
    expect(
      entries("thin-evidence").every(
        ({ groups, topBps, outsideBps }) => groups === 0 && topBps === 10_000 && outsideBps === 10_000,
      ),
    ).toBe(true);
    expect(observed(stage("missing-feeds")).every(({ observation }) => observation.entries.length === 0)).toBe(true);
  });
});

describe("leading", () => {
  it("leads with the highest, or the lowest, of the others' prices and always with its own", () => {
    for (const [name, sign] of [
      ["lead-highest", 1],
      ["lead-lowest", -1],
    ] as const) {
      const { scene, proposals } = led(name);
      for (const { included, rest } of proposals) {
        const own = ({ signer }: SignedObservation) => signer === scene.address;
        expect(included.some(own)).toBe(true);
        const chosen = included.filter((signed) => !own(signed)).map(priceOf);
        for (const left of rest.map(priceOf)) expect(chosen.every((price) => sign * compareBigint(price, left) >= 0)).toBe(true);
      }
    }
  });

  it("censors the same victim in every round that it leads", () => {
    const victims = new Set(led("censoring").proposals.flatMap(({ rest }) => rest.map(({ signer }) => signer)));
    expect(victims.size).toBe(1);
  });

  it("stands on old parents, which honest signers refuse", () => {
    const { scene, proposals } = led("old-parent");
    const certified = new Map(
      scene.of("committed").map(({ certified: { digest, certificate } }) => [digest, certificate.header.round]),
    );
    const gaps = proposals.map(({ header }) => header.round - (certified.get(header.parent) ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(1);
    const rounds = new Set(proposals.map(({ header }) => header.round));
    expect([...certified.values()].filter((round) => rounds.has(round))).toEqual([]);
  });

  it("proposes late: at most 330 ms before the window closes, and not after it", () => {
    const { scene, proposals } = led("late-proposals");
    const { roundMs } = scene.network.config;
    for (const { header, at } of proposals) {
      const left = (header.round + 1) * roundMs + 250 - at;
      expect(left).toBeGreaterThan(-50);
      expect(left).toBeLessThanOrEqual(380);
    }
  });

  it("headers that do not recompute are refused for that, and lists that no leader makes for theirs", () => {
    const why = (name: BehaviourName) =>
      new Set(stage(name).events.flatMap(({ code, fields }) => (code === "proposal-refused" ? [fields.why] : [])));
    expect([...why("wrong-header")]).toEqual(["header"]);
    expect([...why("misnamed-observations")]).toEqual(["observations"]);
  });
});

describe("certificates and bodies", () => {
  it("holds certificates that it shows late: after another leader's proposal", () => {
    const scene = stage("late-parent-certificate");
    const shown = scene.sent.filter(({ topic }) => topic === "certificate");
    expect(shown.length).toBeGreaterThan(3);
    for (const { bytes, at } of shown) {
      const decoded = decodeCertificate(bytes);
      if (!decoded.ok) throw new Error(decoded.error);
      const { round } = decoded.value.header;
      const next = scene
        .of("sent")
        .filter((other) => other.topic === "proposal" && other.at <= at && other.node !== scene.byzantine[0]);
      expect(next.some((other) => Math.floor(other.at / scene.network.config.roundMs) > round)).toBe(true);
    }
  });

  it("holds certificates alone that it never shows", () => {
    for (const name of ["named-head", "unserved-head"] as const) {
      const scene = stage(name);
      expect(scene.did).toContain("holds a certificate alone");
      expect(scene.sent.filter(({ topic }) => topic === "certificate")).toEqual([]);
    }
  });

  it("names heads that were never certified: nobody finds them, and the others go on", () => {
    const scene = stage("invented-head");
    const certified = new Set(scene.of("committed").map(({ certified: { digest } }) => digest));
    const named = observed(scene).map(({ observation }) => observation.head.digest);
    expect(named.filter((digest) => certified.has(digest))).toEqual([]);
    expect(scene.events.some(({ code }) => code === "fetch-abandoned")).toBe(true);
  });

  it("serves garbage, which is noticed as such", () => {
    expect(stage("garbage-answers").events.some(({ code }) => code === "bad-answer")).toBe(true);
  });
});
