import "../zod-without-eval.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Documents } from "../data/api.ts";
import { type Governing, loadGoverning } from "../data/governing.ts";
import { PausePanel, PendingPanel } from "../parts/in-force.tsx";
import { ThresholdsPanel } from "../parts/thresholds-panel.tsx";
import { Day, Hex } from "../parts/times.tsx";
import { WhatIfPanel } from "../parts/what-if-panel.tsx";
import { cutHex, formatSpan } from "../view/format.ts";
import { sayKind } from "../view/governing.ts";

const POLL_MS = 3_000;

/** Who may pause and change what, what is in force of it, and by which numbers the breaker judges. */
export function GovernancePage(): JSX.Element {
  const governing = useSignal<Governing | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const answer = await loadGoverning(governing.peek(), controller.signal).catch((error: Error) => error.message);
      if (controller.signal.aborted) return;
      if (typeof answer === "string") failed.value = answer;
      else {
        failed.value = undefined;
        governing.value = answer;
      }
      timer = setTimeout(() => void ask(), POLL_MS);
    };
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [governing, failed]);
  const found = governing.value;
  return (
    <>
      <h1>Governance</h1>
      {failed.value === undefined ? undefined : <p class="quiet">Not refreshed: {failed.value}.</p>}
      {found === undefined ? (
        <div class="skeleton skeleton-table" aria-hidden="true" />
      ) : (
        <div class={failed.value === undefined ? undefined : "is-stale"}>
          <div class="two">
            <PausePanel governing={found} />
            <PendingPanel governing={found} />
          </div>
          <WhatIfPanel feeds={found.committee.config.feeds} />
          <ThresholdsPanel feeds={found.committee.config.feeds} />
          <KeyholdersPanel governing={found} />
          <DocumentsPanel documents={found.documents} />
        </div>
      )}
    </>
  );
}

function KeyholdersPanel({ governing }: { readonly governing: Governing }): JSX.Element {
  const { governance, keyholders, committee } = governing;
  const { timelockMs, shadowMs } = committee.config.governance;
  return (
    <section class="panel" aria-labelledby="keyholders">
      <h2 id="keyholders">Keyholders</h2>
      <p class="quiet">
        {governance.quorum === 0
          ? "This network has no governors: nothing can ever be changed."
          : `${governance.quorum} of ${governance.governors.length} governors change anything, after ${formatSpan(timelockMs)} and ${formatSpan(shadowMs)} of matching prices. One guardian pauses at once, within an allowance that comes back over seven days.`}
      </p>
      <div class="scroll">
        <table class="keyholders">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Role</th>
              <th scope="col" class="right">
                Allowance used
              </th>
              <th scope="col" class="right mid">
                Nonce
              </th>
              <th scope="col" class="mid">
                Address
              </th>
            </tr>
          </thead>
          <tbody>
            {keyholders.map(({ name, address, role, nonce, usedMs }) => (
              <tr key={`${role} ${address}`}>
                <th scope="row">{name}</th>
                <td>{role}</td>
                <td class="right num">{role === "guardian" ? (usedMs === 0 ? "none" : formatSpan(usedMs)) : "–"}</td>
                <td class="right num mid">{nonce}</td>
                <td class="mid">
                  <Hex text={address} cut={cutHex(address)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function DocumentsPanel({ documents }: { readonly documents: Documents["documents"] }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="documents">
      <h2 id="documents">Documents</h2>
      {documents.length === 0 ? (
        <p class="quiet">None yet: no pause, acceptance or config has been signed.</p>
      ) : (
        <ul class="documents">
          {documents.map(({ digest, kind, content, approvals }) => (
            <li key={digest}>
              <strong>{sayKind(kind)}</strong> <span>{sayContent(content)}</span>
              {typeof content?.until === "number" ? (
                <span>
                  until <Day at={content.until} />
                </span>
              ) : undefined}
              <span class="quiet">
                {approvals.length === 0
                  ? "unknown signers"
                  : `signed by ${approvals.map(({ name, keyholder }) => name ?? cutHex(keyholder)).join(", ")}`}
              </span>
              <Hex text={digest} cut={cutHex(digest)} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What is short enough for a line; the whole document is at /v1/governance/documents/:digest. */
function sayContent(content: Documents["documents"][number]["content"]): string {
  const { feed, action, version, guardian } = content ?? {};
  const scope = feed === "*" ? "every feed" : feed;
  const parts = [scope, action, typeof version === "number" ? `version ${version}` : undefined, guardian];
  return parts.filter((part) => typeof part === "string").join(", ");
}
