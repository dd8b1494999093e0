import { expect, test } from "vitest";
import { createReplayDesk, FRESH_MS, MAX_ANSWERS, MAX_WAITING, type ReplayAnswer } from "../../gateway/replay-desk.ts";

const NEWEST = 1_000;

/** A desk whose replays end when the test says so, and whose clock and rests it holds. */
function openDesk() {
  const running: { readonly name: string; readonly end: (answer: ReplayAnswer) => void; readonly fail: () => void }[] = [];
  const rests: number[] = [];
  const clock = { now: 0 };
  const desk = createReplayDesk({
    now: () => clock.now,
    rest: async (ms) => {
      rests.push(ms);
    },
  });
  const ask = (address: string, config: string, { to = undefined as number | undefined, gone = false } = {}) =>
    desk.ask({ config, to, newest: NEWEST, address, isGone: () => gone }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<ReplayAnswer>();
      running.push({ name: `${config} ${to}`, end: resolve, fail: () => reject(new Error("no rounds")) });
      return promise;
    });
  return { ask, running, rests, clock };
}

const answerTo = (to: number): ReplayAnswer => ({ digest: `0x${to}`, report: { to } });
const turns = () => new Promise((resolve) => setImmediate(resolve));
const names = ({ running }: ReturnType<typeof openDesk>) => running.map(({ name }) => name);

test("who asks the same question over and over gets one replay, and keeps nobody waiting longer than it takes", async () => {
  const desk = openDesk();
  const same = Array.from({ length: 50 }, () => desk.ask("stranger", "a", { to: 900 }));
  const other = desk.ask("governor", "b", { to: 900 });
  await turns();
  expect(names(desk)).toEqual(["a 900"]);
  desk.running[0]?.end(answerTo(900));
  expect(new Set(await Promise.all(same)).size).toBe(1);
  await turns();
  expect(names(desk)).toEqual(["a 900", "b 900"]);
  desk.running[1]?.end(answerTo(900));
  await other;
  await desk.ask("stranger", "a", { to: 900 });
  expect(names(desk)).toHaveLength(2);
});

test("an address has one place, and the desk few: a stranger's other questions wait for the others'", async () => {
  const desk = openDesk();
  expect(desk.ask("stranger", "a")).toBeDefined();
  expect(desk.ask("stranger", "b")).toBeUndefined();
  const places = Array.from({ length: MAX_WAITING }, (_, index) => desk.ask(`address${index}`, `c${index}`));
  expect(places.every((place) => place !== undefined)).toBe(true);
  expect(desk.ask("one more", "d")).toBeUndefined();
  await turns();
  for (let index = 0; index <= MAX_WAITING; index++) {
    desk.running[index]?.end(answerTo(index));
    await turns();
    if (index === 0) expect(desk.ask("stranger", "b"), "behind those who waited").toBeDefined();
  }
  expect(names(desk).map((name) => name.split(" ")[0])).toEqual(["a", "c0", "c1", "c2", "c3", "b"]);
});

test("after a replay the node rests for as long as it took", async () => {
  const desk = openDesk();
  const first = desk.ask("a", "a");
  await turns();
  desk.clock.now = 30_000;
  desk.running[0]?.end(answerTo(1));
  await first;
  await turns();
  expect(desk.rests).toEqual([30_000]);
});

test("whoever went away while he waited is not worked for", async () => {
  const desk = openDesk();
  const first = desk.ask("a", "a");
  const gone = desk.ask("b", "b", { gone: true });
  const last = desk.ask("c", "c");
  const left = expect(gone).rejects.toThrow("nobody waits");
  await turns();
  desk.running[0]?.end(answerTo(1));
  await first;
  await left;
  await turns();
  expect(names(desk)).toEqual(["a undefined", "c undefined"]);
  desk.running[1]?.end(answerTo(1));
  await last;
});

test("an answer holds for its own last round, and for the newest one a minute", async () => {
  const desk = openDesk();
  const first = desk.ask("a", "a");
  await turns();
  desk.running[0]?.end(answerTo(990));
  await first;
  await turns();
  expect(await desk.ask("b", "a", { to: 990 }), "as a governor asks who signs").toEqual(answerTo(990));
  desk.clock.now = FRESH_MS;
  expect(await desk.ask("b", "a")).toEqual(answerTo(990));
  expect(names(desk)).toHaveLength(1);
  desk.clock.now = FRESH_MS + 1;
  void desk.ask("b", "a");
  await turns();
  expect(names(desk)).toHaveLength(2);
});

test("what failed is asked again, and so is what reached beyond the newest round", async () => {
  const desk = openDesk();
  const failed = desk.ask("a", "a", { to: 5 });
  const told = expect(failed).rejects.toThrow("no rounds");
  await turns();
  desk.running[0]?.fail();
  await told;
  await turns();
  const later = desk.ask("a", "a", { to: NEWEST + 1 });
  await turns();
  desk.running[1]?.end({ digest: "0x", report: {} });
  await later;
  await turns();
  void desk.ask("a", "a", { to: 5 });
  void desk.ask("b", "a", { to: NEWEST + 1 });
  await turns();
  desk.running[2]?.end(answerTo(5));
  await turns();
  expect(names(desk)).toEqual(["a 5", "a 1001", "a 5", "a 1001"]);
});

test("a replay that cannot even begin is a failure like any other", async () => {
  const desk = createReplayDesk({ now: () => 0, rest: async () => undefined });
  const question = { config: "a", to: 1, newest: 2, address: "a", isGone: () => false };
  const broken = () => {
    throw new Error("broken");
  };
  await expect(desk.ask(question, broken)).rejects.toThrow("broken");
  await turns();
  expect(await desk.ask(question, async () => answerTo(1))).toEqual(answerTo(1));
});

test("few answers are remembered, the newest ones", async () => {
  const desk = openDesk();
  for (let index = 0; index <= MAX_ANSWERS; index++) {
    const asked = desk.ask("a", `config${index}`, { to: 7 });
    await turns();
    desk.running[index]?.end(answerTo(7));
    await asked;
    await turns();
  }
  await desk.ask("a", `config${MAX_ANSWERS}`, { to: 7 });
  await desk.ask("a", "config1", { to: 7 });
  expect(names(desk)).toHaveLength(MAX_ANSWERS + 1);
  void desk.ask("a", "config0", { to: 7 });
  await turns();
  expect(names(desk)).toHaveLength(MAX_ANSWERS + 2);
});
