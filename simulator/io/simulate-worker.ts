import { parentPort } from "node:worker_threads";
import { createLaboratory } from "../trial/laboratory.ts";
import { carryOut, type Order } from "../trial/work.ts";

/** A thread that carries out one order after the other. */
const laboratory = createLaboratory();
parentPort?.on("message", (order: Order) => {
  parentPort?.postMessage(carryOut(order, laboratory, () => performance.now()));
});
