import { z } from "zod";
import type { Address, Digest } from "../protocol/bytes.ts";
import { leaderOf, type Member } from "../protocol/committee.ts";
import type { Network } from "../protocol/config.ts";
import { addressSchema, countSchema } from "../protocol/document.ts";
import type { Evidence } from "../protocol/evidence.ts";
import { readObserver } from "../protocol/observation.ts";
import type { RoundBody, StoredRound } from "../protocol/round.ts";

/** Round numbers of one answer: some minutes, in which every member led many times. */
export const MAX_PARTICIPATION = 240;
export const DEFAULT_PARTICIPATION = 120;

const roundSchema = z.strictObject({
  round: countSchema,
  leader: addressSchema.nullable().describe("whose turn it was; null under another config than the one in force"),
  certified: z.boolean().describe("false: the number was missed, and nothing says who was there"),
  observers: z.array(addressSchema).nullable().describe("whose observations are in the body; null where the body is not here"),
  signers: z.array(addressSchema).describe("whose signatures are in the certificate, which holds exactly a quorum of them"),
});

export const participationSchema = z.strictObject({
  from: countSchema,
  to: countSchema.describe("the newest round"),
  quorum: countSchema,
  rounds: z.array(roundSchema).describe("every number, ascending"),
  members: z.array(
    z.strictObject({
      name: z.string(),
      address: addressSchema,
      observed: countSchema.describe("of `bodies`"),
      signed: countSchema.describe("of `certified`"),
      led: countSchema.describe("certified rounds that were its turn, of `turns`"),
      turns: countSchema,
      newest: countSchema.nullable().describe("the newest round that it observed or signed"),
      evidence: countSchema.describe("equivocations held against it"),
    }),
  ),
  certified: countSchema,
  bodies: countSchema,
});
export type Participation = z.infer<typeof participationSchema>;

/** What one certified round says of who took part; it never changes. */
export type Attended = {
  readonly round: number;
  readonly digest: Digest;
  readonly configDigest: Digest;
  readonly observers: readonly Address[] | undefined;
  readonly signers: readonly Address[];
};

/** By its certificate alone. */
export function attendedBy({ certified: { digest, certificate } }: StoredRound): Attended {
  const { round, configDigest } = certificate.header;
  return { round, digest, configDigest, observers: undefined, signers: certificate.signatures.map(({ signer }) => signer) };
}

/** And by its body. */
export function observedIn(attended: Attended, body: RoundBody): Attended {
  return { ...attended, observers: body.observations.map(readObserver) };
}

/**
 * Who took part in the last `count` round numbers up to `newest`.
 *
 * @param attended the certified ones among them, of the walk
 */
export function toParticipation(
  attended: readonly Attended[],
  {
    network: { committee, configDigest },
    evidence,
    newest,
    count,
  }: {
    readonly network: Network;
    readonly evidence: readonly Pick<Evidence, "signer">[];
    readonly newest: number;
    readonly count: number;
  },
): Participation {
  const byRound = new Map(attended.map((entry) => [entry.round, entry]));
  const from = Math.max(0, newest - count + 1);
  const rounds = Array.from({ length: newest - from + 1 }, (_, index) => {
    const entry = byRound.get(from + index);
    const isOther = entry !== undefined && entry.configDigest !== configDigest;
    return {
      round: from + index,
      leader: isOther ? null : leaderOf(committee, from + index),
      certified: entry !== undefined,
      observers: entry?.observers === undefined ? null : [...entry.observers],
      signers: [...(entry?.signers ?? [])],
    };
  });
  return {
    ...{ from, to: newest, quorum: committee.quorum, rounds },
    members: committee.members.map((member) => standingOf(member, rounds, evidence)),
    certified: rounds.filter(({ certified }) => certified).length,
    bodies: rounds.filter(({ observers }) => observers !== null).length,
  };
}

function standingOf(
  { name, address }: Member,
  rounds: Participation["rounds"],
  evidence: readonly Pick<Evidence, "signer">[],
): Participation["members"][number] {
  const observed = rounds.filter(({ observers }) => observers?.includes(address) === true);
  const signed = rounds.filter(({ signers }) => signers.includes(address));
  const turns = rounds.filter(({ leader }) => leader === address);
  const newest = Math.max(observed.at(-1)?.round ?? -1, signed.at(-1)?.round ?? -1);
  return {
    ...{ name, address, observed: observed.length, signed: signed.length },
    ...{ led: turns.filter(({ certified }) => certified).length, turns: turns.length },
    newest: newest < 0 ? null : newest,
    evidence: evidence.filter(({ signer }) => signer === address).length,
  };
}
