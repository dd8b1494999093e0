import { createConnection, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";
const OK = "HTTP/1.1 200 ";
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
/** No answer of the benchmark is longer. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Keep-alive connections, each with one request under way. */
export type Load = {
  readonly run: (ms: number) => Promise<{ readonly requests: number; readonly ms: number }>;
  readonly stop: () => void;
};

/** A load that costs its own process little: the plainest HTTP/1.1 over sockets, answers counted by their content-length. */
export async function openLoad(address: string, path: string, connections: number): Promise<Load> {
  const { hostname, port } = new URL(address);
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(hostname, Number(port))));
  return {
    run: async (ms) => {
      const startedAt = performance.now();
      const counts = await Promise.all(sockets.map((socket) => exchange(socket, request, startedAt + ms)));
      return { requests: counts.reduce((sum, count) => sum + count, 0), ms: performance.now() - startedAt };
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One request after the other until the deadline; the last one is waited for. */
function exchange(socket: Socket, request: Buffer, deadline: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let received: Buffer = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      socket.off("data", onData).off("close", onClose);
      settle();
    };
    const onClose = (): void => finish(() => reject(new Error("the server closed a connection")));
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = answerLength(received);
      if (length === undefined || length > MAX_ANSWER_BYTES) {
        finish(() => reject(new Error(`expected a 200 with a content-length: ${received.toString("latin1", 0, 80)}`)));
      } else if (received.length >= length) {
        received = Buffer.alloc(0);
        count += 1;
        if (performance.now() < deadline) socket.write(request);
        else finish(() => resolve(count));
      }
    };
    socket.on("data", onData).once("close", onClose);
    socket.write(request);
  });
}

/** Bytes of the whole answer; infinite while its head is not complete, undefined when it is not what was asked for. */
function answerLength(received: Buffer): number | undefined {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return received.length < MAX_ANSWER_BYTES ? MAX_ANSWER_BYTES : undefined;
  const head = received.toString("latin1", 0, end + 2);
  const length = LENGTH.exec(head)?.[1];
  return head.startsWith(OK) && length !== undefined ? end + HEAD_END.length + Number(length) : undefined;
}

function connect(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => undefined);
      resolve(socket);
    });
  });
}
