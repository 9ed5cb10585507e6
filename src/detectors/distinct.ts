// Which values a key has seen, and when: so that one more, or one less, changes just the windows in which it is the only
// one of its value.

export type Distinct = {
  /** Each (second, value) once, by second; two lists side by side. */
  readonly times: number[];
  readonly values: string[];
  /** Value → seconds in order, each followed by how often: [t, n, t, n, …]. */
  readonly seen: Map<string, number[]>;
};

export function createDistinct(): Distinct {
  return { times: [], values: [], seen: new Map() };
}

export type ValueChange = {
  readonly time: number;
  readonly value: string;
  readonly by: 1 | -1;
  readonly windowS: number;
};

/** The windows, by the seconds [fromS, toS) at which they end, in which the value is new or gone; null: none. */
export function changeDistinct(
  distinct: Distinct,
  { time, value, by, windowS }: ValueChange,
): { readonly fromS: number; readonly toS: number } | null {
  const own = distinct.seen.get(value) ?? [];
  const at = seekSecond(own, time);
  const often = own[at] === time ? (own[at + 1] ?? 0) : 0;
  if (by === 1 && often > 0) own[at + 1] = often + 1;
  else if (by === 1) insert(distinct, { own, at, time, value });
  else if (often > 1) own[at + 1] = often - 1;
  else if (often === 1) remove(distinct, { own, at, time, value });
  if (by === 1 ? often > 0 : often !== 1) return null;
  const before = own[at - 2] ?? Number.NEGATIVE_INFINITY;
  const after = own[by === 1 ? at + 2 : at] ?? Number.POSITIVE_INFINITY;
  const fromS = Math.max(time, before + windowS);
  const toS = Math.min(time + windowS, after);
  return fromS < toS ? { fromS, toS } : null;
}

/** How many values seen in [fromS, toS) are not seen again in [toS, time]. */
export function leavingValues(
  { times, values, seen }: Distinct,
  { fromS, toS, time }: { readonly fromS: number; readonly toS: number; readonly time: number },
): number {
  let leaving = 0;
  for (let i = firstFrom(times, fromS); (times[i] ?? toS) < toS; i++) {
    const own = seen.get(values[i] ?? '') ?? [];
    const next = own[seekSecond(own, times[i] ?? 0) + 2] ?? Number.POSITIVE_INFINITY;
    if (next > time) leaving += 1;
  }
  return leaving;
}

/** The values of one second, each as often as it was seen. */
export function valuesAt({ times, values, seen }: Distinct, time: number): string[] {
  const found: string[] = [];
  for (let i = firstFrom(times, time); times[i] === time; i++) {
    const value = values[i] ?? '';
    const own = seen.get(value) ?? [];
    for (let often = own[seekSecond(own, time) + 1] ?? 0; often > 0; often--) found.push(value);
  }
  return found;
}

type Place = { readonly own: number[]; readonly at: number; readonly time: number; readonly value: string };

function insert({ times, values, seen }: Distinct, { own, at, time, value }: Place): void {
  if (own.length === 0) seen.set(value, own);
  own.splice(at, 0, time, 1);
  const place = firstFrom(times, time);
  if (place === times.length) {
    times.push(time);
    values.push(value);
    return;
  }
  times.splice(place, 0, time);
  values.splice(place, 0, value);
}

function remove({ times, values, seen }: Distinct, { own, at, time, value }: Place): void {
  own.splice(at, 2);
  if (own.length === 0) seen.delete(value);
  let place = firstFrom(times, time);
  while (times[place] === time && values[place] !== value) place += 1;
  times.splice(place, 1);
  values.splice(place, 1);
}

/** Index in [t, n, t, n, …] of the first second at or after `time`. */
function seekSecond(own: readonly number[], time: number): number {
  let low = 0;
  let high = own.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((own[middle * 2] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low * 2;
}

function firstFrom(times: readonly number[], time: number): number {
  const { length } = times;
  if (length === 0 || (times[length - 1] ?? 0) < time) return length;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
