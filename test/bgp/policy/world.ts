import { fromHex, parseIpv4, parseIpv6 } from "../../../src/base/index.ts";
import type {
  Interval,
  PolicyActions,
  PolicyConditions,
  PolicyPeer,
  PolicyStatement,
  PrefixMember,
  StatementResult,
} from "../../../src/bgp/policy/index.ts";
import type { AsPathSegment } from "../../../src/rib/index.ts";

export const OWN = parseIpv6("2001:db8::99")!;
export const FACTS = { localAs: 65000 };

export const INSIDE: PolicyPeer = {
  address: "2001:db8::2",
  kind: "internal",
  remoteAs: 65000,
  family: "capability",
  ownNextHop: OWN,
};
export const OUTSIDE: PolicyPeer = { ...INSIDE, address: "2001:db8::3", kind: "external", remoteAs: 65001 };

export const interval = (minimum: number, maximum = minimum): Interval => ({ minimum, maximum });
export const ANY16 = interval(0, 0xffff);
export const ANY32 = interval(0, 0xffffffff);

export const statement = (
  conditions: PolicyConditions,
  result: StatementResult,
  actions: PolicyActions = {},
  name = "s",
): PolicyStatement => ({ name, conditions, actions, result });

export const path = (...numbers: number[]): AsPathSegment[] => [{ type: "sequence", numbers }];

/** `10.0.0.0/8 16-24`, `2001:db8::/32`; without lengths exactly this prefix. */
export function prefix(text: string): PrefixMember {
  const [network, lengths] = text.split(" ");
  const [addressText, lengthText] = network!.split("/");
  const length = Number(lengthText);
  const [minimum, maximum] = lengths === undefined ? [length, length] : lengths.split("-").map(Number);
  return { address: addressOctets(addressText!), length, lengths: { minimum: minimum!, maximum: maximum! } };
}

function addressOctets(text: string): Uint8Array {
  const v4 = parseIpv4(text);
  if (v4 === undefined) return parseIpv6(text)!;
  return Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4);
}

/** The route key of a prefix, with something in front and behind it. */
export function prefixKey(text: string): { readonly octets: Uint8Array; readonly start: number } {
  const { address, length } = prefix(text);
  return {
    octets: Uint8Array.of(0xff, length, ...address.subarray(0, (length + 7) >> 3), 0xff),
    start: 1,
  };
}

/** A capability identifier out of a number. */
export const idOf = (n: number): Uint8Array => fromHex(`${"00".repeat(12)}${n.toString(16).padStart(8, "0")}`);
