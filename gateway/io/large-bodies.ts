import type { FastifyReply, FastifyRequest } from "fastify";
import { addressBlock } from "../access.ts";
import { sendProblem } from "./replies.ts";

/** Anything of keyholders but the config of a larger network. */
const SMALL_BYTES = 64 * 1024;
/** Larger bodies that are read at once; each may be eight megabytes, and a stranger may take ten seconds to bring one. */
const MAX_LARGE = 4;

/**
 * Hooks of the routes that read more than a request's usual body: few large ones at a time, of one address one. A body of unknown length
 * counts as a large one. Small ones, as any pause is, never wait for large ones.
 */
export function createLargeBodies() {
  const reading = new Map<FastifyRequest, string>();
  const release = (request: FastifyRequest): void => {
    reading.delete(request);
  };
  return {
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const length = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY);
      if (length <= SMALL_BYTES) {
        done();
        return;
      }
      const address = addressBlock(request.ip);
      if (reading.size >= MAX_LARGE || [...reading.values()].includes(address)) {
        sendProblem(request, reply, "too-many-bodies", {
          detail: "one large request of an address is read at a time, and few in all",
        });
        return;
      }
      reading.set(request, address);
      reply.raw.once("close", () => release(request));
      done();
    },
    preHandler: (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
      release(request);
      done();
    },
    onResponse: (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
      release(request);
      done();
    },
  };
}
