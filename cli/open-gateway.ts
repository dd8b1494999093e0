import { type Gateway, GatewayError, startGateway } from "../gateway/io/server.ts";
import { OperationalError } from "../node/io/operational-error.ts";

/**
 * The HTTP surface, of a node or a replica. It may not import the node's error; to the operator a taken port is the same one line, whichever
 * listener it is.
 *
 * @throws OperationalError `port-taken`, `cannot-listen`
 */
export async function openGateway(options: Parameters<typeof startGateway>[0]): Promise<Gateway> {
  try {
    return await startGateway(options);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new OperationalError(error.message, { code: error.code, details: error.details, cause: error });
  }
}
