import { existsSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { copyOf, faultsOfDockerfile, stagesOf } from "./dockerfile.ts";
import { pathOf, textOf } from "./files.ts";

const text = textOf("Dockerfile");

describe("the Dockerfile", () => {
  it("passes the linter, and the linter finds what is wrong", () => {
    expect(validate(text).map(({ message }) => message)).toEqual([]);
    expect(validate(text.replace("EXPOSE 8080", "EXPOSE http"))).not.toEqual([]);
  });

  it("keeps the house's own rules", () => {
    expect(faultsOfDockerfile(text)).toEqual([]);
  });

  it.each([
    ["a moving base", "node:24.21.0-bookworm-slim\n", "node:latest\n", "FROM"],
    ["root", "USER 10001:10001", "USER root", "USER"],
    ["a copy after USER", "EXPOSE 8080 9000", "COPY LICENSE ./", "USER"],
    [
      "a shell as the entry point",
      'ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/cli/main.js"]',
      "ENTRYPOINT node main.js",
      "ENTRYPOINT",
    ],
    ["a shell as the command", 'CMD ["--help"]', "CMD --help", "CMD"],
    ["curl", "fetch('http", "curl('http", "HEALTHCHECK"],
    ["another signal", "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGQUIT", "STOPSIGNAL"],
    ["ADD", "COPY . .", "ADD . .", "ADD"],
    ["a file that is not there", "COPY package.json LICENSE", "COPY package.json LICENCE", "COPY"],
    ["no labels", "LABEL org.opencontainers.image.title", "LABEL title", "LABEL"],
    ["packages' scripts", '"--omit=dev", "--ignore-scripts"', '"--omit=dev"', "RUN"],
  ])("the same rules find %s", (_, from, to, fault) => {
    expect(text).toContain(from);
    expect(faultsOfDockerfile(text.replace(from, to))).toEqual([expect.stringContaining(fault)]);
  });

  it("takes the Node that the tests run on", () => {
    const { devDependencies } = JSON.parse(textOf("package.json")) as { devDependencies: { node: string } };
    for (const { from } of stagesOf(text).stages)
      expect(from).toMatch(new RegExp(`^node:${RegExp.escape(devDependencies.node)}-`));
    expect(process.versions.node).toBe(devDependencies.node);
  });

  it("has no package and no source in the last stage but those that production needs", () => {
    const copies = stagesOf(text)
      .stages.at(-1)
      ?.instructions.filter(({ name }) => name === "COPY")
      .map(copyOf);
    expect(copies).toEqual([
      { stage: "dependencies", sources: ["/opt/breakwater/node_modules"], target: "./node_modules" },
      { stage: "build", sources: ["/opt/breakwater/dist"], target: "./dist" },
      { stage: undefined, sources: ["package.json", "LICENSE", "README.md"], target: "./" },
    ]);
  });

  it("sends to the build what it reads, and nothing else", () => {
    const [first, ...rules] = textOf(".dockerignore")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(first).toBe("*");
    const sent = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1));
    const { include } = JSON.parse(textOf("tsconfig.build.json")) as { include: readonly string[] };
    for (const folder of include) expect(sent, folder).toContain(folder);
    for (const path of sent) expect(existsSync(pathOf(path)), path).toBe(true);
    expect(sent.filter((path) => /^(\.git|test|docs|node_modules|bench|deploy)/.test(path))).toEqual([]);
  });
});
