import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALERT_KINDS } from "../../node/alert-message.ts";
import { STAGES } from "../../node/io/stages.ts";
import { ALERTS } from "../deploy/rules.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const text = readFileSync(join(ROOT, "docs", "operators.md"), "utf8");

/** Of headings in a Markdown file, as GitHub makes anchors of them. */
function anchorsOf(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What stands under a heading, up to the next one. */
function paragraphOf(title: string): string {
  const [, after = ""] = text.split(`\n### ${title}\n`);
  return after.split(/^#/m)[0] ?? "";
}

test.each(ALERTS.map((rule) => [rule.alert, rule] as const))(
  "%s has its paragraph where its runbook_url points",
  (name, { annotations }) => {
    const [file, anchor = ""] = annotations.runbook_url.split("#");
    expect(file).toBe("docs/operators.md");
    expect(anchorsOf(text)).toContain(anchor);
    const lines = paragraphOf(`Alert ${name}`).trim().split("\n");
    expect(lines.length, "what it means, and what to do").toBeGreaterThanOrEqual(2);
  },
);

test("no paragraph is of an alert that is not there", () => {
  const written = [...text.matchAll(/^### Alert (\w+)$/gm)].map(([, name]) => name);
  expect(written.sort()).toEqual(ALERTS.map(({ alert }) => alert).sort());
});

test("every kind of webhook and every stage stands in its table", () => {
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, first]) => first);
  expect(rows).toEqual(expect.arrayContaining([...ALERT_KINDS, ...Object.keys(STAGES)]));
});

test("its links lead somewhere", () => {
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(20);
  for (const link of links) {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? text : readFileSync(join(ROOT, "docs", file), "utf8");
    if (anchor !== undefined) expect(anchorsOf(target), link).toContain(anchor);
  }
});
