import type { JSX } from "preact";

const WIDTH = 84;
const HEIGHT = 20;
const INSET = 2;

/** The way of a price since the page was opened; a picture of what the numbers beside it say. */
export function Trail({ values }: { readonly values: readonly number[] }): JSX.Element {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const step = values.length < 2 ? 0 : WIDTH / (values.length - 1);
  const y = (value: number): number => (span === 0 ? HEIGHT / 2 : HEIGHT - INSET - ((value - low) / span) * (HEIGHT - 2 * INSET));
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    <svg class="trail" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      {values.length < 2 ? undefined : <polyline points={points} />}
    </svg>
  );
}
