import type { Logger } from "pino";
import { createConcerns } from "./concerns.ts";
import { reasonOf } from "./operational-error.ts";

const ADVICE = "a bug in this program: it ends, and whatever runs it should start it again; please report the line";

/** What of a process is listened to; Node's own fits. */
export type ProcessPort = Pick<NodeJS.Process, "on" | "off"> & { readonly exit: (code: number) => void };

/**
 * What nobody caught ends the process, with a line that says so: a node that goes on with half of itself broken is worse than one that
 * is started again, since nothing is signed twice whatever ends it (P2). Node's own warnings become lines of the log.
 *
 * @returns the way to stop listening
 */
export function watchProcess(log: Logger, port: ProcessPort): () => void {
  const concerns = createConcerns(log);
  const end = (kind: string) => (error: unknown) => {
    log.fatal({ code: kind, err: error }, `${kind}: ${reasonOf(error)}; ${ADVICE}`);
    port.exit(1);
  };
  const onRejection = end("unhandled-rejection");
  const onException = end("uncaught-exception");
  const onWarning = (warning: Error): void => {
    const { name, message } = warning;
    concerns.warn("process-warning", `${name}: ${message}`, { warning: name, err: warning }, name);
  };
  port.on("unhandledRejection", onRejection);
  port.on("uncaughtException", onException);
  port.on("warning", onWarning);
  return () => {
    port.off("unhandledRejection", onRejection);
    port.off("uncaughtException", onException);
    port.off("warning", onWarning);
  };
}
