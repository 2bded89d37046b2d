import { fieldOctets, fieldText } from "../../../base/index.ts";
import type { Encoding, GnmiPath } from "../messages.ts";
import { joined } from "../paths.ts";
import { GnmiError } from "../status.ts";
import { type Sent, updateOctets } from "../wire.ts";

/** Fields of TypedValue. */
const VALUES = { JSON: 10, JSON_IETF: 11 } as const;
const BYTES = 5;
const NOTHING = Buffer.alloc(0);
const UTF8 = new TextEncoder();

/** Makes the updates that one path of this origin is answered with. */
export class ControlAnswerWriter {
  readonly #value: number;
  /** The path as it was asked for, and without its last element, and that. */
  readonly #elems: Uint8Array;
  readonly #before: Uint8Array;
  readonly #last: Uint8Array;
  #slices = 0;

  /** @throws {GnmiError} INVALID_ARGUMENT for other encodings than JSON */
  constructor(prefix: GnmiPath | null, path: GnmiPath | null, encoding: Encoding) {
    if (encoding !== "JSON" && encoding !== "JSON_IETF") {
      throw new GnmiError(
        "INVALID_ARGUMENT",
        `origin semrd-control has the encodings JSON and JSON_IETF, not ${encoding}`,
      );
    }
    this.#value = VALUES[encoding];
    const elems = joined(prefix, path).elem.map(({ name, key }) =>
      Buffer.concat([
        fieldText(1, name),
        ...Object.entries(key ?? {}).map(([k, v]) => fieldOctets(2, fieldText(1, k), fieldText(2, v))),
      ]),
    );
    this.#last = elems.at(-1) ?? NOTHING;
    this.#before = Buffer.concat(elems.slice(0, -1).map((elem) => fieldOctets(3, elem)));
    this.#elems = Buffer.concat(elems.map((elem) => fieldOctets(3, elem)));
  }

  /** A whole JSON text. */
  json(text: string | Uint8Array): Sent {
    const octets = typeof text === "string" ? UTF8.encode(text) : text;
    return sent(updateOctets(this.#elems, NOTHING, fieldOctets(this.#value, octets)));
  }

  /** Some rows of a list, as an array with a row on each line; each has a path of its own. */
  rows(portion: string): Sent {
    const text = portion === "" ? "[\n]\n" : `[\n${portion}\n]\n`;
    return sent(updateOctets(this.#before, this.#slice(), fieldOctets(this.#value, UTF8.encode(text))));
  }

  /** Some octets of many. */
  octets(chunk: Uint8Array): Sent {
    return sent(updateOctets(this.#before, this.#slice(), fieldOctets(BYTES, chunk)));
  }

  #slice(): Uint8Array {
    const key = fieldOctets(2, fieldText(1, "slice"), fieldText(2, String(this.#slices++)));
    return fieldOctets(3, this.#last, key);
  }
}

const sent = (octets: Uint8Array): Sent => ({ isDelete: false, octets, duplicates: 0 });
