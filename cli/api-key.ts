import { randomBytes } from "node:crypto";
import { accessSchema, apiKeyDigest, formatApiKey } from "../gateway/access.ts";
import { badFlag, parseWhole } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

const KEY_BYTES = 32;
/** The schema's field and the flag that fills it. */
const FLAGS: Readonly<Record<string, string>> = {
  name: "--name",
  requestsPerMinute: "--requests-per-minute",
  streams: "--streams",
};

export type ApiKeyOptions = { readonly name: string; readonly requestsPerMinute: string; readonly streams: string };

/** `keys api`: prints the key, once, and beside it the entry that lets its holder in. @throws OperationalError `bad-flag` */
export function makeApiKey({ name, requestsPerMinute, streams }: ApiKeyOptions, { out, note }: Terminal): void {
  const key = formatApiKey(randomBytes(KEY_BYTES));
  const entry = {
    ...{ name, sha256: apiKeyDigest(key), requestsPerMinute: parseWhole("--requests-per-minute", requestsPerMinute) },
    streams: parseWhole("--streams", streams),
  };
  const parsed = accessSchema.safeParse({ keys: [entry] });
  const issue = parsed.error?.issues[0];
  if (issue !== undefined) throw badFlag(FLAGS[String(issue.path.at(-1))] ?? "--name", issue.message);
  out(key);
  note("Add this to `keys` in the gateway's keysFile; the key itself is kept nowhere and cannot be shown again:");
  note(`  ${JSON.stringify(entry)}`);
}
