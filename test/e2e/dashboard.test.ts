import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { request, useDevnet, within } from "./devnet.ts";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const PAGES = ["#/", "#/feeds/ETH-USD", "#/feeds/CHAIN-ETHEREUM", "#/committee", "#/governance", "#/verify/ETH-USD", "#/nowhere"];
/** What each page shows once its data is there. */
const SHOWS: Readonly<Record<string, string>> = {
  "#/": "table.feeds tbody tr",
  "#/feeds/ETH-USD": ".big",
  "#/feeds/CHAIN-ETHEREUM": ".big",
  "#/committee": "table.members tbody tr",
  "#/governance": "table.keyholders tbody tr",
  "#/verify/ETH-USD": "textarea.document",
  "#/nowhere": "h1",
};
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 860 };
/** For who wants to look. */
const SHOTS = process.env.SHOTS ?? mkdtempSync(join(tmpdir(), "breakwater-shots-"));
const MAX_FIRST_LOAD = 200_000;
/** A round and the page's own refresh, on a machine that does other things as well. */
const SHOWN_MS = 30_000;
/** Agreement, probe and quiet times of the development network, twice over. */
const CLEARED_MS = 120_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type WithConfig = {
  readonly config: { readonly feeds: readonly { readonly feed: string; readonly thresholds: { readonly jumpBps: number } }[] };
};

const devnet = useDevnet();
let browser: Browser;
let base = "";
let complaints: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
});
beforeEach(async () => {
  complaints = [];
  const [node] = await devnet().nodes();
  base = `${node?.api}/`;
});
afterAll(() => browser.close());

/** A page whose every complaint and every request to another host is kept. */
async function openPage(
  hash: string,
  options: { readonly viewport?: { width: number; height: number }; readonly colorScheme?: "light" | "dark" } = {},
): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (asked) => {
    if (!asked.url().startsWith(base)) complaints.push(`asked another host: ${asked.url()}`);
  });
  await page.goto(base + hash);
  await page
    .locator(SHOWS[hash] ?? "h1")
    .first()
    .waitFor();
  return { page, context };
}

async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")}: ${failureSummary}`));
}

/** Patient: the machine may be busy with other things. */
const eventually = <T>(ask: () => T | Promise<T>, timeout = SHOWN_MS) => expect.poll(ask, { timeout });
const focusedText = (page: Page) => page.evaluate("document.activeElement?.textContent?.trim()");
const warning = (page: Page, title: string) => page.locator(".warning", { hasText: title });
const lineOf = (page: Page, feed: string) => page.locator(`tr[data-feed="${feed}"]`);

describe("every page", () => {
  it.each(PAGES)("%s loads in both themes without a complaint, and everybody can use it", async (hash) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, context } = await openPage(hash, { colorScheme });
      await eventually(() => page.locator(".link").innerText()).toContain("live");
      expect(await page.title()).toMatch(/^.+ · devnet · Breakwater$/);
      expect(await page.locator("h1").count()).toBe(1);
      expect(await seriousFaults(page), `${hash} in ${colorScheme}`).toEqual([]);
      await context.close();
    }
    expect(complaints).toEqual([]);
  });

  it.each(PAGES)("%s fits a phone", async (hash) => {
    const { page, context } = await openPage(hash, { viewport: PHONE });
    await eventually(() => page.locator(".link").innerText()).toContain("live");
    await page.waitForTimeout(500);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(PHONE.width);
    await context.close();
  });
});

it("the first load is small", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (asked) => {
    const { pathname } = new URL(asked.url());
    if (pathname === "/" || /\.(?:js|css|svg)$/.test(pathname)) sizes.push(asked.sizes().then((size) => size.responseBodySize));
  });
  await page.goto(base);
  await page
    .locator(SHOWS["#/"] ?? "")
    .first()
    .waitFor();
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(sizes.length).toBeGreaterThanOrEqual(4);
  expect(total).toBeLessThan(MAX_FIRST_LOAD);
  await context.close();
});

it("numbers move with the rounds, and are the ones that are signed", async () => {
  const { page, context } = await openPage("#/");
  const round = async () => Number((await page.locator(".status-round dd").innerText()).replaceAll(",", ""));
  await eventually(round).toBeGreaterThan(0);
  const before = await round();
  await eventually(round, SHOWN_MS).toBeGreaterThan(before);
  const { price } = await devnet().get<{ price: string }>("/v1/feeds/USDC-USD");
  const shown = (await lineOf(page, "USDC/USD").locator(".price").innerText()).split("\n")[0] ?? "";
  expect(Math.abs(Number(shown) - Number(price))).toBeLessThan(0.01);
  await context.close();
});

it("a moved market shows as paused with its reason within seconds, is shown first, and clears by itself", async () => {
  const { page, context } = await openPage("#/");
  const { page: feed, context: other } = await openPage("#/feeds/UNI-USD");
  await lineOf(page, "UNI/USD").getByText("Normal").waitFor();
  await devnet().post("/market", { feed: "UNI/USD", moveBps: -2_000, overMs: 0 });
  await lineOf(page, "UNI/USD").getByText("Paused").waitFor({ timeout: SHOWN_MS });
  await eventually(() => lineOf(page, "UNI/USD").locator(".why").innerText()).toMatch(/Price moved off its average: \d+.*limit/);
  expect(await page.locator("tbody tr").first().getAttribute("data-feed")).toBe("UNI/USD");
  expect(await lineOf(page, "UNI/USD").innerText()).toMatch(/robust only|none/);

  await feed.locator(".verdict-open").waitFor({ timeout: SHOWN_MS });
  await feed.locator(".reason", { hasText: "Price moved off its average" }).first().waitFor();
  expect(await feed.locator(".reasons").innerText()).toMatch(/Clears with excess at most/);
  expect(await seriousFaults(feed)).toEqual([]);
  await feed.locator(".verdict-half-open .ramp").waitFor({ timeout: CLEARED_MS });
  await feed.locator(".verdict-closed").waitFor({ timeout: CLEARED_MS });
  await lineOf(page, "UNI/USD").getByText("Normal").waitFor({ timeout: SHOWN_MS });
  await eventually(() => feed.locator(".log").innerText()).toMatch(/Normal[\s\S]*Probing[\s\S]*Paused/);
  expect(complaints).toEqual([]);
  await context.close();
  await other.close();
});

it("a venue that lies is a dropped dot with its reason, and comes back", async () => {
  const { page, context } = await openPage("#/feeds/ETH-USD");
  await page.locator(".dots-field .dot-used").first().waitFor();
  await devnet().post("/faults", { venue: "binance", fault: "offset", bps: -3_000 });
  const line = page.locator("table.sources tr", { hasText: "binance" });
  await line.getByText(/dropped: outlier/).waitFor({ timeout: SHOWN_MS });
  expect(await page.locator(".dots-field .dot-dropped").count()).toBe(1);
  await devnet().remove("/faults");
  await line.getByText("used").waitFor({ timeout: SHOWN_MS });
  await context.close();
});

it("the committee's page says who signs, and the governance page what is in force", async () => {
  const { page, context } = await openPage("#/committee");
  await eventually(() => page.locator(".cell-signed").count(), SHOWN_MS).toBeGreaterThan(10);
  for (const { name } of await devnet().nodes()) expect(await page.locator("table.members").innerText()).toContain(name);
  await page.goto(`${base}#/governance`);
  await page.locator("table.keyholders").waitFor();
  expect(await page.locator("main").innerText()).toMatch(/3 of 5 governors change anything, after 30 s/);
  expect(await page.locator(".thresholds tbody tr").count()).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Show all thresholds" }).click();
  await eventually(() => page.locator(".thresholds tbody tr").count()).toBeGreaterThan(30);
  expect(await seriousFaults(page)).toEqual([]);
  expect(complaints).toEqual([]);
  await context.close();
});

it("a threshold that is dragged below a known move shows the pause it would have made, by the keyboard alone and in words", async () => {
  const feed = "LTC/USD";
  const { thresholds } =
    (await devnet().get<WithConfig>("/v1/committee?config=1")).config.feeds.find((item) => item.feed === feed) ?? {};
  const limit = thresholds?.jumpBps ?? 0;
  const before = Number((await devnet().get<{ price: string }>("/v1/feeds/LTC-USD")).price);
  // Three fifths of the limit, in steps that no two nodes can see too differently.
  await devnet().post("/market", { feed, moveBps: -Math.floor(limit * 0.6), overMs: 6_000 });
  const priceOf = async () => Number((await devnet().get<{ price: string }>("/v1/feeds/LTC-USD")).price);
  await within(SHOWN_MS, "the move is certified", async () => (await priceOf()) < before * (1 - limit / 20_000));
  for (const colorScheme of ["light", "dark"] as const) {
    const { page, context } = await openPage("#/governance", { colorScheme });
    await page.locator(".what-if select").selectOption(feed);
    await eventually(() => page.locator(".what-if-said").innerText(), CLEARED_MS).toContain(`${feed} had`);
    const jumps = () => page.locator(".trips", { hasText: "Pauses as changed" }).getByText("Price moved off its average").count();
    const slider = page.locator("#what-if-jumpBps");
    await slider.focus();
    for (let pressed = 0; pressed < 30; pressed++) await page.keyboard.press("ArrowLeft");
    expect(await slider.getAttribute("aria-valuetext")).toMatch(/^\d[.\d]* (bps|%), in force 5 %/);
    await eventually(() => page.locator(".what-if-said").innerText(), CLEARED_MS).toMatch(/^With jumpBps at \d[.\d]* (bps|%): /);
    await eventually(jumps, CLEARED_MS).toBeGreaterThan(0);
    expect(await page.locator(".what-if canvas").count()).toBe(1);
    await page.locator(".proposal summary").click();
    expect(await page.locator(".proposal").innerText()).toMatch(/feed: LTC\/USD\s+thresholds:\s+jumpBps: \d+/);
    expect(await seriousFaults(page), colorScheme).toEqual([]);
    await page.screenshot({ path: `${SHOTS}/what-if-${colorScheme}.png`, fullPage: true });
    await page.getByLabel("jumpBps as a number").fill("5");
    await page.getByText("Expected a whole number from 10 to 10,000").waitFor();
    await page.getByRole("button", { name: "As in force" }).click();
    await eventually(() => page.locator(".what-if-said").innerText(), CLEARED_MS).toContain(`${feed} had`);
    await context.close();
  }
  expect(complaints).toEqual([]);
});

it("the keyboard is enough", async () => {
  const { page, context } = await openPage("#/");
  const press = (key: string) => page.keyboard.press(key);
  await press("Tab");
  expect(await focusedText(page)).toBe("Skip to the content");
  await press("Enter");
  expect(await page.evaluate("document.activeElement?.id")).toBe("main");
  await press("/");
  await page.keyboard.type("usd eth");
  await eventually(() => page.locator("table.feeds tbody tr").count()).toBe(1);
  await press("Escape");
  await eventually(() => page.locator("table.feeds tbody tr").count()).toBeGreaterThan(5);
  await press("Tab");
  const first = await focusedText(page);
  await press("ArrowDown");
  const second = await focusedText(page);
  expect(second).not.toBe(first);
  await press("ArrowUp");
  expect(await focusedText(page)).toBe(first);
  await press("End");
  const last = String(await focusedText(page));
  expect([first, second]).not.toContain(last);
  await press("Enter");
  await eventually(() => page.locator("h1").innerText()).toBe(last);
  expect(await page.evaluate("document.activeElement?.id")).toBe("main");
  const chart = page.getByRole("slider");
  await eventually(async () => Number(await chart.getAttribute("aria-valuemax"))).toBeGreaterThan(0);
  await chart.focus();
  await press("ArrowLeft");
  await eventually(() => chart.getAttribute("aria-valuetext")).toMatch(/^\d\d:\d\d:\d\d: .+ between .+ breaker/);
  const outlined = "getComputedStyle(document.activeElement).outlineStyle";
  expect(await page.evaluate(outlined)).toBe("solid");
  await context.close();
});

it("the theme follows the system until one is chosen, which is remembered", async () => {
  const { page, context } = await openPage("#/", { colorScheme: "dark" });
  const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  const dark = await background();
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  expect(await background()).not.toBe(dark);
  await page.reload();
  expect(await background()).not.toBe(dark);
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  expect(await background()).toBe(dark);
  await context.close();
});

describe("the page that verifies", () => {
  const outcome = (page: Page) => page.locator(".verdict-line");
  const verify = (page: Page) => page.getByRole("button", { name: "Verify", exact: true }).click();

  it("proves a real document, and names the part of one that was changed", async () => {
    const { page, context } = await openPage("#/verify/ETH-USD");
    const field = page.locator("textarea.document");
    await eventually(() => field.inputValue()).toContain('"reportsRoot"');
    await verify(page);
    await eventually(() => outcome(page).innerText()).toBe("Proven");
    expect(await page.locator(".check-ok").count()).toBe(4);
    expect(await page.locator(".outcome").innerText()).toContain("this gateway's own word");

    const text = await field.inputValue();
    const document = JSON.parse(text);
    const cases = [
      ["fields", { ...document, price: "1" }],
      [
        "header",
        { ...document, proof: { ...document.proof, header: { ...document.proof.header, stateRoot: `0x${"11".repeat(32)}` } } },
      ],
      ["signature", { ...document, proof: { ...document.proof, signatures: document.proof.signatures.slice(1) } }],
    ] as const;
    for (const [part, tampered] of cases) {
      await field.fill(JSON.stringify(tampered));
      await verify(page);
      await eventually(() => outcome(page).innerText()).toBe(`Not proven: the ${part} does not hold`);
    }
    await field.fill('<img src=x onerror="document.title=1">');
    await verify(page);
    await eventually(() => outcome(page).innerText()).toBe("Not proven: the shape does not hold");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("trusts a digest that is typed in and nobody else, and works without a line once it is loaded", async () => {
    const { page, context } = await openPage("#/verify");
    const { genesisConfigDigest } = await devnet().get<{ genesisConfigDigest: string }>("/v1/committee");
    await page.locator("select").selectOption("BTC-USD");
    const field = page.locator("textarea.document");
    await eventually(() => field.inputValue()).toContain('"reportsRoot"');
    await page.locator("input.digest").fill(genesisConfigDigest.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")));
    await verify(page);
    await eventually(() => outcome(page).innerText()).toContain("founded with another config");
    await page.locator("input.digest").fill(genesisConfigDigest);
    await verify(page);
    await eventually(() => outcome(page).innerText()).toBe("Proven");
    expect(await page.locator(".outcome").innerText()).toContain("the genesis digest given by you");
    await context.setOffline(true);
    await warning(page, "Disconnected").waitFor({ timeout: SHOWN_MS });
    await verify(page);
    await eventually(() => outcome(page).innerText()).toBe("Proven");
    await field.fill((await field.inputValue()).replace(/"price": "\d/, '"price": "9'));
    await verify(page);
    await eventually(() => outcome(page).innerText()).toContain("Not proven: the fields");
    await context.setOffline(false);
    await warning(page, "Disconnected").waitFor({ state: "detached", timeout: CLEARED_MS });
    await context.close();
  });
});

/** Last: it takes a node away. */
it("a gateway that dies shows as disconnected at once, its prices as dead when their lease ends, and all comes back", async () => {
  const { page, context } = await openPage("#/");
  const struck = `getComputedStyle(document.querySelector("td.price")).textDecorationLine`;
  expect(await page.evaluate(struck)).toBe("none");
  await eventually(() => page.locator(".link").innerText()).toContain("live");
  const [node] = await devnet().nodes();
  process.kill(node?.pid ?? 0, "SIGKILL");
  await warning(page, "Disconnected").waitFor({ timeout: SHOWN_MS });
  await eventually(() => page.locator(".link").innerText(), SHOWN_MS).toContain("offline");
  expect(await page.locator("main").getAttribute("class")).toContain("is-stale");
  await warning(page, "The lease has ended").waitFor({ timeout: 30_000 });
  await eventually(() => page.evaluate(struck)).toBe("line-through");
  expect(await seriousFaults(page)).toEqual([]);
  await devnet().post(`/nodes/${node?.name}/start`);
  await within(
    60_000,
    "the node answers again",
    async () => (await request(`${base}health/ready`).catch(() => undefined))?.status === 200,
  );
  await warning(page, "Disconnected").waitFor({ state: "detached", timeout: 30_000 });
  await eventually(() => page.locator(".link").innerText(), SHOWN_MS).toContain("live");
  expect(await page.evaluate(struck)).toBe("none");
  await context.close();
}, 240_000);
