import type { AttributeSet } from "../../rib/index.ts";
import { as4PathOf, decodeAsPath, encodeAsPath, needsAs4Path } from "./as-path.ts";
import {
  type AttributeRow,
  carried,
  fromExternal,
  number32,
  numberRow,
  OPTIONAL,
  OPTIONAL_TRANSITIVE,
  WELL_KNOWN,
} from "./attribute-row.ts";
import { AS_TRANS, AttributeCode } from "./constants.ts";
import { ORIGINS } from "./identity.ts";
import { mappedIpv4 } from "./next-hop.ts";

function aggregatorOf(set: AttributeSet): Uint8Array | undefined {
  return set.opaque.find(({ code }) => code === AttributeCode.Aggregator)?.value;
}

const isNewAs = (aggregator: Uint8Array): boolean => aggregator[0] !== 0 || aggregator[1] !== 0;

/** What BGP began with, and AS numbers of four octets. @see RFC 4271 §5.1; RFC 6793 §3 */
export const PATH_ROWS: readonly AttributeRow[] = [
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
  numberRow(
    {
      code: AttributeCode.MultiExitDisc,
      name: "MULTI_EXIT_DISC",
      flags: OPTIONAL,
      onFault: "treat-as-withdraw",
      see: "RFC 7606 §7.4",
    },
    "multiExitDisc",
  ),
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
];
