import { type Attendance, attendanceOf } from "../view/attendance.ts";
import type { Bundle } from "./api.ts";
import { readEvents } from "./event-source.ts";

/** Rounds that the committee's page shows. */
export const SHOWN_ROUNDS = 60;

/**
 * Who signed the last rounds before `newest`, ascending. The stream replays what it is asked to resume after, with every certificate;
 * one feed is enough to be given them.
 *
 * @throws Error for a person
 */
export async function loadAttendance(slug: string, newest: number, signal: AbortSignal): Promise<readonly Attendance[]> {
  const enough = new AbortController();
  const rounds: Attendance[] = [];
  try {
    await readEvents(`v1/stream?feeds=${slug}`, {
      lastEventId: newest - SHOWN_ROUNDS,
      signal: AbortSignal.any([signal, enough.signal]),
      onEvent: ({ event, data }) => {
        if (event !== "message") return;
        rounds.push(attendanceOf(JSON.parse(data) as Bundle));
        if ((rounds.at(-1)?.round ?? 0) >= newest) enough.abort();
      },
    });
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return rounds;
}
