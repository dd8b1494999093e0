/** Answers remembered: a proposal is looked at by each governor before he signs it, and all of them ask the same. */
export const MAX_ANSWERS = 8;
/** Questions that wait for their turn. */
export const MAX_WAITING = 4;
/** For so long the newest answer about a config stands for "up to the newest round", whatever was certified since. */
export const FRESH_MS = 60_000;

/** What a proposed config would have done. `config` names the one in force and the proposed one; `to` is the last round that is asked for. */
export type ReplayQuestion = {
  readonly config: string;
  readonly to: number | undefined;
  /** The newest round here: an answer that reaches beyond it would be another one later. */
  readonly newest: number | undefined;
  /** Who asks: an address as limits count it (of IPv6 the /64), or the holder of a key. */
  readonly address: string;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: () => boolean;
};

export type ReplayAnswer = { readonly digest: string; readonly report: object };

export type ReplayDesk = {
  /** Undefined: the desk is full, or this address waits for another answer already. Rejects as the replay does. */
  readonly ask: (question: ReplayQuestion, replay: () => Promise<ReplayAnswer>) => Promise<ReplayAnswer> | undefined;
};

type Job = {
  readonly question: ReplayQuestion;
  readonly askers: ReplayQuestion[];
  readonly answer: Promise<ReplayAnswer>;
  readonly run: () => Promise<void>;
  readonly leave: () => void;
};

/**
 * Who may use the one replay that runs at a time, which anybody may ask for. The same question is answered once: whoever asks it while it
 * runs or waits shares the answer, and whoever asks later is told what came of it. Different questions take turns, one place for each
 * address, so that a stranger who goes on asking delays the others by one replay and not for ever; and after each the node rests for
 * as long as it took, so that strangers take half a core from it at most.
 *
 * @param rest waits for so many ms; `now` is of any clock in ms
 */
export function createReplayDesk({
  now,
  rest,
}: {
  readonly now: () => number;
  readonly rest: (ms: number) => Promise<void>;
}): ReplayDesk {
  const answers = new Map<string, { readonly answer: ReplayAnswer; readonly at: number }>();
  const jobs: Job[] = [];
  let working = false;

  const recall = ({ config, to }: ReplayQuestion): ReplayAnswer | undefined => {
    const kept = answers.get(keyOf(config, to));
    return kept === undefined || (to === undefined && now() - kept.at > FRESH_MS) ? undefined : kept.answer;
  };
  const remember = ({ config, to, newest }: ReplayQuestion, answer: ReplayAnswer): void => {
    const reached = lastOf(answer) ?? to;
    const isFinal = reached !== undefined && newest !== undefined && reached <= newest;
    const keys = [...(isFinal ? [keyOf(config, reached)] : []), ...(to === undefined ? [keyOf(config, undefined)] : [])];
    for (const key of keys) {
      answers.delete(key);
      answers.set(key, { answer, at: now() });
    }
    for (const oldest of answers.keys()) if (answers.size > MAX_ANSWERS) answers.delete(oldest);
  };
  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      const startedAt = now();
      if (job.askers.every(({ isGone }) => isGone())) job.leave();
      else await job.run();
      jobs.shift();
      if (now() > startedAt) await rest(now() - startedAt);
    }
    working = false;
  };
  return {
    ask: (question, replay) => {
      const known = recall(question);
      if (known !== undefined) return Promise.resolve(known);
      const same = jobs.find((job) => keyOf(job.question.config, job.question.to) === keyOf(question.config, question.to));
      if (same !== undefined) {
        if (same.askers.length < MAX_ANSWERS) same.askers.push(question);
        return same.answer;
      }
      const isWaiting = jobs.some(({ question: { address } }) => address === question.address);
      if (isWaiting || jobs.length > MAX_WAITING) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<ReplayAnswer>();
      const run = async (): Promise<void> => {
        try {
          const answer = await replay();
          remember(question, answer);
          resolve(answer);
        } catch (error) {
          reject(error);
        }
      };
      jobs.push({ question, askers: [question], answer: promise, run, leave: () => reject(new Error("nobody waits for it")) });
      void work();
      return promise;
    },
  };
}

function keyOf(config: string, to: number | undefined): string {
  return `${config} ${to ?? "newest"}`;
}

/** The last round that a report says it went over. */
function lastOf({ report }: ReplayAnswer): number | undefined {
  return "to" in report && typeof report.to === "number" ? report.to : undefined;
}
