import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeCommand } from "../../cli/commands/node.ts";
import { pathOf, textOf } from "./files.ts";

const KINDS = ["node", "gateway"] as const;
/** Of systemd-analyze's scale from 0 (nothing is left to it) to 10; a service without hardening has 9.6. */
const MOST_EXPOSURE = 2;
const analyze = onThisMachine();

describe.each(KINDS)("breakwater-%s.service", (kind) => {
  const text = textOf("deploy", "systemd", `breakwater-${kind}.service`);
  const settings = new Map(
    text
      .split("\n")
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

  it("runs the command with its config, as a user of its own, and ends it as the program wants to be ended", () => {
    expect(settings.get("ExecStart")).toMatch(new RegExp(`dist/cli/main\\.js ${kind} --config /etc/breakwater/${kind}\\.yaml$`));
    expect(settings.get("User")).toBe("breakwater");
    expect(settings.get("KillSignal")).toBe("SIGTERM");
    expect(settings.get("Restart")).toBe("on-failure");
    expect(nodeCommand().options.map(({ long }) => long)).toContain("--config");
  });

  it.each(["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateTmp=yes", "UMask=0077"])(
    "says %s",
    (line) => {
      expect(text.split("\n")).toContain(line);
    },
  );

  it.runIf(analyze)("systemd knows every setting, and leaves it little", () => {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-unit-"));
    try {
      const unit = join(folder, `breakwater-${kind}.service`);
      copyFileSync(pathOf("deploy", "systemd", `breakwater-${kind}.service`), unit);
      expect(verify(unit)).toBe("");
      const exposure = /exposure level[^:]*: ([\d.]+)/.exec(security(unit))?.[1];
      expect(Number(exposure)).toBeLessThan(MOST_EXPOSURE);
      writeFileSync(unit, text.replace("ProtectClock=yes", "ProtectClok=yes"));
      expect(verify(unit)).toContain("ProtectClok");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function verify(unit: string): string {
  return execFileSync("sh", ["-c", 'systemd-analyze verify "$1" 2>&1 || true', "sh", unit], { encoding: "utf8" }).trim();
}

function security(unit: string): string {
  return execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", unit], { encoding: "utf8" });
}

function onThisMachine(): boolean {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
