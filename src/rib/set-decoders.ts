import type { AttributeSet, SetDigest, SetSource } from "./attributes.ts";
import { digestOf } from "./set-digest.ts";
import type { AttributeId } from "./types.ts";

/** A set that is there as an object stays one. */
export class KeptSet implements SetSource {
  readonly set: AttributeSet;
  readonly digest: SetDigest;

  constructor(set: AttributeSet) {
    this.set = set;
    this.digest = digestOf(set);
  }

  readonly decode = (): AttributeSet => this.set;
}

/** Who makes an object of each set: one function for nearly all of them, so that only the others are remembered by set. */
export class SetDecoders {
  #usual: SetSource["decode"] | undefined;
  readonly #others = new Map<AttributeId, SetSource["decode"]>();

  put(id: AttributeId, source: SetSource): void {
    if (source.decode === this.#usual) return;
    if (this.#usual === undefined && !(source instanceof KeptSet)) this.#usual = source.decode;
    else this.#others.set(id, source.decode);
  }

  of(id: AttributeId): SetSource["decode"] {
    return this.#others.get(id) ?? this.#usual!;
  }

  forget(id: AttributeId): void {
    if (this.#others.size > 0) this.#others.delete(id);
  }
}
