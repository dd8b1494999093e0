import type { Participation } from "./api.ts";
import { getJson } from "./fetch.ts";

/** Rounds that the committee's page shows. */
export const SHOWN_ROUNDS = 60;

/**
 * Who led, observed and signed the last rounds; the gateway makes it once a round.
 *
 * @throws ApiError
 */
export function loadParticipation(signal: AbortSignal): Promise<Participation> {
  return getJson<Participation>(`v1/committee/participation?rounds=${SHOWN_ROUNDS}`, signal);
}
