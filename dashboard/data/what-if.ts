import type { WhatIf, WhatIfLoading } from "./api.ts";
import { ApiError, postJson } from "./fetch.ts";

const AGAIN_MS = 1_000;
/** The desk is full for a moment: another question of this page, which was given up, is still being answered. */
const BUSY = 503;
const MAX_BUSY = 10;
const LOADING = 202;

export type Asked = { readonly feed: string; readonly thresholds: Readonly<Record<string, number>>; readonly hours: number };

/**
 * Asks until the rounds are opened, and tells how far that is.
 *
 * @throws ApiError; whatever the signal was aborted with
 */
export async function askWhatIf(
  asked: Asked,
  { signal, onLoading }: { readonly signal: AbortSignal; readonly onLoading: (loading: WhatIfLoading) => void },
): Promise<WhatIf> {
  for (let busy = 0; ; ) {
    try {
      const { status, body } = await postJson<WhatIf | WhatIfLoading>("v1/governance/what-if", asked, signal);
      if (status !== LOADING) return body as WhatIf;
      onLoading(body as WhatIfLoading);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== BUSY || ++busy > MAX_BUSY) throw error;
    }
    await pause(AGAIN_MS, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
