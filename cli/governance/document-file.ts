import { renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { OperationalError, reasonOf } from "../../node/io/operational-error.ts";
import { configDigest, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { addressSchema, digestSchema, signatureSchema } from "../../protocol/document.ts";
import { type FeedId, parseFeedId } from "../../protocol/feed.ts";
import { ALL_FEEDS, type Approval, type DocumentContent, type FeedScope, PAUSE_ACTIONS } from "../../protocol/governance.ts";
import { parseJson } from "../http.ts";
import { readTextFile } from "../input.ts";

/** The largest config is 4 MiB of JSON without a space. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_APPROVALS = 64;
/** A document goes from keyholder to keyholder; nothing in it is a secret. */
const FILE_MODE = 0o644;

/** A document on its way from keyholder to keyholder: what it says, and who has approved it so far. */
export type Draft = { readonly content: DocumentContent; readonly approvals: readonly Approval[] };

const instant = z.int().min(0);
const feedSchema = z.string().refine((text) => parseFeedId(text).ok, "expected BASE/QUOTE") as unknown as z.ZodType<FeedId>;
const scopeSchema: z.ZodType<FeedScope> = z.union([z.literal(ALL_FEEDS), feedSchema]);
const configSchema = z.unknown().transform((content, context): NetworkConfig => {
  const parsed = parseNetworkConfig(content);
  if (parsed.ok) return parsed.value;
  for (const { path, expected } of parsed.error) context.addIssue({ code: "custom", message: `${path}: ${expected}` });
  return z.NEVER;
});

const contentSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("pause"), feed: scopeSchema, action: z.enum(PAUSE_ACTIONS), until: instant }),
  z.strictObject({ kind: z.literal("accept"), feed: feedSchema, configDigest: digestSchema, gapAt: instant }),
  z.strictObject({ kind: z.literal("rollback"), from: digestSchema, to: digestSchema }),
  z.strictObject({ kind: z.literal("removal"), guardian: addressSchema }),
  z.strictObject({
    kind: z.literal("config"),
    version: instant,
    replaces: digestSchema,
    configDigest: digestSchema,
    activation: instant,
    replayTo: instant,
    replay: digestSchema,
    config: configSchema,
  }),
]);
const fileSchema = z.strictObject({
  content: contentSchema,
  approvals: z.array(z.strictObject({ keyholder: addressSchema, nonce: instant, signature: signatureSchema })).max(MAX_APPROVALS),
});

/**
 * Reads what {@link writeDraft} wrote. Its signatures are still to be checked.
 *
 * @throws OperationalError `unreadable`, `oversize`, `not-a-document`; each names the file
 */
export async function readDraft(path: string): Promise<Draft> {
  const parsed = fileSchema.safeParse(parseJson(await readTextFile(path, MAX_FILE_BYTES)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notADocument(path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown form"}`);
  }
  const { content, approvals } = parsed.data;
  if (content.kind !== "config") return { content, approvals };
  if (configDigest(content.config) !== content.configDigest)
    throw notADocument(path, "its config is not the one of its configDigest");
  if (content.config.version !== content.version) throw notADocument(path, "its config has another version");
  return { content, approvals };
}

/** @param replaces a file that may be replaced, whole or not at all; any other is left alone */
export function writeDraft(path: string, draft: Draft, replaces?: string): void {
  const text = `${JSON.stringify(draft, null, 2)}\n`;
  try {
    if (path !== replaces) {
      writeFileSync(path, text, { flag: "wx", mode: FILE_MODE });
      return;
    }
    writeFileSync(`${path}.part`, text, { mode: FILE_MODE });
    renameSync(`${path}.part`, path);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new OperationalError(
      taken ? `${path} exists already: choose another --out` : `${path}: cannot write it: ${reasonOf(error)}`,
      {
        code: taken ? "exists" : "unwritable",
        details: { path },
        cause: error,
      },
    );
  }
}

function notADocument(path: string, why: string): OperationalError {
  return new OperationalError(`${path}: not a document of guardians or governors: ${why}`, { code: "not-a-document" });
}
