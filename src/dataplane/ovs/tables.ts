import { concatenate } from "../memory/packet.ts";
import { FIELD, is } from "./openflow/fields.ts";

/** Bits of a domain's prefix. */
export const DOMAIN_BITS = 48;

/** The tables of the pipeline, in the order in which packets pass them. README.md says what each decides. */
export const TABLE = {
  port: 0,
  source: 1,
  tenantPolicy: 2,
  capability: 3,
  tenant: 4,
  policy: 5,
  serve: 6,
  tunnel: 10,
  pinned: 18,
  follow: 19,
  local: 20,
  tracked: 21,
  member: 22,
  transition: 23,
  kept: 24,
  still: 25,
  fresh: 26,
  previous: 27,
  remember: 28,
  out: 30,
  send: 31,
  deliver: 32,
  back: 33,
  backTracked: 34,
  nobody: 35,
  elsewhere: 36,
  pin: 37,
  stack: 40,
  neighbour: 41,
  known: 42,
  exception: 200,
  /** Reached by no packet: what was carried out, for the process after this one. */
  ledger: 250,
} as const;

/**
 * Registers: who was chosen, the former owner of a slot in transition, who was remembered, too long, choosing an instance, held, whose port,
 * the capability's group and policy, looking for another site, and how a packet came (0 to a port, else {@link LEG}).
 */
export const REGISTER = {
  nextHop: FIELD.reg1,
  previous: FIELD.reg2,
  remembered: FIELD.reg3,
  tooLong: FIELD.reg4,
  member: FIELD.reg5,
  held: FIELD.reg6,
  tenant: FIELD.reg7,
  group: FIELD.reg8,
  policy: FIELD.reg9,
  elsewhere: FIELD.reg10,
  leg: FIELD.reg11,
} as const;

/** Out of a tunnel: it may go to another site, or not any more. */
export const LEG = { first: 1, last: 2 } as const;

/**
 * Groups: slots of a plan's group under its own number; whether a next hop may be chosen; slots, then backup, then refusal. Of groups that
 * lead here as well: slots of other sites alone, and these, then refusal.
 */
export const GROUP = {
  slots: (group: number): number => group,
  alive: (nextHop: number): number => 0x10000 + nextHop,
  served: (group: number): number => 0x20000 + group,
  others: (group: number): number => 0x40000 + group,
  elsewhere: (group: number): number => 0x50000 + group,
  always: 0x30000,
  never: 0x30001,
} as const;

export const METER = 0x5e;
const FIRST_POLICY_METER = 0x1000;
/** Meters of a policy: a meter counts packets or bits, not both. */
export const POLICY_METER = {
  packets: (policy: number): number => FIRST_POLICY_METER + 2 * policy,
  bits: (policy: number): number => FIRST_POLICY_METER + 2 * policy + 1,
} as const;
/** The policy that a meter is of, `undefined` for another's. */
export const policyOfMeter = (meter: number): number | undefined =>
  meter < FIRST_POLICY_METER ? undefined : (meter - FIRST_POLICY_METER) >> 1;
export const ZONE = 0x5e5e;

const PROTOCOL = { tcp: 6, udp: 17, icmpv6: 58 } as const;
const ipv6 = is(FIELD.ethType, 0x86dd);
const protocol = (number: number) => is(FIELD.ipProto, number);

/** SYN without ACK, FIN and RST. */
const SYN = is(FIELD.tcpFlags, 0x002, 0x017);
const CT = { new: 1, established: 2, related: 4, reply: 8, tracked: 32, destinationTranslated: 128 } as const;

export const MATCH = {
  ipv6,
  /** Behind a VLAN tag, of whatever kind: a match of IPv6 takes these as well. @see OpenFlow 1.5.1 §7.2.3.8, OFPVID_PRESENT */
  tagged: is(FIELD.vlanId, 0x1000, 0x1000),
  tcp: [ipv6, protocol(PROTOCOL.tcp)],
  udp: [ipv6, protocol(PROTOCOL.udp)],
  syn: [ipv6, protocol(PROTOCOL.tcp), SYN],
  icmpv6: (type: number) => [ipv6, protocol(PROTOCOL.icmpv6), is(FIELD.icmpv6Type, type)],
  /** All of these bits of the connection's state are set. */
  state: (...bits: readonly (keyof typeof CT)[]) => {
    const mask = bits.reduce((sum, bit) => sum | CT[bit], 0);
    return is(FIELD.ctState, mask, mask);
  },
  /** The first `bits` bits of an address. */
  prefix: (field: typeof FIELD.ipv6Src | typeof FIELD.ipv6Dst, address: Uint8Array, bits: number) =>
    is(field, masked(address, maskOf(bits)), maskOf(bits)),
} as const;

/** ICMPv6 types of errors. @see RFC 4443 §2.1 */
export const ICMPV6_ERRORS = [1, 2, 3, 4] as const;

function maskOf(bits: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
}

const masked = (address: Uint8Array, mask: Uint8Array): Uint8Array => address.map((octet, i) => octet & mask[i]!);

/** The prefix of a tenant's capabilities. */
export function tenantPrefix(domain: Uint8Array, tenantIndex: number): Uint8Array {
  return concatenate(domain.subarray(0, 6), Uint8Array.of(tenantIndex >> 8, tenantIndex & 0xff), new Uint8Array(8));
}
