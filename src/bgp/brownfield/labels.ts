/** Where a label stands among the bits of the label communities. */
export interface LabelPlace {
  readonly text: string;
  /** 0 to 9: one community each. */
  readonly namespace: number;
  /** 0 to 31, from the right. */
  readonly bit: number;
}

export const LABEL_NAMESPACES = 10;

/** The labels that a domain has agreed to carry as bits: the same at all of its routers. */
export class LabelBook {
  readonly #places: ReadonlyMap<string, LabelPlace>;
  readonly #texts = new Map<number, string>();

  /** @throws {RangeError} for a place outside the communities, and for a label or a place that comes twice */
  constructor(places: readonly LabelPlace[]) {
    for (const { text, namespace, bit } of places) {
      if (!(namespace in EMPTY) || !Number.isInteger(bit) || bit < 0 || bit > 31) {
        throw new RangeError(`label ${text}: there is no bit ${bit} of namespace ${namespace}`);
      }
      const taken = this.#texts.get(32 * namespace + bit);
      if (taken !== undefined) throw new RangeError(`labels ${taken} and ${text} have the same bit`);
      this.#texts.set(32 * namespace + bit, text);
    }
    this.#places = new Map(places.map((place) => [place.text, place]));
    if (this.#places.size !== places.length) throw new RangeError("a label is given two bits");
  }

  has(text: string): boolean {
    return this.#places.has(text);
  }

  /** One bitmap a namespace; labels that are not in the book are left out. */
  bitmaps(labels: readonly string[]): readonly number[] {
    const bitmaps = [...EMPTY];
    for (const text of labels) {
      const place = this.#places.get(text);
      if (place !== undefined) bitmaps[place.namespace] = (bitmaps[place.namespace]! | (1 << place.bit)) >>> 0;
    }
    return bitmaps;
  }

  /** The labels of a bitmap; bits that are not in the book say nothing here. */
  labels(namespace: number, bitmap: number): string[] {
    const found: string[] = [];
    for (let bit = 0; bit < 32; bit++) {
      const text = (bitmap >>> bit) & 1 ? this.#texts.get(32 * namespace + bit) : undefined;
      if (text !== undefined) found.push(text);
    }
    return found;
  }
}

const EMPTY: readonly number[] = new Array(LABEL_NAMESPACES).fill(0);
