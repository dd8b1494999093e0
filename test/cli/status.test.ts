import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { statusCommand } from "../../cli/commands/status.ts";
import { fetchStatus } from "../../cli/status-view.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { ONE } from "../../protocol/amount.ts";
import { certifiedBy, changed, keysOf } from "../client/changing.ts";
import { digestOf } from "../support/network.ts";
import { certify, feedId, verdict } from "../support/rounds.ts";
import { closedPort, serve, serveReplies, writeNetwork } from "./served.ts";
import { run, type Session, session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-status-"));
const { network } = writeNetwork(folder, "harbour");
const ROUND = Math.floor(Date.now() / 1_000);
const AT = ROUND * 1_000;
const round = certify({
  network,
  round: ROUND,
  verdicts: [
    verdict("ETH/USD", AT),
    verdict("SOL/USD", AT, { state: "open", liquidate: "robust", borrow: false, budgetBps: 0, reasons: 1 }, [
      { rule: "jump", unit: "Bps", measured: 420, limit: 300 },
    ]),
    verdict("XRP/USD", AT, { state: "half-open", borrow: false, budgetBps: 1_900 }),
    verdict("UNI/USD", AT, { state: "open", liquidate: "none", borrow: false, reasons: 1 << 4 }, [
      { rule: "stale", unit: "Ms", measured: 65_000, limit: 60_000 },
    ]),
  ],
});
const gateway = await serve(network, [round]);
const starting = await serve(network, []);
afterAll(async () => {
  await Promise.all([gateway.close(), starting.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function once(url: string, overrides: Partial<Terminal> = {}): Promise<Session> {
  const terminal = session({ now: () => AT + 1_200, ...overrides });
  await run(statusCommand(terminal), "--url", url, "--once");
  return terminal;
}

describe("status --once", () => {
  it("shows the round, who signed it, and every feed with what it permits and why", async () => {
    const printed = (await once(gateway.address)).printed();
    expect(printed).toMatch(/^network harbour$/m);
    expect(printed).toContain(`round ${ROUND}, 1.2 s old, lease runs for another 58.8 s`);
    expect(printed).toContain("signed by node0, node1, node2 (any 3 of 4 suffice)");
    expect(printed).toMatch(/^FEED +PRICE +WIDTH BPS +AGE +BREAKER +PERMITS +WHY$/m);
    expect(printed).toMatch(/^ETH\/USD +1800\.125 +11\.1 +1\.2 s +closed +liquidate any, borrow$/m);
    expect(printed).toMatch(
      /^SOL\/USD .* open +liquidate robust only, no borrow +jump: moved off its average, 420 bps \(limit 300 bps\)$/m,
    );
    expect(printed).toMatch(/^XRP\/USD .* half-open +liquidate any \(disputed: 19 % of limit\), no borrow$/m);
    expect(printed).toMatch(/^UNI\/USD .* open +no liquidation, no borrow +stale: data too old, 1 min 5 s \(limit 1 min\)$/m);
    expect(printed).toMatch(/^ADA\/USD +– .* nothing +no price yet$/m);
    expect(printed).not.toContain("\x1b");
  });

  it("reads an ended lease as no, whatever the leaves say", async () => {
    const printed = (await once(gateway.address, { now: () => AT + 90_000 })).printed();
    expect(printed).toContain("EXPIRED 30.0 s ago: nothing is permitted");
    expect(printed).toMatch(/^ETH\/USD .* closed +nothing: lease expired$/m);
  });

  it("says of a network without a round that it is starting", async () => {
    const printed = (await once(`${starting.address}/`)).printed();
    expect(printed).toContain("no round has been certified yet");
    expect(printed.match(/no price yet$/gm)).toHaveLength(network.config.feeds.length);
  });

  it("names the signers of a new committee, the pauses, the pending config, and the chains", async () => {
    const chain = { chain: "ETHEREUM", blockMs: 12_000 };
    const after = changed(network, keysOf(1, 2, 3, 4), { chains: [chain, { chain: "BASE", blockMs: 2_000 }] });
    const verdicts = [
      verdict("ETH/USD", AT),
      verdict("CHAIN/ETHEREUM", AT, { price: 900n * ONE, state: "open", liquidate: "robust", borrow: false, reasons: 32 }, [
        { rule: "congestion", unit: "Points", measured: 3, limit: 2 },
      ]),
    ];
    const moved = await serve(after, [certifiedBy(after, keysOf(2, 3, 4), { round: ROUND, verdicts })], 0, {
      governance: () => ({
        keyholders: [],
        previous: network.configDigest,
        pauses: [
          { feed: "*", action: "robust", until: AT + 61_200, power: "guardian", keyholders: [] },
          { feed: feedId("ETH/USD"), action: "none", until: AT + 601_200, power: "governors", keyholders: [] },
        ],
        pending: {
          configDigest: digestOf(0xab),
          activation: AT + 172_800_000,
          feeds: [
            { feed: feedId("BTC/USD"), agreedAt: AT, accepted: false },
            { feed: feedId("ETH/USD"), agreedAt: 0, accepted: false },
            { feed: feedId("SOL/USD"), agreedAt: 0, accepted: true },
          ],
        },
      }),
    });
    const printed = (await once(moved.address)).printed();
    await moved.close();
    expect(printed).toMatch(/^signed by member\S+, member\S+, member\S+ \(any 3 of 4 suffice\)$/m);
    expect(printed).toMatch(/^every feed paused by guardian, robust, for another 1 min$/m);
    expect(printed).toMatch(/^ETH\/USD paused by governors, none, for another 10 min$/m);
    expect(printed).toContain(
      `config 0xabababab… is to replace version 2, not before ${new Date(AT + 172_800_000).toISOString()}; not yet agreeing: ETH/USD`,
    );
    expect(printed).toMatch(
      /^CHAIN\/ETHEREUM +900 gwei +– .* open +liquidate robust only, no borrow +congestion: chain congested, 3 points/m,
    );
    expect(printed).toMatch(/^CHAIN\/BASE +– .* no block yet$/m);
  });

  it("asks for the committee again when the config in force is another one", async () => {
    const after = changed(network, keysOf(1, 2, 3, 4));
    const before = await fetchStatus(gateway.address);
    const moved = await serve(after, [certifiedBy(after, keysOf(2, 3, 4), { round: ROUND, verdicts: [verdict("ETH/USD", AT)] })]);
    const { committee } = await fetchStatus(moved.address, before.committee);
    await moved.close();
    expect(committee.configDigest).toBe(after.configDigest);
  });

  it("fails in one line where nobody answers, or something else does", async () => {
    const other = await serveReplies(
      Object.fromEntries(
        ["/v1/feeds", "/v1/rounds/latest", "/v1/committee", "/v1/chains", "/v1/governance"].map((path) => [
          path,
          { body: '{"hello":1}' },
        ]),
      ),
    );
    const nobody = `http://127.0.0.1:${await closedPort()}`;
    await expect(once(nobody)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:\d+\/v1\/[a-z/]+: nothing listens there/);
    await expect(once(other.address)).rejects.toThrow(/not a Breakwater gateway's answer: \w+: /);
    await expect(once("localhost")).rejects.toThrow(/expected an http or https URL/);
    await other.close();
  });
});

describe("status", () => {
  /** Ends the watch when a line for which `enough` says so has been printed. */
  function watching(enough: (printed: readonly string[]) => boolean, overrides: Partial<Terminal> = {}) {
    const controller = new AbortController();
    const lines: string[] = [];
    const terminal = session({
      out: (line) => {
        lines.push(line);
        if (enough(lines)) controller.abort();
      },
      interrupted: () => controller.signal,
      ...overrides,
    });
    return { terminal, lines };
  }

  it("says when the server is away, once, and goes on when it is back", async () => {
    const port = await closedPort();
    let server: Awaited<ReturnType<typeof serve>> | undefined;
    const url = `http://127.0.0.1:${port}`;
    const { terminal, lines } = watching((printed) => printed.some((line) => line.startsWith("ETH/USD")));
    const watched = run(statusCommand(terminal), "--url", url, "--interval", "200");
    setTimeout(async () => {
      server = await serve(network, [round], port);
    }, 700);
    await watched;
    await server?.close();
    expect(lines.filter((line) => line.startsWith("away:"))).toHaveLength(1);
    expect(lines[0]).toMatch(/^away: .*nothing listens there \(connection refused\); asking again$/);
    expect(lines[1]).toMatch(/answers again after \d+\.\d s$/);
  });

  it("redraws the screen in place, keeps the last table while the server is away, and fits the window", async () => {
    const server = await serve(network, [round]);
    const drawn = (printed: readonly string[]) => printed.filter((line) => line.startsWith("\x1b[H"));
    const { terminal, lines } = watching(
      (printed) => {
        if (drawn(printed).length === 1) void server.close();
        return printed.some((line) => line.includes("away for"));
      },
      { size: () => ({ columns: 100, rows: 12 }) },
    );
    await run(statusCommand(terminal), "--url", server.address, "--interval", "200");
    const screens = drawn(lines);
    const last = screens.at(-1) ?? "";
    expect(last).toMatch(/away for .*nothing listens there|away for .*the connection was cut/);
    expect(last).toContain("below is what was last heard");
    expect(last).toContain("network harbour");
    for (const screen of screens) {
      const shown = screen.split("\n").map((line) => stripVTControlCharacters(line));
      expect(shown.length).toBeLessThan(12);
      expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(100);
      expect(screen).toMatch(/\d+ more: enlarge the window/);
    }
  });

  it("asks for a whole interval that is not a flood", async () => {
    await expect(run(statusCommand(session()), "--interval", "100")).rejects.toThrow("--interval: expected at least 200");
    await expect(run(statusCommand(session()), "--interval", "1s")).rejects.toThrow(
      '--interval: expected a whole number, found "1s"',
    );
  });
});
