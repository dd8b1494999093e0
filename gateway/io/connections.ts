import type { Server } from "node:http";
import { addressBlock } from "../access.ts";

/**
 * No address holds more than so many connections: idle ones cost a stranger nothing, and a gateway that is full of them serves nobody. What
 * is beyond is closed unread.
 */
export function limitConnections(server: Server, most: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket) => {
    const address = addressBlock(socket.remoteAddress ?? "");
    const mine = counts.get(address) ?? 0;
    if (mine >= most) {
      socket.destroy();
      return;
    }
    counts.set(address, mine + 1);
    socket.once("close", () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}
