import type { Ipv6Address, Reader, Writer } from "../../base/index.ts";
import type { AsPathSegment, AttributeSet, LargeCommunity, Origin, SemanticAttribute } from "../../rib/index.ts";
import type { AsWidth } from "./as-path.ts";
import { AttributeFlag } from "./constants.ts";

/** What a malformed attribute leads to. The family and the session are given up only for what frames the routes. @see RFC 7606 §2 */
export type FaultAction = "treat-as-withdraw" | "attribute-discard";

export interface Finding {
  readonly action: FaultAction;
  readonly reason: string;
}

/** Facts of the session that a codec of attributes needs. */
export interface AttributeContext {
  readonly asWidth: AsWidth;
  /** Whether both ends are in one AS. */
  readonly internal: boolean;
  /** Whether they are in two member ASes of one confederation. @see RFC 5065 */
  readonly confederation?: boolean;
  /** Of this router: whether it is in a path is found out while the path is read. */
  readonly localAs?: number;
  /** Encoding for the classic fields of IPv4: the next hop, in mapped form, goes into NEXT_HOP. */
  readonly nextHopAttribute?: boolean;
}

/** An {@link AttributeSet} while it is read, and what only helps to make it. */
export interface AttributeDraft {
  origin?: Origin;
  /** From NEXT_HOP: counts for routes in the classic fields only. */
  nextHop?: Ipv6Address;
  asPath?: readonly AsPathSegment[];
  multiExitDisc?: number;
  localPref?: number;
  originatorId?: number;
  clusterList?: readonly number[];
  onlyToCustomer?: number;
  communities: readonly number[];
  extendedCommunities: readonly Uint8Array[];
  largeCommunities: readonly LargeCommunity[];
  semantic?: SemanticAttribute;
  opaque: { flags: number; code: number; value: Uint8Array }[];
  aggregator?: { readonly autonomousSystem: number; readonly address: number };
  as4Aggregator?: { readonly autonomousSystem: number; readonly address: number };
  as4Path?: readonly AsPathSegment[];
}

/** One known path attribute. MP_REACH_NLRI and MP_UNREACH_NLRI are not among them: they are not part of a set. */
export interface AttributeRow {
  readonly code: number;
  readonly name: string;
  /** Optional and Transitive. */
  readonly flags: number;
  /** What a malformed value leads to. */
  readonly onFault: FaultAction;
  readonly see: string;
  /** Undefined when it is fine, a reason for `onFault`, or another finding. Must leave the draft alone when it finds a fault. */
  decode(value: Reader, draft: AttributeDraft, context: AttributeContext): Finding | string | undefined;
  /** False when the set has none of it. */
  encode(set: AttributeSet, context: AttributeContext, out: Writer): boolean;
}

const { Optional, Transitive } = AttributeFlag;
export const WELL_KNOWN = Transitive;
export const OPTIONAL_TRANSITIVE = Optional | Transitive;
export const OPTIONAL = Optional;

/** For attributes that are of this AS only. */
export const fromExternal: Finding = { action: "attribute-discard", reason: "from another AS" };

export function number32(value: Reader): number | string {
  return value.left === 4 ? value.u32() : `${value.left} octets instead of 4`;
}

/** Attributes that are one number of four octets, from whomever they come. */
export function numberRow(
  head: Pick<AttributeRow, "code" | "name" | "flags" | "onFault" | "see">,
  member: "multiExitDisc" | "onlyToCustomer",
): AttributeRow {
  return {
    ...head,
    decode(value, draft) {
      const number = number32(value);
      if (typeof number === "string") return number;
      draft[member] = number;
      return undefined;
    },
    encode(set, _context, out) {
      const number = set[member];
      if (number !== undefined) out.u32(number);
      return number !== undefined;
    },
  };
}

/** How many values of `width` octets there are: at least one, and nothing left over. */
export function count(value: Reader, width: number): number | string {
  const whole = value.left > 0 && value.left % width === 0;
  return whole ? value.left / width : `${value.left} octets are not a positive multiple of ${width}`;
}

/** Attributes that are checked and carried, but decide nothing here. */
export function carried(
  code: number,
  name: string,
  flags: number,
  onFault: FaultAction,
  see: string,
  check: (length: number) => boolean,
): AttributeRow {
  return {
    code,
    name,
    flags,
    onFault,
    see,
    decode(value, draft) {
      if (!check(value.left)) return `a length of ${value.left}`;
      draft.opaque.push({ flags, code, value: value.rest().slice() });
      return undefined;
    },
    encode(set, _context, out) {
      const found = set.opaque.find((attribute) => attribute.code === code);
      if (found !== undefined) out.bytes(found.value);
      return found !== undefined;
    },
  };
}
