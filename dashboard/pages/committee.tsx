import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Committee, EvidenceList } from "../data/api.ts";
import { getJson } from "../data/fetch.ts";
import { loadAttendance, SHOWN_ROUNDS } from "../data/participation.ts";
import { useLive } from "../parts/live-context.ts";
import { Hex } from "../parts/times.tsx";
import { type Attendance, attendanceOf, type GridRound, judge, mergeAttendance, standingOf, toGrid } from "../view/attendance.ts";
import { cutHex, formatCount } from "../view/format.ts";

const EVIDENCE_POLL_MS = 15_000;

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
  const rounds = useSignal<readonly Attendance[]>(live.attendance());
  const failed = useSignal<string | undefined>(undefined);
  const hasRound = live.round.value !== undefined;
  const slug = live.list.value?.feeds.find(({ price }) => price !== null)?.feed.replace("/", "-");
  useEffect(() => {
    const add = (fresh: readonly Attendance[]): void => {
      rounds.value = mergeAttendance(rounds.peek(), fresh);
    };
    const stop = live.onBundle((bundle) => add([attendanceOf(bundle)]));
    const controller = new AbortController();
    const newest = live.round.peek()?.round;
    if (hasRound && slug !== undefined && newest !== undefined) {
      loadAttendance(slug, newest, controller.signal).then(add, (error: Error) => {
        if (!controller.signal.aborted) failed.value = error.message;
      });
    }
    return () => {
      stop();
      controller.abort();
    };
  }, [live, slug, hasRound, rounds, failed]);
  const newest = rounds.value.at(-1)?.round;
  const grid = newest === undefined ? [] : toGrid(rounds.value, { newest, count: SHOWN_ROUNDS });
  const missed = grid.filter(({ signers }) => signers === undefined).length;
  const { members, quorum, f } = committee;
  return (
    <section class="panel" aria-labelledby="members">
      <h2 id="members">
        {members.length} members, {quorum} sign each round, {f} may be faulty in any way
      </h2>
      <p class="quiet">
        A certificate holds exactly {quorum} signatures, so every round leaves{" "}
        {members.length - quorum === 1 ? "one member" : `${members.length - quorum} members`} out. That is no fault; one that is
        left out of every round is late or down.
        {failed.value === undefined ? "" : ` Older rounds could not be read: ${failed.value}.`}
      </p>
      <div class="scroll">
        <table class="members">
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Now</th>
              <th scope="col" class="right">
                Signed
              </th>
              <th scope="col" class="right mid">
                Last
              </th>
              <th scope="col" class="grid-head">
                Last {SHOWN_ROUNDS} rounds{missed === 0 ? "" : `, ${missed} without a certificate`}
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map(({ name, address }) => (
              <MemberLine key={address} name={name} address={address} grid={grid} committee={committee} />
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
  readonly grid: readonly GridRound[];
  readonly committee: Committee;
};

const JUDGED = { signing: "Signing", quiet: "Not for a while", absent: "Not seen" } as const;

function MemberLine({ name, address, grid, committee }: MemberProps): JSX.Element {
  const standing = standingOf(grid, address);
  const verdict = judge(standing, { members: committee.members.length, quorum: committee.quorum });
  const { signed, rounds, behind } = standing;
  return (
    <tr>
      <th scope="row">
        {name} <Hex text={address} cut={cutHex(address)} />
      </th>
      <td>
        <span class={`seen seen-${verdict}`}>
          <span class="seen-mark" aria-hidden="true" />
          {rounds === 0 ? "–" : JUDGED[verdict]}
        </span>
      </td>
      <td class="right num">{rounds === 0 ? "–" : `${Math.round((signed * 100) / rounds)} %`}</td>
      <td class="right num mid">{behind === undefined ? "–" : behind === 0 ? "newest" : `${behind} ago`}</td>
      <td class="grid-cell">
        <GridRow grid={grid} address={address} />
      </td>
    </tr>
  );
}

const CELL = 8;

function GridRow({ grid, address }: { readonly grid: readonly GridRound[]; readonly address: string }): JSX.Element {
  const offset = SHOWN_ROUNDS - grid.length;
  return (
    <svg class="grid" viewBox={`0 0 ${SHOWN_ROUNDS * CELL} 18`} preserveAspectRatio="none" aria-hidden="true">
      {Array.from({ length: offset }, (_, index) => (
        <rect key={-index} class="cell-empty" x={index * CELL + 3} y={8} width={2} height={2} />
      ))}
      {grid.map(({ round, signers }, index) => {
        const kind = signers === undefined ? "missed" : signers.has(address) ? "in" : "out";
        const size = { missed: [8, 2], in: [2, 14], out: [8, 2] }[kind];
        return (
          <rect
            key={round}
            class={`cell-${kind}`}
            x={(offset + index) * CELL + 1}
            y={size[0]}
            width={CELL - 2}
            height={size[1]}
          />
        );
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
