/** Raised when a decoder asks for more octets than its reader holds. Mapped to a protocol fault by the codec that owns the reader. */
export class ShortRead extends RangeError {
  readonly wanted: number;
  readonly left: number;

  constructor(wanted: number, left: number) {
    super(`${wanted} octets wanted, ${left} left`);
    this.name = "ShortRead";
    this.wanted = wanted;
    this.left = left;
  }
}

/**
 * Reads network-order values from a borrowed run of octets and never past its end.
 *
 * The reader keeps a view of `octets`; whoever reuses the buffer must be done reading first.
 * Every method throws {@link ShortRead} on truncation.
 */
export class Reader {
  readonly octets: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(octets: Uint8Array, start = 0, end = octets.length) {
    if (start < 0 || end > octets.length || start > end) throw new RangeError(`bad window ${start}..${end}`);
    this.octets = octets;
    this.offset = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.offset;
  }

  #take(count: number): number {
    if (count > this.end - this.offset) throw new ShortRead(count, this.end - this.offset);
    const at = this.offset;
    this.offset = at + count;
    return at;
  }

  u8(): number {
    return this.octets[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.octets[at]! << 8) | this.octets[at + 1]!;
  }

  u32(): number {
    const at = this.#take(4);
    const o = this.octets;
    return o[at]! * 0x1000000 + ((o[at + 1]! << 16) | (o[at + 2]! << 8) | o[at + 3]!);
  }

  u64(): bigint {
    const high = this.u32();
    return (BigInt(high) << 32n) | BigInt(this.u32());
  }

  /** A view, not a copy, of the next `count` octets. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.octets.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** A reader over the next `count` octets; it cannot read past them, and this one continues behind them. */
  within(count: number): Reader {
    const at = this.#take(count);
    return new Reader(this.octets, at, at + count);
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }
}

/** Appends network-order values to a buffer that grows; `finish` hands out a copy-free view. */
export class Writer {
  #octets: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#octets = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #room(count: number): number {
    const at = this.#length;
    const need = at + count;
    if (need > this.#octets.length) {
      const grown = new Uint8Array(Math.max(need, this.#octets.length * 2));
      grown.set(this.#octets.subarray(0, at));
      this.#octets = grown;
    }
    this.#length = need;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1); // may replace #octets: not inside the assignment below
    this.#octets[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#octets[at] = value >>> 8;
    this.#octets[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    const o = this.#octets;
    o[at] = value >>> 24;
    o[at + 1] = value >>> 16;
    o[at + 2] = value >>> 8;
    o[at + 3] = value;
    return this;
  }

  u64(value: bigint): this {
    return this.u32(Number((value >> 32n) & 0xffffffffn)).u32(Number(value & 0xffffffffn));
  }

  bytes(octets: Uint8Array): this {
    const at = this.#room(octets.length); // the same here
    this.#octets.set(octets, at);
    return this;
  }

  /** Forgets what was written from `length` on. */
  truncate(length: number): this {
    this.#length = Math.min(this.#length, length);
    return this;
  }

  /** Writes over an octet that is there. */
  put8(at: number, value: number): this {
    if (at >= this.#length) throw new RangeError(`octet ${at} of ${this.#length}`);
    this.#octets[at] = value;
    return this;
  }

  /** Moves what was written from `at` on by one octet; the octet in between is 0. */
  insert8(at: number): this {
    const end = this.#length;
    this.#room(1);
    this.#octets.copyWithin(at + 1, at, end);
    this.#octets[at] = 0;
    return this;
  }

  /** Reserves a two-octet length, runs `body`, and writes the number of octets that `body` appended. */
  lengthPrefixed16(body: () => void): this {
    const at = this.#room(2);
    body();
    const length = this.#length - at - 2;
    if (length > 0xffff) throw new RangeError(`${length} octets do not fit a two-octet length`);
    this.#octets[at] = length >>> 8;
    this.#octets[at + 1] = length;
    return this;
  }

  /** A view of what was written; it changes with what is written after {@link clear}. */
  finish(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }

  /** Begins anew in the same buffer. Views that `finish` handed out are overwritten. */
  clear(): this {
    this.#length = 0;
    return this;
  }
}

const DIGITS = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
/** A call takes no more arguments than fit on the stack. */
const OCTETS_PER_CALL = 1024;

/**
 * Lower-case hexadecimal, two digits an octet, no separators. Such texts are keys that are kept by the ten thousand: one that is put
 * together octet by octet would stay a chain of as many strings, which costs ten times the memory and is long to mark for the garbage collector.
 */
export function toHex(octets: Uint8Array): string {
  if (octets.length <= OCTETS_PER_CALL) return hexDigits(octets);
  const parts: string[] = [];
  for (let at = 0; at < octets.length; at += OCTETS_PER_CALL)
    parts.push(hexDigits(octets.subarray(at, at + OCTETS_PER_CALL)));
  return parts.join("");
}

function hexDigits(octets: Uint8Array): string {
  const codes: number[] = [];
  for (const octet of octets) codes.push(DIGITS[octet >> 4]!, DIGITS[octet & 15]!);
  return String.fromCharCode.apply(undefined, codes);
}

/** Octets from hexadecimal; blanks and colons are ignored. @throws {SyntaxError} on anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new SyntaxError(`not hexadecimal: ${text}`);
  const octets = new Uint8Array(digits.length / 2);
  for (let i = 0; i < octets.length; i++) octets[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return octets;
}

/** Whether two strings of octets are the same. Not in constant time. */
export function octetsEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Orders octet strings as unsigned big-endian numbers of equal length, shorter ones first otherwise. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
