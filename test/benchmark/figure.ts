/** One line of the table: what was measured, against what it must reach. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** "ratio", "ms" or another unit. */
  readonly unit: string;
  /** null where none is set. */
  readonly limit: number | null;
  /** Whether the value must stay at or below the limit, or reach it. */
  readonly bound: 'most' | 'least';
  /** What the value is the median of, or was counted from. */
  readonly samples: readonly Readonly<Record<string, number>>[];
}

/** A measurement that is selected by its name; it may give several figures. */
export interface Row {
  readonly name: string;
  /** @param tell what is being done, for who waits */
  measure(tell: (what: string) => void): Promise<readonly Figure[]>;
}

export interface Pair {
  readonly ours: number;
  readonly other: number;
}

/** Measures both so many times, in swapped order each time, so that drift of the machine meets both alike. */
export async function alternatingPairs(
  count: number,
  ours: () => Promise<number>,
  other: () => Promise<number>,
  tell: (what: string) => void,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  while (pairs.length < count) {
    let pair: Pair;
    if (pairs.length % 2 === 0) {
      const first = await ours();
      pair = { ours: first, other: await other() };
    } else {
      const first = await other();
      pair = { other: first, ours: await ours() };
    }
    pairs.push(pair);
    tell(`pair ${pairs.length} of ${count}: ours ${round(pair.ours)}, other ${round(pair.other)}`);
  }
  return pairs;
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  if (middle.length === 0) throw new Error('There is no median of nothing.');
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

export function medianRatio(pairs: readonly Pair[]): number {
  return median(pairs.map(({ ours, other }) => ours / other));
}

export function medianDifference(pairs: readonly Pair[]): number {
  return median(pairs.map(({ ours, other }) => ours - other));
}

/** null where there is no limit. */
export function isReached({ value, limit, bound }: Figure): boolean | null {
  if (limit === null) return null;
  return bound === 'most' ? value <= limit : value >= limit;
}

/** Three decimals below 10, none from 1,000 up. */
export function round(value: number): string {
  const size = Math.abs(value);
  return value.toLocaleString('en', { maximumFractionDigits: size < 10 ? 3 : size < 1000 ? 1 : 0 });
}
