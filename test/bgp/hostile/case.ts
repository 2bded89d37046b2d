import { fromHex, toHex } from "../../../src/base/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { keySample } from "../wire/samples.ts";

/** What the hostile neighbour is to the router. `old`: of another AS and of 2-octet AS numbers. `paths`: internal, with path identifiers. */
export type Kind = "internal" | "external" | "old" | "confederation" | "paths";

/** The family whose route a case announces anew, with another next hop. */
export type Target = Exclude<RouteFamily, "route-target">;

/**
 * What has to come of it, from the softest to the hardest:
 *
 * - `accept`: the route is there with the new next hop, nothing was wrong;
 * - `keep`: what was meant to be said was left out, the route is as before;
 * - `discard`: the attribute is gone, the route is there with the new next hop;
 * - `refuse`: a route like others, of no use here (a loop): gone, and counted as refused;
 * - `withdraw`: the route is gone, all others stay;
 * - `disable`: all routes of the family are gone, those of other families stay, and so does the session;
 * - a NOTIFICATION in hexadecimal: the session ends with it.
 */
export type Outcome = "accept" | "keep" | "discard" | "refuse" | "withdraw" | "disable" | { readonly reset: string };

/** One UPDATE and what the standard says about it. */
export interface Case {
  readonly name: string;
  readonly see: string;
  readonly kind: Kind;
  readonly target: Target;
  /** Behind the header of the message. */
  readonly body: Uint8Array;
  readonly outcome: Outcome;
  /** Code of the attribute that must not have stayed, with `discard`. */
  readonly gone?: number;
  /** Nothing that leads to the outcome is a mistake. */
  readonly clean?: true;
  /** Counts besides those of `Outcome`. */
  readonly counts?: readonly [name: string, label: string, value: string];
}

export const ALL_TARGETS: readonly Target[] = ["ipv6-unicast", "ipv4-unicast", "capability"];
export const LOCAL_AS = 65000;
export const MEMBER_AS = 65002;
export const EXTERNAL_AS = 65001;
export const CONFEDERATION = 64999;
export const HOSTILE_ID = 0x0a000102;

export function remoteAs(kind: Kind): number {
  if (kind === "confederation") return MEMBER_AS;
  return kind === "internal" || kind === "paths" ? LOCAL_AS : EXTERNAL_AS;
}

const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, "0");

/** An attribute in hexadecimal; `length` where it is to lie. */
export function attribute(flags: number, code: number, value: string, length?: number): string {
  const said = length ?? fromHex(value).length;
  const extended = said > 255 || (flags & 0x10) !== 0;
  return `${hex(extended ? flags | 0x10 : flags, 1)}${hex(code, 1)}${hex(said, extended ? 2 : 1)}${value}`;
}

export const OLD_HOP = "20010db8000000000000000000000001";
export const NEW_HOP = "20010db8000000000000000000000002";
export const OLD_HOP4 = "c0000201";
export const NEW_HOP4 = "c0000202";

/** Keys of the route that a case is about, and of one that it is not about. */
export const KEYS: Readonly<Record<Target, readonly [target: string, other: string]>> = {
  "ipv6-unicast": ["3020010db80001", "3020010db80002"],
  "ipv4-unicast": ["100a01", "100a02"],
  capability: [toHex(keySample(1, HOSTILE_ID)), toHex(keySample(2, HOSTILE_ID))],
};
const FAMILY: Readonly<Record<Target, string>> = {
  "ipv6-unicast": "000201",
  "ipv4-unicast": "000101",
  capability: "0002fb",
};
/** Identifier of every path of a session of kind `paths`. */
const PATH_ID = "00000007";

/** The key as it stands in a message. */
export function routed(kind: Kind, key: string): string {
  return kind === "paths" ? PATH_ID + key : key;
}

/** MP_REACH_NLRI. */
export function reach(target: Target, nextHop: string, routes: string, flags = 0x80): string {
  const length = hex(fromHex(nextHop).length, 1);
  return attribute(flags, 14, `${FAMILY[target]}${length}${nextHop}00${routes}`);
}

/** MP_UNREACH_NLRI. */
export function unreach(target: Target, routes: string, flags = 0x80): string {
  return attribute(flags, 15, `${FAMILY[target]}${routes}`);
}

/** SEMANTIC with a lease that is long enough for any test. */
export const LEASE = "000700140000000000000001 00000000ffff0000 00000258".replaceAll(" ", "");
export const MAGIC = "53454d52";
const ROUTE_TARGET = "0002fde800000001";

/** The attributes that a route must have, by code. */
export function base(kind: Kind, target: Target): Map<number, string> {
  const path = {
    internal: "",
    paths: "",
    external: `0201${hex(EXTERNAL_AS, 4)}`,
    old: `0201${hex(EXTERNAL_AS, 2)}`,
    confederation: `0301${hex(MEMBER_AS, 4)}`,
  }[kind];
  const all = new Map([
    [1, attribute(0x40, 1, "00")],
    [2, attribute(0x40, 2, path)],
  ]);
  if (target === "ipv4-unicast") all.set(3, attribute(0x40, 3, NEW_HOP4));
  if (kind !== "external" && kind !== "old") all.set(5, attribute(0x40, 5, "00000064"));
  if (target === "capability") {
    all.set(16, attribute(0xc0, 16, ROUTE_TARGET));
    all.set(255, attribute(0x80, 255, MAGIC + LEASE));
  }
  return all;
}

export interface Parts {
  /** Instead of, or besides, the attributes that a route must have; `undefined`: without it. */
  readonly with?: Readonly<Record<number, string | undefined>>;
  /** Instead of the attribute that brings the route. */
  readonly reach?: string;
  /** Behind all attributes. */
  readonly tail?: string;
  /** The fields of the message that are older than the attributes. */
  readonly withdrawn?: string;
  readonly nlri?: string;
}

/** An UPDATE's body that announces the target anew, changed as wished. */
export function update(kind: Kind, target: Target, parts: Parts = {}): Uint8Array {
  const all = base(kind, target);
  for (const [code, octets] of Object.entries(parts.with ?? {})) {
    if (octets === undefined) all.delete(Number(code));
    else all.set(Number(code), octets);
  }
  const classic = target === "ipv4-unicast";
  const own = routed(kind, KEYS[target][0]);
  const first = parts.reach ?? (classic ? "" : reach(target, NEW_HOP, own));
  const sorted = [...all].sort(([a], [b]) => a - b).map(([, octets]) => octets);
  const attributes = first + sorted.join("") + (parts.tail ?? "");
  return message(parts.withdrawn ?? "", attributes, parts.nlri ?? (classic ? own : ""));
}

/** The body of an UPDATE out of its three fields in hexadecimal. */
export function message(withdrawn: string, attributes: string, nlri: string): Uint8Array {
  const length = (field: string): string => hex(fromHex(field).length, 2);
  return fromHex(length(withdrawn) + withdrawn + length(attributes) + attributes + nlri);
}

/** The routes that are there before a case: target and another one of each family, by the old next hop. */
export function before(kind: Kind): readonly Uint8Array[] {
  return ALL_TARGETS.map((target) => {
    const routes = KEYS[target].map((key) => routed(kind, key)).join("");
    if (target !== "ipv4-unicast") return update(kind, target, { reach: reach(target, OLD_HOP, routes) });
    return update(kind, target, { with: { 3: attribute(0x40, 3, OLD_HOP4) }, nlri: routes });
  });
}
