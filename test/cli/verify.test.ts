import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { verifyCommand } from "../../cli/commands/verify.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { type FeedDocument, toBundleDocument, toFeedDocument } from "../../protocol/document.ts";
import { certifiedBy, changed, keysOf, transitionInto } from "../client/changing.ts";
import { digestOf, testKey, testNetwork } from "../support/network.ts";
import { certify, feedId, verdict } from "../support/rounds.ts";
import { closedPort, serve, serveReplies, writeNetwork } from "./served.ts";
import { run, session, stdinOf } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-verify-"));
const { path: networkFile, network } = writeNetwork(folder, "harbour");
const { path: otherFile, network: other } = writeNetwork(folder, "elsewhere");
const genesis = network.genesisConfigDigest;

const ROUND = Math.floor(Date.now() / 1_000);
const AT = ROUND * 1_000;
const JUMP = { rule: "jump", unit: "Bps", measured: 420, limit: 300 } as const;
const round = certify({
  network,
  round: ROUND,
  verdicts: [
    verdict("BTC/USD", AT),
    verdict("ETH/USD", AT),
    verdict("SOL/USD", AT, { state: "open", liquidate: "robust", borrow: false, budgetBps: 0, reasons: 1 }, [JUMP]),
  ],
});
const bundle = toBundleDocument({ round, feeds: [feedId("ETH/USD"), feedId("SOL/USD")] });
const feed = toFeedDocument({ round, feed: feedId("ETH/USD") }) as FeedDocument;
const feedFile = write("eth.json", JSON.stringify(feed));

const gateway = await serve(network, [round]);
const nobody = `http://127.0.0.1:${await closedPort()}`;
const strange = await serveReplies({
  "/v1/feeds/HTML": { body: "<!doctype html><p>hello" },
  "/v1/feeds/TEXT": { body: "hello" },
  "/v1/feeds/EMPTY": { body: "" },
  "/v1/feeds/BAD-GATEWAY": { status: 502, body: "<html>" },
  "/v1/feeds/HUGE": { body: `"${"x".repeat(17 * 1024 * 1024)}"` },
  "/eth.json": { body: JSON.stringify(feed) },
});
afterAll(async () => {
  await Promise.all([gateway.close(), strange.close()]);
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What was printed, and the refusal if there was one. */
async function verify(args: readonly string[], overrides: Partial<Terminal> = {}) {
  const terminal = session({ now: () => AT + 1_200, ...overrides });
  const error = await run(verifyCommand(terminal), ...args).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  if (error !== undefined) expect(error.name).toBe("OperationalError");
  return { printed: terminal.printed(), message: error?.message };
}

describe("verify trusts", () => {
  const url = `${gateway.address}/v1/feeds/ETH-USD`;

  it("a URL's own host when nothing else is named, and says so", async () => {
    const { printed, message } = await verify([url]);
    expect(message).toBeUndefined();
    expect(printed).toMatch(/^trust root +the answering host's own word: 4 members, of whom 3 must sign/m);
    expect(printed).toContain("whoever controls that host could have named others");
    expect(printed).toContain(genesis);
    expect(printed.match(/^✓ (shape|fields|path|signatures) /gm)).toHaveLength(4);
    expect(printed).toMatch(/^ETH\/USD +1800\.125, between 1799 and 1801 \(11\.1 bps wide\)$/m);
    expect(printed).toMatch(/breaker closed for .*: liquidate any, borrow$/m);
    expect(printed).toMatch(/^lease +runs for another 58\.8 s/m);
  });

  it("the genesis digest, whoever carries the config", async () => {
    expect(await verify([url, "--genesis", genesis])).toMatchObject({ message: undefined });
    const { printed, message } = await verify([feedFile, "--genesis", genesis, "--host", gateway.address]);
    expect(message).toBeUndefined();
    expect(printed).toMatch(/which need not be trusted: it hashes to the digest/);
    expect(printed).not.toContain("own word");
    expect((await verify([url, "--genesis", other.genesisConfigDigest])).message).toMatch(/its digest is 0x.* not 0x/);
  });

  it("a network.yaml or a saved committee, as given or under a digest", async () => {
    const saved = write("committee.json", await (await fetch(`${gateway.address}/v1/committee?config=1`)).text());
    const bare = write("bare.json", await (await fetch(`${gateway.address}/v1/committee`)).text());
    for (const file of [networkFile, saved, bare]) {
      expect(await verify([feedFile, "--committee", file])).toMatchObject({ message: undefined });
    }
    expect(await verify([feedFile, "--committee", networkFile, "--genesis", genesis])).toMatchObject({ message: undefined });
    expect(await verify([feedFile, "--committee", saved, "--genesis", genesis])).toMatchObject({ message: undefined });
    expect((await verify([feedFile, "--committee", bare, "--genesis", genesis])).message).toMatch(/config: missing/);
    expect((await verify([feedFile, "--committee", otherFile, "--genesis", genesis])).message).toMatch(/its genesis digest is/);
    expect((await verify([feedFile, "--committee", otherFile])).message).toMatch(
      /not proven: header: of config 0x.* is in force in this round, as far as the network was followed/,
    );
  });

  it("the committee of today, which it follows from genesis by the changes that the host carries", async () => {
    const after = changed(network, keysOf(1, 2, 3, 4));
    const change = transitionInto(after, ROUND - 100, keysOf(1, 2, 3));
    const verdicts = [verdict("ETH/USD", AT)];
    const today = certifiedBy(after, keysOf(2, 3, 4), { round: ROUND, verdicts });
    const retired = certifiedBy(network, keysOf(0, 1, 2), { round: ROUND, verdicts });
    const moved = await serve(after, [today], 0, { genesis: network.config });
    moved.kept.transitions.push(change);
    const ofHost = `${moved.address}/v1/feeds/ETH-USD`;
    const saved = write("today.json", JSON.stringify(toFeedDocument({ round: today, feed: feedId("ETH/USD") })));
    const stale = write("retired.json", JSON.stringify(toFeedDocument({ round: retired, feed: feedId("ETH/USD") })));
    const host = ["--host", moved.address];
    for (const args of [
      [ofHost, "--genesis", genesis],
      [ofHost, "--committee", networkFile],
      [saved, "--genesis", genesis, ...host],
      [saved, "--committee", networkFile, ...host],
    ]) {
      const { printed, message } = await verify(args);
      expect([args, message]).toEqual([args, undefined]);
      expect(printed).toContain(`followed over one change of config, the last in round ${ROUND - 100}`);
    }
    expect((await verify([ofHost])).message).toBeUndefined();
    expect((await verify([saved, "--committee", networkFile])).message).toMatch(/as far as the network was followed/);
    for (const trusting of [
      ["--genesis", genesis],
      ["--committee", networkFile],
    ]) {
      expect((await verify([stale, ...trusting, ...host])).message).toMatch(
        /header: of config .* as far as the network was followed/,
      );
    }
    moved.kept.transitions.splice(0, 1, transitionInto(after, ROUND - 100, keysOf(2, 3, 4)));
    expect((await verify([ofHost, "--genesis", genesis])).message).toMatch(/the transition in round \d+: count$/);
    await moved.close();
  });

  it("nobody for a file alone", async () => {
    expect((await verify([feedFile])).message).toMatch(/^whose signatures should count\?.*--genesis.*--committee/);
    expect((await verify([feedFile, "--genesis", "0xAB"])).message).toMatch(/^--genesis: expected 0x and 64 lower-case hex/);
  });

  it("a host that made its own committee only as long as no digest is pinned", async () => {
    const keys = [10, 11, 12, 13].map(testKey).sort((a, b) => (a.address < b.address ? -1 : 1));
    const members = keys.map(({ address }, index) => ({ name: `fake${index}`, address }));
    const forged = testNetwork({ network: "harbour", committee: members });
    const document = toFeedDocument({
      round: certify({ network: forged, round: ROUND, verdicts: [verdict("ETH/USD", AT)], keys }),
      feed: feedId("ETH/USD"),
    });
    const { domain, config, configDigest, committee } = forged;
    const { f, quorum } = committee;
    const { name, version, salt } = domain;
    const stated = JSON.stringify({
      ...{ network: config.network, domain: { name, version, salt }, configDigest, genesisConfigDigest: configDigest },
      ...{ f, quorum, members: committee.members, config },
    });
    const liar = await serveReplies({
      "/v1/feeds/ETH-USD": { body: JSON.stringify(document) },
      "/v1/committee": { body: stated },
      "/v1/committee?config=1": { body: stated },
      "/v1/governance/transitions": { body: JSON.stringify({ genesis: config, more: false, transitions: [] }) },
    });
    const trusting = await verify([`${liar.address}/v1/feeds/ETH-USD`]);
    const pinned = await verify([`${liar.address}/v1/feeds/ETH-USD`, "--genesis", genesis]);
    await liar.close();
    expect(trusting.message).toBeUndefined();
    expect(trusting.printed).toContain("the answering host's own word");
    expect(pinned.message).toMatch(/the genesis config: its digest is 0x[0-9a-f]+, not/);
  });
});

describe("verify reads", () => {
  it("standard input and bundles, and marks a measure as the sender's", async () => {
    const stdin = stdinOf(JSON.stringify(bundle));
    const { printed, message } = await verify(["-", "--committee", networkFile], { stdin });
    expect(message).toBeUndefined();
    expect(printed).toMatch(/^document +standard input$/m);
    expect(printed).toMatch(/^✓ shape +2 feeds of round/m);
    expect(printed).toMatch(/^SOL\/USD/m);
    expect(printed).toContain("jump: moved off its average, 420 bps (limit 300 bps), by the sender's measure");
    expect(printed).toMatch(/breaker open for .*: liquidate robust only, no borrow$/m);
  });

  it("an API behind a path, and follows a redirect to whom it then trusts", async () => {
    const committee = { body: await (await fetch(`${gateway.address}/v1/committee`)).text() };
    const moved = await serveReplies({
      "/old/v1/feeds/ETH-USD": { status: 302, headers: { location: "/new/v1/feeds/ETH-USD" }, body: "" },
      "/new/v1/feeds/ETH-USD": { body: JSON.stringify(feed) },
      "/new/v1/committee": committee,
    });
    const { printed, message } = await verify([`${moved.address}/old/v1/feeds/ETH-USD`]);
    await moved.close();
    expect(message).toBeUndefined();
    expect(printed).toContain(`as ${moved.address}/new/v1/committee names them`);
  });
});

describe("verify names the part that was changed:", () => {
  const flipped = (hex: string) => `${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}`;
  const { proof } = feed;
  const [leaf0, leafPrice, ...leafRest] = proof.report;
  const [firstSignature] = proof.signatures;
  if (firstSignature === undefined) throw new Error("no signature");

  it.each([
    ["fields", { ...feed, price: "1800.126" }, /price is shown as "1800\.126", the leaf says "1800\.125"/],
    ["report", { ...feed, proof: { ...proof, report: [leaf0, `${leafPrice}1`, ...leafRest] } }, /the leaf says/],
    ["path", { ...feed, proof: { ...proof, path: proof.path.map(flipped) } }, /does not lead from the leaf/],
    [
      "header",
      { ...feed, proof: { ...proof, header: { ...proof.header, stateRoot: digestOf(9) } } },
      /no signature is over this header/,
    ],
    [
      "signature",
      {
        ...feed,
        proof: {
          ...proof,
          signatures: [{ ...firstSignature, signature: flipped(firstSignature.signature) }, ...proof.signatures.slice(1)],
        },
      },
      /signatures\[0\]/,
    ],
    ["shape", { ...feed, price: 1800 }, /price: /],
    ["shape", {}, /./],
  ])("%s", async (part, document, detail) => {
    const path = write("changed.json", JSON.stringify(document));
    const { printed, message } = await verify([path, "--committee", networkFile]);
    expect(message).toMatch(new RegExp(`^.*changed\\.json: not proven: ${part}: `));
    expect(message).toMatch(detail);
    expect(message).not.toContain("\n");
    expect(printed).toMatch(/^✗ /m);
    expect(printed).not.toMatch(/^lease/m);
  });
});

describe("verify and time", () => {
  const late = { now: () => AT + 200_000 };

  it("a proof outlives its lease, which is said", async () => {
    const { printed, message } = await verify([feedFile, "--committee", networkFile], late);
    expect(message).toBeUndefined();
    expect(printed).toMatch(/^lease +expired 2 min 20 s ago: proof of what was said then, not a permission now$/m);
  });

  it.each([
    ["within it", "5000", 1_200, undefined],
    ["at its edge", "1200", 1_200, undefined],
    ["beyond it", "1000", 1_200, /^not usable now: the certificate is 1200 ms old, at most 1000 counts$/],
    ["beyond the lease", "900000", 200_000, /^not usable now: the lease ended 140000 ms ago$/],
    ["from the future", "5000", -20_000, /^not usable now: the certificate is dated 20000 ms ahead/],
  ])("--max-age asks whether it is usable now: %s", async (_, maxAge, age, expected) => {
    const { message } = await verify([feedFile, "--committee", networkFile, "--max-age", maxAge], { now: () => AT + age });
    if (expected === undefined) expect(message).toBeUndefined();
    else expect(message).toMatch(expected);
  });

  it("--max-age does not ask what the leaf permits", async () => {
    const paused = write("sol.json", JSON.stringify(toFeedDocument({ round, feed: feedId("SOL/USD") })));
    expect(await verify([paused, "--committee", networkFile, "--max-age", "5000"])).toMatchObject({ message: undefined });
    expect((await verify([paused, "--max-age", "5s"])).message).toBe('--max-age: expected a whole number, found "5s"');
  });
});

describe("verify refuses in one line", () => {
  const problem = { type: "about:blank", title: "Nope", status: 404, detail: "gone" };

  it.each([
    ["an unknown feed", [`${gateway.address}/v1/feeds/NO-FEED`], /answered 404 This network has no such feed: no feed "NO-FEED"/],
    ["a feed without a price", [`${gateway.address}/v1/feeds/ADA-USD`], /answered 503 The feed has no price yet/],
    ["a list without proofs", [`${gateway.address}/v1/feeds`], /lists feeds without their proofs; verify one feed/],
    ["a whole round", [`${gateway.address}/v1/rounds/latest`], /lists feeds without their proofs/],
    ["HTML", [`${strange.address}/v1/feeds/HTML`], /HTML: answered HTML, not JSON$/],
    ["text", [`${strange.address}/v1/feeds/TEXT`], /answered text, not JSON$/],
    ["nothing", [`${strange.address}/v1/feeds/EMPTY`], /answered nothing, not JSON$/],
    ["an error without a document", [`${strange.address}/v1/feeds/BAD-GATEWAY`], /answered 502: Bad Gateway$/],
    ["an endless answer", [`${strange.address}/v1/feeds/HUGE`], /expected at most 16777216 bytes$/],
    ["silence", [`${strange.address}/v1/feeds/SILENT`], /no answer within 5000 ms$/],
    ["a port where nobody listens", [`${nobody}/v1/feeds/ETH-USD`], /nothing listens there/],
    ["a URL that is none", ["http://"], /expected an http or https URL/],
    ["a URL that is no API's", [`${strange.address}/eth.json`], /expected a URL under \/v1\//],
    ["a missing file", [join(folder, "absent.json")], /absent\.json: cannot read the file: ENOENT/],
    ["a file of HTML", [write("page.html", "<p>")], /expected a JSON document, found HTML$/],
    ["a saved refusal", [write("problem.json", JSON.stringify(problem))], /not a price but a refusal: Nope: gone$/],
    ["a committee that is none", [feedFile, "--committee", write("no.json", '{"members":[]}')], /no committee to verify against/],
    ["an unreachable carrier", [feedFile, "--genesis", genesis, "--host", nobody], /nothing listens there/],
  ])("%s", async (_, args, expected) => {
    const { message } = await verify(args);
    expect(message).toMatch(expected);
    expect(message).not.toContain("\n");
  });

  it("a password in a URL, without repeating it", async () => {
    const { message } = await verify(["http://me:secret@127.0.0.1:1/v1/feeds/ETH-USD"]);
    expect(message).toMatch(/expected a URL without a name and a password/);
    expect(message).not.toContain("secret");
  });
});
