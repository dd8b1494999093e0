import { z } from "zod";
import { type Address, ZERO_DIGEST } from "../protocol/bytes.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import { addressSchema, countSchema, digestSchema, headerSchema, roundSignatureSchema } from "../protocol/document.ts";
import type { DocumentKind, GovernanceDocument } from "../protocol/governance.ts";
import type { Transition } from "../protocol/transition.ts";
import { hexTextSchema } from "./documents.ts";
import type { GovernanceView } from "./ports.ts";

const namedSchema = z.strictObject({ name: z.string(), address: addressSchema });
const configSchema = z.record(z.string(), z.unknown());

/** `GET /v1/governance`: who may do what, what is in force, and what is on its way. */
export const governanceSchema = z.strictObject({
  configDigest: digestSchema,
  version: countSchema,
  quorum: countSchema.describe("governors that it takes; 0: nothing can ever be changed"),
  governors: z.array(namedSchema),
  guardians: z.array(namedSchema),
  pending: z
    .strictObject({
      configDigest: digestSchema,
      activation: countSchema.describe("Unix ms; not in force before"),
      feeds: z.array(
        z.strictObject({
          feed: z.string(),
          agreedAt: countSchema.describe("since when its price under this config agrees with the served one; 0: it does not"),
          accepted: z.boolean().describe("by governors, whatever the price"),
        }),
      ),
    })
    .nullable(),
  previous: digestSchema.nullable().describe("where a roll-back leads"),
  pauses: z.array(
    z.strictObject({
      feed: z.string().describe("* for every feed"),
      action: z.enum(["robust", "none"]),
      until: countSchema,
      power: z.enum(["guardian", "guardians", "governors"]),
      keyholders: z.array(addressSchema),
    }),
  ),
  transitions: z.array(z.strictObject({ round: countSchema, configDigest: digestSchema })),
});

export function toGovernanceDocument(
  { config, configDigest }: Network,
  view: GovernanceView | undefined,
  transitions: readonly Transition[],
): z.infer<typeof governanceSchema> {
  const { governors, guardians, quorum } = config.governance;
  const { pending, previous = ZERO_DIGEST, pauses = [] } = view ?? {};
  return {
    configDigest,
    version: config.version,
    quorum,
    governors: governors.map((member) => ({ ...member })),
    guardians: guardians.map((member) => ({ ...member })),
    pending: pending === undefined ? null : showPending(pending),
    previous: previous === ZERO_DIGEST ? null : previous,
    pauses: pauses.map(({ feed, action, until, power, keyholders }) => ({
      ...{ feed, action, until, power },
      keyholders: [...keyholders],
    })),
    transitions: transitions.map(({ certificate: { header } }) => ({ round: header.round, configDigest: header.configDigest })),
  };
}

function showPending({ configDigest, activation, feeds }: NonNullable<GovernanceView["pending"]>) {
  return { configDigest, activation, feeds: feeds.map(({ feed, agreedAt, accepted }) => ({ feed, agreedAt, accepted })) };
}

/** `GET /v1/governance/keyholders`: what each has used up; the next nonce must be above `nonce`. */
export const keyholdersSchema = z.strictObject({
  keyholders: z.array(
    z.strictObject({
      ...namedSchema.shape,
      role: z.enum(["governor", "guardian"]),
      nonce: countSchema,
      usedMs: countSchema.describe("pause charged to a guardian's rolling allowance, as of `usedAt`"),
      usedAt: countSchema,
    }),
  ),
});

export function toKeyholders({ config }: Network, view: GovernanceView | undefined): z.infer<typeof keyholdersSchema> {
  const used = new Map(view?.keyholders.map((keyholder) => [keyholder.address, keyholder]));
  const roles = [
    ["governor", config.governance.governors],
    ["guardian", config.governance.guardians],
  ] as const;
  const keyholders = roles.flatMap(([role, members]) =>
    members.map(({ name, address }) => {
      const { nonce = 0, usedMs = 0, usedAt = 0 } = used.get(address) ?? {};
      return { name, address, role, nonce, usedMs, usedAt };
    }),
  );
  return { keyholders };
}

const approvalSchema = z.strictObject({ name: z.string().nullable(), keyholder: addressSchema, nonce: countSchema });
const kindSchema = z.enum(["pause", "accept", "rollback", "removal", "config"] as const satisfies readonly DocumentKind[]);

/** A document as it is listed: what its kind says; a config's content only where one document is asked for. */
const documentItemSchema = z.strictObject({
  digest: digestSchema,
  kind: kindSchema,
  bytes: countSchema.describe("length of its canonical bytes"),
  content: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe("the document's fields by name; null where its signers are no keyholders that this gateway knows of"),
  approvals: z.array(approvalSchema),
});
export const documentListSchema = z.strictObject({ documents: z.array(documentItemSchema) });
export const documentSchema = documentItemSchema.extend({
  document: hexTextSchema.describe("canonical bytes, as they are submitted"),
  config: configSchema.optional().describe("the whole config, for a document that proposes one"),
});

type Shown = { readonly digest: `0x${string}`; readonly kind: DocumentKind; readonly bytes: Uint8Array };

/** `decoded` is undefined when no config that was ever in force knows the signers. */
export function showDocument(
  { digest, kind, bytes }: Shown,
  decoded: GovernanceDocument | undefined,
  nameOf: (keyholder: Address) => string | undefined,
): z.infer<typeof documentItemSchema> {
  const item = { digest, kind, bytes: bytes.length };
  if (decoded === undefined) return { ...item, content: null, approvals: [] };
  const approvals = decoded.approvals.map(({ keyholder, nonce }) => ({ name: nameOf(keyholder) ?? null, keyholder, nonce }));
  return { ...item, content: contentOf(decoded), approvals };
}

function contentOf(document: GovernanceDocument): Record<string, unknown> {
  const { kind: _, approvals: __, ...content } = document;
  if (!("config" in content)) return content;
  const { config: ___, ...named } = content;
  return named;
}

/** `GET /v1/governance/transitions`: with client/committee.ts, the way from the genesis digest to the committee of today. */
export const transitionsSchema = z.strictObject({
  genesis: configSchema.optional().describe("the config that hashes to the genesis digest; only from the beginning on"),
  more: z.boolean().describe("newer ones were left out: ask again with `after` at the last one's round"),
  transitions: z.array(
    z.strictObject({
      config: configSchema,
      certificate: z.strictObject({ header: headerSchema, signatures: z.array(roundSignatureSchema) }),
    }),
  ),
});

export function toTransitions(
  transitions: readonly Transition[],
  { genesis, after, limit }: { readonly genesis: NetworkConfig; readonly after: number | undefined; readonly limit: number },
): object {
  const newer = transitions.filter(({ certificate: { header } }) => header.round > (after ?? -1));
  return {
    ...(after === undefined ? { genesis } : {}),
    more: newer.length > limit,
    transitions: newer.slice(0, limit),
  };
}

/** What is posted: canonical bytes, or a config whose effect is asked for. */
export const submittedSchema = z.strictObject({ digest: digestSchema, code: z.string() });
export const replaySchema = z.strictObject({ digest: digestSchema, report: configSchema });
