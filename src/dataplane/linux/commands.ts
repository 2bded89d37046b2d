import { formatIpv6, type Ipv6Address, type Ipv6Prefix } from "../../base/index.ts";
import type { GroupIndex, NextHopIndex } from "../../forwarding/index.ts";

/** A line of `ip -6 -batch`. */
export type Command = string;

/** Marks what is ours among the kernel's routes, rules and next hops. @see rtnetlink(7), RTPROT_* */
export const PROTOCOL = 83;
/** Groups are numbered up to here: a kernel's next-hop id has room for two of them. */
export const MOST_GROUPS = 32_767;
export const BUCKETS = 64;
/** A bucket moves to another next hop once no packet has used it for so long, or after the second time even then. */
const IDLE_SECONDS = 10;
const UNBALANCED_SECONDS = 120;

const FIRST_GROUP_ID = 0x40000000;
const FIRST_NEXT_HOP_ID = 0xc0000000;

export const nextHopId = (index: NextHopIndex): number => FIRST_NEXT_HOP_ID + index;
/** Of a group whose member "here" stands for the members of a local group; 0 where it has none. */
export const groupId = (group: GroupIndex, localGroup: GroupIndex): number =>
  FIRST_GROUP_ID + group * (MOST_GROUPS + 1) + localGroup;

const TABLE_BASE = 0x53000000;
/** Capabilities of a tenant, for packets that begin here. */
export const tenantTable = (tenantIndex: number): number => TABLE_BASE + tenantIndex;
/** Instances behind this router, for packets that came out of a tunnel. */
export const LOCAL_TABLE = TABLE_BASE + 0x10000;
/** What is addressed to the locator in a tunnel. */
export const TUNNEL_TABLE = TABLE_BASE + 0x10001;
const OUT_OF_TUNNEL_ID = FIRST_NEXT_HOP_ID + 0x10000;

const OURS = `protocol ${PROTOCOL}`;

/** To another router: IPv6 in IPv6, and through waypoints if there are any. @see RFC 8986 §5.2 (reduced encapsulation) */
export const setTunnel = (index: NextHopIndex, segments: readonly Ipv6Address[]): Command =>
  `nexthop replace id ${nextHopId(index)} dev lo encap seg6 mode encap.red segs ${segments.map(formatIpv6).join(",")} ${OURS}`;

/** To a host on a link, which holds the capability's address itself. */
export const setNeighbour = (index: NextHopIndex, address: Ipv6Address, link: string): Command =>
  `nexthop replace id ${nextHopId(index)} via ${formatIpv6(address)} dev ${link} ${OURS}`;

export const removeNextHop = (id: number): Command => `nexthop del id ${id}`;

/** The kernel deals its buckets out by weight and moves as few as it must. @see ip-nexthop(8), "resilient" */
export function setGroup(id: number, members: ReadonlyMap<NextHopIndex, number>): Command {
  const list = Array.from(members, ([index, weight]) => `${nextHopId(index)},${weight}`).join("/");
  const timers = `idle_timer ${IDLE_SECONDS} unbalanced_timer ${UNBALANCED_SECONDS}`;
  return `nexthop replace id ${id} group ${list} type resilient buckets ${BUCKETS} ${timers} ${OURS}`;
}

export const setRoute = (prefix: string, table: number, id: number, mtu: number): Command =>
  `route replace ${prefix} nhid ${id} mtu ${mtu} table ${table} ${OURS}`;

/** The kernel answers: ICMPv6 type 1 code 0. */
export const setUnreachable = (prefix: string, table: number): Command =>
  `route replace unreachable ${prefix} metric 1024 table ${table} ${OURS}`;

export const removeUnreachable = (prefix: string, table: string): Command =>
  `route del unreachable ${prefix} table ${table} ${OURS}`;

export const removeRoute = (prefix: string, table: number): Command => `route del ${prefix} table ${table} ${OURS}`;

/** What does not depend on a plan; rules apart. */
export function fixedCommands(domain: Ipv6Prefix, locator: Ipv6Address, tenants: readonly number[]): Command[] {
  return [
    `sr tunsrc set ${formatIpv6(locator)}`,
    `nexthop replace id ${OUT_OF_TUNNEL_ID} dev lo encap seg6local action End.DT6 table ${LOCAL_TABLE} ${OURS}`,
    `route replace ${formatIpv6(locator)}/128 nhid ${OUT_OF_TUNNEL_ID} table ${TUNNEL_TABLE} ${OURS}`,
    setUnreachable("default", LOCAL_TABLE),
    ...tenants.map((tenant) => setUnreachable(textOf(domain), tenantTable(tenant))),
  ];
}

/** Makes what needs rights and a recent kernel, and takes it away again. */
export function trialCommands(): readonly Command[] {
  const id = OUT_OF_TUNNEL_ID + 1;
  const action = `encap seg6local action End.DT6 table ${LOCAL_TABLE}`;
  return [`nexthop replace id ${id} dev lo ${action}`, `nexthop del id ${id}`];
}

export const textOf = ({ address, length }: Ipv6Prefix): string => `${formatIpv6(address)}/${length}`;
