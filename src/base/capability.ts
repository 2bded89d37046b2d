import { createHash, hash } from "node:crypto";
import type { Ipv6Address, Ipv6Prefix } from "./ipv6.ts";

/** A canonical capability name such as `/vision/ocr`. Made by {@link parseCapabilityName} only. */
export type CapabilityName = string & { readonly kind: "capability-name" };

/** 16 octets: what a capability is called on the wire. */
export type CapabilityId = Uint8Array;

const MAX_LABELS = 8;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The canonical form of a name, or `undefined` with no side effect when it has none.
 *
 * Upper case is folded and text is brought to NFC before the check; `/capability/vision/ocr` is the drafts' spelling of
 * `/vision/ocr`. One to eight labels of 1 to 63 octets out of `[a-z0-9-]`, not beginning or ending with a hyphen, so that
 * every name is also a DNS name.
 * @see DESIGN section 3; RFC 1123 §2.1
 */
export function parseCapabilityName(text: string): CapabilityName | undefined {
  if (text.length > 1024) return undefined;
  const folded = text.normalize("NFC").toLowerCase();
  if (!folded.startsWith("/")) return undefined;
  const labels = folded.slice(1).split("/");
  if (labels[0] === "capability" && labels.length > 1) labels.shift();
  if (labels.length > MAX_LABELS || !labels.every((label) => LABEL.test(label))) return undefined;
  return `/${labels.join("/")}` as CapabilityName;
}

/** The labels of a name, the first (the family) first. */
export function capabilityLabels(name: CapabilityName): readonly string[] {
  return name.slice(1).split("/");
}

/** The first label: what the family field of a capability address stands for. */
export function capabilityFamily(name: CapabilityName): string {
  const end = name.indexOf("/", 1);
  return end < 0 ? name.slice(1) : name.slice(1, end);
}

/** `ocr.vision.cap.<tenant>.<zone>`, without a final dot. */
export function capabilityDnsName(name: CapabilityName, tenant: string, zone: string): string {
  return `${capabilityLabels(name).toReversed().join(".")}.cap.${tenant}.${zone}`;
}

const CAPABILITY_DOMAIN = "semrd capability 1\0";
const AGENT_DOMAIN = "semrd agent 1\0";
const FAMILY_DOMAIN = "semrd family 1\0";
const INSTANCE_DOMAIN = "semrd instance 1\0";

/** The first octets of a SHA-256. One string of an octet a character costs half of what a buffer does. */
function digest(domain: string, text: string, length: number): Uint8Array {
  const octets = hash("sha256", domain + text, "binary");
  const first = new Uint8Array(length);
  for (let i = 0; i < length; i++) first[i] = octets.charCodeAt(i);
  return first;
}

/** SHA-256 over a domain separator, the canonical name, a NUL and the major version in decimal, cut to 16 octets. */
export function capabilityId(name: CapabilityName, majorVersion: number): CapabilityId {
  return digest(CAPABILITY_DOMAIN, `${name}\0${majorVersion}`, 16);
}

/** The 16 octets that stand for an agent's URI on the wire. */
export function agentIdHash(agentId: string): Uint8Array {
  return digest(AGENT_DOMAIN, agentId, 16);
}

/** 16 hexadecimal digits that stand for one endpoint (its canonical text) at which an agent offers a capability. */
export function instanceId(agentId: string, name: CapabilityName, majorVersion: number, endpoint: string): string {
  return hash("sha256", `${INSTANCE_DOMAIN}${agentId}\0${name}\0${majorVersion}\0${endpoint}`, "hex").slice(0, 16);
}

/** The first 8 octets of the SHA-256 of an attestation: what is left of it where only communities pass. */
export function attestationDigest(attestation: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(attestation).digest()).slice(0, 8);
}

/** The family code of a label that the taxonomy did not number: always 0x8000 or above. */
export function hashedFamilyCode(label: string): number {
  const known = FAMILY_CODES.get(label);
  if (known !== undefined) return known;
  const octets = digest(FAMILY_DOMAIN, label, 2);
  const code = 0x8000 | (octets[0]! << 8) | octets[1]!;
  if (FAMILY_CODES.size >= MOST_FAMILY_CODES) FAMILY_CODES.clear(); // labels come from peers, too
  FAMILY_CODES.set(label, code);
  return code;
}

/** Codes of the labels that were asked for last: there are few families, each with many capabilities. */
const FAMILY_CODES = new Map<string, number>();
const MOST_FAMILY_CODES = 1024;

/** Selector of the address that any instance may answer. */
export const ANY_SITE = 0;

/** The fields of a capability address (CapAddr). @see DESIGN section 3 */
export interface CapabilityAddressParts {
  /** The domain's /48. */
  readonly domain: Ipv6Prefix;
  /** 1 to 65535. */
  readonly tenantIndex: number;
  /** 0 to 65535. */
  readonly familyCode: number;
  readonly capabilityId: CapabilityId;
  /** 0 any instance; 1 to 65534 that originating site. */
  readonly selector: number;
}

/**
 * The IPv6 address of a capability.
 *
 *     | domain /48 | tenant u16 | family u16 | CapID[0:4] | selector u16 |
 *
 * @param address where it is written; a new one if nothing is said
 */
export function capabilityAddress(parts: CapabilityAddressParts, address = new Uint8Array(16)): Ipv6Address {
  if (parts.domain.length !== 48) throw new RangeError(`the domain prefix is a /48, not a /${parts.domain.length}`);
  for (let i = 0; i < 6; i++) address[i] = parts.domain.address[i]!;
  address[6] = parts.tenantIndex >>> 8;
  address[7] = parts.tenantIndex;
  address[8] = parts.familyCode >>> 8;
  address[9] = parts.familyCode;
  for (let i = 0; i < 4; i++) address[10 + i] = parts.capabilityId[i]!;
  address[14] = parts.selector >>> 8;
  address[15] = parts.selector;
  return address;
}
