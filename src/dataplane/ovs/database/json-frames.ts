/** A message beyond this is refused: the tables of a large bridge are far below it. */
const LONGEST_MESSAGE = 16 * 1024 * 1024;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isBlank = (octet: number): boolean => octet === 0x20 || (octet >= 0x09 && octet <= 0x0d);

/**
 * Cuts a stream of JSON objects that follow each other without a length or a separator. Looks at each octet once.
 * @see RFC 7047 §4 (the wire), RFC 8259 §7 (strings)
 */
export class JsonFrames {
  readonly #limit: number;
  #held: Uint8Array[] = [];
  #heldOctets = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(limit: number = LONGEST_MESSAGE) {
    this.#limit = limit;
  }

  /** The texts of the objects that are complete now. @throws {SyntaxError} for a stream that cannot be objects, or one too long */
  push(octets: Uint8Array): string[] {
    const texts: string[] = [];
    let start = 0;
    for (let i = 0; i < octets.length; i++) {
      const octet = octets[i]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (octet === BACKSLASH) this.#escaped = true;
        else if (octet === QUOTE) this.#inString = false;
      } else if (octet === OPEN_BRACE) {
        if (this.#depth++ === 0) start = i;
      } else if (this.#depth === 0) {
        if (!isBlank(octet)) throw new SyntaxError(`octet ${octet} between two messages`);
      } else if (octet === QUOTE) this.#inString = true;
      else if (octet === CLOSE_BRACE && --this.#depth === 0) {
        texts.push(this.#take(octets.subarray(start, i + 1)));
        start = i + 1;
      }
    }
    if (this.#depth > 0) this.#hold(octets.slice(start));
    return texts;
  }

  #hold(octets: Uint8Array): void {
    this.#heldOctets += octets.length;
    if (this.#heldOctets > this.#limit) throw new SyntaxError(`a message of more than ${this.#limit} octets`);
    this.#held.push(octets);
  }

  #take(last: Uint8Array): string {
    const octets = this.#held.length === 0 ? last : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldOctets = 0;
    return new TextDecoder().decode(octets);
  }
}
