import type { GovernanceDocument } from "../../protocol/governance.ts";
import { applyChange, judgeChange } from "./changes.ts";
import type { DocumentCode } from "./codes.ts";
import type { Draft, Hearing } from "./hearing.ts";
import { applyPause, judgePause } from "./pauses.ts";
import { applyConfig, judgeConfig } from "./pending.ts";

/** What becomes of one document, on what the round's documents before it have made of memory. */
export function judge(document: GovernanceDocument, draft: Draft, hearing: Hearing, carriers: number): DocumentCode {
  switch (document.kind) {
    case "pause":
      return judgePause(document, draft, hearing);
    case "config":
      return judgeConfig(document, draft, hearing, carriers);
    case "accept":
    case "rollback":
    case "removal":
      return judgeChange(document, draft, hearing);
  }
}

/** What a document changes that {@link judge} takes. */
export function apply(document: GovernanceDocument, draft: Draft, hearing: Hearing): Draft {
  switch (document.kind) {
    case "pause":
      return applyPause(document, draft, hearing);
    case "config":
      return applyConfig(document, draft, hearing);
    case "accept":
    case "rollback":
    case "removal":
      return applyChange(document, draft, hearing);
  }
}
