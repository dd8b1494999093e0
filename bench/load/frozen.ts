import { createConnection, type Socket } from "node:net";

/** Readers that ask for everything and then never read: sockets that are paused before their first byte. */
export type Frozen = {
  readonly count: number;
  readonly stop: () => void;
};

/** @param gateways ports, taken in turns */
export function openFrozen(
  count: number,
  { gateways, selection }: { readonly gateways: readonly number[]; readonly selection: string },
): Frozen {
  const sockets = Array.from({ length: count }, (_, index): Socket => {
    const socket = createConnection({ host: "127.0.0.1", port: gateways[index % gateways.length] ?? 0 });
    socket.pause();
    socket.on("error", () => undefined);
    socket.once("connect", () => void socket.write(`GET /v1/stream?feeds=${selection} HTTP/1.1\r\nhost: load\r\n\r\n`));
    return socket;
  });
  return {
    count,
    stop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
