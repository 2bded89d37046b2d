/** Keeps one `DataView` over the octets that were asked about last: one for each question would cost more than what it is asked for. */
export class OctetView {
  #octets: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#octets.buffer);

  /** Offsets in it are those in `octets`. */
  over(octets: Uint8Array): DataView {
    if (this.#octets !== octets) {
      this.#octets = octets;
      this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    }
    return this.#view;
  }
}

/**
 * Octets that memory has behind what `copyOctets` may write to. The middle tier of V8 (Maglev) takes a word at the very end of a view
 * for one beyond it, and from then on no copy is compiled well in any tier: a word stored costs ten times as much.
 */
export const SPARE_OCTETS = 4;

/**
 * Copies a short run eight octets at a time: what each step costs is looking whether it is within both views. Numbers of 64 bits are
 * exact whatever the octets are, as floating-point ones need not be, and compiled code makes no object of them. Up to some two hundred
 * octets that is less than `set` costs. The runs do not overlap.
 */
export function copyOctets(from: DataView, start: number, to: DataView, at: number, length: number): void {
  let i = 0;
  for (const last = length - 8; i <= last; i += 8) to.setBigInt64(at + i, from.getBigInt64(start + i, true), true);
  if (i + 4 <= length) {
    to.setInt32(at + i, from.getInt32(start + i, true), true);
    i += 4;
  }
  for (; i < length; i++) to.setUint8(at + i, from.getUint8(start + i));
}

/**
 * The same by whole words where that reads nothing beyond `from`: up to three octets behind the run are written over with whatever is
 * behind it there, so `to` has `SPARE_OCTETS`.
 */
export function copyWholeWords(from: DataView, start: number, to: DataView, at: number, length: number): void {
  const whole = (length + 3) & ~3;
  if (start + whole > from.byteLength) {
    copyOctets(from, start, to, at, length);
    return;
  }
  let i = 0;
  for (const last = whole - 8; i <= last; i += 8) to.setBigInt64(at + i, from.getBigInt64(start + i, true), true);
  if (i < whole) to.setInt32(at + i, from.getInt32(start + i, true), true);
}

/** Compares short runs eight octets at a time. */
export function sameOctets(a: DataView, start: number, b: DataView, at: number, length: number): boolean {
  let i = 0;
  for (const last = length - 8; i <= last; i += 8) {
    if (a.getBigInt64(start + i, true) !== b.getBigInt64(at + i, true)) return false;
  }
  if (i + 4 <= length) {
    if (a.getInt32(start + i, true) !== b.getInt32(at + i, true)) return false;
    i += 4;
  }
  for (; i < length; i++) if (a.getUint8(start + i) !== b.getUint8(at + i)) return false;
  return true;
}

/** Octets `start` to `start + 3` as a word; on every machine the same. */
export function wordAt(octets: Uint8Array, start: number): number {
  return octets[start]! | (octets[start + 1]! << 8) | (octets[start + 2]! << 16) | (octets[start + 3]! << 24);
}

/** Writes a word as `wordAt` reads it. */
export function putWord(octets: Uint8Array, start: number, word: number): void {
  octets[start] = word;
  octets[start + 1] = word >>> 8;
  octets[start + 2] = word >>> 16;
  octets[start + 3] = word >>> 24;
}
