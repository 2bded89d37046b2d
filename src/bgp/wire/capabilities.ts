import { type Reader, type Seconds, seconds, Writer } from "../../base/index.ts";
import type { Family } from "./family.ts";

/** @see RFC 4724 §3; RFC 8538 §2 */
export interface GracefulRestartCapability {
  /** R: this speaker has restarted. */
  readonly restarted: boolean;
  /** N: NOTIFICATIONs other than a hard reset keep routes as well. */
  readonly notification: boolean;
  /** 0 to 4095. */
  readonly restartTime: Seconds;
  readonly families: readonly { readonly family: Family; readonly forwardingPreserved: boolean }[];
}

/** @see RFC 9494 §3 */
export interface LongLivedFamily {
  readonly family: Family;
  readonly forwardingPreserved: boolean;
  /** 24 bits. */
  readonly staleTime: Seconds;
}

/** For one family: whether several paths of a route may be sent by, and to, the speaker that says so. @see RFC 7911 §4 */
export interface AddPathFamily {
  readonly family: Family;
  readonly send: boolean;
  readonly receive: boolean;
}

/** What an OPEN offers. Absent capabilities are `undefined`, `false` or empty. */
export interface Capabilities {
  readonly families: readonly Family[];
  readonly routeRefresh: boolean;
  /** Families whose next hops may be IPv6 addresses although their routes are not. @see RFC 8950 §4 */
  readonly extendedNextHop?: readonly Family[];
  readonly fourOctetAs?: number;
  /** @see RFC 8654 §3 */
  readonly extendedMessages?: boolean;
  /** Values, as more than one instance may come. @see RFC 9234 §4.1 */
  readonly roles?: readonly number[];
  readonly gracefulRestart?: GracefulRestartCapability;
  /** Long-lived graceful restart. @see RFC 9494 §3 */
  readonly longLived?: readonly LongLivedFamily[];
  readonly addPath?: readonly AddPathFamily[];
  /** Beginning and end of a route refresh are marked. @see RFC 7313 §3.1 */
  readonly enhancedRouteRefresh?: boolean;
  /** Codes that this router does not know, in the order received. */
  readonly unknown: readonly number[];
}

/** Collects capabilities while they are decoded. */
export interface CapabilitiesDraft {
  families: Family[];
  routeRefresh: boolean;
  extendedNextHop?: Family[];
  fourOctetAs?: number;
  extendedMessages?: boolean;
  roles?: number[];
  gracefulRestart?: GracefulRestartCapability;
  longLived?: LongLivedFamily[];
  addPath?: AddPathFamily[];
  enhancedRouteRefresh?: boolean;
  unknown: number[];
}

interface CapabilityRow {
  readonly code: number;
  readonly name: string;
  readonly see: string;
  /** False when the value is malformed. Reads may throw `ShortRead`. */
  decode(value: Reader, draft: CapabilitiesDraft): boolean;
  /** Values to send, one per instance of the capability. */
  encode(capabilities: Capabilities): readonly Uint8Array[];
}

/** What is left of the 255 octets of optional parameters behind one parameter's header. */
const MAX_PARAMETER = 253;
const RESTART_STATE = 0x8;
const GRACEFUL_NOTIFICATION = 0x4;
const FORWARDING_STATE = 0x80;
const MAX_STALE_TIME = 0xffffff;
const AFI_IPV6 = 2;
const ADD_PATH_CODE = 69;
const ADD_PATH_RECEIVE = 1;
const ADD_PATH_SEND = 2;

const ROWS: readonly CapabilityRow[] = [
  {
    code: 1,
    name: "multiprotocol",
    see: "RFC 4760 §8",
    decode(value, draft) {
      const afi = value.u16();
      value.skip(1);
      draft.families.push({ afi, safi: value.u8() });
      return value.left === 0;
    },
    encode: ({ families }) => families.map(({ afi, safi }) => Uint8Array.of(afi >>> 8, afi & 0xff, 0, safi)),
  },
  {
    code: 2,
    name: "route-refresh",
    see: "RFC 2918 §2",
    decode(value, draft) {
      draft.routeRefresh = true;
      return value.left === 0;
    },
    encode: ({ routeRefresh }) => (routeRefresh ? [new Uint8Array(0)] : []),
  },
  {
    code: 5,
    name: "extended-next-hop",
    see: "RFC 8950 §4",
    decode(value, draft) {
      const families = draft.extendedNextHop ?? [];
      draft.extendedNextHop = families;
      while (value.left > 0) {
        const family = { afi: value.u16(), safi: value.u16() };
        if (value.u16() === AFI_IPV6) families.push(family);
      }
      return true;
    },
    encode({ extendedNextHop = [] }) {
      if (extendedNextHop.length === 0) return [];
      const value = new Writer(64);
      for (const { afi, safi } of extendedNextHop) value.u16(afi).u16(safi).u16(AFI_IPV6);
      return [value.finish()];
    },
  },
  {
    code: 6,
    name: "extended-messages",
    see: "RFC 8654 §3",
    decode(value, draft) {
      draft.extendedMessages = true;
      return value.left === 0;
    },
    encode: ({ extendedMessages }) => (extendedMessages === true ? [new Uint8Array(0)] : []),
  },
  {
    code: 9,
    name: "role",
    see: "RFC 9234 §4.1",
    decode(value, draft) {
      draft.roles ??= [];
      draft.roles.push(value.u8());
      return value.left === 0;
    },
    encode: ({ roles = [] }) => roles.map((role) => Uint8Array.of(role)),
  },
  {
    code: 64,
    name: "graceful-restart",
    see: "RFC 4724 §3",
    decode(value, draft) {
      const word = value.u16();
      const families = [];
      while (value.left > 0) {
        const family = { afi: value.u16(), safi: value.u8() };
        families.push({ family, forwardingPreserved: (value.u8() & FORWARDING_STATE) !== 0 });
      }
      // Only one instance may be sent; the last one counts where there are more (§3).
      draft.gracefulRestart = {
        restarted: ((word >>> 12) & RESTART_STATE) !== 0,
        notification: ((word >>> 12) & GRACEFUL_NOTIFICATION) !== 0,
        restartTime: seconds(word & 0xfff),
        families,
      };
      return true;
    },
    encode({ gracefulRestart: offer }) {
      if (offer === undefined) return [];
      const flags = (offer.restarted ? RESTART_STATE : 0) | (offer.notification ? GRACEFUL_NOTIFICATION : 0);
      const value = new Writer(256).u16((flags << 12) | Math.min(offer.restartTime, 0xfff));
      for (const { family, forwardingPreserved } of offer.families) {
        value
          .u16(family.afi)
          .u8(family.safi)
          .u8(forwardingPreserved ? FORWARDING_STATE : 0);
      }
      return [value.finish()];
    },
  },
  {
    code: 65,
    name: "four-octet-as",
    see: "RFC 6793 §3",
    decode(value, draft) {
      draft.fourOctetAs = value.u32();
      return value.left === 0;
    },
    encode: ({ fourOctetAs }) => (fourOctetAs === undefined ? [] : [new Writer(4).u32(fourOctetAs).finish()]),
  },
  {
    code: ADD_PATH_CODE,
    name: "add-path",
    see: "RFC 7911 §4",
    decode(value, draft) {
      const families: AddPathFamily[] = [];
      let understood = true;
      while (value.left > 0) {
        const family = { afi: value.u16(), safi: value.u8() };
        const directions = value.u8();
        if (directions < ADD_PATH_RECEIVE || directions > (ADD_PATH_SEND | ADD_PATH_RECEIVE)) understood = false;
        families.push({
          family,
          send: (directions & ADD_PATH_SEND) !== 0,
          receive: (directions & ADD_PATH_RECEIVE) !== 0,
        });
      }
      // Any other value: the capability is treated as not understood (§4). The last instance counts.
      if (understood) draft.addPath = families;
      else draft.unknown.push(ADD_PATH_CODE);
      return true;
    },
    encode({ addPath = [] }) {
      if (addPath.length === 0) return [];
      const out = new Writer(64);
      for (const { family, send, receive } of addPath) {
        out.u16(family.afi).u8(family.safi);
        out.u8((send ? ADD_PATH_SEND : 0) | (receive ? ADD_PATH_RECEIVE : 0));
      }
      return [out.finish()];
    },
  },
  {
    code: 70,
    name: "enhanced-route-refresh",
    see: "RFC 7313 §3.1",
    decode(value, draft) {
      draft.enhancedRouteRefresh = true;
      return value.left === 0;
    },
    encode: ({ enhancedRouteRefresh }) => (enhancedRouteRefresh === true ? [new Uint8Array(0)] : []),
  },
  {
    code: 71,
    name: "long-lived-graceful-restart",
    see: "RFC 9494 §3",
    decode(value, draft) {
      const families: LongLivedFamily[] = [];
      while (value.left > 0) {
        const family = { afi: value.u16(), safi: value.u8() };
        const forwardingPreserved = (value.u8() & FORWARDING_STATE) !== 0;
        families.push({ family, forwardingPreserved, staleTime: seconds((value.u8() << 16) | value.u16()) });
      }
      // Only one instance may be sent; the last one counts where there are more.
      draft.longLived = families;
      return true;
    },
    encode({ longLived }) {
      if (longLived === undefined) return [];
      const out = new Writer(64);
      for (const { family, forwardingPreserved, staleTime } of longLived) {
        const time = Math.min(staleTime, MAX_STALE_TIME);
        out.u16(family.afi).u8(family.safi);
        out.u8(forwardingPreserved ? FORWARDING_STATE : 0);
        out.u8(time >>> 16).u16(time & 0xffff);
      }
      return [out.finish()];
    },
  },
];

const BY_CODE = new Map(ROWS.map((row) => [row.code, row]));

/**
 * Reads the capabilities of one optional parameter into `draft`; false when a known one is malformed.
 * Unknown ones are ignored (their codes are kept to be shown). The same family twice counts once.
 * @throws {ShortRead} on truncation.
 * @see RFC 5492 §4
 */
export function decodeCapabilities(parameter: Reader, draft: CapabilitiesDraft): boolean {
  while (parameter.left > 0) {
    const code = parameter.u8();
    const value = parameter.within(parameter.u8());
    const row = BY_CODE.get(code);
    if (row === undefined) draft.unknown.push(code);
    else if (!row.decode(value, draft)) return false;
  }
  draft.families = draft.families.filter(
    (family, i, all) => all.findIndex(({ afi, safi }) => afi === family.afi && safi === family.safi) === i,
  );
  return true;
}

/** The capabilities as TLVs, to be put into one optional parameter. @throws {RangeError} when they do not fit it. */
export function encodeCapabilities(capabilities: Capabilities): Uint8Array {
  const out = new Writer(1024);
  for (const row of ROWS) {
    for (const value of row.encode(capabilities)) out.u8(row.code).u8(value.length).bytes(value);
  }
  if (out.length > MAX_PARAMETER) throw new RangeError(`${out.length} octets of capabilities do not fit an OPEN`);
  return out.finish();
}

/** For people: the name of a capability code. */
export function capabilityName(code: number): string {
  return BY_CODE.get(code)?.name ?? `capability-${code}`;
}
