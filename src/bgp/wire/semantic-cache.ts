import { OctetView, octetsEqual, sameOctets, Writer } from "../../base/index.ts";
import type { SemanticAttribute } from "../../rib/index.ts";
import { decodeSemantic, encodeSemantic } from "./semantic.ts";

const SLOTS = 1024;
/** Longer values are read each time: what strangers say fills no more than two megabytes. */
const LONGEST = 1024;
const NOTHING = new Uint8Array(0);

/** What a value comes to, and the value as this router writes it. Shared: not to be changed. */
export interface KnownSemantic {
  readonly semantic: SemanticAttribute | string;
  /** Nothing where the value is malformed. */
  readonly canonical: Uint8Array;
  /** Of `canonical`. */
  readonly view: DataView;
  /** The value came as it is written. */
  readonly isCanonical: boolean;
}

interface Slot extends KnownSemantic {
  readonly value: DataView;
  readonly length: number;
}

/** Values of SEMANTIC seen last: few differ (DESIGN section 4.2), and reading one costs as much as all other attributes together. */
export class SemanticCache {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #out = new Writer(512);
  readonly #source = new OctetView();

  find(octets: Uint8Array, start: number, length: number): KnownSemantic {
    if (length > LONGEST) return this.#read(octets.slice(start, start + length));
    const source = this.#source.over(octets);
    // Who makes values that meet in one slot has them read each time, as if there were no cache.
    let sum = length;
    let i = start;
    for (const last = start + length - 4; i <= last; i += 4) sum = Math.imul(sum, 31) + source.getInt32(i, true);
    for (; i < start + length; i++) sum = Math.imul(sum, 31) + octets[i]!;
    const slot = mixed(sum) & (SLOTS - 1);
    const known = this.#slots[slot];
    if (known !== undefined && holds(known, source, start, length)) return known;
    // The one before has the place beside it, so that two values of one slot do not take turns.
    const before = this.#slots[slot ^ 1];
    const isThere = before !== undefined && holds(before, source, start, length);
    const found = isThere ? before : this.#read(octets.slice(start, start + length));
    this.#slots[slot] = found;
    if (known !== undefined) this.#slots[slot ^ 1] = known;
    return found;
  }

  #read(value: Uint8Array): Slot {
    const semantic = decodeSemantic(value);
    if (typeof semantic === "string") return slotOf(value, semantic, NOTHING);
    encodeSemantic(semantic, this.#out.clear());
    const canonical = this.#out.finish();
    return slotOf(value, semantic, octetsEqual(value, canonical) ? value : canonical.slice());
  }
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function holds({ value, length: own }: Slot, source: DataView, start: number, length: number): boolean {
  return own === length && sameOctets(value, 0, source, start, length);
}

function slotOf(value: Uint8Array, semantic: SemanticAttribute | string, canonical: Uint8Array): Slot {
  const view = viewOf(canonical);
  const isCanonical = value === canonical;
  return { value: isCanonical ? view : viewOf(value), length: value.length, semantic, canonical, view, isCanonical };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
