import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatCount, formatNamed } from "../view/format.ts";
import { fromPosition, readValue, SLIDER_STEPS, stepFrom, TUNED_WORDS, type Tuned, toPosition } from "../view/what-if.ts";

type FieldProps = {
  readonly name: Tuned;
  readonly inForce: number;
  readonly value: number;
  /** It is the one that is drawn. */
  readonly isHeld: boolean;
  readonly onHold: () => void;
  readonly onChange: (value: number) => void;
};

const STEPS: Readonly<Record<string, number>> = {
  ...{ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 },
  ...{ PageUp: 20, PageDown: -20, Home: -SLIDER_STEPS, End: SLIDER_STEPS },
};

/** One threshold as a slider in equal ratios, for the hand, and as a number, for whoever knows it. */
export function ThresholdField({ name, inForce, value, isHeld, onHold, onChange }: FieldProps): JSX.Element {
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const read = readValue(name, text);
  const expected = "expected" in read ? read.expected : undefined;
  const id = `what-if-${name}`;
  const step = (event: KeyboardEvent): void => {
    const by = STEPS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    onChange(stepFrom(name, value, by));
  };
  const write = (written: string): void => {
    setText(written);
    const next = readValue(name, written);
    if ("value" in next) onChange(next.value);
  };
  const changed = value !== inForce;
  return (
    <div class={`field${isHeld ? " field-held" : ""}${changed ? " field-changed" : ""}`} onFocusIn={onHold}>
      <div class="field-head">
        <label for={id}>{TUNED_WORDS[name]}</label>
        <span class="num field-value">
          {changed ? <span class="quiet">{formatNamed(name, inForce)} → </span> : undefined}
          <strong>{formatNamed(name, value)}</strong>
        </span>
      </div>
      <div class="field-inputs">
        <input
          id={id}
          type="range"
          min={0}
          max={SLIDER_STEPS}
          value={toPosition(name, value)}
          aria-valuetext={`${formatNamed(name, value)}, in force ${formatNamed(name, inForce)}`}
          onInput={(event) => onChange(fromPosition(name, Number(event.currentTarget.value)))}
          onKeyDown={step}
        />
        <input
          class="num"
          type="text"
          inputMode="numeric"
          autocomplete="off"
          aria-label={`${name} as a number`}
          aria-invalid={expected !== undefined}
          aria-describedby={expected === undefined ? undefined : `${id}-expected`}
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
          onBlur={() => setText(String(value))}
        />
      </div>
      {expected === undefined ? undefined : (
        <p class="field-expected" id={`${id}-expected`} role="alert">
          Expected {expected}; {formatCount(value)} stands.
        </p>
      )}
    </div>
  );
}
