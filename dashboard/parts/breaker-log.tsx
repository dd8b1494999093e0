import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { BreakerChange, BreakerLog, State } from "../data/api.ts";
import { getJson } from "../data/fetch.ts";
import { formatCount } from "../view/format.ts";
import { sayChange } from "../view/words.ts";
import { StateMark } from "./state-mark.tsx";
import { Clock } from "./times.tsx";

const SHOWN = 30;

type Loaded = { readonly log: BreakerLog } | { readonly failed: string } | undefined;

/** The feed's changes of state, asked for again when the state on the page changes. */
export function BreakerLogPanel({ slug, state }: { readonly slug: string; readonly state: State | undefined }): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    getJson<BreakerLog>(`v1/breaker/log?feed=${slug}&limit=${SHOWN}`, controller.signal).then(
      (log) => setLoaded({ log }),
      (error: Error) => !controller.signal.aborted && setLoaded({ failed: error.message }),
    );
    return () => controller.abort();
  }, [slug, state]);
  return (
    <section class="panel" aria-labelledby="log">
      <h2 id="log">Changes of state</h2>
      {loaded === undefined ? (
        <div class="skeleton skeleton-lines" aria-hidden="true" />
      ) : "failed" in loaded ? (
        <p class="quiet">The log could not be read: {loaded.failed}.</p>
      ) : loaded.log.entries.length === 0 ? (
        <p class="quiet">None in the rounds that are kept here.</p>
      ) : (
        <ol class="log">
          {loaded.log.entries.map((entry) => (
            <LogLine key={entry.digest} entry={entry} />
          ))}
        </ol>
      )}
    </section>
  );
}

function LogLine({ entry }: { readonly entry: BreakerChange }): JSX.Element {
  const { timestamp, round, to, reasons } = entry;
  return (
    <li>
      <Clock at={timestamp} />
      <StateMark state={to} />
      <span class="log-why">{sayChange(to, reasons)}</span>
      <span class="num quiet log-round" title="Round">
        {formatCount(round)}
      </span>
    </li>
  );
}
