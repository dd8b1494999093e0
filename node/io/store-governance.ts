import type { DatabaseSync } from "node:sqlite";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { DocumentKind } from "../../protocol/governance.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import type { Transition } from "../../protocol/transition.ts";
import { DOCUMENTS_KEPT, type KeptDocument, MAX_DOCUMENTS, type Store } from "../store.ts";
import { certificateOf, intact, transaction } from "./store-file.ts";

type GovernancePart = Pick<Store, "saveDocument" | "document" | "documents" | "saveTransition" | "transitions">;

/** What guardians and governors said, and where that led. */
export function createGovernance(db: DatabaseSync): GovernancePart {
  const insert = db.prepare("INSERT INTO documents (digest, kind, bytes) VALUES (?, ?, ?)");
  const find = db.prepare("SELECT digest, kind, bytes FROM documents WHERE digest = ?");
  const newest = db.prepare("SELECT digest, kind, bytes FROM documents ORDER BY id DESC LIMIT ?");
  const dropOld = db.prepare(
    "DELETE FROM documents WHERE kind = ? AND id <= (SELECT id FROM documents WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
  );
  const insertTransition = db.prepare("INSERT OR IGNORE INTO transitions (round, config, certificate) VALUES (?, ?, ?)");
  const everyTransition = db.prepare("SELECT config, certificate FROM transitions ORDER BY round");
  let transitions: readonly Transition[] | undefined;
  return {
    saveDocument: ({ digest, bytes, document: { kind } }) => {
      if (find.get(fromHex(digest)) !== undefined) return "known";
      transaction(db, () => {
        insert.run(fromHex(digest), kind, bytes);
        dropOld.run(kind, kind, DOCUMENTS_KEPT[kind]);
      });
      return "saved";
    },
    document: (digest) => {
      const row = find.get(fromHex(digest));
      return row === undefined ? undefined : readDocument(row);
    },
    documents: ({ limit }) => newest.all(Math.min(limit, MAX_DOCUMENTS)).map(readDocument),
    saveTransition: ({ config, certificate }) => {
      const text = canonicalJson(config as unknown as Json);
      insertTransition.run(certificate.header.round, text, encodeCertificate(certificate));
      transitions = undefined;
    },
    // Whole configs are read once: a gateway asks for them with every look at governance.
    transitions: () => {
      transitions ??= everyTransition.all().map(readTransition);
      return transitions;
    },
  };
}

/** Written from a parsed config; whoever follows it checks that it hashes to the certificate's config digest. */
function readTransition({ config, certificate }: Record<string, unknown>): Transition {
  return intact(() => ({
    config: JSON.parse(String(config)) as NetworkConfig,
    certificate: certificateOf(certificate as Uint8Array),
  }));
}

function readDocument({ digest, kind, bytes }: Record<string, unknown>): KeptDocument {
  return { digest: toHex(digest as Uint8Array), kind: String(kind) as DocumentKind, bytes: new Uint8Array(bytes as Uint8Array) };
}
