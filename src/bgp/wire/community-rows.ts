import type { LargeCommunity } from "../../rib/index.ts";
import {
  type AttributeRow,
  carried,
  count,
  fromExternal,
  number32,
  numberRow,
  OPTIONAL,
  OPTIONAL_TRANSITIVE,
} from "./attribute-row.ts";
import { AttributeCode } from "./constants.ts";
import { isOriginState } from "./extended-communities.ts";

/** Communities of all kinds, and what reflectors and roles leave. @see RFC 1997, 4360, 5701, 8092; RFC 4456 §8; RFC 9234 §5 */
export const COMMUNITY_ROWS: readonly AttributeRow[] = [
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
    decode(value, draft, { internal, confederation }) {
      const found = count(value, 8);
      if (typeof found === "string") return found;
      const all = Array.from({ length: found }, () => value.bytes(8).slice());
      // What another AS says about the validity of an origin is nothing to go by. @see RFC 8097 §4
      const isOutside = !internal && confederation !== true;
      draft.extendedCommunities = isOutside ? all.filter((community) => !isOriginState(community)) : all;
      return undefined;
    },
    encode(set, _context, out) {
      for (const community of set.extendedCommunities) out.bytes(community);
      return set.extendedCommunities.length > 0;
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
      // Each one once, at its first place. @see RFC 8092 §3
      const each = new Map<string, LargeCommunity>();
      for (let i = 0; i < found; i++) {
        const [globalAdministrator, data1, data2] = [value.u32(), value.u32(), value.u32()];
        const name = `${globalAdministrator}:${data1}:${data2}`;
        if (!each.has(name)) each.set(name, { globalAdministrator, data1, data2 });
      }
      draft.largeCommunities = [...each.values()];
      return undefined;
    },
    encode(set, _context, out) {
      for (const { globalAdministrator, data1, data2 } of set.largeCommunities) {
        out.u32(globalAdministrator).u32(data1).u32(data2);
      }
      return set.largeCommunities.length > 0;
    },
  },
  numberRow(
    {
      code: AttributeCode.OnlyToCustomer,
      name: "ONLY_TO_CUSTOMER",
      flags: OPTIONAL_TRANSITIVE,
      onFault: "treat-as-withdraw",
      see: "RFC 9234 §5",
    },
    "onlyToCustomer",
  ),
];
