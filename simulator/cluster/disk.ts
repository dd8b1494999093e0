import type { GuardRecord } from "../../node/machine.ts";
import { createMemoryStore } from "../../node/memory-store.ts";
import type { RecordOutcome, Store } from "../../node/store.ts";
import type { Evidence } from "../../protocol/evidence.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";

export type DiskWrite =
  | { readonly kind: "record"; readonly record: GuardRecord }
  | { readonly kind: "round"; readonly certified: CertifiedRound; readonly body: RoundBody | undefined }
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  | { readonly kind: "document"; readonly document: SignedDocument }
  | { readonly kind: "transition"; readonly transition: Transition };

/** A node's disk: the production memory store behind a log of its writes, so that a crash can take some of them back. */
export type Disk = {
  /** As it is now; a node keeps it for one life. */
  readonly store: () => Store;
  /** Undefined when the disk is full. */
  readonly record: (record: GuardRecord) => RecordOutcome | undefined;
  readonly write: (write: Exclude<DiskWrite, { kind: "record" }>) => void;
  readonly fill: (full: boolean) => void;
  /** The newest writes are gone although they were acknowledged; gives how many promises were among them. */
  readonly lose: (writes: number) => number;
  /** The newest round loses its body: it was being written. */
  readonly tear: () => void;
  readonly copy: () => readonly DiskWrite[];
  /** Gives how many promises that stood here the other content lacks. */
  readonly replace: (writes: readonly DiskWrite[]) => number;
};

export function createDisk(now: () => number): Disk {
  let log: DiskWrite[] = [];
  let store = createMemoryStore({ now });
  let full = false;

  const apply = (write: DiskWrite): RecordOutcome | undefined => {
    if (write.kind === "record") return store.recordSigned(write.record);
    if (write.kind === "round") store.saveRound(write);
    else if (write.kind === "document") store.saveDocument(write.document);
    else if (write.kind === "transition") store.saveTransition(write.transition);
    else store.saveEvidence(write.evidence);
    return undefined;
  };
  const replace = (writes: readonly DiskWrite[]): number => {
    const kept = new Set(writes);
    const lost = log.filter((write) => write.kind === "record" && !kept.has(write)).length;
    log = [...writes];
    store = createMemoryStore({ now });
    for (const write of log) apply(write);
    return lost;
  };

  return {
    store: () => store,
    record: (record) => {
      if (full) return undefined;
      const outcome = apply({ kind: "record", record });
      if (outcome === "recorded") log.push({ kind: "record", record });
      return outcome;
    },
    write: (write) => {
      if (full) return;
      apply(write);
      log.push(write);
    },
    fill: (next) => {
      full = next;
    },
    lose: (writes) => replace(log.slice(0, Math.max(0, log.length - writes))),
    tear: () => {
      const at = log.findLastIndex(({ kind }) => kind === "round");
      replace(log.map((write, index) => (index === at && write.kind === "round" ? { ...write, body: undefined } : write)));
    },
    copy: () => [...log],
    replace,
  };
}
