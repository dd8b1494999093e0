/** A fenced block of a document. `line` is that of its opening fence, the first line of a document being 1. */
export type Block = { readonly language: string; readonly line: number; readonly text: string };

/** Commands as a reader types them, and what the document says they print, when it says so. */
export type Step = {
  readonly line: number;
  readonly text: string;
  readonly shown?: { readonly language: OutputLanguage; readonly line: number; readonly text: string };
};

const OUTPUT_LANGUAGES = ["text", "json"] as const;
type OutputLanguage = (typeof OUTPUT_LANGUAGES)[number];
const COMMANDS = "sh";
const FENCE = /^```(.*)$/;
const ELLIPSIS = "…";

/** Every fenced block of a Markdown text. Throws on a fence that never closes. */
export function readBlocks(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, text] of markdown.split("\n").entries()) {
    const fence = FENCE.exec(text);
    if (open === undefined) {
      if (fence !== null) open = { language: (fence[1] ?? "").trim(), line: index + 1, lines: [] };
    } else if (fence === null) {
      open.lines.push(text);
    } else {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join("\n") });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: a fence that never closes`);
  return blocks;
}

/**
 * The steps of a walk: every `sh` block, with the `text` or `json` block that follows it with nothing but blank lines between. Whatever
 * would pass over something in silence is refused: a block without a language, output that no command stands above, no commands at all.
 */
export function readSteps(markdown: string): readonly Step[] {
  const lines = markdown.split("\n");
  const steps: Step[] = [];
  let previous: Block | undefined;
  for (const block of readBlocks(markdown)) {
    const { language, line, text } = block;
    if (language === "") throw new Error(`line ${line}: a block without a language; sh is run, text and json are output`);
    const output = OUTPUT_LANGUAGES.find((item) => item === language);
    if (language === COMMANDS) steps.push({ line, text });
    if (output !== undefined) {
      const step = steps.pop();
      if (step === undefined || previous?.language !== COMMANDS || !isBlank(lines, previous, line)) {
        throw new Error(`line ${line}: output (${language}) that no sh block stands directly above`);
      }
      steps.push({ ...step, shown: { language: output, line, text } });
    }
    previous = block;
  }
  if (steps.length === 0) throw new Error("nothing to run: no sh block");
  return steps;
}

/** Whether only blank lines lie between a block and a later line. */
function isBlank(lines: readonly string[], { line, text }: Block, until: number): boolean {
  const closing = line + 1 + text.split("\n").length;
  return lines.slice(closing, until - 1).every((item) => item.trim() === "");
}

/**
 * Whether a command printed what a document shows, `…` standing for what differs from run to run. In text a `…` stands for any part of a
 * line, and alone on a line for any lines, none included; in json, where white space outside strings does not count, for anything.
 *
 * @example
 * matches("text", "round …\n…", "round 17\nfive lines more"); // true
 * matches("json", '{ "feed": "ETH/USD", … }', '{"feed":"ETH/USD","round":17}'); // true
 */
export function matches(language: OutputLanguage, shown: string, printed: string): boolean {
  return language === "json"
    ? pattern(withoutSpaces(shown), "[\\s\\S]*?").test(withoutSpaces(printed))
    : textPattern(shown).test(`${withoutTails(printed)}\n`);
}

function textPattern(shown: string): RegExp {
  const lines = withoutTails(shown).split("\n");
  const parts = lines.map((line) =>
    line.trim() === ELLIPSIS ? "(?:[^\\n]*\\n)*?" : `${line.split(ELLIPSIS).map(escapeForPattern).join("[^\\n]*")}\\n`,
  );
  return new RegExp(`^${parts.join("")}$`);
}

function pattern(shown: string, gap: string): RegExp {
  return new RegExp(`^${shown.split(ELLIPSIS).map(escapeForPattern).join(gap)}$`);
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Without white space at the ends of lines and blank lines at both ends. */
function withoutTails(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/^\n+|\n+$/g, "");
}

function withoutSpaces(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, text: string | undefined) => text ?? "");
}
