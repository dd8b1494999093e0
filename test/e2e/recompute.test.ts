import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNetworkFile } from "../../cli/files.ts";
import type { Network } from "../../protocol/config.ts";
import { audit, networkFromGenesis, type RoundDocument } from "./auditor.ts";
import { type Devnet, request, useDevnet } from "./devnet.ts";

const AFTER_STEP = 15;
/** Evenly over a text of some ten thousand digits. */
const FLIPS = 24;

describe("any stored round computes again from the API's JSON", () => {
  const devnet = useDevnet();
  let network: Network | undefined;
  const rounds: RoundDocument[] = [];

  it("the auditor imports the pure folders and nothing else", () => {
    const reached = reachedFrom("test/e2e/auditor.ts");
    expect([...reached.files].filter((file) => !/^(aggregator|circuit-breaker|client|protocol)\/(?!io\/)/.test(file))).toEqual(
      [],
    );
    expect([...reached.packages].filter((name) => !/^(@noble\/.*|zod)$/.test(name))).toEqual([]);
    expect(reached.files.size).toBeGreaterThan(20);
  });

  it("to the header that was signed, through a price step, at every node, and the very first one too", async () => {
    const stream = devnet().stream(["LINK/USD"]);
    await stream.more(1);
    await devnet().post("/market", { feed: "LINK/USD", moveBps: -2_000, overMs: 0 });
    const jumped = await stream.until("LINK/USD", ({ reasons }) => reasons.includes("jump"), { what: "the jump" });
    await stream.more(AFTER_STEP);
    stream.close();

    network = await knownNetwork(devnet());
    const nodes = await devnet().nodes();
    // The chain is the walk back from the newest certificate to the first, which has no parent.
    for (let next = stream.newest(); next > 0; next = rounds.at(-1)?.body.parent?.round ?? 0) {
      const { api } = nodes[rounds.length % nodes.length] ?? { api: "" };
      const reply = await request(`${api}/v1/rounds/${next}?body=1`);
      expect(reply.status, `${api} round ${next}`).toBe(200);
      const document = reply.json as RoundDocument;
      expect(audit(network, document)).toEqual({ ok: true, value: document.header });
      expect(rounds.at(-1)?.header.parent ?? document.digest, `the parent of the round after ${next}`).toBe(document.digest);
      rounds.push(document);
    }
    expect(rounds.length).toBeGreaterThan(AFTER_STEP + 10);
    expect(rounds.at(-1)?.body).toMatchObject({ parent: null, memory: "0x" });
    expect(rounds.find(({ header }) => header.round === jumped.round)).toMatchObject({
      feeds: expect.arrayContaining([
        expect.objectContaining({ feed: "LINK/USD", breaker: expect.objectContaining({ state: "open" }) }),
      ]),
    });
  });

  it("a changed digit of its memory fails as the memory", () => {
    const { document, knows } = sample();
    const { memory } = document.body;
    expect(memory.length).toBeGreaterThan(1_000);
    for (const at of spread(memory.length)) {
      const fault = faultOf(knows, { ...document, body: { ...document.body, memory: flipped(memory, at) } });
      expect(fault, `digit ${at}`).toMatch(/^memory/);
    }
  });

  it("a changed digit of an observation fails as that observation", () => {
    const { document, knows } = sample();
    const { observations } = document.body;
    expect(observations.length).toBeGreaterThanOrEqual(3);
    for (const [index, observation] of observations.entries()) {
      for (const at of spread(observation.length)) {
        const changed = observations.with(index, flipped(observation, at));
        const fault = faultOf(knows, { ...document, body: { ...document.body, observations: changed } });
        // A signature that is not the observer's may recover to anybody; the fault then is that observation's, or its place's.
        expect(fault, `observations[${index}], digit ${at}`).toMatch(new RegExp(`^observations\\[${index}\\]`));
      }
    }
  });

  it("an observation left out, a parent header changed, another round's body: each fails as what it is", () => {
    const { document, other, knows } = sample();
    const { body } = document;
    const { parent } = body;
    if (parent === null) throw new Error("the sample has a parent");
    const tooFew = body.observations.slice(0, 2);
    expect(faultOf(knows, { ...document, body: { ...body, observations: tooFew } })).toBe(
      "expected at least 3 observations, found 2",
    );
    const fewer = { ...document, body: { ...body, observations: body.observations.slice(1) } };
    expect(faultOf(knows, fewer)).toMatch(/^header\.(stateRoot|inputsRoot|reportsRoot)/);
    const moved = { ...parent, inputsRoot: flipped(parent.inputsRoot, 10) };
    expect(faultOf(knows, { ...document, body: { ...body, parent: moved } })).toMatch(/^header\.parent/);
    const rooted = { ...parent, stateRoot: flipped(parent.stateRoot, 10) };
    expect(faultOf(knows, { ...document, body: { ...body, parent: rooted } })).toMatch(
      /^memory does not hash to the parent's stateRoot/,
    );
    expect(faultOf(knows, { ...document, body: other.body })).toMatch(/^header\.round/);
  });

  it("a shown header, leaf or reason that the fold does not give fails as that part", () => {
    const { document, knows } = sample();
    const { header } = document;
    for (const field of ["reportsRoot", "stateRoot", "inputsRoot"] as const) {
      const changed = { ...document, header: { ...header, [field]: flipped(header[field], 20) } };
      expect(faultOf(knows, changed)).toMatch(/^signatures: signature/);
    }
    const [feed, ...feeds] = document.feeds;
    if (feed === undefined) throw new Error("the sample has feeds");
    const dearer = { ...feed, report: feed.report.with(1, `${feed.report[1]}0`) };
    expect(faultOf(knows, { ...document, feeds: [dearer, ...feeds] })).toMatch(/^feeds\[0\]/);
    const silent = { ...feed, breaker: { ...feed.breaker, reasons: [{ rule: "stale", measuredMs: 1, limitMs: 1 }] } };
    expect(faultOf(knows, { ...document, feeds: [silent, ...feeds] })).toMatch(/^feeds\[0\]/);
  });

  /** A round that all four nodes observed and that stands on another, and the one before it. */
  function sample(): { readonly document: RoundDocument; readonly other: RoundDocument; readonly knows: Network } {
    const at = rounds.findIndex(({ body }) => body.observations.length === 4 && body.parent !== null);
    const [document, other] = [rounds[at], rounds[at + 1]];
    if (document === undefined || other === undefined || network === undefined) throw new Error("no round was fetched");
    return { document, other, knows: network };
  }
});

/** The digest is what a consumer was given once, by other means than the API. */
async function knownNetwork({ api, folder }: Devnet): Promise<Network> {
  const { genesisConfigDigest } = readNetworkFile(join(folder, "network.yaml"));
  const { json } = await request(`${api}/v1/committee?config=1`);
  const known = networkFromGenesis(json, genesisConfigDigest);
  if (!known.ok) throw new Error(known.error);
  return known.value;
}

function faultOf(network: Network, document: RoundDocument): string {
  const verdict = audit(network, document);
  return verdict.ok ? "it passed" : verdict.error;
}

/** Positions after `0x`, the first and the last digit among them. */
function spread(length: number): readonly number[] {
  return Array.from({ length: FLIPS }, (_, step) => 2 + Math.floor((step * (length - 3)) / (FLIPS - 1)));
}

function flipped(hex: `0x${string}`, at: number): `0x${string}` {
  const digit = (Number.parseInt(hex.charAt(at), 16) ^ 1).toString(16);
  return `0x${hex.slice(2, at)}${digit}${hex.slice(at + 1)}`;
}

/** Everything that a file imports, directly or through others. */
function reachedFrom(entry: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const root = new URL("../../", import.meta.url);
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: URL): void => {
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";$/gm)) {
      if (!specifier.startsWith(".")) packages.add(specifier);
      else {
        const next = new URL(specifier, file);
        const path = next.href.slice(root.href.length);
        if (files.has(path)) continue;
        files.add(path);
        visit(next);
      }
    }
  };
  visit(new URL(entry, root));
  return { files, packages };
}
