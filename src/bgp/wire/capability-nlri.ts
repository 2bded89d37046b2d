import { type CapabilityId, parseCapabilityName } from "../../base/index.ts";

/** Route types of the capability family. @see DESIGN section 4.1 */
export const RouteType = { CapabilityInstance: 1, CapabilitySite: 2, CapabilityPrefix: 3, AgentIdentity: 4 } as const;

/** Type and length. */
const HEADER = 2;
const RD_LENGTH = 8;
/** CapID or AgentID, behind type, length and route distinguisher. */
const ID_OFFSET = HEADER + RD_LENGTH;
const ID_LENGTH = 16;
const ORIGIN_ID_OFFSET = ID_OFFSET + ID_LENGTH;
const INSTANCE_ID_OFFSET = ORIGIN_ID_OFFSET + 4;
const INSTANCE_ID_LENGTH = 8;
const PREFIX_ORIGIN_OFFSET = ID_OFFSET;
const PREFIX_COUNT_OFFSET = PREFIX_ORIGIN_OFFSET + 4;
const MOST_LABELS = 8;
const LONGEST_LABEL = 63;
/** Of a prefix that this router makes: it shall leave room for attributes in any message. */
const LONGEST_OWN_PREFIX = 200;

/** Octets with type and length of the routes that have one length only; what the RIB uses as key. */
export const CAPABILITY_SITE_LENGTH = INSTANCE_ID_OFFSET;
const AGENT_IDENTITY_LENGTH = CAPABILITY_SITE_LENGTH;
const CAPABILITY_INSTANCE_LENGTH = INSTANCE_ID_OFFSET + INSTANCE_ID_LENGTH;
/** Octets of the longest key: a prefix whose length octet is full. */
export const LONGEST_CAPABILITY_KEY = HEADER + 255;

interface CapabilityKey {
  /** 8 octets. @see RFC 4364 §4.2 */
  readonly routeDistinguisher: Uint8Array;
  /** BGP identifier of the originating router. */
  readonly originId: number;
}

/** CI: one running instance; stays inside its site. */
export interface CapabilityInstanceNlri extends CapabilityKey {
  readonly type: "instance";
  readonly capabilityId: CapabilityId;
  /** 8 octets. */
  readonly instanceId: Uint8Array;
}

/** CS: a site that serves a capability; the unit of the domain. */
export interface CapabilitySiteNlri extends CapabilityKey {
  readonly type: "site";
  /** 16 octets. */
  readonly capabilityId: CapabilityId;
}

/** CP: this origin can resolve names below; never in the fast path. */
export interface CapabilityPrefixNlri extends CapabilityKey {
  readonly type: "prefix";
  /** Of a canonical capability name, from the left; none: every name. */
  readonly labels: readonly string[];
}

/** AI: where an agent is. */
export interface AgentIdentityNlri extends CapabilityKey {
  readonly type: "agent";
  /** 16 octets. */
  readonly agentId: Uint8Array;
}

/** The key of one route of the capability family. */
export type CapabilityNlri = CapabilityInstanceNlri | CapabilitySiteNlri | CapabilityPrefixNlri | AgentIdentityNlri;

/**
 * Typed NLRI, as sent and as used for a key.
 *
 *     CI | 1 | 36 | RD (8) | CapID (16) | OriginID u32 | InstanceID (8) |
 *     CS | 2 | 28 | RD (8) | CapID (16) | OriginID u32 |
 *     CP | 3 | n  | RD (8) | OriginID u32 | count u8 | { length u8, label }* |
 *     AI | 4 | 28 | RD (8) | AgentID (16) | OriginID u32 |
 *
 * @throws {RangeError} for a member of the wrong length, and labels that are no part of a canonical name
 */
export function encodeCapability(nlri: CapabilityNlri): Uint8Array {
  switch (nlri.type) {
    case "instance": {
      const octets = fixed(RouteType.CapabilityInstance, CAPABILITY_INSTANCE_LENGTH, nlri, nlri.capabilityId);
      if (nlri.instanceId.length !== INSTANCE_ID_LENGTH) throw new RangeError("an instance identifier has 8 octets");
      octets.set(nlri.instanceId, INSTANCE_ID_OFFSET);
      return octets;
    }
    case "site":
      return fixed(RouteType.CapabilitySite, CAPABILITY_SITE_LENGTH, nlri, nlri.capabilityId);
    case "agent":
      return fixed(RouteType.AgentIdentity, AGENT_IDENTITY_LENGTH, nlri, nlri.agentId);
    case "prefix":
      return prefix(nlri);
  }
}

function fixed(type: number, length: number, nlri: CapabilityKey, id: Uint8Array): Uint8Array {
  if (id.length !== ID_LENGTH) throw new RangeError("a capability or agent identifier has 16 octets");
  const octets = started(type, length, nlri);
  octets.set(id, ID_OFFSET);
  new DataView(octets.buffer).setUint32(ORIGIN_ID_OFFSET, nlri.originId);
  return octets;
}

function started(type: number, length: number, { routeDistinguisher }: CapabilityKey): Uint8Array {
  if (routeDistinguisher.length !== RD_LENGTH) throw new RangeError("a route distinguisher has 8 octets");
  const octets = new Uint8Array(length);
  octets[0] = type;
  octets[1] = length - HEADER;
  octets.set(routeDistinguisher, HEADER);
  return octets;
}

function prefix(nlri: CapabilityPrefixNlri): Uint8Array {
  const { labels } = nlri;
  const name = `/${labels.join("/")}`;
  if (labels.length > 0 && parseCapabilityName(name) !== name) {
    throw new RangeError(`${name} is no prefix of canonical capability names`);
  }
  const length = PREFIX_COUNT_OFFSET + 1 + labels.reduce((sum, label) => sum + 1 + label.length, 0);
  if (length - HEADER > LONGEST_OWN_PREFIX) {
    throw new RangeError(`${name} is too long for a route: ${length - HEADER} octets of ${LONGEST_OWN_PREFIX}`);
  }
  const octets = started(RouteType.CapabilityPrefix, length, nlri);
  new DataView(octets.buffer).setUint32(PREFIX_ORIGIN_OFFSET, nlri.originId);
  octets[PREFIX_COUNT_OFFSET] = labels.length;
  let at = PREFIX_COUNT_OFFSET + 1;
  for (const label of labels) {
    octets[at++] = label.length;
    for (let i = 0; i < label.length; i++) octets[at++] = label.charCodeAt(i);
  }
  return octets;
}

/** The parts of a key that `encodeCapability` made or a `NlriBatch` let through, as copies; `undefined` for anything else. */
export function decodeCapability(octets: Uint8Array, start = 0): CapabilityNlri | undefined {
  if (octets.length - start < HEADER) return undefined;
  const length = octets[start + 1]! + HEADER;
  if (octets.length - start < length || !isKnownType(octets[start]!) || !isWellFormed(octets, start, length)) {
    return undefined;
  }
  const key = {
    routeDistinguisher: octets.slice(start + HEADER, start + ID_OFFSET),
    originId: originIdAt(octets, start),
  };
  const id = () => octets.slice(start + ID_OFFSET, start + ORIGIN_ID_OFFSET);
  switch (octets[start]) {
    case RouteType.CapabilityInstance:
      return {
        type: "instance",
        ...key,
        capabilityId: id(),
        instanceId: octets.slice(start + INSTANCE_ID_OFFSET, start + length),
      };
    case RouteType.CapabilitySite:
      return { type: "site", ...key, capabilityId: id() };
    case RouteType.AgentIdentity:
      return { type: "agent", ...key, agentId: id() };
    default:
      return { type: "prefix", ...key, labels: labelsOf(octets, start) };
  }
}

function labelsOf(octets: Uint8Array, start: number): string[] {
  const labels: string[] = [];
  let at = start + PREFIX_COUNT_OFFSET + 1;
  for (let left = octets[start + PREFIX_COUNT_OFFSET]!; left > 0; left--) {
    const end = at + 1 + octets[at]!;
    labels.push(String.fromCharCode(...octets.subarray(at + 1, end)));
    at = end;
  }
  return labels;
}

function originOffset(type: number): number {
  return type === RouteType.CapabilityPrefix ? PREFIX_ORIGIN_OFFSET : ORIGIN_ID_OFFSET;
}

/** OriginID of the well-formed route whose first octet is at `start`. */
export function originIdAt(octets: Uint8Array, start: number): number {
  const at = start + originOffset(octets[start]!);
  return octets[at]! * 0x1000000 + ((octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!);
}

/** Whether that is the OriginID of the route. One octet says so of nearly all. */
export function hasOriginId(octets: Uint8Array, start: number, originId: number): boolean {
  const last = start + originOffset(octets[start]!) + 3;
  return octets[last] === (originId & 0xff) && originIdAt(octets, start) === originId;
}

/** Whether a route type of the capability family is one of 1 to 4. @see DESIGN section 4.1 */
export function isKnownType(type: number): boolean {
  return type >= RouteType.CapabilityInstance && type <= RouteType.AgentIdentity;
}

/**
 * Whether the value of a route of a known type is what its type says; `length` includes type and length, and the octets are
 * there. A prefix is exactly its labels, and these are the beginning of a canonical name: one name has one key.
 */
export function isWellFormed(octets: Uint8Array, start: number, length: number): boolean {
  switch (octets[start]) {
    case RouteType.CapabilityInstance:
      return length === CAPABILITY_INSTANCE_LENGTH;
    case RouteType.CapabilitySite:
    case RouteType.AgentIdentity:
      return length === CAPABILITY_SITE_LENGTH;
    default:
      return isPrefix(octets, start, start + length);
  }
}

function isPrefix(octets: Uint8Array, start: number, end: number): boolean {
  let at = start + PREFIX_COUNT_OFFSET;
  if (at >= end) return false;
  const count = octets[at++]!;
  if (count > MOST_LABELS) return false;
  for (let label = 0; label < count; label++) {
    const length = at < end ? octets[at++]! : 0;
    if (length === 0 || length > LONGEST_LABEL || length > end - at || !isLabel(octets, at, length)) return false;
    // "/capability/vision" is another spelling of "/vision".
    if (label === 0 && count > 1 && isSpelling(octets, at, length)) return false;
    at += length;
  }
  return at === end;
}

const HYPHEN = 0x2d;

function isLabel(octets: Uint8Array, at: number, length: number): boolean {
  if (octets[at] === HYPHEN || octets[at + length - 1] === HYPHEN) return false;
  for (let i = at; i < at + length; i++) {
    const octet = octets[i]!;
    const isLetter = octet >= 0x61 && octet <= 0x7a;
    const isDigit = octet >= 0x30 && octet <= 0x39;
    if (!isLetter && !isDigit && octet !== HYPHEN) return false;
  }
  return true;
}

const SPELLING = "capability";

function isSpelling(octets: Uint8Array, at: number, length: number): boolean {
  if (length !== SPELLING.length) return false;
  for (let i = 0; i < length; i++) if (octets[at + i] !== SPELLING.charCodeAt(i)) return false;
  return true;
}
