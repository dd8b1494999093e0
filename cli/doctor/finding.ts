/** What one check came to. `fail`: the node cannot do its part until it is put right. `warn`: it can, and worse than it might. */
export type Verdict = "ok" | "warn" | "fail";

export type Finding = {
  readonly verdict: Verdict;
  /** What was looked at: `clock`, `venue kraken`. */
  readonly check: string;
  /** What was measured. */
  readonly measured: string;
  /** What to do about it; never missing where the verdict is not `ok`. */
  readonly advice?: string;
};

const MARKS: Readonly<Record<Verdict, string>> = { ok: "ok", warn: "warn", fail: "FAIL" };

export function fine(check: string, measured: string): Finding {
  return { verdict: "ok", check, measured };
}

export function warning(check: string, measured: string, advice: string): Finding {
  return { verdict: "warn", check, measured, advice };
}

export function failure(check: string, measured: string, advice: string): Finding {
  return { verdict: "fail", check, measured, advice };
}

/**
 * One line a finding, in columns.
 *
 * @example
 * formatFindings([fine("node", "24.3.0"), failure("clock", "900 ms ahead", "set it back")]);
 * // ["ok    node   24.3.0", "FAIL  clock  900 ms ahead → set it back"]
 */
export function formatFindings(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  return findings.map(({ verdict, check, measured, advice }) => {
    const what = advice === undefined ? measured : `${measured} → ${advice}`;
    return `${MARKS[verdict].padEnd(4)}  ${check.padEnd(width)}  ${what}`;
  });
}

/** @example summarize([fine("node", "24")]); // "1 check: 1 ok, 0 warnings, 0 failures" */
export function summarize(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const plural = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const verdicts = `${count("ok")} ok, ${plural(count("warn"), "warning")}, ${plural(count("fail"), "failure")}`;
  return `${plural(findings.length, "check")}: ${verdicts}`;
}
