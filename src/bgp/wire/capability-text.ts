import { Reader, ShortRead, toHex } from "../../base/index.ts";
import { capabilityName } from "./capabilities.ts";
import { HEADER_LENGTH } from "./constants.ts";
import { familyName } from "./family.ts";

/** A capability of an OPEN as it was said, for people. */
export interface OfferedCapability {
  readonly code: number;
  /** `four-octet-as`; `capability-99` of a code that is not known by name. */
  readonly name: string;
  /** `ipv6/unicast`, `65000`, `120 s, ipv4/unicast`; octets in hex of what is not known here, "" of a capability without a value. */
  readonly value: string;
}

/** Names of what this router neither says nor does. @see IANA, Capability Codes */
const ELSEWHERE: ReadonlyMap<number, string> = new Map([
  [3, "outbound-route-filtering"],
  [7, "bgpsec"],
  [8, "multiple-labels"],
  [67, "dynamic-capability"],
  [68, "multisession"],
  [72, "routing-policy-distribution"],
  [73, "fqdn"],
  [74, "bfd-strict-mode"],
  [75, "software-version"],
  [76, "paths-limit"],
  [77, "link-local-next-hop"],
  [128, "route-refresh-before-standard"],
  [130, "outbound-route-filtering-before-standard"],
  [131, "multisession-before-standard"],
]);

const ROLES: readonly string[] = ["provider", "route-server", "route-server-client", "customer", "peer"];
const DIRECTIONS: readonly string[] = ["", "receive", "send", "send and receive"];
const FORWARDING = 0x80;
const EXTENDED = 255;
const CAPABILITIES_PARAMETER = 2;
/** Version, AS, hold time, identifier. */
const FIXED = 1 + 2 + 2 + 4;

const family = (value: Reader): string => familyName({ afi: value.u16(), safi: value.u8() });

/** By code: what the value says. Reads may throw `ShortRead`. */
const TEXTS: Readonly<Record<number, (value: Reader) => string>> = {
  1: (value) => {
    const afi = value.u16();
    value.skip(1);
    return familyName({ afi, safi: value.u8() });
  },
  5: (value) =>
    listOf(value, () => {
      const name = familyName({ afi: value.u16(), safi: value.u16() });
      return `${name} by ${value.u16() === 2 ? "ipv6" : "others"}`;
    }),
  9: (value) => {
    const role = value.u8();
    return ROLES[role] ?? `role ${role}`;
  },
  64: (value) => {
    const word = value.u16();
    const flags = [
      ...((word & 0x8000) === 0 ? [] : ["restarted"]),
      ...((word & 0x4000) === 0 ? [] : ["over notifications"]),
    ];
    const families = listOf(value, () => {
      const name = family(value);
      return (value.u8() & FORWARDING) === 0 ? name : `${name} forwards on`;
    });
    return [`${word & 0xfff} s`, ...flags, ...(families === "" ? [] : [families])].join(", ");
  },
  65: (value) => String(value.u32()),
  69: (value) =>
    listOf(value, () => {
      const name = family(value);
      const directions = value.u8();
      return `${name} ${DIRECTIONS[directions] || directions}`;
    }),
  71: (value) =>
    listOf(value, () => {
      const name = family(value);
      const forwards = (value.u8() & FORWARDING) === 0 ? "" : " forwards on";
      return `${name} ${(value.u8() << 16) | value.u16()} s${forwards}`;
    }),
  73: (value) => [text(value), text(value)].filter((part) => part !== "").join("."),
  75: text,
};

function listOf(value: Reader, one: () => string): string {
  const found: string[] = [];
  while (value.left > 0) found.push(one());
  return found.join(", ");
}

/** What a neighbour wrote, of which nothing may move a cursor. */
function text(value: Reader): string {
  return String.fromCharCode(...value.bytes(value.u8())).replace(/[^ -~]/g, "?");
}

/** @param value of the capability */
function said(code: number, value: Uint8Array): string {
  const read = TEXTS[code];
  try {
    if (read !== undefined) return read(new Reader(value));
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
  }
  return toHex(value);
}

/**
 * What an OPEN offers, in its order, as far as it can be read: also one that was refused.
 * @param open a whole message, with its header
 * @see RFC 5492 §4; RFC 9072 §2
 */
export function offeredCapabilities(open: Uint8Array): readonly OfferedCapability[] {
  const found: OfferedCapability[] = [];
  try {
    const body = new Reader(open);
    body.skip(HEADER_LENGTH + FIXED);
    const length = body.u8();
    const isExtended = length !== 0 && body.left > 0 && body.octets[body.offset] === EXTENDED;
    if (isExtended) body.skip(3);
    while (body.left > 0) {
      const type = body.u8();
      const parameter = body.within(isExtended ? body.u16() : body.u8());
      while (type === CAPABILITIES_PARAMETER && parameter.left > 0) {
        const code = parameter.u8();
        const value = parameter.bytes(parameter.u8());
        found.push({ code, name: ELSEWHERE.get(code) ?? capabilityName(code), value: said(code, value) });
      }
    }
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
  }
  return found;
}
