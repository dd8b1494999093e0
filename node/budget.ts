/** What one peer may cost: so much a second, with so much saved up. */
export type Allowance = { readonly perSecond: number; readonly burst: number };

/**
 * A token bucket that may go into debt: what has already arrived is charged, and the debt says how long to read nothing more from
 * this peer. Nothing is thrown away for being over budget, so a flooder cannot make others' messages disappear by relaying them first.
 */
export type Budget = {
  readonly charge: (cost: number, now: number) => void;
  /** Ms until the balance is back at zero; 0 while it is not negative. */
  readonly debtMs: (now: number) => number;
};

/**
 * @param now a monotonic clock's ms
 * @example const b = createBudget({ perSecond: 100, burst: 10 }, 0); b.charge(15, 0); b.debtMs(0); // 50: five over, 100 a second
 */
export function createBudget({ perSecond, burst }: Allowance, now: number): Budget {
  let balance = burst;
  let at = now;
  const refill = (to: number): void => {
    balance = Math.min(burst, balance + (Math.max(0, to - at) * perSecond) / 1000);
    at = Math.max(at, to);
  };
  return {
    charge: (cost, to) => {
      refill(to);
      balance -= cost;
    },
    debtMs: (to) => {
      refill(to);
      return balance >= 0 ? 0 : Math.ceil((-balance * 1000) / perSecond);
    },
  };
}
