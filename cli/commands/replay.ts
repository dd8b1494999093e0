import { Command } from "commander";
import type { Trust } from "../../client/verify.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { Network } from "../../protocol/config.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { readNetworkFile } from "../files.ts";
import { badFlag, parseWhole } from "../flags.ts";
import { describeWay } from "../following.ts";
import { differenceIn } from "../replay/recompute.ts";
import { openApiSource, openStoreSource, type RoundSource } from "../replay/sources.ts";
import { processTerminal, type Terminal } from "../terminal.ts";
import { labelled } from "../verdict-lines.ts";
import { formatCount } from "../words.ts";

/** Between two lines that say how far it is. */
const PROGRESS_MS = 5_000;

const HELP = `
Examples:
  $ breakwater replay --store node1/store.sqlite --network network.yaml
  $ breakwater replay --store node1/store.sqlite --network network.yaml --from 1795300000 --to 1795310000
  $ breakwater replay --url https://oracle.example --network network.yaml --from 1795300000

Every round is computed again from its body, under the config in force in it, and compared byte for byte with what was certified:
certificate, header with the roots of leaves, memory and inputs, and every leaf and reason shown. Only network.yaml is trusted: changes
of config since are followed by their certificates. A store may be read beside the running node.

Exit code 0: every round with a body is what was certified. 1: the first one that is not is named, with the part that differs.`;

type ReplayOptions = {
  readonly network: string;
  readonly store?: string;
  readonly url?: string;
  readonly from?: string;
  readonly to?: string;
};

/** `breakwater replay`: whether the rounds that a node kept or serves are what their observations make of them. */
export function replayCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("replay")
    .description("Recompute stored rounds from their observations and compare them with what was certified")
    .requiredOption("--network <file>", "network.yaml: the genesis config")
    .option("--store <file>", "a node's store")
    .option("--url <url>", "a node's or gateway's API")
    .option("--from <round>", "first round; in a store the oldest with a body")
    .option("--to <round>", "last round; the newest there is")
    .addHelpText("after", HELP)
    .action(async (options: ReplayOptions) => {
      const network = readNetworkFile(options.network);
      const source = openSource(options, network);
      try {
        await replay(source, await spanOf(options, source), terminal);
      } finally {
        source.close();
      }
    });
}

function openSource({ store, url, from }: ReplayOptions, network: Network): RoundSource {
  if ((store === undefined) === (url === undefined)) throw badFlag("--store", "expected this or --url, one of the two");
  if (store !== undefined) return openStoreSource(store, network);
  if (from === undefined) throw badFlag("--from", "expected the first round: an API does not say which is its oldest");
  return openApiSource((url ?? "").replace(/\/+$/, ""), network);
}

type Span = { readonly from: number; readonly to: number };

async function spanOf(options: ReplayOptions, source: RoundSource): Promise<Span> {
  const [from, to] = (["from", "to"] as const).map((name) => {
    const text = options[name];
    return text === undefined ? undefined : parseWhole(`--${name}`, text);
  });
  const extent = await source.extent();
  if (extent === undefined) throw new OperationalError(`${source.name}: holds no round`, { code: "no-rounds" });
  const span = { from: from ?? extent.first, to: Math.min(to ?? extent.last, extent.last) };
  if (span.from <= span.to) return span;
  throw new OperationalError(
    `${source.name}: holds rounds up to ${extent.last}, none from ${span.from} to ${to ?? extent.last}`,
    {
      code: "no-rounds",
    },
  );
}

async function replay(source: RoundSource, span: Span, { out, note, now }: Terminal): Promise<void> {
  const trust = await source.trust();
  const scheme = loadSecp256k1();
  out(labelled("rounds", `${span.from} to ${span.to} of ${source.name}`));
  for (const line of describeWay(trust)) out(labelled("config", line));
  const startedAt = now();
  let counted = { recomputed: 0, bare: 0 };
  let saidAt = startedAt;
  for await (const sourced of source.rounds(span)) {
    if (sourced.kind === "bare") {
      counted = { ...counted, bare: counted.bare + 1 };
      continue;
    }
    if (sourced.kind === "damaged") throw differs(source, sourced.round, sourced.detail);
    const network = networkIn(trust, sourced.round);
    const difference = differenceIn(sourced.recorded, { trust, network, scheme });
    if (difference !== undefined) throw differs(source, sourced.round, difference);
    counted = { ...counted, recomputed: counted.recomputed + 1 };
    if (now() - saidAt < PROGRESS_MS) continue;
    saidAt = now();
    note(`round ${sourced.round}: ${describe(counted, saidAt - startedAt)}`);
  }
  if (counted.recomputed === 0) {
    throw new OperationalError(`${source.name}: no body of rounds ${span.from} to ${span.to} is kept: nothing to recompute`, {
      code: "no-rounds",
    });
  }
  out(labelled("recomputed", describe(counted, now() - startedAt)));
  if (counted.bare > 0) out(labelled("", `${formatCount(counted.bare)} rounds without a body: retention let it go`));
  out("every one is, byte for byte, what was certified");
}

/** The config in force in a round; with what was followed, there is always one. */
function networkIn({ eras }: Trust, round: number): Network {
  const era = eras?.findLast(({ fromRound }) => fromRound <= round);
  if (era === undefined) throw new OperationalError(`round ${round}: no config is known for it`, { code: "untrusted" });
  return era.network;
}

function describe({ recomputed }: { readonly recomputed: number }, elapsedMs: number): string {
  const rate = Math.round((recomputed * 1_000) / Math.max(1, elapsedMs));
  return `${formatCount(recomputed)} rounds in ${formatDuration(elapsedMs)}, ${formatCount(rate)} rounds/s`;
}

function differs({ name }: RoundSource, round: number, detail: string): OperationalError {
  return new OperationalError(`${name}: round ${round} is not what was certified: ${detail}`, {
    code: "differs",
    details: { round },
  });
}
