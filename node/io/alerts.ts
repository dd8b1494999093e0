import { randomUUID } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { nameEndpoint } from "../../adapters/io/rpc-url.ts";
import type { AlertMessage } from "../alert-message.ts";
import { type AlertIdentity, type AlertInput, createAlerting } from "../alerting.ts";
import type { NodeConfig } from "../node-config.ts";
import { type ConcernLog, createConcerns } from "./concerns.ts";
import type { NodeMetrics } from "./metrics.ts";
import { OperationalError, reasonOf } from "./operational-error.ts";
import { createWebhook, type WebhookOptions, type WebhookTimes } from "./webhook.ts";

/** A shorter secret can be guessed from one signed body. */
const MIN_SECRET_LENGTH = 16;
const MAX_SECRET_LENGTH = 1_024;
const OTHERS_MAY_READ = 0o077;

export type AlertHook = { readonly url: string; readonly secret: string };

/** Structural, so that pino fits. */
export type AlertLog = ConcernLog & { readonly info: (details: object, message: string) => void };

export type AlertsOptions = {
  readonly identity: AlertIdentity;
  readonly hooks: readonly AlertHook[];
  readonly log: AlertLog;
  readonly metrics: Pick<NodeMetrics, "onAlert">;
  readonly now: () => number;
  readonly times?: Partial<WebhookTimes>;
};

/** The alert machine and its receivers; every alert is a line of the log as well, so it is there without any. */
export type Alerts = {
  /** Never throws: an alert must not cost a round. */
  readonly handle: (input: AlertInput) => void;
  readonly stop: () => Promise<void>;
};

export function createAlerts({ identity, hooks, log, metrics, now, times }: AlertsOptions): Alerts {
  const machine = createAlerting(identity);
  const concerns = createConcerns(log);
  const onOutcome: WebhookOptions["onOutcome"] = ({ kind }, outcome) => metrics.onAlert(kind, outcome);
  const webhooks = hooks.map(({ url, secret }, place) => {
    const { label } = nameEndpoint(url, place);
    return createWebhook({
      url,
      secret,
      label,
      concerns,
      onOutcome,
      now,
      random: Math.random,
      ...(times === undefined ? {} : { times }),
    });
  });
  const tell = (message: AlertMessage): void => {
    const { kind, status, severity, id, total, text } = message;
    const say = status === "resolved" ? log.info.bind(log) : log.warn.bind(log);
    say({ code: "alert", alert: kind, status, severity, delivery: id, total }, text);
    for (const webhook of webhooks) webhook.send(message);
  };
  return {
    handle: (input) => {
      try {
        for (const output of machine.handle(input, now())) tell({ ...output, id: randomUUID() });
      } catch (error) {
        concerns.warn("alert-fault", `an alert could not be made of ${input.kind}: ${reasonOf(error)}`, { err: error });
      }
    },
    stop: async () => {
      await Promise.all(webhooks.map((webhook) => webhook.stop()));
    },
  };
}

/**
 * The hooks of node.yaml with their secrets, of which a last line break is no part.
 *
 * @throws OperationalError `alert-secret` naming the file
 */
export async function readAlertHooks(alerts: NodeConfig["alerts"], log: ConcernLog): Promise<readonly AlertHook[]> {
  const concerns = createConcerns(log);
  return Promise.all(
    alerts.map(async ({ url, secretFile }) => {
      const { secret, mode } = await readSecret(secretFile);
      if (secret.length < MIN_SECRET_LENGTH || secret.length > MAX_SECRET_LENGTH) {
        const expected = `expected a secret of ${MIN_SECRET_LENGTH} to ${MAX_SECRET_LENGTH} characters, as \`openssl rand -hex 32\` makes one`;
        throw new OperationalError(`${secretFile}: ${expected}`, { code: "alert-secret", details: { path: secretFile } });
      }
      if ((mode & OTHERS_MAY_READ) !== 0) {
        concerns.warn("secret-readable", `${secretFile} holds a webhook's secret`, { path: secretFile }, secretFile);
      }
      return { url, secret };
    }),
  );
}

async function readSecret(path: string): Promise<{ readonly secret: string; readonly mode: number }> {
  try {
    const [text, { mode }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    return { secret: text.replace(/\r?\n$/, ""), mode };
  } catch (error) {
    const details = { path };
    throw new OperationalError(`${path}: cannot read the webhook's secret: ${reasonOf(error)}`, {
      code: "alert-secret",
      details,
      cause: error,
    });
  }
}
