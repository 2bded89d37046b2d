import type { Ipv6Address, Reader, Writer } from "../../base/index.ts";
import type { AsPathSegment, AttributeSet, LargeCommunity, Origin, SemanticAttribute } from "../../rib/index.ts";
import { type AsWidth, as4PathOf, decodeAsPath, encodeAsPath, needsAs4Path } from "./as-path.ts";
import { AS_TRANS, AttributeCode, AttributeFlag } from "./constants.ts";
import { ORIGINS } from "./identity.ts";
import { mappedIpv4 } from "./next-hop.ts";
import { decodeSemantic, encodeSemantic } from "./semantic.ts";

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
const WELL_KNOWN = Transitive;
const OPTIONAL_TRANSITIVE = Optional | Transitive;
const OPTIONAL = Optional;

const fromExternal: Finding = { action: "attribute-discard", reason: "from another AS" };

function number32(value: Reader): number | string {
  return value.left === 4 ? value.u32() : `${value.left} octets instead of 4`;
}

/** How many values of `width` octets there are: at least one, and nothing left over. */
function count(value: Reader, width: number): number | string {
  const whole = value.left > 0 && value.left % width === 0;
  return whole ? value.left / width : `${value.left} octets are not a positive multiple of ${width}`;
}

/** Attributes that are checked and carried, but decide nothing here. */
function carried(
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

function aggregatorOf(set: AttributeSet): Uint8Array | undefined {
  return set.opaque.find(({ code }) => code === AttributeCode.Aggregator)?.value;
}

const isNewAs = (aggregator: Uint8Array): boolean => aggregator[0] !== 0 || aggregator[1] !== 0;

/** In the order in which they are sent. @see RFC 4271 §5 (SHOULD: ascending by code) */
const STANDARD_ROWS: readonly AttributeRow[] = [
  {
    code: AttributeCode.Origin,
    name: "ORIGIN",
    flags: WELL_KNOWN,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.1",
    decode(value, draft) {
      if (value.left !== 1) return `${value.left} octets instead of 1`;
      const origin = ORIGINS[value.u8()];
      if (origin === undefined) return "undefined value";
      draft.origin = origin;
      return undefined;
    },
    encode(set, _context, out) {
      out.u8(ORIGINS.indexOf(set.origin));
      return true;
    },
  },
  {
    code: AttributeCode.AsPath,
    name: "AS_PATH",
    flags: WELL_KNOWN,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.2",
    decode(value, draft, { asWidth, internal, confederation }) {
      const path = decodeAsPath(value, asWidth);
      if (typeof path === "string") return path;
      // @see RFC 5065 §5: only from inside, and from another member AS always
      if (confederation === true && path[0]?.type !== "confed-sequence") return "no member AS in front";
      const isOutside = !internal && confederation !== true;
      if (isOutside && path.some(({ type }) => type.startsWith("confed"))) return "confederation segment";
      draft.asPath = path;
      return undefined;
    },
    encode(set, { asWidth }, out) {
      encodeAsPath(set.asPath, asWidth, out);
      return true;
    },
  },
  {
    // Of the classic fields; routes of MP_REACH_NLRI have their next hop there, and this one is only checked. @see RFC 4760 §3
    code: AttributeCode.NextHop,
    name: "NEXT_HOP",
    flags: WELL_KNOWN,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.3",
    decode(value, draft) {
      if (value.left !== 4) return `${value.left} octets instead of 4`;
      draft.nextHop = mappedIpv4(value.bytes(4));
      return undefined;
    },
    encode(set, { nextHopAttribute }, out) {
      if (nextHopAttribute === true) out.bytes(set.nextHop.subarray(12));
      return nextHopAttribute === true;
    },
  },
  {
    code: AttributeCode.MultiExitDisc,
    name: "MULTI_EXIT_DISC",
    flags: OPTIONAL,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.4",
    decode(value, draft) {
      const number = number32(value);
      if (typeof number === "string") return number;
      draft.multiExitDisc = number;
      return undefined;
    },
    encode(set, _context, out) {
      if (set.multiExitDisc !== undefined) out.u32(set.multiExitDisc);
      return set.multiExitDisc !== undefined;
    },
  },
  {
    code: AttributeCode.LocalPref,
    name: "LOCAL_PREF",
    flags: WELL_KNOWN,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.5",
    decode(value, draft, { internal, confederation }) {
      if (!internal && confederation !== true) return fromExternal;
      const number = number32(value);
      if (typeof number === "string") return number;
      draft.localPref = number;
      return undefined;
    },
    encode(set, { internal, confederation }, out) {
      if ((!internal && confederation !== true) || set.localPref === undefined) return false;
      out.u32(set.localPref);
      return true;
    },
  },
  carried(
    AttributeCode.AtomicAggregate,
    "ATOMIC_AGGREGATE",
    WELL_KNOWN,
    "attribute-discard",
    "RFC 7606 §7.6",
    (length) => length === 0,
  ),
  {
    code: AttributeCode.Aggregator,
    name: "AGGREGATOR",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "attribute-discard",
    see: "RFC 7606 §7.7; RFC 7607 §2",
    decode(value, draft, { asWidth }) {
      if (value.left !== asWidth + 4) return `${value.left} octets instead of ${asWidth + 4}`;
      const autonomousSystem = asWidth === 4 ? value.u32() : value.u16();
      if (autonomousSystem === 0) return "AS 0";
      draft.aggregator = { autonomousSystem, address: value.u32() };
      return undefined;
    },
    encode(set, { asWidth }, out) {
      const aggregator = aggregatorOf(set);
      if (aggregator === undefined) return false;
      if (asWidth === 4) out.bytes(aggregator);
      else if (isNewAs(aggregator)) out.u16(AS_TRANS).bytes(aggregator.subarray(4));
      else out.bytes(aggregator.subarray(2));
      return true;
    },
  },
  {
    code: AttributeCode.Communities,
    name: "COMMUNITIES",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.8",
    decode(value, draft) {
      const found = count(value, 4);
      if (typeof found === "string") return found;
      draft.communities = Array.from({ length: found }, () => value.u32());
      return undefined;
    },
    encode(set, _context, out) {
      for (const community of set.communities) out.u32(community);
      return set.communities.length > 0;
    },
  },
  {
    code: AttributeCode.OriginatorId,
    name: "ORIGINATOR_ID",
    flags: OPTIONAL,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.9",
    decode(value, draft, { internal }) {
      if (!internal) return fromExternal;
      const number = number32(value);
      if (typeof number === "string") return number;
      draft.originatorId = number;
      return undefined;
    },
    encode(set, { internal }, out) {
      if (!internal || set.originatorId === undefined) return false;
      out.u32(set.originatorId);
      return true;
    },
  },
  {
    code: AttributeCode.ClusterList,
    name: "CLUSTER_LIST",
    flags: OPTIONAL,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.10",
    decode(value, draft, { internal }) {
      if (!internal) return fromExternal;
      const found = count(value, 4);
      if (typeof found === "string") return found;
      draft.clusterList = Array.from({ length: found }, () => value.u32());
      return undefined;
    },
    encode(set, { internal }, out) {
      if (!internal || set.clusterList === undefined) return false;
      for (const cluster of set.clusterList) out.u32(cluster);
      return true;
    },
  },
  {
    code: AttributeCode.ExtendedCommunities,
    name: "EXTENDED COMMUNITIES",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "treat-as-withdraw",
    see: "RFC 7606 §7.14",
    decode(value, draft) {
      const found = count(value, 8);
      if (typeof found === "string") return found;
      draft.extendedCommunities = Array.from({ length: found }, () => value.bytes(8).slice());
      return undefined;
    },
    encode(set, _context, out) {
      for (const community of set.extendedCommunities) out.bytes(community);
      return set.extendedCommunities.length > 0;
    },
  },
  {
    code: AttributeCode.As4Path,
    name: "AS4_PATH",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "attribute-discard",
    see: "RFC 6793 §6",
    decode(value, draft, { asWidth }) {
      if (asWidth === 4) return "from a speaker of 4-octet AS numbers";
      if (value.left < 6) return `${value.left} octets, too few for a number`;
      const path = decodeAsPath(value, 4);
      if (typeof path === "string") return path;
      draft.as4Path = path;
      return undefined;
    },
    encode(set, { asWidth }, out) {
      if (asWidth === 4 || !needsAs4Path(set.asPath)) return false;
      encodeAsPath(as4PathOf(set.asPath), 4, out);
      return true;
    },
  },
  {
    code: AttributeCode.As4Aggregator,
    name: "AS4_AGGREGATOR",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "attribute-discard",
    see: "RFC 6793 §6",
    decode(value, draft, { asWidth }) {
      if (asWidth === 4) return "from a speaker of 4-octet AS numbers";
      if (value.left !== 8) return `${value.left} octets instead of 8`;
      const autonomousSystem = value.u32();
      if (autonomousSystem === 0) return "AS 0";
      draft.as4Aggregator = { autonomousSystem, address: value.u32() };
      return undefined;
    },
    encode(set, { asWidth }, out) {
      const aggregator = aggregatorOf(set);
      if (asWidth === 4 || aggregator === undefined || !isNewAs(aggregator)) return false;
      out.bytes(aggregator);
      return true;
    },
  },
  carried(
    AttributeCode.Ipv6ExtendedCommunities,
    "IPV6 EXTENDED COMMUNITIES",
    OPTIONAL_TRANSITIVE,
    "treat-as-withdraw",
    "RFC 7606 §7.15",
    (length) => length > 0 && length % 20 === 0,
  ),
  {
    code: AttributeCode.LargeCommunities,
    name: "LARGE_COMMUNITY",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "treat-as-withdraw",
    see: "RFC 8092 §5",
    decode(value, draft) {
      const found = count(value, 12);
      if (typeof found === "string") return found;
      draft.largeCommunities = Array.from({ length: found }, () => ({
        globalAdministrator: value.u32(),
        data1: value.u32(),
        data2: value.u32(),
      }));
      return undefined;
    },
    encode(set, _context, out) {
      for (const { globalAdministrator, data1, data2 } of set.largeCommunities) {
        out.u32(globalAdministrator).u32(data1).u32(data2);
      }
      return set.largeCommunities.length > 0;
    },
  },
  {
    code: AttributeCode.OnlyToCustomer,
    name: "ONLY_TO_CUSTOMER",
    flags: OPTIONAL_TRANSITIVE,
    onFault: "treat-as-withdraw",
    see: "RFC 9234 §5",
    decode(value, draft) {
      const number = number32(value);
      if (typeof number === "string") return number;
      draft.onlyToCustomer = number;
      return undefined;
    },
    encode(set, _context, out) {
      if (set.onlyToCustomer !== undefined) out.u32(set.onlyToCustomer);
      return set.onlyToCustomer !== undefined;
    },
  },
];

function semanticRow(code: number): AttributeRow {
  return {
    code,
    name: "SEMANTIC",
    flags: OPTIONAL,
    onFault: "treat-as-withdraw",
    see: "DESIGN section 4.4",
    decode(value, draft) {
      const semantic = decodeSemantic(value.rest());
      if (typeof semantic === "string") return semantic;
      draft.semantic = semantic;
      return undefined;
    },
    encode(set, _context, out) {
      if (set.semantic !== undefined) encodeSemantic(set.semantic, out);
      return set.semantic !== undefined;
    },
  };
}

/** All rows in the order in which they are sent, SEMANTIC under the code that is configured. */
export function attributeRows(semanticCode: number): readonly AttributeRow[] {
  return [...STANDARD_ROWS, semanticRow(semanticCode)].sort((a, b) => a.code - b.code);
}
