import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One direction between two nodes, whoever of them dialled. */
export type Direction = {
  /** Nothing passes and nothing is lost: what is held goes on when the direction opens, as TCP's own repeats would. */
  blocked: boolean;
  /** Added to every chunk. */
  delayMs: number;
  /** 0 is without limit. */
  bytesPerSecond: number;
};

/** A TCP proxy before every node for each of its peers: the wire between the processes, in the test's hands. */
export type Wire = {
  /** Where `from` has to dial to reach `to`. */
  readonly port: (from: number, to: number) => number;
  /** Sets every direction for which `concerns` is true; the others stay as they are. */
  readonly set: (concerns: (from: number, to: number) => boolean, change: Partial<Direction>) => void;
  /** Opens every direction again, without delay. */
  readonly heal: () => void;
  /** Bytes that passed from one node to another; shows that no connection goes round the proxies. */
  readonly passed: (from: number, to: number) => number;
  readonly close: () => Promise<void>;
};

const OPEN: Direction = { blocked: false, delayMs: 0, bytesPerSecond: 0 };
/** How often a blocked direction looks whether it may go on. */
const LOOK_MS = 20;

type Way = Direction & { passed: number };

/** @param ports where each node listens, on loopback */
export async function openWire(ports: readonly number[]): Promise<Wire> {
  const ways = ports.map(() => ports.map((): Way => ({ ...OPEN, passed: 0 })));
  const sockets = new Set<Socket>();
  const wayOf = (from: number, to: number): Way => {
    const way = ways[from]?.[to];
    if (way === undefined) throw new Error(`no way from ${from} to ${to}`);
    return way;
  };
  const servers = new Map<string, Server>();
  for (const from of ports.keys()) {
    for (const [to, target] of ports.entries()) {
      if (from === to) continue;
      const link = { out: wayOf(from, to), back: wayOf(to, from), target, sockets };
      servers.set(`${from} ${to}`, await listen((socket) => void join(socket, link)));
    }
  }
  const each = (visit: (way: Way, from: number, to: number) => void): void => {
    for (const [from, row] of ways.entries()) for (const [to, way] of row.entries()) visit(way, from, to);
  };
  return {
    port: (from, to) => {
      const address = servers.get(`${from} ${to}`)?.address() as AddressInfo | undefined;
      if (address === undefined) throw new Error(`no proxy from ${from} to ${to}`);
      return address.port;
    },
    set: (concerns, change) =>
      each((way, from, to) => {
        if (from !== to && concerns(from, to)) Object.assign(way, change);
      }),
    heal: () => each((way) => void Object.assign(way, OPEN)),
    passed: (from, to) => wayOf(from, to).passed,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** True for both directions between nodes of different groups. */
export function between(...groups: readonly (readonly number[])[]): (from: number, to: number) => boolean {
  const groupOf = (node: number): number => groups.findIndex((group) => group.includes(node));
  return (from, to) => groupOf(from) !== groupOf(to);
}

function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, onConnection);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

type Link = { readonly out: Way; readonly back: Way; readonly target: number; readonly sockets: Set<Socket> };

/** A call over a cut link is not answered until the link is whole: the other side hears nothing of it before. */
async function join(caller: Socket, { out, back, target, sockets }: Link): Promise<void> {
  hold(caller, sockets);
  while ((out.blocked || back.blocked) && !caller.destroyed) await sleep(LOOK_MS);
  if (caller.destroyed) return;
  const called = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  hold(called, sockets);
  await Promise.all([pump(caller, called, out), pump(called, caller, back)]);
  caller.destroy();
  called.destroy();
}

function hold(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on("error", () => undefined);
  socket.once("close", () => sockets.delete(socket));
}

type Held = { readonly chunk: Buffer; readonly dueAt: number };

/** Bytes in their order, each no sooner than the direction allows; while it is blocked nothing passes, not even the end. */
async function pump(source: Socket, sink: Socket, way: Way): Promise<void> {
  const queue: Held[] = [];
  let ended = false;
  let wake = (): void => undefined;
  sink.once("close", () => wake());
  const opened = async (): Promise<void> => {
    while (way.blocked && !sink.destroyed) await sleep(LOOK_MS);
  };
  const read = async (): Promise<"end" | "broken"> => {
    try {
      // Its other direction goes on after its end.
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        queue.push({ chunk, dueAt: performance.now() + way.delayMs });
        wake();
        await opened();
      }
      return "end";
    } catch {
      return "broken";
    } finally {
      ended = true;
      wake();
    }
  };
  const reading = read();
  while (!sink.destroyed && !(ended && queue.length === 0)) {
    const next = queue.shift();
    if (next === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    const pauseMs = next.dueAt - performance.now();
    if (pauseMs > 0) await sleep(pauseMs);
    await opened();
    if (way.bytesPerSecond > 0) await sleep((next.chunk.length * 1_000) / way.bytesPerSecond);
    if (sink.destroyed) break;
    way.passed += next.chunk.length;
    if (!sink.write(next.chunk)) await drained(sink);
  }
  await opened();
  if (ended && (await reading) === "broken") sink.destroy();
  else sink.end();
  await reading;
}

function drained(sink: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off("drain", done);
      sink.off("close", done);
      resolve();
    };
    sink.once("drain", done);
    sink.once("close", done);
  });
}
