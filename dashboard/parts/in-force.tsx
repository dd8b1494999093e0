import type { JSX } from "preact";
import type { Governing } from "../data/governing.ts";
import { cutHex, formatCountdown, formatSpan } from "../view/format.ts";
import { progressOf } from "../view/governing.ts";
import { useLive } from "./live-context.ts";
import { Day, Hex } from "./times.tsx";

const POWERS = { guardian: "one guardian", guardians: "two guardians", governors: "governors" } as const;

export function PausePanel({ governing: { governance, keyholders } }: { readonly governing: Governing }): JSX.Element {
  const { now } = useLive();
  const nameOf = (address: string): string =>
    keyholders.find((keyholder) => keyholder.address === address)?.name ?? cutHex(address);
  return (
    <section class="panel" aria-labelledby="pauses">
      <h2 id="pauses">Pauses in force</h2>
      {governance.pauses.length === 0 ? (
        <p class="quiet">None. Every pause by hand names the time at which it ends by itself.</p>
      ) : (
        <ul class="pauses">
          {governance.pauses.map(({ feed, action, until, power, keyholders: by }) => (
            <li key={`${feed} ${until} ${by.join()}`}>
              <p>
                <strong>{feed === "*" ? "Every feed" : feed}</strong>:{" "}
                {action === "none" ? "nobody may be liquidated" : "only loans under water at both ends may be liquidated"}
              </p>
              <p>
                <span class="big-small num">{formatCountdown(until - now.value)}</span> left, until <Day at={until} />
              </p>
              <p class="quiet">
                By {POWERS[power]} ({by.map(nameOf).join(", ")}). Clears with its time, or when withdrawn.
              </p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function PendingPanel({ governing: { governance, committee } }: { readonly governing: Governing }): JSX.Element {
  const { pending, version, previous } = governance;
  return (
    <section class="panel" aria-labelledby="pending">
      <h2 id="pending">Config</h2>
      <p>
        Version <strong class="num">{version}</strong> is in force{" "}
        <Hex text={governance.configDigest} cut={cutHex(governance.configDigest)} />
        {previous === null ? "" : "; governors can roll back to the one before."}
      </p>
      {pending === null ? (
        <p class="quiet">Nothing is pending.</p>
      ) : (
        <Pending pending={pending} shadowMs={committee.config.governance.shadowMs} />
      )}
    </section>
  );
}

type PendingProps = { readonly pending: NonNullable<Governing["governance"]["pending"]>; readonly shadowMs: number };

const AGREEMENT = { accepted: "accepted by governors", agreed: "agrees", agreeing: "agrees so far", apart: "differs" } as const;

function Pending({ pending, shadowMs }: PendingProps): JSX.Element {
  const { now } = useLive();
  const { timelockLeftMs, agreeing } = progressOf(pending, { now: now.value, shadowMs });
  return (
    <div class="pending">
      <p>
        Pending: <Hex text={pending.configDigest} cut={cutHex(pending.configDigest)} />
      </p>
      <p>
        {timelockLeftMs > 0 ? (
          <>
            Timelock: <span class="big-small num">{formatCountdown(timelockLeftMs)}</span> left, until{" "}
            <Day at={pending.activation} />
          </>
        ) : (
          <>
            Timelock over since <Day at={pending.activation} />
          </>
        )}
      </p>
      {agreeing.length === 0 ? undefined : (
        <ul class="shadows">
          {agreeing.map(({ feed, state, agreedMs }) => (
            <li key={feed} class={`shadow shadow-${state}`}>
              <span>{feed}</span>
              <span class="ramp-bar" aria-hidden="true">
                <span
                  style={{ width: `${state === "accepted" ? 100 : Math.min(100, Math.round((agreedMs * 100) / shadowMs))}%` }}
                />
              </span>
              <span>
                {AGREEMENT[state]}
                {state === "agreeing" ? `, ${formatSpan(agreedMs)} of ${formatSpan(shadowMs)}` : ""}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
