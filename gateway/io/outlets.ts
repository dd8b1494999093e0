import type { ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import { commentEvent, type Notice, noticeOf, retryEvent, STREAM_OPENING, type StreamForm } from "../events.ts";

/** Unsent bytes at which a catching-up reader of a WebSocket is waited for; an HTTP response has its own mark. */
const HIGH_WATER_BYTES = 64 * 1024;
/** Pings in a row that went unanswered when a reader counts as gone. */
const MAX_UNANSWERED_PINGS = 2;
/** RFC 6455's registry: service restart; the reader may come back. */
const CLOSE_RESTART = 1012;

/** Where one reader's stream goes: something that takes text, tells how much of it is unsent, and can be cut. Nothing here waits. */
export type Outlet = {
  readonly form: StreamForm;
  /** Before the first round. */
  readonly open: () => void;
  readonly write: (frame: Buffer) => void;
  readonly notice: (notice: Notice) => void;
  readonly bufferedBytes: () => number;
  /** Whether a reader that catches up should be waited for. */
  readonly isFull: () => boolean;
  /** Until it takes more or is gone; at least one turn of the loop, so that replays do not starve the live readers. */
  readonly room: () => Promise<void>;
  /** A sign of life; false when the other end has shown none of its own. */
  readonly beat: () => boolean;
  /** To its proper end, with how long to stay away. */
  readonly end: (retryMs: number | undefined) => void;
  readonly cut: () => void;
  readonly onClose: (listener: () => void) => void;
};

/** A response whose head is set and not yet written. */
export function responseOutlet(response: ServerResponse): Outlet {
  return {
    form: "sse",
    open: () => {
      response.flushHeaders();
      response.write(STREAM_OPENING);
    },
    write: (frame) => response.write(frame),
    notice: (notice) => response.write(noticeOf("sse", notice)),
    bufferedBytes: () => response.writableLength,
    isFull: () => response.writableNeedDrain,
    room: () =>
      new Promise((resolve) => {
        if (!response.writableNeedDrain || response.destroyed) {
          setImmediate(resolve);
          return;
        }
        const done = () => {
          response.off("drain", done);
          response.off("close", done);
          resolve();
        };
        response.on("drain", done);
        response.on("close", done);
      }),
    beat: () => {
      response.write(commentEvent("heartbeat"));
      return true;
    },
    end: (retryMs) => {
      if (retryMs !== undefined) response.write(retryEvent(retryMs));
      response.end();
    },
    cut: () => response.destroy(),
    onClose: (listener) => {
      response.once("close", listener);
    },
  };
}

/** An open WebSocket. Pings are its signs of life: a reader that answers none is gone or frozen. */
export function socketOutlet(socket: WebSocket): Outlet {
  let unanswered = 0;
  let waiting: (() => void)[] = [];
  const wake = () => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount > HIGH_WATER_BYTES) return;
    for (const resume of waiting) setImmediate(resume);
    waiting = [];
  };
  socket.on("pong", () => {
    unanswered = 0;
  });
  socket.on("close", wake);
  const send = (data: Buffer | string) => socket.send(data, { binary: false }, wake);
  return {
    form: "websocket",
    open: () => undefined,
    write: send,
    notice: (notice) => send(noticeOf("websocket", notice)),
    bufferedBytes: () => socket.bufferedAmount,
    isFull: () => socket.bufferedAmount > HIGH_WATER_BYTES,
    room: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        wake();
      }),
    beat: () => {
      if (unanswered >= MAX_UNANSWERED_PINGS) return false;
      unanswered += 1;
      if (socket.readyState === socket.OPEN) socket.ping();
      return true;
    },
    end: (retryMs) => socket.close(CLOSE_RESTART, retryMs === undefined ? "" : `try again in ${retryMs} ms`),
    cut: () => socket.terminate(),
    onClose: (listener) => {
      socket.once("close", listener);
    },
  };
}
