/** What a gateway refuses is a problem document (RFC 9457); the page shows its words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 15_000;

export type Answered = { readonly dateAt: number; readonly sentAt: number; readonly receivedAt: number };
const listeners = new Set<(times: Answered) => void>();

/** Told of the times of every answer: what the clocks are compared by. */
export function onAnswered(listener: (times: Answered) => void): void {
  listeners.add(listener);
}

/**
 * `GET` of this gateway, e.g. `v1/feeds`; the browser's cache asks again each time and takes a 304.
 *
 * @throws ApiError in words for a person; `status` is undefined when nobody answered
 */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const sentAt = Date.now();
  const response = await fetch(new URL(path, document.baseURI), {
    headers: { accept: "application/json" },
    cache: "no-cache",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }).catch((error: unknown) => {
    throw new ApiError(
      error instanceof Error && error.name === "TimeoutError" ? "no answer in time" : "no connection",
      undefined,
    );
  });
  tellTimes(response, sentAt);
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok || body === undefined) throw new ApiError(problemOf(body, response.status), response.status);
  return body as T;
}

/**
 * `POST` of JSON to this gateway. 202 is an answer like any other: its status stands beside it.
 *
 * @throws ApiError as {@link getJson}
 */
export async function postJson<T>(
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(new URL(path, document.baseURI), {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : new ApiError("no connection", undefined);
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok || answer === undefined) throw new ApiError(problemOf(answer, response.status), response.status);
  return { status: response.status, body: answer as T };
}

function tellTimes(response: Response, sentAt: number): void {
  const dateAt = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(dateAt) || response.headers.has("age")) return;
  for (const listener of listeners) listener({ dateAt, sentAt, receivedAt: Date.now() });
}

function problemOf(body: unknown, status: number): string {
  const { detail, title } = (body ?? {}) as { readonly detail?: unknown; readonly title?: unknown };
  return [title, detail].filter((text) => typeof text === "string" && text !== "").join(": ") || `status ${status}`;
}
