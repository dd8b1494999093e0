import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type NodeKey, nodeKeyOf } from "../../node/io/keys.ts";
import { startTransport } from "../../node/io/transport.ts";
import type {
  GossipVerdict,
  Peer,
  RequestFault,
  Transport,
  TransportLimits,
  TransportOptions,
} from "../../node/io/transport-types.ts";
import { type Address, utf8 } from "../../protocol/bytes.ts";
import { compareText } from "../../protocol/feed.ts";

const TOPIC = "breakwater/test/observation";
const MAX_BYTES = 4096;

/** Descending: a node that starts later has the lower address, and the lower one dials at once. */
const KEYS: readonly NodeKey[] = [1, 2, 3, 4, 5, 6]
  .map((i) => nodeKeyOf(new Uint8Array(32).fill(i)))
  .sort((a, b) => compareText(b.address, a.address));
const STRANGER = nodeKeyOf(new Uint8Array(32).fill(77));

type Heard = { readonly topic: string; readonly text: string; readonly from: Address };
type Running = {
  readonly key: NodeKey;
  readonly transport: Transport;
  readonly heard: Heard[];
  readonly warnings: string[];
  readonly refused: () => number;
};

const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ transport }) => transport.stop()));
});

type Setup = {
  readonly key: NodeKey;
  readonly committee?: readonly Address[];
  readonly peers?: readonly Peer[];
  readonly listen?: readonly string[];
  readonly judge?: (text: string, from: Address) => GossipVerdict;
  readonly onRequest?: TransportOptions["onRequest"];
  readonly limits?: Partial<TransportLimits>;
  readonly maxBytes?: number;
};

async function start(setup: Setup): Promise<Running> {
  const heard: Heard[] = [];
  const warnings: string[] = [];
  let refused = 0;
  const transport = await startTransport({
    key: setup.key,
    committee: setup.committee ?? KEYS.map(({ address }) => address),
    listen: setup.listen ?? ["/ip4/127.0.0.1/tcp/0"],
    peers: setup.peers ?? running.flatMap(peersOf),
    topics: [{ topic: TOPIC, maxBytes: setup.maxBytes ?? MAX_BYTES }],
    onGossip: ({ topic, bytes, from }) => {
      const text = new TextDecoder().decode(bytes);
      heard.push({ topic, text, from });
      return setup.judge?.(text, from) ?? "accept";
    },
    onRequest: setup.onRequest ?? (() => undefined),
    ...(setup.limits === undefined ? {} : { limits: setup.limits }),
    log: { info: () => undefined, warn: (_, message) => warnings.push(message) },
    metrics: {
      onGossip: () => undefined,
      onRequest: () => undefined,
      onLink: () => undefined,
      onRefused: () => {
        refused += 1;
      },
    },
  });
  const node = { key: setup.key, transport, heard, warnings, refused: () => refused };
  running.push(node);
  return node;
}

function peersOf({ key, transport }: Running): Peer[] {
  return transport.addresses().map((multiaddr) => ({ address: key.address, multiaddr }));
}

function keyAt(index: number): NodeKey {
  return KEYS[index] ?? STRANGER;
}

async function startMany(count: number, setup: Partial<Setup> = {}): Promise<readonly [Running, Running, ...Running[]]> {
  const nodes: Running[] = [];
  for (let i = 0; i < count; i++) nodes.push(await start({ ...setup, key: keyAt(i) }));
  await meshed(nodes);
  const [first, second, ...rest] = nodes;
  if (first === undefined || second === undefined) throw new Error("two at least");
  return [first, second, ...rest];
}

async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(5);
  }
}

function meshed(nodes: readonly Running[]): Promise<void> {
  return until("everybody reaches everybody", () =>
    nodes.every(({ transport }) => transport.reachable(TOPIC).length >= nodes.length - 1),
  );
}

function publish(node: Running, text: string): Promise<void> {
  return node.transport.publish(TOPIC, utf8(text));
}

const heardTexts = ({ heard }: Running) => heard.map(({ text }) => text);

describe("gossip over TCP", () => {
  it("reaches every node of four once, within a bound, and names the neighbour", async () => {
    const nodes = await startMany(4);
    const [first, ...others] = nodes;
    expect(first.transport.connected()).toEqual(others.map(({ key }) => key.address).sort(compareText));
    const startedAt = performance.now();
    await publish(first, "one");
    await until("all heard it", () => others.every((node) => heardTexts(node).includes("one")), 1_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await sleep(200);
    for (const { heard } of others) expect(heard.filter(({ text }) => text === "one")).toHaveLength(1);
    expect(others[0]?.heard[0]).toMatchObject({ topic: TOPIC, from: expect.stringMatching(/^0x[0-9a-f]{40}$/) });
    expect(first.heard).toEqual([]);
  });

  it("publishes to nobody, and the same bytes twice, without an error", async () => {
    const alone = await start({ key: keyAt(0) });
    await publish(alone, "one");
    await publish(alone, "one");
    expect(alone.warnings).toEqual([]);
  });

  it("treats a message beyond the topic's bound as the caller's bug", async () => {
    const alone = await start({ key: keyAt(0) });
    await expect(alone.transport.publish(TOPIC, new Uint8Array(MAX_BYTES + 1))).rejects.toThrow("assertion failed");
  });

  it("never hands over a message beyond the topic's bound", async () => {
    const [victim, sender] = [await start({ key: keyAt(0) }), await start({ key: keyAt(1), maxBytes: 2 * MAX_BYTES })];
    await meshed([victim, sender]);
    await publish(sender, "x".repeat(MAX_BYTES + 1));
    await publish(sender, "y".repeat(MAX_BYTES));
    await until("the one within the bound came", () => victim.heard.length > 0);
    expect(victim.heard.map(({ text }) => text[0])).toEqual(["y"]);
  });

  it("survives a frame no bound allows: the link is made anew", { timeout: 40_000 }, async () => {
    const [victim, sender] = [await start({ key: keyAt(0) }), await start({ key: keyAt(1), maxBytes: 2 * 1024 * 1024 })];
    await meshed([victim, sender]);
    // Within the sender's own bound; with its envelope beyond the victim's least bound of 2 MiB for a frame.
    await publish(sender, "x".repeat(2 * 1024 * 1024));
    await until("the stream broke", () => victim.transport.reachable(TOPIC).length === 0);
    let round = 0;
    const end = performance.now() + 25_000;
    while (victim.heard.length === 0 && performance.now() < end) {
      round += 1;
      await publish(sender, `small ${round}`);
      await sleep(250);
    }
    expect(victim.heard[0]?.text).toMatch(/^small/);
  });

  it("stops listening to a peer whose messages are rejected, and not to one whose messages are ignored", async () => {
    const judge = (text: string): GossipVerdict =>
      text.startsWith("bad") ? "reject" : text.startsWith("dull") ? "ignore" : "accept";
    const [victim, rejected, ignored] = await startMany(3, { judge });
    for (let i = 0; i < 20; i++) await Promise.all([publish(rejected, `bad ${i}`), publish(ignored as Running, `dull ${i}`)]);
    await until("both were judged", () => heardTexts(victim).includes("dull 19"));
    await sleep(1_500);
    await publish(ignored as Running, "good from the ignored");
    await until("the ignored one is heard", () => heardTexts(victim).includes("good from the ignored"));
    const before = victim.heard.filter(({ from }) => from === rejected.key.address).length;
    await publish(rejected, "good from the rejected");
    await sleep(500);
    expect(victim.heard.filter(({ from }) => from === rejected.key.address)).toHaveLength(before);
  });

  it("slows a flooder down without losing or delaying the others' messages", async () => {
    const limits = { messages: { perSecond: 50, burst: 20 } };
    const [victim, flooder, honest] = await startMany(3, { limits });
    // The honest node would relay the flood; it ignores it, as any node over its own bounds does.
    const flood = Array.from({ length: 200 }, (_, i) => publish(flooder, `flood ${i}`));
    await Promise.all(flood);
    const startedAt = performance.now();
    await publish(honest as Running, "timely");
    await until("the honest message came", () => heardTexts(victim).includes("timely"), 2_000);
    const tookMs = performance.now() - startedAt;
    const floodHeard = heardTexts(victim).filter((text) => text.startsWith("flood")).length;
    expect(tookMs).toBeLessThan(1_000);
    expect(floodHeard).toBeLessThan(120);
    await until("none of the flood is lost", () => heardTexts(victim).filter((text) => text.startsWith("flood")).length === 200);
  });
});

describe("who may connect", () => {
  it("only members: a stranger who knows the address is refused, and a node does not talk to a stranger at a member's address", async () => {
    const member = await start({ key: keyAt(0) });
    const stranger = await start({ key: STRANGER, committee: [keyAt(0).address, STRANGER.address], peers: peersOf(member) });
    await until("refused", () => member.refused() > 0 || stranger.warnings.length > 0);
    await sleep(200);
    expect(member.transport.connected()).toEqual([]);
    const [at] = stranger.transport.addresses();
    const misled = await start({ key: keyAt(1), peers: [{ address: keyAt(2).address, multiaddr: at ?? "" }] });
    await until("it says so", () => misled.warnings.length > 0);
    expect(misled.transport.connected()).toEqual([]);
  });

  it("who comes in by a change of config is dialled and heard, and who leaves by one is disconnected and stays away", async () => {
    const [first, guest] = [keyAt(1), keyAt(0)];
    const inside = await start({ key: first, committee: [first.address] });
    const outside = await start({ key: guest, committee: [first.address, guest.address] });
    await until("refused", () => inside.refused() > 0);
    expect(inside.transport.connected()).toEqual([]);
    inside.transport.admit([first.address, guest.address]);
    await meshed([inside, outside]);
    await publish(outside, "one");
    await until("heard", () => heardTexts(inside).includes("one"));

    inside.transport.admit([first.address]);
    await until("gone", () => inside.transport.connected().length === 0);
    const refused = inside.refused();
    await until("turned away again", () => inside.refused() > refused);
    expect(inside.transport.connected()).toEqual([]);
  });

  it("a peer that may not connect yet is not dialled; once it may, it is", async () => {
    const [guest, first] = [keyAt(0), keyAt(1)];
    const member = await start({ key: guest, committee: [guest.address, first.address] });
    const waiting = await start({ key: first, committee: [first.address], peers: peersOf(member) });
    await sleep(600);
    expect([member.transport.connected(), waiting.warnings]).toEqual([[], []]);
    waiting.transport.admit([first.address, guest.address]);
    await meshed([member, waiting]);
  });

  it("another member than the config names at an address is turned away, and the operator told", async () => {
    const member = await start({ key: keyAt(0), peers: [] });
    const [at] = member.transport.addresses();
    const misled = await start({ key: keyAt(1), peers: [{ address: keyAt(2).address, multiaddr: at ?? "" }] });
    await until("it says so", () => misled.warnings.length > 0);
    expect(misled.warnings[0]).toContain(`${keyAt(0).address} answers there: correct its multiaddr in node.yaml`);
    expect(misled.transport.connected()).toEqual([]);
  });

  it("a member that restarts at its address is connected again, with gossip", async () => {
    const [first, second] = await startMany(2);
    const listen = first.transport.addresses();
    await first.transport.stop();
    running.splice(running.indexOf(first), 1);
    await until("the other noticed", () => second.transport.connected().length === 0);
    const again = await start({ key: first.key, peers: [], listen });
    await meshed([again, second]);
    await publish(second, "welcome back");
    await until("gossip flows", () => heardTexts(again).includes("welcome back"));
  });

  it("a port that is taken is an error that says so", async () => {
    const first = await start({ key: keyAt(0) });
    await expect(start({ key: keyAt(1), listen: first.transport.addresses() })).rejects.toMatchObject({ code: "cannot-listen" });
  });
});

describe("requests", () => {
  const BODY = new Uint8Array(8 * 1024 * 1024).fill(7);
  const onRequest: TransportOptions["onRequest"] = async ({ protocol, bytes, from }) => {
    const text = new TextDecoder().decode(bytes);
    if (text === "slow") await sleep(1_000);
    if (text === "body") return BODY;
    if (text === "none") return undefined;
    if (text === "too long") return new Uint8Array(65 * 1024);
    if (text === "broken") throw new Error("a handler's bug");
    return utf8(`${protocol} ${text} ${from}`);
  };
  const ask = (node: Running, to: Address, text: string, options: { timeoutMs?: number; protocol?: "hello" | "fetch" } = {}) =>
    node.transport.request({
      to,
      protocol: options.protocol ?? "fetch",
      bytes: utf8(text),
      timeoutMs: options.timeoutMs ?? 5_000,
    });

  it("are answered, by protocol, up to whole bodies, and the answerer knows who asks", async () => {
    const [asker, server] = await startMany(2, { onRequest });
    const to = server.key.address;
    const answer = await ask(asker, to, "hi", { protocol: "hello" });
    expect(answer.ok && new TextDecoder().decode(answer.value)).toBe(`hello hi ${asker.key.address}`);
    const body = await ask(asker, to, "body");
    expect(body.ok && Buffer.compare(body.value, BODY)).toBe(0);
  });

  it.each<[RequestFault, string, { timeoutMs?: number; protocol?: "hello" | "fetch" }]>([
    ["absent", "none", {}],
    ["timeout", "slow", { timeoutMs: 200 }],
    ["oversize", "x".repeat(5000), { protocol: "hello" }],
    ["absent", "too long", { protocol: "hello" }],
    ["closed", "broken", {}],
  ])("end as %s", async (fault, text, options) => {
    const [asker, server] = await startMany(2, { onRequest });
    expect(await ask(asker, server.key.address, text, options)).toEqual({ ok: false, error: fault });
    expect((await ask(asker, server.key.address, "still works")).ok).toBe(true);
  });

  it("to a member without a connection say so at once", async () => {
    const alone = await start({ key: keyAt(0) });
    expect(await ask(alone, keyAt(1).address, "hi")).toEqual({ ok: false, error: "not-connected" });
  });

  it("beyond a peer's allowance are busy, and another peer's are not", async () => {
    const limits = { requests: { perSecond: 1, burst: 5 } };
    const [server, greedy, modest] = await startMany(3, { onRequest, limits });
    const answers = [];
    for (let i = 0; i < 10; i++) answers.push(await ask(greedy, server.key.address, "hi"));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
    expect(answers.at(-1)).toEqual({ ok: false, error: "busy" });
    expect((await ask(modest as Running, server.key.address, "hi")).ok).toBe(true);
  });

  it("too many at once are busy here already, and slow ones do not hold up another peer's", async () => {
    const [server, greedy, modest] = await startMany(3, { onRequest });
    const slow = Array.from({ length: 12 }, () => ask(greedy, server.key.address, "slow"));
    const startedAt = performance.now();
    expect((await ask(modest as Running, server.key.address, "hi")).ok).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(500);
    const codes = (await Promise.all(slow)).map((answer) => (answer.ok ? "ok" : answer.error));
    expect(codes.filter((code) => code === "ok")).toHaveLength(8);
    expect(codes.filter((code) => code === "busy")).toHaveLength(4);
  });

  it("leave no stream open", async () => {
    const [asker, server] = await startMany(2, { onRequest });
    for (let i = 0; i < 60; i++) expect((await ask(asker, server.key.address, `${i}`)).ok).toBe(true);
  });
});

describe("stopping", () => {
  it("leaves no socket, server or timer behind, and later calls do no harm", async () => {
    const handles = () => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind)).length;
    const before = handles();
    const nodes = await startMany(3);
    expect(handles()).toBeGreaterThan(before);
    await Promise.all(nodes.map(({ transport }) => transport.stop()));
    await publish(nodes[0], "into the void");
    expect(
      await nodes[0].transport.request({ to: nodes[1].key.address, protocol: "hello", bytes: utf8("x"), timeoutMs: 100 }),
    ).toEqual({
      ok: false,
      error: "not-connected",
    });
    await until("all handles are gone", () => handles() <= before, 5_000);
  });
});
