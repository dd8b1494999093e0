import { request, within } from "../e2e/devnet.ts";

export type Alarm = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** What one Prometheus has called, all of it since it was first listened to. */
export type Alarms = {
  readonly all: () => readonly Alarm[];
  /** Until each of these has fired, whenever that was; the labels are those that it must have. */
  readonly fired: (wanted: Readonly<Record<string, Readonly<Record<string, string>>>>, withinMs: number) => Promise<void>;
  /** Forgets what has fired, so that it is seen when it does so anew. */
  readonly forget: (name: string) => void;
  readonly stop: () => void;
};

const LOOK_MS = 500;

export function listen(prometheus: string): Alarms {
  const heard = new Map<string, Alarm>();
  let stopped = false;
  const look = async (): Promise<void> => {
    const reply = await request(`${prometheus}/api/v1/alerts`).catch(() => undefined);
    const { data } = (reply?.json ?? { data: { alerts: [] } }) as {
      data: { alerts: (Omit<Alarm, "name"> & { state: string })[] };
    };
    for (const { state, labels, annotations } of data.alerts) {
      if (state !== "firing") continue;
      const { alertname: name = "" } = labels;
      heard.set(JSON.stringify(labels), { name, labels, annotations });
    }
    if (!stopped) setTimeout(() => void look(), LOOK_MS);
  };
  void look();
  const has = (name: string, labels: Readonly<Record<string, string>>): boolean =>
    [...heard.values()].some(
      (alarm) => alarm.name === name && Object.entries(labels).every(([label, value]) => alarm.labels[label] === value),
    );
  return {
    all: () => [...heard.values()],
    fired: async (wanted, withinMs) => {
      const missing = () => Object.entries(wanted).filter(([name, labels]) => !has(`Breakwater${name}`, labels));
      await within(
        withinMs,
        "every alarm",
        async () => missing().length === 0,
        () => `; silent: ${JSON.stringify(missing())}`,
      );
    },
    forget: (name) => {
      for (const [key, alarm] of heard) if (alarm.name === `Breakwater${name}`) heard.delete(key);
    },
    stop: () => {
      stopped = true;
    },
  };
}
