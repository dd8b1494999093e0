import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Compose, pathOf, readCompose, type Service, textOf } from "./files.ts";

const OUTSIDE = ["gateway0", "gateway1", "grafana"];
const OURS = /^(node|gateway)\d$/;
const compose = readCompose();
const services = Object.entries(compose.services);
/** Names under which a secret would be handed over in the open. */
const SECRET_NAME = /PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL/;

describe("docker-compose.yml", () => {
  it("is what the Compose specification's schema says, and the schema finds what is not", () => {
    const valid = composeSchema();
    expect(valid(resolved()), JSON.stringify(valid.errors, null, 1)).toBe(true);
    const wrong = resolved();
    Object.assign(Object.values(wrong.services)[0] as object, { read_onyl: true });
    expect(valid(wrong)).toBe(false);
  });

  it("passes dclint's rules", () => {
    expect(lint("docker-compose.yml")).toEqual([]);
  });

  it("runs four nodes, two gateways, Redis, Prometheus and Grafana", () => {
    const expected = ["gateway0", "gateway1", "grafana", "node0", "node1", "node2", "node3", "prometheus", "redis"];
    expect(Object.keys(compose.services)).toEqual(expected);
  });

  it.each(services)("%s is confined", (_, service) => {
    expect(faultsOf(service)).toEqual([]);
  });

  it.each<[string, (service: Service) => Partial<Service>, string]>([
    ["a writable root", () => ({ read_only: false }), "read_only"],
    ["capabilities", () => ({ cap_drop: [] }), "cap_drop"],
    ["new privileges", () => ({ security_opt: [] }), "no-new-privileges"],
    ["root", () => ({ user: "0:0" }), "user"],
    [
      "no limits",
      (service) => ({ deploy: { resources: { limits: { ...service.deploy?.resources.limits, memory: 0 } } } }),
      "limits",
    ],
    ["no pinned version", () => ({ image: "redis:latest" }), "image"],
    ["a secret in its environment", () => ({ environment: { REDIS_PASSWORD: "x" } }), "secret"],
    ["no health check", () => ({ image: "redis:7.2.7", healthcheck: { test: [] } }), "healthcheck"],
    ["a log without end", () => ({ logging: {} }), "logging"],
    ["everybody's port", () => ({ ports: ["8080:8080"] }), "ports"],
  ])("the same check finds a service with %s", (_, change, fault) => {
    const service = compose.services.redis as Service;
    expect(faultsOf({ ...service, ...change(service) })).toEqual([expect.stringContaining(fault)]);
  });

  it("publishes gateways and Grafana only, and lets nothing out of the inner networks", () => {
    const published = services.filter(([, { ports = [] }]) => ports.length > 0).map(([name]) => name);
    expect(published).toEqual(OUTSIDE);
    const inner = Object.entries(compose.networks).filter(([, network]) => network?.internal === true);
    expect(inner.map(([name]) => name).sort()).toEqual(["api", "monitoring", "p2p", "redis"]);
    const on = (network: string): readonly string[] =>
      services.filter(([, { networks }]) => networks.includes(network)).map(([name]) => name);
    expect(on("p2p")).toEqual(["node0", "node1", "node2", "node3"]);
    expect(on("exchanges")).toEqual(["node0", "node1", "node2", "node3"]);
    expect(on("redis")).toEqual(["gateway0", "gateway1", "node0", "node1", "node2", "node3", "redis"]);
    expect(on("public")).toEqual(OUTSIDE);
    expect(on("monitoring")).toEqual(["grafana", "prometheus"]);
  });

  it("gives every service its own secrets and configs, from files that the folder holds", () => {
    for (const [name, { secrets = [], configs = [] }] of services) {
      const sources = [...secrets, ...configs].map((item) => (typeof item === "string" ? item : item.source));
      const foreign = sources.filter((source) => source !== "network" && !source.startsWith(name));
      expect(OURS.test(name) ? foreign : [], name).toEqual([]);
      for (const source of sources) {
        expect({ ...compose.secrets, ...compose.configs }[source]?.file, source).toMatch(/^\$\{BREAKWATER_DIR:\?missing\}\//);
      }
    }
    const used = services.flatMap(([, { secrets = [] }]) =>
      secrets.map((item) => (typeof item === "string" ? item : item.source)),
    );
    expect(used.sort()).toEqual(Object.keys(compose.secrets).sort());
  });

  it("mounts from the repository only what is there, and read-only", () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes.filter((item) => typeof item === "string"));
    expect(mounts.length).toBeGreaterThan(0);
    for (const mount of mounts) {
      const [source = "", , mode] = mount.split(":");
      expect(existsSync(pathOf(source)), mount).toBe(true);
      expect(mode, mount).toBe("ro");
    }
    for (const [, { env_file: file }] of services) if (file !== undefined) expect(existsSync(pathOf(file)), file).toBe(true);
  });

  it("does not let a node wait for Redis, nor for anything else", () => {
    for (const [name, { depends_on: needs }] of services) if (name.startsWith("node")) expect(needs, name).toBeUndefined();
  });
});

/** What is wrong with a service, each fault by what it concerns. */
function faultsOf(service: Service): readonly string[] {
  const limits = service.deploy?.resources.limits ?? {};
  const checks: readonly (readonly [string, boolean])[] = [
    ["read_only: its root file system can be written", service.read_only === true],
    ["cap_drop: it keeps capabilities", service.cap_drop?.includes("ALL") === true],
    ["security_opt: no-new-privileges is missing", service.security_opt?.includes("no-new-privileges:true") === true],
    ["user: it may be root", /^\$\{BREAKWATER_UID:\?missing\}:\$\{BREAKWATER_GID:\?missing\}$/.test(service.user)],
    ["limits: cpus, memory or pids have none", [limits.cpus, limits.memory, limits.pids].every(Boolean)],
    ["image: no pinned version", /:v?\d+\.\d+\.\d+(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/.test(service.image)],
    ["restart: it stays down", service.restart === "unless-stopped"],
    ["logging: nothing bounds its log", Boolean(service.logging?.options?.["max-size"] && service.logging.options["max-file"])],
    [
      "tmpfs: nowhere to write what is temporary",
      (service.tmpfs ?? []).every((mount) => /size=/.test(mount)) && service.tmpfs !== undefined,
    ],
    ["secret: one stands in its environment", secretsIn(service.environment).length === 0],
    ["healthcheck: none", service.build !== undefined || (service.healthcheck?.test.length ?? 0) > 1],
    ["healthcheck: it needs a shell", service.healthcheck?.test[0] !== "CMD-SHELL"],
    ["ports: open on every interface", (service.ports ?? []).every((port) => port.startsWith("127.0.0.1:"))],
  ];
  return checks.filter(([, holds]) => !holds).map(([fault]) => fault);
}

/** A variable that names a file is no secret. */
function secretsIn(environment: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(environment)
    .filter(([name, value]) => SECRET_NAME.test(name) && !(name.endsWith("__FILE") && value.startsWith("/run/secrets/")))
    .map(([name]) => name);
}

function resolved(): Compose & { services: Record<string, Service> } {
  const {
    "x-all": all,
    "x-breakwater": breakwater,
    "x-folder": folder,
    ...rest
  } = structuredClone(readCompose()) as Compose & Record<string, unknown>;
  expect([all, breakwater, folder].every((item) => item !== undefined)).toBe(true);
  return rest;
}

function composeSchema() {
  const file = createRequire(import.meta.url)
    .resolve("dclint/package.json")
    .replace("package.json", "schemas/compose.schema.json");
  const { $schema: _, ...schema } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  return new Ajv({ strict: false, validateFormats: false }).compile(schema);
}

/**
 * All of dclint's rules but one: it wants keys in an order that puts a merge key last, and ours come first, where a reader sees what the
 * rest stands on.
 */
function lint(file: string): readonly string[] {
  const linter = new DCLinter({ rules: { "service-keys-order": 0 }, quiet: false, debug: false, exclude: [] });
  const results: readonly { readonly messages: readonly { readonly rule: string; readonly message: string }[] }[] =
    linter.lintFiles([pathOf(file)], false);
  return results.flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`));
}

describe("the environment files", () => {
  it.each(["node", "gateway"])("%s.env holds no secret, and is what its systemd unit reads", (kind) => {
    const text = textOf("deploy", "env", `${kind}.env`);
    expect(text.split("\n").filter((line) => !line.startsWith("#") && SECRET_NAME.test(line.split("=")[0] ?? ""))).toEqual([]);
    expect(textOf("deploy", "systemd", `breakwater-${kind}.service`)).toContain(`EnvironmentFile=-/etc/breakwater/${kind}.env`);
  });

  it("Prometheus scrapes every node and gateway of the Compose file", () => {
    type Job = { readonly job_name: string; readonly static_configs: readonly { readonly targets: readonly string[] }[] };
    const { scrape_configs: jobs } = parse(textOf("deploy", "prometheus", "prometheus.yml")) as {
      scrape_configs: readonly Job[];
    };
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets));
    const ours = services.filter(([name]) => OURS.test(name)).map(([name]) => `${name}:8080`);
    expect([...targets].sort()).toEqual(ours.sort());
  });
});
