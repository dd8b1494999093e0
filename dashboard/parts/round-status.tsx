import type { JSX } from "preact";
import { isAlive } from "../view/banner.ts";
import { formatCount, formatCountdown } from "../view/format.ts";
import { useLive } from "./live-context.ts";

/** The newest round, who signed it, how long it speaks, and whether this page still hears of more. */
export function RoundStatus(): JSX.Element {
  const live = useLive();
  const round = live.round.value;
  const members = live.committee.value;
  const link = live.link.value;
  const now = live.now.value;
  const alive = isAlive({ link, freshness: live.freshness.value, now, clockOff: live.clockOff.value });
  const word = alive ? "live" : link.phase === "live" ? "waiting" : link.lostAt === undefined ? "connecting" : "offline";
  const leftMs = round === undefined ? 0 : Math.max(0, round.validUntil - now);
  const share = round === undefined ? 0 : Math.min(1, leftMs / (round.validUntil - round.timestamp));
  return (
    <dl class="status">
      <div class="status-item status-round">
        <dt>Round</dt>
        <dd class="num">{round === undefined ? "–" : formatCount(round.round)}</dd>
      </div>
      <div class="status-item">
        <dt>Signed</dt>
        <dd class="num" title="A certificate holds exactly a quorum of signatures">
          {round === undefined || members === undefined ? "–" : `${round.signers.length} of ${members.members.length}`}
        </dd>
      </div>
      <div class="status-item status-lease">
        <dt>Lease</dt>
        <dd class="num">
          {round === undefined ? "–" : leftMs === 0 ? "ended" : formatCountdown(leftMs)}
          <span class="lease" aria-hidden="true">
            <span class="lease-left" style={{ transform: `scaleX(${share.toFixed(3)})` }} />
          </span>
        </dd>
      </div>
      <div class={`status-item link link-${word}`}>
        <dt class="sr">Connection</dt>
        <dd>
          <span class="link-dot" aria-hidden="true" />
          {word}
        </dd>
      </div>
    </dl>
  );
}
