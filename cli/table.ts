export type Cell<S extends string = never> = { readonly text: string; readonly style?: S };
export type Column = { readonly title: string; readonly align: "left" | "right" };

const GAP = "  ";

/**
 * Lines of a table with a title line, columns padded to their widest cell and styled after padding, so that colours cost no width. The
 * last column is cut to what `width` leaves for it.
 *
 * @example
 * formatTable([{ title: "feed", align: "left" }, { title: "price", align: "right" }], [[{ text: "ETH/USD" }, { text: "1800" }]]);
 * // ["feed     price", "ETH/USD   1800"]
 */
export function formatTable<S extends string>(
  columns: readonly Column[],
  rows: readonly (readonly Cell<S>[])[],
  {
    paint = (_, text) => text,
    width,
  }: { readonly paint?: (style: S, text: string) => string; readonly width?: number | undefined } = {},
): readonly string[] {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => row[index]?.text.length ?? 0)));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, item) => sum + item + GAP.length, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(0, width - before);
  const line = (cells: readonly Cell<S>[]) =>
    cells
      .map(({ text, style }, index) => {
        const fitted = index === last ? cut(text, room) : pad(text, widths[index] ?? 0, columns[index]?.align);
        return style === undefined ? fitted : paint(style, fitted);
      })
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title }))), ...rows.map(line)];
}

function pad(text: string, width: number, align: Column["align"] | undefined): string {
  return align === "right" ? text.padStart(width) : text.padEnd(width);
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}
