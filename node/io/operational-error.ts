/**
 * What went wrong outside the program and what the operator can do about it: one class, told apart by `code`, with labelled details
 * for the log. Never carries a password, a key or a URL with credentials.
 */
export class OperationalError extends Error {
  override readonly name = "OperationalError";
  readonly code: string;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    message: string,
    options: {
      readonly code: string;
      readonly details?: Readonly<Record<string, string | number>>;
      readonly cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = options.code;
    this.details = options.details ?? {};
  }
}

/** The message of whatever was thrown, for the tail of an operator's line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
