import { OperationalError } from "../node/io/operational-error.ts";
import type { Dialogue, Terminal } from "./terminal.ts";

/** Somebody who gives this many wrong answers in a row wants to read the manual. */
const MAX_ATTEMPTS = 20;
/** Entries of one list; the lists' own bounds are lower. */
const MAX_ENTRIES = 256;

export type Question = {
  readonly ask: string;
  /** Why it matters, before the question. */
  readonly why: string;
  /** What an empty answer stands for; without one an empty answer is asked again. */
  readonly fallback?: string;
  /** The flag's own parser: throws an OperationalError for an answer that the flag would be refused for. */
  readonly check: (answer: string) => void;
};

export type ListQuestion = Omit<Question, "fallback" | "check"> & {
  /** Of everything said so far, the newest last. */
  readonly check: (answers: readonly string[]) => void;
  /** Of the whole list, when the person says that it is all. */
  readonly checkAll: (answers: readonly string[]) => void;
};

export type Interviewer = {
  readonly one: (question: Question) => Promise<string>;
  /** An answer a line, an empty one ends the list. */
  readonly many: (question: ListQuestion) => Promise<readonly string[]>;
};

/**
 * Asks a person: why first, then the question with its default; an answer that its flag would be refused for is explained and asked for
 * again. Throws OperationalError `interrupted` when the person ends it.
 */
export function createInterviewer({ ask }: Dialogue, { note }: Pick<Terminal, "note">): Interviewer {
  const hear = async (prompt: string): Promise<string> => {
    const answer = await ask(prompt);
    if (answer === undefined) throw new OperationalError("stopped: nothing was written", { code: "interrupted" });
    return answer.trim();
  };
  const explained = ({ ask: question, why }: Pick<Question, "ask" | "why">): string => {
    note("");
    for (const line of why.split("\n")) note(`  ${line}`);
    return question;
  };
  return {
    one: async (question) => {
      const { fallback, check } = question;
      const prompt = `${explained(question)}${fallback === undefined ? "" : ` [${fallback === "" ? "none" : fallback}]`}: `;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const given = await hear(prompt);
        const answer = given === "" ? fallback : given;
        if (answer === undefined) note("  an answer is needed here");
        else if (isTaken(() => check(answer), note)) return answer;
      }
      throw tooOften();
    },
    many: async (question) => {
      const prompt = `${explained(question)} (one a line, an empty line ends): `;
      const answers: string[] = [];
      for (let attempt = 0; attempt < MAX_ATTEMPTS && answers.length < MAX_ENTRIES; ) {
        const given = await hear(prompt);
        const taken =
          given === ""
            ? isTaken(() => question.checkAll(answers), note)
            : isTaken(() => question.check([...answers, given]), note);
        if (taken && given === "") return answers;
        if (taken) answers.push(given);
        attempt = taken ? 0 : attempt + 1;
      }
      throw tooOften();
    },
  };
}

function isTaken(check: () => void, note: Terminal["note"]): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    note(`  not that: ${error.message}`);
    return false;
  }
}

function tooOften(): OperationalError {
  return new OperationalError("too many answers that cannot be taken: nothing was written; see breakwater init --help", {
    code: "interrupted",
  });
}
