import { createConnection, type Socket } from "node:net";
import type { Account } from "./ledger.ts";
import { chunkedDecoder, clientFrame, type Decoder, type Head, socketDecoder } from "./wire.ts";

/** How long a reader stays away after its connection ended; each a little different, as clients are. */
const RETRY_MS = { least: 300, most: 1_300 };
const PONG = 0xa;

/** All sockets of a process read into one buffer: what it holds is used up before the next read. */
const SHARED = Buffer.alloc(256 * 1_024);

export type Form = "sse" | "websocket";

export type ReaderOptions = {
  readonly form: Form;
  /** Of the feeds asked for, as `ETH-USD,BTC-USD`. */
  readonly selection: string;
  /** Ports of the gateways, the first one first. */
  readonly gateways: readonly number[];
  /** Takes one payload of the stream: a chunk of server-sent events, or a message. */
  readonly onPayload: (payload: Buffer, reader: Reader) => void;
  /** What cannot be read at all. */
  readonly onFault: (detail: string) => void;
};

export type Reader = {
  readonly form: Form;
  readonly selection: string;
  readonly account: Account;
  readonly stats: ReaderStats;
  /** When the connection ended after which no round came yet, Unix ms. */
  awaySince: number | undefined;
  readonly open: () => void;
  readonly close: () => void;
};

export type ReaderStats = {
  opened: number;
  /** Connections that ended or could not be made. */
  ended: number;
  /** Answers other than the stream, by status. */
  readonly refused: Record<number, number>;
  /** From the end of a connection to the next round, ms. */
  readonly aways: number[];
};

/** Follows one gateway, and the other when that one ends the stream; goes on after the last round that it has. */
export function createReader({ form, selection, gateways, onPayload, onFault }: ReaderOptions): Reader {
  let [socket, at, closed]: [Socket | undefined, number, boolean] = [undefined, 0, false];
  const reader: Reader = {
    ...{ form, selection, account: { rounds: [], lags: [] }, awaySince: undefined },
    stats: { opened: 0, ended: 0, refused: {}, aways: [] },
    open: () => connect(),
    close: () => {
      closed = true;
      socket?.destroy();
    },
  };
  const connect = (): void => {
    const port = gateways[at % gateways.length] ?? 0;
    let decoder: Decoder | undefined;
    const opened = createConnection({
      ...{ host: "127.0.0.1", port, noDelay: true },
      onread: {
        buffer: SHARED,
        callback: (length, buffer) => {
          const good = decoder?.take(Buffer.from(buffer.buffer, buffer.byteOffset, length));
          if (good === false) {
            onFault(`${form}: bytes that are no stream`);
            opened.destroy();
          }
          return true;
        },
      },
    });
    socket = opened;
    const onHead = ({ status }: Head): void => {
      if (status === 200 || status === 101) {
        reader.stats.opened += 1;
        return;
      }
      reader.stats.refused[status] = (reader.stats.refused[status] ?? 0) + 1;
      opened.destroy();
    };
    const take = (payload: Buffer): void => onPayload(payload, reader);
    decoder =
      form === "sse"
        ? chunkedDecoder(onHead, take)
        : socketDecoder(onHead, take, (ping) => void opened.write(clientFrame(PONG, Buffer.from(ping))));
    opened.once("connect", () => void opened.write(requestOf(form, selection, reader.account.rounds.at(-1))));
    opened.on("error", () => undefined);
    // The server's FIN ends it: allowHalfOpen is off, so `close` follows.
    opened.once("close", () => {
      if (closed) return;
      reader.stats.ended += 1;
      reader.awaySince ??= Date.now();
      at += 1;
      setTimeout(connect, RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least));
    });
  };
  return reader;
}

function requestOf(form: Form, selection: string, last: number | undefined): string {
  const head = ["host: load"];
  if (form === "sse") {
    if (last !== undefined) head.push(`last-event-id: ${last}`);
    return `GET /v1/stream?feeds=${selection} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`;
  }
  // The key of RFC 6455's example: nothing here depends on its being random.
  head.push(
    "upgrade: websocket",
    "connection: upgrade",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  );
  const after = last === undefined ? "" : `&after=${last}`;
  return `GET /v1/ws?feeds=${selection}${after} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`;
}
