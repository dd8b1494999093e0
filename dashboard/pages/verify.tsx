import "../zod-without-eval.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ok, type Result } from "../../protocol/result.ts";
import { getJson } from "../data/fetch.ts";
import { useLive } from "../parts/live-context.ts";
import { StateMark } from "../parts/state-mark.tsx";
import { type Judgement, judge } from "../verify/judgement.ts";
import { type Root, trustDigest, trustGateway } from "../verify/trust.ts";
import { slugOf } from "../view/overview.ts";

const MAX_FILE_BYTES = 16 * 2 ** 20;

type Outcome = { readonly root: Root; readonly judgement: Judgement } | { readonly failed: string } | undefined;

/** Checks a document in this browser with the code that consumers use. Nothing is sent anywhere. */
export function VerifyPage({ slug }: { readonly slug: string | undefined }): JSX.Element {
  const live = useLive();
  const text = useSignal("");
  const trust = useSignal<"gateway" | "digest">("gateway");
  const digest = useSignal("");
  const outcome = useSignal<Outcome>(undefined);
  const roots = useRef(new Map<string, Root>());

  const fetchFeed = async (chosen: string): Promise<void> => {
    outcome.value = undefined;
    try {
      text.value = JSON.stringify(await getJson(`v1/feeds/${chosen}`), undefined, 2);
    } catch (error) {
      outcome.value = { failed: `The feed could not be fetched: ${(error as Error).message}` };
    }
  };
  useEffect(() => {
    if (slug !== undefined) void fetchFeed(slug);
  }, [slug]);

  /** What was learned of a committee is kept: from then on the page verifies without a line. */
  const rootOf = async (): Promise<Result<Root, string>> => {
    const key = trust.value === "gateway" ? "" : digest.value.trim().toLowerCase();
    const known = roots.current.get(key);
    const found = trust.value === "gateway" ? trustGateway(getJson) : trustDigest(key, getJson);
    const root = await found.catch((error: unknown) => {
      if (known === undefined) throw error;
      return ok(known);
    });
    if (root.ok) roots.current.set(key, root.value);
    return root;
  };
  const verify = async (): Promise<void> => {
    outcome.value = undefined;
    try {
      const root = await rootOf();
      outcome.value = root.ok
        ? { root: root.value, judgement: judge(text.value, { trust: root.value.trust, now: live.now.peek() }) }
        : { failed: `There is no committee to verify against: ${root.error}` };
    } catch (error) {
      outcome.value = { failed: `The committee could not be fetched: ${(error as Error).message}` };
    }
  };
  useEffect(() => {
    rootOf().catch(() => undefined);
  }, []);

  return (
    <>
      <h1>Verify</h1>
      <p class="lead">
        A price from Breakwater carries its own proof. Paste one here: this page checks it in your browser, with the code that
        consumers use.
      </p>
      <form
        class="two verify"
        onSubmit={(event) => {
          event.preventDefault();
          void verify();
        }}
      >
        <DocumentField text={text.value} change={(next) => (text.value = next)} fetchFeed={fetchFeed} />
        <section class="panel" aria-labelledby="trust">
          <h2 id="trust">Whose signatures count</h2>
          <TrustChoice
            trust={trust.value}
            digest={digest.value}
            choose={(next) => (trust.value = next)}
            type={(next) => (digest.value = next)}
          />
          <button type="submit" class="primary" disabled={text.value.trim() === ""}>
            Verify
          </button>
          <div role="status" aria-live="polite">
            <OutcomeView outcome={outcome.value} />
          </div>
        </section>
      </form>
    </>
  );
}

type DocumentProps = {
  readonly text: string;
  readonly change: (text: string) => void;
  readonly fetchFeed: (slug: string) => Promise<void>;
};

function DocumentField({ text, change, fetchFeed }: DocumentProps): JSX.Element {
  const live = useLive();
  const over = useSignal(false);
  const take = async (file: File | undefined): Promise<void> => {
    if (file !== undefined && file.size <= MAX_FILE_BYTES) change(await file.text());
  };
  const feeds = live.list.value?.feeds.filter(({ price }) => price !== null) ?? [];
  return (
    <section class="panel" aria-labelledby="document">
      <div class="panel-head">
        <h2 id="document">Document</h2>
        <label class="pick">
          <span class="sr">Fetch a feed</span>
          <select
            value=""
            onChange={({ currentTarget }) => {
              if (currentTarget.value !== "") void fetchFeed(currentTarget.value);
              currentTarget.value = "";
            }}
          >
            <option value="">Fetch a feed …</option>
            {feeds.map(({ feed }) => (
              <option key={feed} value={slugOf(feed)}>
                {feed}
              </option>
            ))}
          </select>
        </label>
      </div>
      <textarea
        class={over.value ? "document document-over" : "document"}
        aria-labelledby="document"
        spellcheck={false}
        placeholder="Paste the answer of /v1/feeds/… or /v1/bundle, or drop a file here"
        value={text}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => (over.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          void take(event.dataTransfer?.files[0]);
        }}
      />
      <label class="file">
        <span>Or choose a file</span>
        <input
          type="file"
          accept=".json,application/json"
          onChange={({ currentTarget }) => void take(currentTarget.files?.[0])}
        />
      </label>
    </section>
  );
}

type TrustProps = {
  readonly trust: "gateway" | "digest";
  readonly digest: string;
  readonly choose: (trust: "gateway" | "digest") => void;
  readonly type: (digest: string) => void;
};

function TrustChoice({ trust, digest, choose, type }: TrustProps): JSX.Element {
  return (
    <fieldset class="trust">
      <legend class="sr">Trust</legend>
      <label class="choice">
        <input type="radio" name="trust" checked={trust === "gateway"} onChange={() => choose("gateway")} />
        <span>
          <strong>This gateway's word.</strong> It names the committee. That shows only that the gateway agrees with itself.
        </span>
      </label>
      <label class="choice">
        <input type="radio" name="trust" checked={trust === "digest"} onChange={() => choose("digest")} />
        <span>
          <strong>A genesis digest.</strong> Get it from the members. Every change since is verified from there; no host has to be
          trusted.
        </span>
      </label>
      <input
        class="digest"
        type="text"
        aria-label="Genesis digest"
        placeholder="0x…"
        autocomplete="off"
        spellcheck={false}
        value={digest}
        onFocus={() => choose("digest")}
        onInput={({ currentTarget }) => type(currentTarget.value)}
      />
    </fieldset>
  );
}

const CHECK_WORDS = { shape: "Shape", fields: "Shown fields", path: "Merkle path", signatures: "Signatures" } as const;

function OutcomeView({ outcome }: { readonly outcome: Outcome }): JSX.Element | null {
  if (outcome === undefined) return null;
  if ("failed" in outcome) return <p class="verdict-line verdict-bad">{outcome.failed}</p>;
  const { root, judgement } = outcome;
  const { ok: proven, checks, faults, feeds, lease } = judgement;
  return (
    <div class="outcome">
      <p class={`verdict-line ${proven ? "verdict-good" : "verdict-bad"}`}>
        {proven ? "Proven" : `Not proven: the ${faults.map(({ part }) => part).join(" and the ")} does not hold`}
      </p>
      <p class="quiet">On {root.words}.</p>
      <ul class="checks">
        {checks.map(({ part, ok: holds, detail }) => (
          <li key={part} class={holds ? "check check-ok" : "check check-bad"}>
            <span class="check-mark" aria-hidden="true">
              {holds ? "✓" : "✗"}
            </span>
            <span>
              <strong>{CHECK_WORDS[part]}</strong> <span class="sr">{holds ? "holds" : "fails"}: </span>
              <span class="check-detail">{detail}</span>
            </span>
          </li>
        ))}
      </ul>
      {proven
        ? undefined
        : faults.map(({ part, detail }) => (
            <p key={part + detail} class="fault">
              <strong>{part}</strong>: {detail}
            </p>
          ))}
      {feeds.map(({ feed, price, interval, state, says }) => (
        <div key={feed} class="proven-feed">
          <p>
            <strong>{feed}</strong> <span class="num">{price}</span> <StateMark state={state} />
          </p>
          <p class="num quiet">{interval}</p>
          <ul class="permits">
            {says.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </div>
      ))}
      {lease === undefined ? undefined : <p>{lease}</p>}
    </div>
  );
}
