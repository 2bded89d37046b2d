/** What an ICMP message is called in the other version. @see RFC 7915 §4.2, §5.2 */

export interface IcmpHead {
  readonly type: number;
  readonly code: number;
  /** The four octets behind the checksum. */
  readonly rest: number;
}

const LEAST_MTU = 1280;
/** An IPv6 header over an IPv4 one. */
const GROWTH = 20;
/** What a router that does not say may have meant. @see RFC 1191 §7.1 */
const PLATEAUS = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492];

/** Codes of "destination unreachable", IPv4 → IPv6; those of "too big" and "protocol" are messages of their own. */
const UNREACHABLE_TO_IPV6: Readonly<Record<number, number>> = {
  ...{ 0: 0, 1: 0, 5: 0, 6: 0, 7: 0, 8: 0, 11: 0, 12: 0 },
  ...{ 3: 4, 9: 1, 10: 1, 13: 1, 15: 1 },
};
const UNREACHABLE_TO_IPV4: Readonly<Record<number, number>> = { 0: 1, 1: 10, 2: 1, 3: 1, 4: 3 };

/** Octets of the IPv4 header, and where IPv6 has the same. */
function pointerToIpv6(pointer: number): number | undefined {
  if (pointer < 2) return pointer;
  if (pointer < 4) return 4;
  if (pointer === 8) return 7;
  if (pointer === 9) return 6;
  if (pointer >= 12 && pointer < 16) return 8;
  return pointer >= 16 && pointer < 20 ? 24 : undefined;
}

function pointerToIpv4(pointer: number): number | undefined {
  if (pointer < 2) return pointer;
  if (pointer === 4 || pointer === 5) return 2;
  if (pointer === 6) return 9;
  if (pointer === 7) return 8;
  if (pointer >= 8 && pointer < 24) return 12;
  return pointer >= 24 && pointer < 40 ? 16 : undefined;
}

/** The ICMPv6 error for an ICMP one about a packet of `quotedLength` octets; `undefined` where there is none. */
export function icmpToIpv6({ type, code, rest }: IcmpHead, quotedLength: number): IcmpHead | undefined {
  if (type === 3 && code === 2) return { type: 4, code: 1, rest: 6 };
  if (type === 3 && code === 4) {
    const said = rest & 0xffff;
    const mtu = said !== 0 ? said : (PLATEAUS.find((plateau) => plateau < quotedLength) ?? LEAST_MTU);
    return { type: 2, code: 0, rest: Math.max(mtu + GROWTH, LEAST_MTU) };
  }
  if (type === 3) {
    const unreachable = UNREACHABLE_TO_IPV6[code];
    return unreachable === undefined ? undefined : { type: 1, code: unreachable, rest: 0 };
  }
  if (type === 11) return code <= 1 ? { type: 3, code, rest: 0 } : undefined;
  if (type !== 12 || (code !== 0 && code !== 2)) return undefined;
  const pointer = pointerToIpv6(rest >>> 24);
  return pointer === undefined ? undefined : { type: 4, code: 0, rest: pointer };
}

/** The ICMP error for an ICMPv6 one; `undefined` where there is none. */
export function icmpToIpv4({ type, code, rest }: IcmpHead): IcmpHead | undefined {
  if (type === 1) {
    const unreachable = UNREACHABLE_TO_IPV4[code];
    return unreachable === undefined ? undefined : { type: 3, code: unreachable, rest: 0 };
  }
  if (type === 2) return { type: 3, code: 4, rest: Math.min(Math.max(rest, LEAST_MTU), 0xffff) - GROWTH };
  if (type === 3) return code <= 1 ? { type: 11, code, rest: 0 } : undefined;
  if (type !== 4) return undefined;
  if (code === 1) return { type: 3, code: 2, rest: 0 };
  const pointer = code === 0 ? pointerToIpv4(rest) : undefined;
  return pointer === undefined ? undefined : { type: 12, code: 0, rest: (pointer << 24) >>> 0 };
}
