import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mountSmallDisk, type SmallDisk } from "../chaos/disk.ts";
import { between } from "../chaos/proxy.ts";
import { type Alarmed, layAlarmed, VENUES } from "../deploy/alarmed.ts";
import { type Alarms, listen } from "../deploy/alarms.ts";
import { ALERTS } from "../deploy/rules.ts";
import { contradictAs, promiseElsewhere, turnBitOfNewest } from "../deploy/two-faced.ts";
import { request, within } from "./devnet.ts";

const NODES = ["node0", "node1", "node2", "node3"];
const START_MS = 150_000;
const WAIT_MS = 110_000;
/** More than a disk of 32 MB can take for a day. */
const BALLAST_BYTES = 20_000;
const ROUND_MS = 1_000;
/**
 * Delays that follow each other: with three hops of one of them, and the work between them, a round takes more than the 0.8 s that are
 * worth an alert and still ends in its second, however fast this machine is.
 */
const SLOW_WIRES_MS = [205, 235, 255, 275, 295];
const SLOW_WIRE_EVERY_MS = 1_500;
/** A reader that never answers a ping is let go after three; more than ten of them are worth an alert. */
const DEAF_READERS = 15;
/** Held so long in each turn that no scrape's window is without a hold. */
const HELD_MS = 600;
const HELD_EVERY_MS = 800;
/** Mounting a small disk takes root. Without it the two alerts of disks are tried by promtool alone, and the last test says so. */
const MAY_MOUNT = process.getuid?.() === 0;
const OF_DISKS = ["BreakwaterDiskAlmostFull", "BreakwaterDiskFillingUp"];
/** A fault of the program is what nobody knows how to cause; test/deploy/alert-cases.ts fires this alert from series. */
const NOBODY_CAN_CAUSE = ["BreakwaterInternalFault"];

describe("every alert fires when what it is for happens, on real processes and a real Prometheus", () => {
  let net: Alarmed;
  let alarms: Alarms;
  let disk: SmallDisk | undefined;
  const sockets: Socket[] = [];
  const timers: NodeJS.Timeout[] = [];

  beforeAll(async () => {
    net = await layAlarmed();
    const { topology } = net;
    if (MAY_MOUNT) disk = mountSmallDisk(join(topology.folder, "data", "node3"));
    topology.start("redis");
    for (const node of NODES) topology.start(node, node === "node2" ? { nodeFlags: net.clockFlags } : {});
    for (const service of ["gateway0", "gateway1", "prometheus"]) topology.start(service);
    alarms = listen(topology.url("prometheus", 9090));
    for (const gateway of ["gateway0", "gateway1"]) await untilClosed(topology.url(gateway));
  }, 2 * START_MS);
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(net.topology.explain());
  });
  afterAll(async () => {
    for (const timer of timers) clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    alarms?.stop();
    wakeUp("gateway1");
    for (const node of NODES) if (net?.topology.pid(node) !== undefined) await net.topology.end(node);
    disk?.unmount();
    await net?.stop();
  }, START_MS);

  it("nothing has fired on a network that is well, but for what was broken before it began", async () => {
    const broken = ["BreakwaterVenueStreamDown", "BreakwaterRpcEndpointFailing", ...OF_DISKS];
    const others = alarms.all().filter(({ name }) => !broken.includes(name) && !isStart(name));
    expect(others.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)).toEqual([]);
  });

  it(
    "venues that fail, a feed that trips, a webhook that refuses; slow wires; a disk that fills, readers that are deaf",
    async () => {
      for (const venue of VENUES.slice(0, 3)) expect(net.market.addFault({ venue, fault: "status", status: 500 }).ok).toBe(true);
      const slow = slowWires();
      for (let index = 0; index < DEAF_READERS; index++) sockets.push(deafReader(net.topology.ports.gateway0?.[8080] ?? 0));
      if (disk !== undefined)
        timers.push(
          setInterval(
            () => appendFileSync(net.topology.path("node3", "/var/lib/breakwater/notes"), Buffer.alloc(BALLAST_BYTES)),
            1_000,
          ),
        );
      holdUp("gateway1");
      writeForged();
      await alarms.fired(
        {
          VenueFailing: { venue: VENUES[0] },
          SourcesDecayed: { feed: "ETH/USD" },
          FeedPaused: { feed: "ETH/USD" },
          VenueStreamDown: { venue: "kraken" },
          RpcEndpointFailing: { chain: "ETHEREUM", instance: "node0" },
          AlertsNotDelivered: { instance: "node0", kind: "feed-tripped" },
          SlowRounds: {},
          FollowerRefusals: { instance: "gateway0", source: `redis:${net.address(0)}` },
          ProcessStarved: { instance: "gateway1" },
          ...(disk === undefined ? {} : { DiskAlmostFull: { instance: "node3" }, DiskFillingUp: { instance: "node3" } }),
        },
        WAIT_MS,
      );
      clearInterval(slow);
      net.wire.heal();
    },
    START_MS,
  );

  it(
    "a clock that is off; a node that is heard too late, so that it does not count and its rounds are missed; Redis dead meanwhile",
    async () => {
      wakeUp("gateway1");
      await net.topology.end("gateway1", "SIGKILL");
      net.setClock(180);
      await alarms.fired({ ClockSkew: { instance: "node2" }, GatewayDown: { instance: "gateway1" } }, WAIT_MS);
      net.setClock(0);
      net.wire.set((from) => from === 2, { delayMs: 1_500 });
      await net.topology.end("redis", "SIGKILL");
      askAgainAndAgain(`${net.topology.url("gateway0")}/v1/feeds/ETH-USD`);
      await alarms.fired(
        {
          NodeExcluded: { instance: "node2" },
          RoundsMissed: {},
          RedisDown: { instance: "node0" },
          GatewaySourceDown: { instance: "gateway0" },
          LimitsRedisDown: { instance: "gateway0" },
          GatewayBehind: { instance: "gateway0" },
          GatewayLeaseOver: { instance: "gateway0" },
          GatewayErrors: { instance: "gateway0" },
        },
        WAIT_MS,
      );
      net.wire.heal();
      net.topology.start("redis");
    },
    START_MS,
  );

  it(
    "a node that cannot leave its quarantine; readers let go; a feed that stays paused",
    async () => {
      alarms.forget("NodeQuarantined");
      net.setClock(4_000);
      await net.topology.end("node2");
      net.topology.start("node2", { nodeFlags: net.clockFlags });
      await alarms.fired(
        { NodeQuarantined: { instance: "node2" }, ReadersDropped: { instance: "gateway0" }, FeedPausedLong: { feed: "ETH/USD" } },
        WAIT_MS,
      );
      net.setClock(0);
      await net.topology.end("node2");
      net.topology.start("node2", { nodeFlags: net.clockFlags });
      await untilSigning("node2");
    },
    START_MS,
  );

  it(
    "two processes on one store, and then one key at two places",
    async () => {
      const { topology } = net;
      promiseElsewhere(join(topology.folder, "data", "node3", "store.sqlite"), ROUND_MS);
      await alarms.fired({ NodeHalted: { instance: "node3" } }, WAIT_MS);
      await topology.end("node3");
      await contradictAs(topology.path("node3", "/etc/breakwater/node.yaml"));
      await alarms.fired({ EquivocationSeen: { instance: "node0" } }, WAIT_MS);
    },
    START_MS,
  );

  it(
    "too few nodes for a quorum; and a store that was damaged",
    async () => {
      await net.topology.end("node1", "SIGKILL");
      await alarms.fired(
        { NodeDown: { instance: "node1" }, PeersLost: { instance: "node0" }, NoRounds: {}, LeaseNearlyOver: {}, LeaseOver: {} },
        WAIT_MS,
      );
      turnBitOfNewest(join(net.topology.folder, "data", "node1", "store.sqlite"));
      net.topology.start("node1");
      await alarms.fired({ StoreDamaged: { instance: "node1", code: "stored-head-unusable" } }, WAIT_MS);
    },
    START_MS,
  );

  it(`has heard every alert but ${[...NOBODY_CAN_CAUSE, ...(MAY_MOUNT ? [] : OF_DISKS)].join(", ")}, each in whole words`, () => {
    const heard = new Set(alarms.all().map(({ name }) => name));
    const silent = ALERTS.map(({ alert }) => alert).filter((alert) => !heard.has(alert));
    expect(silent.sort()).toEqual([...NOBODY_CAN_CAUSE, ...(MAY_MOUNT ? [] : OF_DISKS)].sort());
    for (const { name, annotations } of alarms.all()) {
      expect(Object.values(annotations).join(" "), name).not.toMatch(/<no value>|<error|NaN|\{\{|^ | {2}/);
    }
  });

  /** What fires while processes start is true then: targets that do not answer yet, rounds that are not there yet, feeds that start open. */
  function isStart(name: string): boolean {
    return [
      "NodeDown",
      "GatewayDown",
      "NoRounds",
      "FeedPaused",
      "NodeQuarantined",
      "RoundsMissed",
      "GatewaySourceDown",
      "LimitsRedisDown",
      "GatewayBehind",
    ].some((start) => name === `Breakwater${start}`);
  }

  async function untilClosed(base: string): Promise<void> {
    type Feeds = { feeds: { breaker: { state: string } | null }[] };
    await within(START_MS, `every feed closed at ${base}`, async () => {
      const reply = await request(`${base}/v1/feeds`).catch(() => undefined);
      return reply?.status === 200 && (reply.json as Feeds).feeds.every(({ breaker }) => breaker?.state === "closed");
    });
  }

  async function untilSigning(node: string): Promise<void> {
    const included = async (): Promise<number> => {
      const { text } = await request(`${net.topology.url(node)}/metrics`).catch(() => ({ text: "" }));
      return Number(/own_inclusion_total\{included="yes"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    await within(WAIT_MS, `${node} in rounds again`, async () => (await included()) > 3);
  }

  /** Its own user may write it, as one who has stolen its password may. */
  function writeForged(): void {
    const password = readFileSync(net.topology.path("node0", "/run/secrets/redis_password"), "utf8").trim();
    const user = ["-p", String(net.topology.ports.redis?.[6379]), "--no-auth-warning", "--user", "node0", "--pass", password];
    const key = `breakwater:{compose:${net.address(0)}}:rounds`;
    const id = execFileSync("redis-cli", [...user, "xadd", key, "*", "d", `0x${"ab".repeat(32)}`, "c", "forged", "b", "forged"], {
      encoding: "utf8",
    });
    expect(id).toMatch(/^\d+-\d+\n$/);
  }

  function slowWires(): NodeJS.Timeout {
    let turn = 0;
    const timer = setInterval(() => {
      net.wire.set(between([0], [1], [2], [3]), { delayMs: SLOW_WIRES_MS[turn % SLOW_WIRES_MS.length] ?? 0 });
      turn += 1;
    }, SLOW_WIRE_EVERY_MS);
    timers.push(timer);
    return timer;
  }

  /** Not killed and not well: of every eight tenths of a second it has two. */
  function holdUp(service: string): void {
    const send = (signal: NodeJS.Signals): void => {
      const pid = net.topology.pid(service);
      if (pid !== undefined && !sparing.has(service)) process.kill(pid, signal);
    };
    timers.push(
      setInterval(() => {
        send("SIGSTOP");
        setTimeout(() => send("SIGCONT"), HELD_MS);
      }, HELD_EVERY_MS),
    );
  }
  const sparing = new Set<string>();
  function wakeUp(service: string): void {
    sparing.add(service);
    const pid = net?.topology.pid(service);
    if (pid !== undefined) process.kill(pid, "SIGCONT");
  }

  function askAgainAndAgain(url: string): void {
    timers.push(setInterval(() => void request(url).catch(() => undefined), 200));
  }
});

/** A WebSocket that is opened and never answers anything. */
function deafReader(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  const head = ["GET /v1/ws?feeds=ETH-USD HTTP/1.1", `Host: 127.0.0.1:${port}`, "Connection: Upgrade", "Upgrade: websocket"];
  socket.write([...head, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""].join("\r\n"));
  return socket;
}
