import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

const KEY = "breakwater-theme";
const CHOICES = ["system", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];

/** Goes round: the system's theme, light, dark. Charts are told by the event. */
export function ThemeSwitch(): JSX.Element {
  const choice = useSignal<Choice>(readChoice());
  const turn = (): void => {
    const next = CHOICES[(CHOICES.indexOf(choice.value) + 1) % CHOICES.length] ?? "system";
    choice.value = next;
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    remember(next);
    dispatchEvent(new Event("themechange"));
  };
  return (
    <button type="button" class="theme" onClick={turn} title={`Theme: ${choice.value}`}>
      <span class="sr">Theme: {choice.value}. Change</span>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        {choice.value === "light" ? (
          <>
            <circle cx="8" cy="8" r="3.2" />
            <path d="M8 .8v2M8 13.2v2M.8 8h2M13.2 8h2M2.9 2.9l1.4 1.4M11.7 11.7l1.4 1.4M2.9 13.1l1.4-1.4M11.7 4.3l1.4-1.4" />
          </>
        ) : choice.value === "dark" ? (
          <path d="M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z" />
        ) : (
          <>
            <circle cx="8" cy="8" r="6" />
            <path class="half" d="M8 2a6 6 0 0 1 0 12z" />
          </>
        )}
      </svg>
    </button>
  );
}

function readChoice(): Choice {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

function remember(choice: Choice): void {
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}
