import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Committee, EvidenceList, Participation } from "../data/api.ts";
import { getJson } from "../data/fetch.ts";
import { loadParticipation, SHOWN_ROUNDS } from "../data/participation.ts";
import { useLive } from "../parts/live-context.ts";
import { Hex } from "../parts/times.tsx";
import { cellOf, judgeMember, sayPart } from "../view/attendance.ts";
import { cutHex, formatCount } from "../view/format.ts";

const EVIDENCE_POLL_MS = 15_000;
const PARTICIPATION_POLL_MS = 2_000;

/** Who signs, and who has been caught signing twice. */
export function CommitteePage(): JSX.Element {
  const live = useLive();
  const committee = live.committee.value;
  return (
    <>
      <h1>Committee</h1>
      {committee === undefined ? <div class="skeleton skeleton-table" aria-hidden="true" /> : <Members committee={committee} />}
      <EvidencePanel committee={committee} />
      {committee === undefined ? undefined : <NetworkPanel committee={committee} />}
    </>
  );
}

function Members({ committee }: { readonly committee: Committee }): JSX.Element {
  const live = useLive();
  const found = useSignal<Participation | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const answer = await loadParticipation(controller.signal).catch((error: Error) => error);
      if (controller.signal.aborted) return;
      failed.value = answer instanceof Error ? answer.message : undefined;
      if (!(answer instanceof Error)) found.value = answer;
      timer = setTimeout(() => void ask(), PARTICIPATION_POLL_MS);
    };
    void ask();
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [live, found, failed]);
  const participation = found.value;
  const rounds = participation?.rounds ?? [];
  const missed = rounds.filter(({ certified }) => !certified).length;
  const { members, quorum, f } = committee;
  return (
    <section class="panel" aria-labelledby="members">
      <h2 id="members">
        {members.length} members, {quorum} sign each round, {f} may be faulty in any way
      </h2>
      <p class="quiet">
        A certificate holds exactly {quorum} signatures, so every round leaves{" "}
        {members.length - quorum === 1 ? "one member" : `${members.length - quorum} members`} out. That is no fault; one that is
        left out of every round is late or down. Observations say who was there.
        {failed.value === undefined ? "" : ` Not refreshed: ${failed.value}.`}
      </p>
      <div class="scroll">
        <table class="members">
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Now</th>
              <th scope="col" class="right">
                Observed
              </th>
              <th scope="col" class="right">
                Signed
              </th>
              <th scope="col" class="right mid">
                Led
              </th>
              <th scope="col" class="right mid">
                Last seen
              </th>
              <th scope="col" class="grid-head">
                Last {SHOWN_ROUNDS} rounds: signed tall, observed short{missed === 0 ? "" : `; ${missed} without a certificate`}
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map(({ name, address }) => (
              <MemberLine key={address} name={name} address={address} participation={participation} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

type MemberProps = {
  readonly name: string;
  readonly address: string;
  readonly participation: Participation | undefined;
};

const JUDGED = { there: "Taking part", late: "Late or quiet", absent: "Not seen", unknown: "–" } as const;

function MemberLine({ name, address, participation }: MemberProps): JSX.Element {
  const verdict = judgeMember(participation, address);
  const own = participation?.members.find((member) => member.address === address);
  const behind = own?.newest === null || own === undefined ? undefined : (participation?.to ?? 0) - own.newest;
  return (
    <tr>
      <th scope="row">
        {name} <Hex text={address} cut={cutHex(address)} />
      </th>
      <td>
        <span class={`seen seen-${verdict}`}>
          <span class="seen-mark" aria-hidden="true" />
          {JUDGED[verdict]}
          {own === undefined || own.evidence === 0 ? "" : `, caught ${own.evidence} times`}
        </span>
      </td>
      <td class="right num">{sayPart(own?.observed, participation?.bodies)}</td>
      <td class="right num">{sayPart(own?.signed, participation?.certified)}</td>
      <td class="right num mid">{own === undefined ? "–" : `${own.led} of ${own.turns}`}</td>
      <td class="right num mid">{behind === undefined ? "–" : behind === 0 ? "newest" : `${behind} ago`}</td>
      <td class="grid-cell">
        <GridRow rounds={participation?.rounds ?? []} address={address} />
      </td>
    </tr>
  );
}

const CELL = 8;
/** Top and height of a cell: who signed stands tall, who only observed half as tall, nobody's round is a line. */
const CELLS = { signed: [2, 14], observed: [9, 7], out: [8, 2], missed: [8, 2], empty: [8, 2] } as const;

function GridRow({ rounds, address }: { readonly rounds: Participation["rounds"]; readonly address: string }): JSX.Element {
  const shown = rounds.slice(-SHOWN_ROUNDS);
  const offset = SHOWN_ROUNDS - shown.length;
  return (
    <svg class="grid" viewBox={`0 0 ${SHOWN_ROUNDS * CELL} 18`} preserveAspectRatio="none" aria-hidden="true">
      {Array.from({ length: SHOWN_ROUNDS }, (_, index) => {
        const round = shown[index - offset];
        const kind = round === undefined ? "empty" : cellOf(round, address);
        const [y, height] = CELLS[kind];
        return <rect key={index} class={`cell-${kind}`} x={index * CELL + 1} y={y} width={CELL - 2} height={height} />;
      })}
    </svg>
  );
}

function EvidencePanel({ committee }: { readonly committee: Committee | undefined }): JSX.Element {
  const evidence = useSignal<EvidenceList["evidence"] | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    const ask = (): void => {
      getJson<EvidenceList>("v1/evidence", controller.signal).then(
        (list) => {
          evidence.value = list.evidence;
          failed.value = undefined;
        },
        (error: Error) => {
          if (!controller.signal.aborted) failed.value = error.message;
        },
      );
    };
    ask();
    const timer = setInterval(ask, EVIDENCE_POLL_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [evidence, failed]);
  const found = evidence.value;
  const nameOf = (address: string): string =>
    committee?.members.find((member) => member.address === address)?.name ?? cutHex(address);
  return (
    <section class="panel" aria-labelledby="evidence">
      <h2 id="evidence">Equivocations</h2>
      {found === undefined ? (
        <p class="quiet">{failed.value === undefined ? "Loading …" : `They could not be read: ${failed.value}.`}</p>
      ) : found.length === 0 ? (
        <p class="quiet">None: nobody has been caught signing two things for one round.</p>
      ) : (
        <ul class="evidence">
          {found.map(({ signer, kind, statements: [first, second] }) => (
            <li key={`${first.signature}${second.signature}`}>
              <strong>{nameOf(signer)}</strong> signed two different {kind === "round" ? "headers" : `${kind}s`} for round{" "}
              <span class="num">{formatCount(first.struct.round)}</span>. Both signatures are kept as proof at{" "}
              <a href="./v1/evidence">/v1/evidence</a>.
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function NetworkPanel({
  committee: { network, configDigest, genesisConfigDigest },
}: {
  readonly committee: Committee;
}): JSX.Element {
  return (
    <section class="panel" aria-labelledby="network">
      <h2 id="network">The network</h2>
      <dl class="pairs">
        <dt>Name</dt>
        <dd>{network}</dd>
        <dt>Genesis digest</dt>
        <dd>
          <code class="hex hex-long">{genesisConfigDigest}</code>
        </dd>
        <dt>Config in force</dt>
        <dd>{configDigest === genesisConfigDigest ? "as founded" : <code class="hex hex-long">{configDigest}</code>}</dd>
      </dl>
      <p class="quiet">
        Whoever has the genesis digest from the members themselves needs to trust no host: verification follows from it alone.
      </p>
    </section>
  );
}
