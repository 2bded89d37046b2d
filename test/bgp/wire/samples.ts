import { type CapabilityName, fromHex, type Ipv6Address, parseIpv6, seconds } from "../../../src/base/index.ts";
import { type EncodedSet, encodeCapability } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, SemanticAttribute } from "../../../src/rib/index.ts";

export const octets = fromHex;

export function semanticSample(changes: Partial<SemanticAttribute> = {}): SemanticAttribute {
  return {
    name: "/vision/ocr" as CapabilityName,
    score: 7,
    lease: { sequence: 1n, validUntil: seconds(1_800_000_000), renew: seconds(600) },
    labels: [],
    state: "up",
    opaque: [],
    ...changes,
  };
}

export function setSample(changes: Partial<AttributeSet> = {}): AttributeSet {
  return {
    origin: "igp",
    asPath: [],
    nextHop: parseIpv6("2001:db8::1")!,
    localPref: 100,
    communities: [],
    extendedCommunities: [],
    largeCommunities: [],
    semantic: semanticSample(),
    opaque: [],
    ...changes,
  };
}

/** The key of capability number `n` of the router `originId`. */
export function keySample(n: number, originId = 0x0a000001): Uint8Array {
  const capabilityId = new Uint8Array(16);
  new DataView(capabilityId.buffer).setUint32(12, n);
  return encodeCapability({ type: "site", routeDistinguisher: octets("0000fde800000001"), capabilityId, originId });
}

/** A whole UPDATE body out of attributes given in hexadecimal (whole, with headers). */
export function updateBody(attributes: string, withdrawn = "", nlri = ""): Uint8Array {
  const [a, w, n] = [octets(attributes), octets(withdrawn), octets(nlri)];
  const hex = (value: number): string => value.toString(16).padStart(4, "0");
  return Uint8Array.of(...octets(hex(w.length)), ...w, ...octets(hex(a.length)), ...a, ...n);
}

/** Attributes as `AttributeCodec.encode` made them, for an encoder. */
export function encodedSet(octets: Uint8Array, nextHop: Ipv6Address): EncodedSet {
  return { octets, length: octets.length, nextHop, version: 0 };
}
