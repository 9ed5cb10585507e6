// A1 notation: `'Tab''s name'!C5:C9`. Read from Google's answers, written where Google takes nothing else.

export type A1Range = {
  readonly title: string;
  /** From 0. */
  readonly row: number;
  readonly column: number;
  /** Exclusive. */
  readonly endRow: number;
  readonly endColumn: number;
};

/** 0 is A, 26 is AA. */
export function columnLetters(index: number): string {
  let letters = '';
  for (let rest = index + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters;
  return letters;
}

export function columnIndex(letters: string): number {
  let index = 0;
  for (const letter of letters) index = index * 26 + letter.charCodeAt(0) - 64;
  return index - 1;
}

export function a1Of(range: A1Range): string {
  const from = `${columnLetters(range.column)}${range.row + 1}`;
  return `'${range.title.replaceAll("'", "''")}'!${from}:${columnLetters(range.endColumn - 1)}${range.endRow}`;
}

/** null: no range with cells on both ends. One cell may be written without its second end. */
export function parseA1(text: string): A1Range | null {
  const match = /^(?:'((?:[^']|'')*)'|([^'!]+))!([A-Z]{1,4})(\d{1,9})(?::([A-Z]{1,4})(\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const [, quoted, plain, left = 'A', top = '1', right = left, bottom = top] = match;
  return {
    title: quoted?.replaceAll("''", "'") ?? plain ?? '',
    row: Number(top) - 1,
    column: columnIndex(left),
    endRow: Number(bottom),
    endColumn: columnIndex(right) + 1,
  };
}
