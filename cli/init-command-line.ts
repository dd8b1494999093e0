import type { InitOptions } from "./init-network.ts";
import type { Terminal } from "./terminal.ts";

/** What every run starts with; the rest is shown. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  dir: ".",
  listen: "/ip4/0.0.0.0/tcp/9000",
  apiHost: "127.0.0.1",
  apiPort: "8080",
  lease: "60000",
};
/** Flags whose values are URLs that may hold keys: they stay out of the shell's history and of what is pasted elsewhere. */
const SECRET: Readonly<Record<string, string>> = { rpc: "RPC", alert: "ALERT", redis: "REDIS" };

/** Shows the command that writes the same files without a question. */
export function showCommand(options: InitOptions, { note }: Terminal): void {
  const secrets: string[] = [];
  const parts = Object.entries(options).flatMap(([name, value]) => partsOf(name, value, secrets));
  note("");
  note("The same without questions:");
  note(["  breakwater init", ...parts].join(" \\\n      "));
  if (secrets.length > 0) note(`(${secrets.join(", ")}: the URLs that you gave; they may hold keys and are not shown)`);
}

function partsOf(name: string, value: unknown, secrets: string[]): readonly string[] {
  if (name === "interview" || value === DEFAULTS[name]) return [];
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === true) return [flag];
  const values = typeof value === "string" ? [value] : Array.isArray(value) ? value.map(String) : [];
  return values.map((text) => `${flag} ${shown(name, text, secrets)}`);
}

function shown(name: string, text: string, secrets: string[]): string {
  const prefix = SECRET[name];
  if (prefix === undefined) return quoted(text);
  const variable = `$${prefix}_URL_${secrets.filter((secret) => secret.startsWith(`$${prefix}`)).length + 1}`;
  secrets.push(variable);
  const before = name === "redis" ? "" : text.slice(0, text.indexOf("=") + 1);
  return `"${before}${variable}"`;
}

/** @example quoted("a b"); // "'a b'" */
function quoted(text: string): string {
  return /^[A-Za-z0-9_.,:/=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
