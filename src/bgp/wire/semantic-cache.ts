import { Writer } from "../../base/index.ts";
import type { SemanticAttribute } from "../../rib/index.ts";
import { decodeSemantic, encodeSemantic } from "./semantic.ts";

const SLOTS = 1024;
/** Longer values are read each time: what strangers say fills no more than two megabytes. */
const LONGEST = 1024;

/** What a value comes to, and the value as this router writes it. Shared: not to be changed. */
export interface KnownSemantic {
  readonly semantic: SemanticAttribute | string;
  /** Nothing where the value is malformed. */
  readonly canonical: Uint8Array;
}

interface Slot extends KnownSemantic {
  readonly value: Uint8Array;
}

/** Values of SEMANTIC seen last: few differ (DESIGN section 4.2), and reading one costs as much as all other attributes together. */
export class SemanticCache {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #out = new Writer(512);

  find(octets: Uint8Array, start: number, length: number): KnownSemantic {
    if (length > LONGEST) return this.#read(octets.slice(start, start + length));
    let hash = length;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + octets[start + i]!) | 0;
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot];
    if (known !== undefined && holds(known.value, octets, start, length)) return known;
    const value = octets.slice(start, start + length);
    const found = this.#read(value);
    this.#slots[slot] = found;
    return found;
  }

  #read(value: Uint8Array): Slot {
    const semantic = decodeSemantic(value);
    if (typeof semantic === "string") return { value, semantic, canonical: new Uint8Array(0) };
    encodeSemantic(semantic, this.#out.clear());
    const canonical = this.#out.finish();
    return { value, semantic, canonical: holds(value, canonical, 0, canonical.length) ? value : canonical.slice() };
  }
}

function holds(own: Uint8Array, octets: Uint8Array, start: number, length: number): boolean {
  if (own.length !== length) return false;
  for (let i = 0; i < length; i++) if (own[i] !== octets[start + i]) return false;
  return true;
}
