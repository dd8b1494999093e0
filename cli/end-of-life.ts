/**
 * Until SIGINT, SIGTERM or, under a parent that holds an IPC channel, until the parent is gone. Called before anything starts: an end that
 * comes while a process starts must not be missed, or it outlives its parent.
 */
export function endOfLife(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    process.once("disconnect", () => resolve());
    if (process.connected === false) resolve();
  });
}

/** An open channel to a parent would keep a process that could not start waiting for its end. */
export function leaveParent(): void {
  if (process.connected) process.disconnect();
}
