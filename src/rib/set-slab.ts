import { copyOctets, OctetView } from "../base/index.ts";

/** Octets of a chunk: memory comes from the kernel page by page. */
const CHUNK = 1 << 20;
/** Room is given in units of 4 octets, a free one has room for the place of another. */
const UNIT_SHIFT = 2;
const UNITS_SHIFT = 20 - UNIT_SHIFT;
const UNITS = 1 << UNITS_SHIFT;
/** Used of the first chunk before the rest of it is: so few that V8 has seen room being made before it compiles what asks for it. */
const FIRST_UNITS = 1024;

/** Runs of up to so many units have a size of their own; longer ones are rounded up, to one of so many sizes up to the double. */
const FINE_UNITS = 32;
const STEPS_SHIFT = 3;

/**
 * What a run of so many units is given. The sizes are few, so that routes which come and go with longer sets each time use
 * again what was freed: at most one eighth of a long run is wasted.
 */
function roomFor(units: number): number {
  if (units <= FINE_UNITS) return units;
  const step = 1 << (31 - Math.clz32(units - 1) - STEPS_SHIFT);
  return (units + step - 1) & ~(step - 1);
}

/**
 * Runs of at most 64 KiB of octets that live as long as somebody needs them, without an object each. What is freed is used again
 * for a run of the same size; the place of a freed run holds the next free one.
 */
export class SetSlab {
  readonly #chunks: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  readonly #source = new OctetView();
  readonly #words: Uint32Array[] = [];
  /** By units: the first free run of that size, 0 = none. */
  readonly #free = new Uint32Array((0x10000 >> UNIT_SHIFT) + 1);
  /** The first unit is nobody's, so that 0 is no place. */
  #top = 1;
  /** Where the room ends that there is. */
  #end = 0;

  /** Where the copy is. */
  put(octets: Uint8Array, start: number, length: number): number {
    const place = this.#take(roomFor((length + 3) >>> UNIT_SHIFT));
    copyOctets(this.#source.over(octets), start, this.view(place), this.start(place), length);
    return place;
  }

  /** The octets begin in it at `start(place)`. */
  chunk(place: number): Uint8Array {
    return this.#chunks[place >>> UNITS_SHIFT]!;
  }

  /** The same memory. */
  view(place: number): DataView {
    return this.#views[place >>> UNITS_SHIFT]!;
  }

  start(place: number): number {
    return (place & (UNITS - 1)) << UNIT_SHIFT;
  }

  free(place: number, length: number): void {
    const units = roomFor((length + 3) >>> UNIT_SHIFT);
    this.#words[place >>> UNITS_SHIFT]![this.start(place) >>> 2] = this.#free[units]!;
    this.#free[units] = place;
  }

  #take(units: number): number {
    const recycled = this.#free[units]!;
    if (recycled !== 0) {
      this.#free[units] = this.#words[recycled >>> UNITS_SHIFT]![this.start(recycled) >>> 2]!;
      return recycled;
    }
    // The last unit of a chunk stays free: `SPARE_OCTETS`.
    if (this.#top + units >= this.#end) this.#makeRoom();
    const place = this.#top;
    this.#top += units;
    return place;
  }

  #makeRoom(): void {
    if (this.#end === FIRST_UNITS) {
      this.#end = UNITS;
      return;
    }
    const chunk = new Uint8Array(CHUNK);
    this.#chunks.push(chunk);
    this.#views.push(new DataView(chunk.buffer));
    this.#words.push(new Uint32Array(chunk.buffer));
    if (this.#end > 0) this.#top = this.#end; // what is left of the chunk before is less than one run
    this.#end = this.#end === 0 ? FIRST_UNITS : this.#end + UNITS;
  }
}
