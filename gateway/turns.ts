/** Questions that wait for their turn, of all addresses and of one: who drags a slider has asked the next before the last is given up. */
export const MAX_WAITING = 8;
export const MAX_WAITING_EACH = 2;

export type Turns = {
  /** Undefined: there is no room. Rejects as the work does, and with {@link NOBODY_WAITS} when its turn came too late. */
  readonly take: <T>(work: () => Promise<T>, asker: Asker) => Promise<T> | undefined;
};

export type Asker = {
  /** As limits count it (of IPv6 the /64), or the holder of a key. */
  readonly address: string;
  /** Whether nobody waits for the answer any more. */
  readonly isGone: () => boolean;
};

export const NOBODY_WAITS = "nobody waits for it";

type Job = { readonly asker: Asker; readonly run: () => Promise<void>; readonly leave: () => void };

/**
 * One piece of work at a time, in order of asking, of which anybody may ask for more: few wait, of one address fewer, what nobody waits for
 * is left, and after each there is a rest as long as it took. Strangers who go on asking take half of a core, and of an answer's time
 * no more than the others' turns.
 *
 * @param rest waits for so many ms; `now` is of any clock in ms
 */
export function createTurns({ now, rest }: { readonly now: () => number; readonly rest: (ms: number) => Promise<void> }): Turns {
  const jobs: Job[] = [];
  let working = false;
  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      const startedAt = now();
      if (job.asker.isGone()) job.leave();
      else await job.run();
      jobs.shift();
      if (now() > startedAt && jobs.length > 0) await rest(now() - startedAt);
    }
    working = false;
  };
  return {
    take: <T>(piece: () => Promise<T>, asker: Asker): Promise<T> | undefined => {
      const own = jobs.filter(({ asker: { address } }) => address === asker.address).length;
      if (own >= MAX_WAITING_EACH || jobs.length >= MAX_WAITING) return undefined;
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const run = (): Promise<void> => piece().then(resolve, reject);
      jobs.push({ asker, run, leave: () => reject(new Error(NOBODY_WAITS)) });
      void work();
      return promise;
    },
  };
}
