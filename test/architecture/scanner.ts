/** A string literal of a source file: its content and where its opening quote stands. */
export type StringLiteral = { readonly text: string; readonly at: number };

/** Source text with comments, strings and regular expressions blanked, positions and lines kept, and the strings beside it. */
export type ScannedSource = { readonly code: string; readonly strings: readonly StringLiteral[] };

/** After one of these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;!&|?{}[\]+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))$/;

/**
 * One pass over TypeScript's lexical structure. Code inside `${…}` of a template stays code; a template's text is blanked like any
 * other string.
 */
export function scanSource(source: string): ScannedSource {
  const code = [...source.replace(/[^\n]/gu, (character) => " ".repeat(character.length))];
  const strings: StringLiteral[] = [];
  /** Depth of braces at which each open template's substitution ends. */
  const templates: number[] = [];
  let depth = 0;
  let tail = "";
  let at = 0;
  const keep = (character: string): void => {
    code[at] = character;
    if (character.trim() !== "") tail = (tail + character).slice(-16);
    else if (!tail.endsWith(" ")) tail += " ";
    at++;
  };
  const skipTo = (end: number): void => {
    at = end < 0 ? source.length : end;
  };
  while (at < source.length) {
    const character = source.charAt(at);
    const pair = source.slice(at, at + 2);
    if (pair === "//") skipTo(source.indexOf("\n", at));
    else if (pair === "/*") skipTo(endAfter(source, "*/", at + 2));
    else if (character === '"' || character === "'") {
      const end = endOfString(source, at);
      strings.push({ text: source.slice(at + 1, end - 1), at });
      tail = "_";
      skipTo(end);
    } else if (character === "`" || (character === "}" && templates.at(-1) === depth)) {
      if (character === "}") templates.pop();
      const end = endOfTemplatePart(source, at + 1);
      strings.push({ text: source.slice(at + 1, end.at), at });
      if (end.substitution) templates.push(depth);
      tail = end.substitution ? "(" : "_";
      skipTo(end.at + (end.substitution ? 2 : 1));
    } else if (character === "/" && BEFORE_REGEX.test(tail.trimEnd())) {
      tail = "_";
      skipTo(endOfRegex(source, at));
    } else {
      if (character === "{") depth++;
      if (character === "}") depth--;
      keep(character);
    }
  }
  return { code: code.join(""), strings };
}

export function lineOf(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}

function endAfter(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found < 0 ? source.length : found + mark.length;
}

function endOfString(source: string, start: number): number {
  const quote = source.charAt(start);
  let at = start + 1;
  while (at < source.length && source.charAt(at) !== quote && source.charAt(at) !== "\n")
    at += source.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

function endOfTemplatePart(source: string, start: number): { readonly at: number; readonly substitution: boolean } {
  let at = start;
  while (at < source.length) {
    if (source.charAt(at) === "`") return { at, substitution: false };
    if (source.startsWith("${", at)) return { at, substitution: true };
    at += source.charAt(at) === "\\" ? 2 : 1;
  }
  return { at, substitution: false };
}

function endOfRegex(source: string, start: number): number {
  let inClass = false;
  let at = start + 1;
  for (; at < source.length && source.charAt(at) !== "\n"; at++) {
    const character = source.charAt(at);
    if (character === "\\") at++;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (character === "/" && !inClass) return at + 1;
  }
  return at;
}
