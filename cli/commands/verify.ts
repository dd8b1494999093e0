import { Command } from "commander";
import { decide, type Refusal } from "../../client/policy.ts";
import { type Verification, verifyDocument } from "../../client/verify.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import { formatInstant } from "../../protocol/instant.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { formatDuration } from "../../protocol/reason-words.ts";
import { parseWhole } from "../flags.ts";
import { getJson, kindOf, parseJson, problemText } from "../http.ts";
import { collectText, readTextFile } from "../input.ts";
import { processTerminal, type Terminal } from "../terminal.ts";
import { DEFAULT_HOST, resolveTrust, type TrustOptions } from "../trust.ts";
import { describeFeeds, labelled } from "../verdict-lines.ts";

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** A document of another shape has hundreds of faults; the first few say which one it is. */
const MAX_DETAIL = 400;

type VerifyOptions = TrustOptions & { readonly maxAge?: string };
type Source = { readonly name: string; readonly answeredBy: string | undefined; readonly document: unknown };

const HELP = `
Examples:
  $ breakwater verify http://localhost:8080/v1/feeds/ETH-USD
  $ breakwater verify "http://localhost:8080/v1/bundle?feeds=ETH-USD,BTC-USD" --genesis 0x5e…
  $ curl -s http://localhost:8080/v1/feeds/ETH-USD > eth.json
  $ breakwater verify eth.json --committee network.yaml
  $ breakwater verify - --genesis 0x5e… --max-age 5000 < eth.json

Whose signatures count:
  --genesis <digest>   the digest that the members published (breakwater init --print-digest). The config that hashes to it, and
                       every change of config since, come from the answering host, for a file from --host; neither can lie.
  --committee <file>   a network.yaml, or a saved answer of /v1/committee; with --genesis it must hash to the digest. Changes of
                       config since are followed as above, for a file only with --host.
  neither              a URL's own host is asked. That proves only that the host agrees with itself, and the output says so.

Exit code 0: every check passed. A proof does not age: of a certificate whose lease has ended it says so and still exits 0.
With --max-age the document must also be usable now: lease running, no older than that, not from the future. Else exit code 1.`;

/** `breakwater verify`: every check of a feed document or bundle on a line, then what it says and whether it still permits anything. */
export function verifyCommand(terminal: Terminal = processTerminal()): Command {
  return new Command("verify")
    .description("Verify a signed price and verdict against a committee, and print what was checked")
    .argument("<url|file|->", "a feed (/v1/feeds/ETH-USD) or bundle: its URL, a saved copy, or - for standard input")
    .option("--genesis <digest>", "genesis digest of the network")
    .option("--committee <file>", "network.yaml, or a saved /v1/committee")
    .option("--host <url>", `who carries the genesis config and its changes for a file (with --genesis: ${DEFAULT_HOST})`)
    .option("--max-age <ms>", "fail unless the document is a permission now and at most this old")
    .addHelpText("after", HELP)
    .action(async (from: string, options: VerifyOptions) => {
      const maxAgeMs = options.maxAge === undefined ? undefined : parseWhole("--max-age", options.maxAge);
      const source = await readSource(from, terminal);
      const { trust, words } = await resolveTrust(options, source.answeredBy);
      const verification = verifyDocument(source.document, { trust, scheme: loadSecp256k1() });
      const { out } = terminal;
      out(labelled("document", source.name));
      words.forEach((line, index) => {
        out(labelled(index === 0 ? "trust root" : "", line));
      });
      out("");
      for (const { part, ok, detail } of verification.checks) out(labelled(`${mark(ok)} ${part}`, cut(detail)));
      if (!verification.ok || verification.header === undefined) throw notProven(source, verification);
      out("");
      for (const line of describeFeeds(source.document, verification.reports, terminal.now())) out(line);
      tellFreshness({ verification, header: verification.header, maxAgeMs }, terminal);
    });
}

async function readSource(from: string, { stdin }: Terminal): Promise<Source> {
  if (/^https?:/i.test(from)) {
    const { url, body } = await getJson(from);
    return { name: url, answeredBy: url, document: provable(body, url) };
  }
  const name = from === "-" ? "standard input" : from;
  const text =
    from === "-"
      ? await collectText(stdin, { name, maxBytes: MAX_DOCUMENT_BYTES })
      : await readTextFile(from, MAX_DOCUMENT_BYTES);
  const document = parseJson(text);
  if (document === undefined) {
    throw new OperationalError(`${name}: expected a JSON document, found ${kindOf(text)}`, { code: "not-json" });
  }
  return { name, answeredBy: undefined, document: provable(document, name) };
}

/** What people take for a proof although it holds none is named, before its shape fails in a hundred places. */
function provable(document: unknown, name: string): unknown {
  const problem = problemText(document);
  if (problem !== undefined) throw new OperationalError(`${name}: not a price but a refusal:${problem}`, { code: "no-proof" });
  const isObject = typeof document === "object" && document !== null;
  if (isObject && "feeds" in document && (!("header" in document) || "digest" in document)) {
    throw new OperationalError(
      `${name}: lists feeds without their proofs; verify one feed (/v1/feeds/ETH-USD) or a bundle (/v1/bundle?feeds=ETH-USD,BTC-USD)`,
      { code: "no-proof" },
    );
  }
  return document;
}

function notProven({ name }: Source, { faults }: Verification): OperationalError {
  const parts = faults.map(({ part, detail }) => `${part}: ${detail}`).join("; ");
  return new OperationalError(`${name}: not proven: ${cut(parts)}`, { code: "not-proven" });
}

/** Refusals of the client's policy that are about time and not about what the leaf permits. */
const UNTIMELY: readonly Refusal[] = ["future", "expired", "old"];

function tellFreshness(
  {
    verification,
    header: { round, timestamp, validUntil },
    maxAgeMs,
  }: { readonly verification: Verification; readonly header: RoundHeader; readonly maxAgeMs: number | undefined },
  { out, now: clock }: Terminal,
): void {
  const now = clock();
  const age =
    now < timestamp ? `${formatDuration(timestamp - now)} ahead of this clock` : `${formatDuration(now - timestamp)} ago`;
  out(labelled("round", `${round}, of ${formatInstant(timestamp)}, ${age}`));
  out(
    labelled(
      "lease",
      now > validUntil
        ? `expired ${formatDuration(now - validUntil)} ago: proof of what was said then, not a permission now`
        : `runs for another ${formatDuration(validUntil - now)} (validUntil ${validUntil})`,
    ),
  );
  if (maxAgeMs === undefined) return;
  const feed = verification.reports[0]?.feed ?? "";
  const answer = decide("borrow", feed, verification, { now, maxAgeMs });
  const untimely = !answer.ok && UNTIMELY.includes(answer.reason);
  out(labelled(`${mark(!untimely)} age`, untimely ? answer.detail : `at most ${formatDuration(maxAgeMs)}`));
  if (untimely) throw new OperationalError(`not usable now: ${answer.detail}`, { code: "untimely" });
}

function mark(ok: boolean): string {
  return ok ? "✓" : "✗";
}

function cut(text: string): string {
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL)} …`;
}
