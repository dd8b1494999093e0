import { expect, it } from "vitest";
import { createTurns, MAX_WAITING, MAX_WAITING_EACH, NOBODY_WAITS } from "../../gateway/turns.ts";

/** Turns whose work ends when the test says so. */
function open() {
  const running: { readonly name: string; readonly end: (error?: Error) => void }[] = [];
  const rests: number[] = [];
  const clock = { now: 0 };
  const turns = createTurns({
    now: () => clock.now,
    rest: async (ms) => {
      rests.push(ms);
    },
  });
  const ask = (address: string, name: string, isGone = () => false) =>
    turns.take(
      () =>
        new Promise<string>((resolve, reject) => {
          running.push({ name, end: (error) => (error === undefined ? resolve(name) : reject(error)) });
        }),
      { address, isGone },
    );
  return { ask, running, rests, clock };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

it("works one at a time in order of asking, and rests as long as it worked while others wait", async () => {
  const { ask, running, rests, clock } = open();
  const [first, second] = [ask("a", "1"), ask("b", "2")];
  await settle();
  expect(running.map(({ name }) => name)).toEqual(["1"]);
  clock.now += 300;
  running[0]?.end();
  expect(await first).toBe("1");
  await settle();
  expect(running.map(({ name }) => name)).toEqual(["1", "2"]);
  running[1]?.end(new Error("no rounds"));
  await expect(second).rejects.toThrow("no rounds");
  expect(rests).toEqual([300]);
  const third = ask("a", "3");
  await settle();
  running[2]?.end();
  expect(await third, "after one that failed").toBe("3");
});

it("lets few wait, of one address fewer, and leaves what nobody waits for", async () => {
  const { ask, running } = open();
  const own = Array.from({ length: MAX_WAITING_EACH }, (_, index) => ask("stranger", `own ${index}`, () => index > 0));
  expect(own.every((item) => item !== undefined)).toBe(true);
  expect(ask("stranger", "one more")).toBeUndefined();
  const others = Array.from({ length: MAX_WAITING - MAX_WAITING_EACH }, (_, index) => ask(`address${index}`, `${index}`));
  expect(others.every((item) => item !== undefined)).toBe(true);
  expect(ask("late", "late")).toBeUndefined();
  const left = expect(own[1]).rejects.toThrow(NOBODY_WAITS);
  await settle();
  running[0]?.end();
  await left;
  await settle();
  expect(running.map(({ name }) => name)).toEqual(["own 0", "0"]);
});
