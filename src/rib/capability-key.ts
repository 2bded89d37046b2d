/*
 * Typed NLRI of the capability family: | route type u8 | length u8 | value |. @see DESIGN 4.1
 *
 *     1 CI  Capability Instance  RD(8) CapID(16) OriginID(4) InstanceID(8)
 *     2 CS  Capability Site      RD(8) CapID(16) OriginID(4)
 *     3 CP  Capability Prefix    RD(8) OriginID(4) Count(1) {len(1) label}*
 *     4 AI  Agent Identity       RD(8) AgentID(16) OriginID(4)
 */
const CAPABILITY_INSTANCE = 1;
const CAPABILITY_SITE = 2;
const CAPABILITY_PREFIX = 3;
const AGENT_IDENTITY = 4;

/** Octets of a site's key, the usual ones. */
export const SITE_KEY_OCTETS = 30;
/** CapID, or AgentID. */
export const ID_AT = 10;
export const ID_OCTETS = 16;
const ORIGIN_ID_AT = 26;
const INSTANCE_ID_AT = 30;
const PREFIX_ORIGIN_AT = 10;
const PREFIX_COUNT_AT = 14;
/** Type and length octets, and a value of at most 255. */
export const LONGEST_KEY = 257;

export type CapabilityRouteType = "instance" | "site" | "prefix" | "agent";

const TYPES: Readonly<Record<number, CapabilityRouteType>> = {
  [CAPABILITY_INSTANCE]: "instance",
  [CAPABILITY_SITE]: "site",
  [CAPABILITY_PREFIX]: "prefix",
  [AGENT_IDENTITY]: "agent",
};

/**
 * Routes that are found by tenant and an identifier of 16 octets, as numbers: there is a list of nets for each. The others,
 * prefixes, have `NO_LIST`.
 */
export const SITE_LIST = 0;
export const INSTANCE_LIST = 1;
export const AGENT_LIST = 2;
export const NO_LIST = -1;

/** Length of the typed NLRI at `start`, both leading octets included. */
export function typedKeyLength(octets: Uint8Array, start: number): number {
  return 2 + octets[start + 1]!;
}

export function routeTypeAt(octets: Uint8Array, start: number): CapabilityRouteType | undefined {
  return TYPES[octets[start]!];
}

/** Allocates nothing. */
export function listAt(octets: Uint8Array, start: number): number {
  return listOf(octets[start]!);
}

/** By route type. */
export function listOf(type: number): number {
  switch (type) {
    case CAPABILITY_SITE:
      return SITE_LIST;
    case CAPABILITY_INSTANCE:
      return INSTANCE_LIST;
    case AGENT_IDENTITY:
      return AGENT_LIST;
    default:
      return NO_LIST;
  }
}

export function isPrefixKey(octets: Uint8Array, start: number): boolean {
  return octets[start] === CAPABILITY_PREFIX;
}

export function originIdAt(octets: Uint8Array, start: number): number {
  const at = start + (octets[start] === CAPABILITY_PREFIX ? PREFIX_ORIGIN_AT : ORIGIN_ID_AT);
  return ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
}

/** The CapID or AgentID of a key that has one; a copy. */
export function identifierOf(key: Uint8Array): Uint8Array {
  return key.slice(ID_AT, ID_AT + 16);
}

/** Of a CI key; a copy. */
export function instanceIdOf(key: Uint8Array): Uint8Array {
  return key.slice(INSTANCE_ID_AT);
}

/** The labels of a CP key as the beginning of a name: `/vision`; `/` for every name. */
export function prefixOf(key: Uint8Array): string {
  const labels: string[] = [];
  let at = PREFIX_COUNT_AT + 1;
  for (let left = key[PREFIX_COUNT_AT]!; left > 0; left--) {
    const end = at + 1 + key[at]!;
    labels.push(String.fromCharCode(...key.subarray(at + 1, end)));
    at = end;
  }
  return `/${labels.join("/")}`;
}
