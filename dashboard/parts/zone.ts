/** What this computer's zone is ahead of UTC by at an instant, in ms. */
export function zoneMs(at: number): number {
  return -new Date(at).getTimezoneOffset() * 60_000;
}
