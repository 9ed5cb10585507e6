// Handles by the hash of what they stand for: open addressing in one typed array, in the order of the hashes, so that a longer
// index is filled from its beginning to its end.

export type HandleIndex = {
  /** Hash, and beside it the handle + 1; 0: empty; -1: was in use. */
  places: Int32Array;
  /** Places that are not empty. */
  taken: number;
  /** Handles in it. */
  size: number;
};

const FIRST_PLACES = 2_048;
/** Numbers a place. */
const PLACE = 2;

export function createHandleIndex(): HandleIndex {
  return { places: new Int32Array(FIRST_PLACES * PLACE), taken: 0, size: 0 };
}

/** Where what has a hash may be: from the first place on, until one is empty. */
export const firstPlace = ({ length }: Int32Array, hash: number): number =>
  Math.floor((hash >>> 0) * (length / PLACE) * 2 ** -32) * PLACE;

export const placeAfter = ({ length }: Int32Array, at: number): number => (at + PLACE === length ? 0 : at + PLACE);

/** What lies there. */
export const glanceInto = ({ places }: HandleIndex, hash: number): number => places[firstPlace(places, hash)] as number;

/** Adds a handle that is not in it. */
export function indexHandle(index: HandleIndex, hash: number, handle: number): void {
  if (index.taken * PLACE * 4 >= index.places.length * 3) rebuild(index);
  index.size += 1;
  put(index, hash, handle);
}

/** Takes out a handle that is in it under that hash. */
export function unindexHandle(index: HandleIndex, hash: number, handle: number): void {
  const { places } = index;
  let at = firstPlace(places, hash);
  while (places[at + 1] !== handle + 1) at = placeAfter(places, at);
  places[at + 1] = -1;
  index.size -= 1;
}

function put(index: HandleIndex, hash: number, handle: number): void {
  const { places } = index;
  let at = firstPlace(places, hash);
  while ((places[at + 1] ?? 0) > 0) at = placeAfter(places, at);
  if (places[at + 1] === 0) index.taken += 1;
  places[at] = hash;
  places[at + 1] = handle + 1;
}

/** Without the places that were in use, and half as long again if more than half are in use now. */
function rebuild(index: HandleIndex): void {
  const before = index.places;
  const count = before.length / PLACE;
  index.places = new Int32Array((index.size * 2 > count ? Math.ceil(count * 1.5) : count) * PLACE);
  index.taken = 0;
  for (let at = 0; at < before.length; at += PLACE) {
    const held = before[at + 1] ?? 0;
    if (held > 0) put(index, before[at] ?? 0, held - 1);
  }
}
