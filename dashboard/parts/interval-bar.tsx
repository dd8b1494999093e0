import type { JSX } from "preact";
import type { BundleItem } from "../data/api.ts";
import { formatPrice, placeOf } from "../view/format.ts";

/** Low, high and where the price and the average lie between them. */
export function IntervalBar({ item }: { readonly item: Pick<BundleItem, "price" | "low" | "high" | "ema"> }): JSX.Element {
  const { price, low, high, ema } = item;
  const at = (value: string): string => `${placeOf(value, low, high) / 10}%`;
  return (
    <div class="interval">
      <div class="interval-line" aria-hidden="true">
        <span class="interval-ema" style={{ left: at(ema) }} title={`Average ${formatPrice(ema)}`} />
        <span class="interval-price" style={{ left: at(price) }} />
      </div>
      <p class="interval-ends num">
        <span>
          <span class="label">low</span> <span class="value">{formatPrice(low)}</span>
        </span>
        <span>
          <span class="value">{formatPrice(high)}</span> <span class="label">high</span>
        </span>
      </p>
    </div>
  );
}
