import { OperationalError } from "../node/io/operational-error.ts";

/** A flag's value that is not what it should be. */
export function badFlag(flag: string, what: string): OperationalError {
  return new OperationalError(`${flag}: ${what}`, { code: "bad-flag", details: { flag } });
}

/** @throws OperationalError `bad-flag`: digits only, so that `12abc` is not 12 */
export function parseWhole(flag: string, text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw badFlag(flag, `expected a whole number, found "${text}"`);
  return Number(text);
}
