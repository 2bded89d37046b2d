/** 16 octets in network order. Treated as immutable by everybody who holds one. */
export type Ipv6Address = Uint8Array;

/** The first `length` bits of 16 octets; what is behind them means nothing. */
export interface Ipv6Prefix {
  readonly address: Ipv6Address;
  readonly length: number;
}

/**
 * Octets of a textual IPv6 address, zone index not allowed. `undefined` for anything that is not one.
 * @see RFC 4291 §2.2
 */
export function parseIpv6(text: string): Ipv6Address | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || text.length > 45) return undefined;
  const head = groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const given = head.length + tail.length;
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const address = new Uint8Array(16);
  put(address, 0, head);
  put(address, 8 - tail.length, tail);
  return address;
}

function put(address: Uint8Array, group: number, values: readonly number[]): void {
  values.forEach((value, i) => {
    address[2 * (group + i)] = value >>> 8;
    address[2 * (group + i) + 1] = value & 0xff;
  });
}

function groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const values: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (mayEndInIpv4 && i === parts.length - 1 && part.includes(".")) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      values.push(v4 >>> 16, v4 & 0xffff);
      continue;
    }
    const value = group(part);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** One to four hexadecimal digits. */
function group(digits: string): number | undefined {
  if (digits.length === 0 || digits.length > 4) return undefined;
  let value = 0;
  for (let i = 0; i < digits.length; i++) {
    const code = digits.charCodeAt(i);
    const letter = code | 0x20;
    if (code >= 0x30 && code <= 0x39) value = value * 16 + code - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
    else return undefined;
  }
  return value;
}

/** A dotted quad as an unsigned 32-bit number, `undefined` for anything else (leading zeros included). */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The dotted quad of an unsigned 32-bit number. */
export function formatIpv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

const DIGITS = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const COLON = ":".charCodeAt(0);

/**
 * Canonical text, put together at once: such texts are kept by the ten thousand, and one that is a chain of its parts is
 * several times the memory. @see RFC 5952 §4
 */
export function formatIpv6(address: Ipv6Address): string {
  if (address.length !== 16) throw new RangeError(`${address.length} octets are not an IPv6 address`);
  // The first of the longest runs of zero groups, of which one alone is no run.
  let start = 8;
  let longest = 1;
  for (let group = 0; group < 8; group++) {
    let end = group;
    while (end < 8 && address[2 * end] === 0 && address[2 * end + 1] === 0) end++;
    if (end - group > longest) {
      start = group;
      longest = end - group;
    }
    if (end > group) group = end;
  }
  const codes: number[] = [];
  for (let group = 0; group < 8; group++) {
    if (group === start) {
      codes.push(COLON, COLON);
      group += longest - 1;
      continue;
    }
    if (group > 0 && group !== start + longest) codes.push(COLON);
    const high = address[2 * group]!;
    const low = address[2 * group + 1]!;
    // Leading zeros of a group are not written, but for its last digit.
    if (high >= 0x10) codes.push(DIGITS[high >> 4]!);
    if (high > 0) codes.push(DIGITS[high & 15]!);
    if (high > 0 || low >= 0x10) codes.push(DIGITS[low >> 4]!);
    codes.push(DIGITS[low & 15]!);
  }
  return String.fromCharCode.apply(undefined, codes);
}

/** `2001:db8::/32` as its address and length; `undefined` unless it is a prefix with no bit set behind its length. */
export function parseIpv6Prefix(text: string): Ipv6Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match === null ? undefined : parseIpv6(match[1]!);
  const length = Number(match?.[2]);
  if (address === undefined || length > 128) return undefined;
  for (let bit = length; bit < 128; bit++) if ((address[bit >> 3]! >> (7 - (bit & 7))) & 1) return undefined;
  return { address, length };
}

/** `2001:db8::/32`. @see RFC 5952 */
export function formatIpv6Prefix(prefix: Ipv6Prefix): string {
  return `${formatIpv6(prefix.address)}/${prefix.length}`;
}

/** Whether an address begins with the bits of a prefix. */
export function prefixContains(prefix: Ipv6Prefix, address: Ipv6Address): boolean {
  const whole = prefix.length >> 3;
  for (let i = 0; i < whole; i++) if (prefix.address[i] !== address[i]) return false;
  const bits = prefix.length & 7;
  return bits === 0 || (prefix.address[whole]! ^ address[whole]!) >> (8 - bits) === 0;
}
