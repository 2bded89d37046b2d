import type { AttributeSet, RouteFamily, SetSource } from "../../rib/index.ts";
import type { AttributeContext } from "./attribute-row.ts";
import type { AttributeCodec, AttributeOutcome } from "./attributes.ts";
import { type AttributePlaces, SetScanner } from "./set-scanner.ts";

/** The set of one UPDATE as its decoder hands it over: an identity, with whoever can say what it means. One object for all messages. */
export class ReceivedSet {
  /** The identity is `octets[0..length)`. */
  octets: Uint8Array = new Uint8Array(0);
  length = 0;
  source: SetSource;
  readonly #codec: AttributeCodec;
  readonly #scanner: SetScanner;

  constructor(codec: AttributeCodec, context: AttributeContext) {
    this.#codec = codec;
    this.#scanner = new SetScanner(codec, context);
    this.source = this.#scanner;
  }

  /** A copy. */
  get identity(): Uint8Array {
    return this.octets.slice(0, this.length);
  }

  /** An object of its own. */
  get set(): AttributeSet {
    return this.source.decode(this.octets, 0, this.length);
  }

  /** False when the attributes have to be decoded. */
  scan(places: AttributePlaces, family: RouteFamily, nextHop: Uint8Array | undefined): boolean {
    const scanner = this.#scanner;
    if (!scanner.scan(places, family, nextHop)) return false;
    this.octets = scanner.octets;
    this.length = scanner.length;
    this.source = scanner;
    return true;
  }

  /** What came of decoding them. */
  read({ identity, set }: Extract<AttributeOutcome, { kind: "valid" }>): void {
    this.octets = identity;
    this.length = identity.length;
    this.source = this.#codec.sourceOf(set);
  }
}
