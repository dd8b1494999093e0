import { type Child, startChild } from "./child.ts";
import { type Load, openLoad } from "./http-load.ts";
import { atLeast, formatCount, median, type Outcome } from "./measure.ts";

const CONNECTIONS = 16;
const TURNS = 10;
const TURN_MS = 600;
const AIM = 0.6;

type Status = {
  readonly gateway: string;
  readonly bare: string;
  readonly path: string;
  readonly bytes: number;
  readonly cpuMs: number;
  readonly rounds: number;
};
type Turn = { readonly perSecond: number; readonly cpuMsPerRequest: number };

/** `GET /v1/feeds/:id` against a static reply of the same size by a Fastify without plugins, over loopback, in turns. */
export async function benchHttp(): Promise<Outcome> {
  const child = startChild(new URL("./http-servers.ts", import.meta.url));
  try {
    const { gateway, bare, path, bytes } = await ask(child);
    const loads = { ours: await openLoad(gateway, path, CONNECTIONS), bare: await openLoad(bare, "/", CONNECTIONS) };
    const turns: { readonly ours: Turn; readonly bare: Turn }[] = [];
    for (let turn = 0; turn <= TURNS; turn++) {
      const pair = { ours: await takeTurn(loads.ours, child), bare: await takeTurn(loads.bare, child) };
      if (turn > 0) turns.push(pair);
    }
    loads.ours.stop();
    loads.bare.stop();
    return report(turns, { bytes, rounds: (await ask(child)).rounds });
  } finally {
    await child.stop();
  }
}

function report(
  turns: readonly { readonly ours: Turn; readonly bare: Turn }[],
  { bytes, rounds }: { readonly bytes: number; readonly rounds: number },
): Outcome {
  const rate = median(turns.map(({ ours, bare }) => ours.perSecond / bare.perSecond));
  const cpu = median(turns.map(({ ours, bare }) => bare.cpuMsPerRequest / ours.cpuMsPerRequest));
  const of = (side: "ours" | "bare", field: keyof Turn): number => median(turns.map((turn) => turn[side][field]));
  const share = (ratio: number): string => `${(100 * ratio).toFixed(0)} %`;
  return {
    rows: [
      {
        what: "GET /v1/feeds/:id against a bare reply",
        ours: `${formatCount(of("ours", "perSecond"))} requests/s`,
        other: `${formatCount(of("bare", "perSecond"))}/s bare Fastify`,
        ratio: share(rate),
        aim: atLeast(rate, AIM, share(AIM)),
      },
      {
        what: "  the server's CPU per request",
        ours: `${(1_000 * of("ours", "cpuMsPerRequest")).toFixed(1)} µs`,
        other: `${(1_000 * of("bare", "cpuMsPerRequest")).toFixed(1)} µs bare Fastify`,
        ratio: share(cpu),
        aim: atLeast(cpu, AIM, share(AIM)),
      },
    ],
    notes: [
      `${formatCount(bytes)} bytes, ${CONNECTIONS} keep-alive connections; both servers in one other process; ${rounds} rounds were published meanwhile. Medians of ${TURNS} pairs.`,
    ],
  };
}

async function takeTurn(load: Load, child: Child): Promise<Turn> {
  const before = await ask(child);
  const { requests, ms } = await load.run(TURN_MS);
  const after = await ask(child);
  return { perSecond: (1_000 * requests) / ms, cpuMsPerRequest: (after.cpuMs - before.cpuMs) / requests };
}

async function ask(child: Child): Promise<Status> {
  return (await child.ask({})) as Status;
}
