import { DatabaseSync } from "node:sqlite";
import { zstdDecompressSync } from "node:zlib";
import { type Address, type Digest, fromHex, toHex } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate } from "../../protocol/certificate.ts";
import type { Domain } from "../../protocol/eip712.ts";
import { decodeSignedObservation } from "../../protocol/observation.ts";
import type { RoundBody } from "../../protocol/round.ts";
import { scheme } from "../support/network.ts";

/** One line of a node's guard: what it promised before it sent it. */
export type Promised = { readonly kind: string; readonly round: number; readonly digest: Digest };
/** One signature as others hold it. */
export type Signed = Promised & { readonly signer: Address };
export type StoredCertificate = { readonly round: number; readonly digest: Digest; readonly certificate: Certificate };

/** Reads beside a running node, by SQL of its own: the store's code is not asked to vouch for itself. */
function reading<T>(path: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

export function promisesIn(path: string): readonly Promised[] {
  return reading(path, (db) =>
    db
      .prepare("SELECT kind, round, digest FROM signed ORDER BY round")
      .all()
      .map(({ kind, round, digest }) => ({ kind: String(kind), round: Number(round), digest: String(digest) as Digest })),
  );
}

/** Certified rounds by ascending number, orphans included. */
export function certificatesIn(path: string): readonly StoredCertificate[] {
  return reading(path, (db) =>
    db
      .prepare("SELECT round, digest, certificate FROM rounds ORDER BY round")
      .all()
      .map(({ round, digest, certificate }) => {
        const decoded = decodeCertificate(certificate as Uint8Array);
        if (!decoded.ok) throw new Error(`${path}, round ${round}: ${decoded.error}`);
        return { round: Number(round), digest: toHex(digest as Uint8Array), certificate: decoded.value };
      }),
  );
}

/** Every signature that this store holds of anybody: under headers in certificates, under observations in bodies. */
export function signaturesIn(path: string, domain: Domain): readonly Signed[] {
  const headers = certificatesIn(path).flatMap(({ round, digest, certificate }) =>
    certificate.signatures.map(({ signer, signature }) => {
      if (scheme.recover(fromHex(digest), signature) !== signer)
        throw new Error(`${path}, round ${round}: not ${signer}'s signature`);
      return { kind: "round", round, digest, signer };
    }),
  );
  const bodies = reading(path, (db) => db.prepare("SELECT body FROM bodies").all()).map(
    ({ body }) => JSON.parse(zstdDecompressSync(body as Uint8Array).toString("utf8")) as RoundBody,
  );
  const observations = bodies.flatMap(({ observations }) =>
    observations.map((hex) => {
      const decoded = decodeSignedObservation(fromHex(hex), domain, scheme);
      if (!decoded.ok) throw new Error(`${path}: ${decoded.error}`);
      const { observation, digest, signer } = decoded.value;
      return { kind: "observation", round: observation.round, digest, signer };
    }),
  );
  return [...headers, ...observations];
}

/** What one key signed twice differently: one line each kind and round, with the digests. Empty is P2. */
export function doubles(signed: readonly Promised[]): readonly string[] {
  const digests = Map.groupBy(signed, ({ kind, round }) => `${kind} ${round}`);
  return [...digests].flatMap(([what, items]) => {
    const distinct = new Set(items.map(({ digest }) => digest));
    return distinct.size > 1 ? [`${what}: ${[...distinct].join(" ")}`] : [];
  });
}

/** Signatures that others hold of a key and that stand in none of its own records. */
export function unrecorded(signed: readonly Promised[], guard: readonly Promised[]): readonly string[] {
  const records = new Set(guard.map(({ kind, round, digest }) => `${kind} ${round} ${digest}`));
  return [...new Set(signed.map(({ kind, round, digest }) => `${kind} ${round} ${digest}`))].filter((line) => !records.has(line));
}
