import {
  formatIpv6,
  type Ipv6Address,
  type Ipv6Prefix,
  octetsEqual,
  prefixContains,
  sameValue,
} from "../base/index.ts";
import {
  type Encapsulation,
  FAMILY_BITS,
  type NextHop,
  type NextHopIndex,
  type Rate,
  TENANT_BITS,
  WAYPOINTS,
} from "../forwarding/index.ts";

/** Longest instance id, in ASCII characters: what a next-hop entry of `dataplane/abi.h` has room for. */
export const MAX_INSTANCE_ID = 24;
/** Next hops and groups are numbered 1 to 65535. */
export const MAX_INDEX = 65535;
/** Largest bursts: the pass multiplies them with nanoseconds in 64 bits. */
export const MAX_BURST = { packets: 0xffff_ffff, octets: 2 ** 30 } as const;

/** Why it is no next hop, whatever the tables hold; `undefined`: it is one. */
export function reasonAgainstNextHop(index: NextHopIndex, nextHop: NextHop): string | undefined {
  if (!isIndex(index)) return `${index} is not a next-hop index (1 to ${MAX_INDEX})`;
  switch (nextHop.kind) {
    case "local":
      return undefined;
    case "tunnel":
      if (nextHop.locator.length !== 16) return "a locator has 16 octets";
      return reasonAgainstEncapsulation(nextHop.encapsulation);
    case "instance":
      if (nextHop.address.length !== 16) return "an instance's address has 16 octets";
      if (!isPort(nextHop.port) || !isPort(nextHop.servicePort)) return "a port is 1 to 65535";
      if (!/^[\x21-\x7e]+$/.test(nextHop.instance) || nextHop.instance.length > MAX_INSTANCE_ID)
        return `an instance id has 1 to ${MAX_INSTANCE_ID} printable ASCII characters`;
      return undefined;
  }
}

/** What is said of a number that {@link isVni} refuses. */
export const NO_VNI = "a VXLAN network identifier is 1 to 16777215";

/** A VXLAN network identifier. @see RFC 7348 §5 */
export function isVni(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xff_ffff;
}

/** Why packets cannot be wrapped like this; `undefined`: they can. */
export function reasonAgainstEncapsulation(encapsulation: Encapsulation | undefined): string | undefined {
  switch (encapsulation?.kind) {
    case undefined:
      return undefined;
    case "segments": {
      const { waypoints } = encapsulation;
      if (waypoints.length < 1 || waypoints.length > WAYPOINTS) return `a tunnel has 1 to ${WAYPOINTS} waypoints`;
      return waypoints.every(({ length }) => length === 16) ? undefined : "a waypoint has 16 octets";
    }
    case "vxlan":
      if (!isVni(encapsulation.vni)) return NO_VNI;
      return encapsulation.destination.length === 6 && encapsulation.source.length === 6
        ? undefined
        : "an Ethernet address has 6 octets";
  }
}

/** A rate that the pass can count, or none. */
export function isRate(rate: Rate | undefined, mostBurst: number): boolean {
  return (
    rate === undefined || (isWithin(rate.perSecond, 1, Number.MAX_SAFE_INTEGER) && isWithin(rate.burst, 1, mostBurst))
  );
}

/** A whole number between two, both included. */
export function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Why it is no address of a capability; `undefined`: it is one. */
export function reasonAgainstAddress(address: Ipv6Address, domain: Ipv6Prefix): string | undefined {
  if (address.length !== 16) return "a capability address has 16 octets";
  if (!prefixContains(domain, address)) return `${formatIpv6(address)} is not in the domain's prefix`;
  const key = address.subarray(6, 14);
  if (key.every((octet) => octet === 0)) return "a capability address with tenant, family and identifier 0 is reserved";
  if (key.every((octet) => octet === 0xff)) return "a capability address with all ones behind the domain is reserved";
  return undefined;
}

/** Why it is no prefix of capability addresses; `undefined`: it is one. */
export function reasonAgainstPrefix({ address, length }: Ipv6Prefix, domain: Ipv6Prefix): string | undefined {
  if (length !== TENANT_BITS && length !== FAMILY_BITS)
    return `an aggregate ends with a tenant (/${TENANT_BITS}) or with a family (/${FAMILY_BITS})`;
  if (address.length !== 16) return "a capability address has 16 octets";
  if (!prefixContains(domain, address)) return `${formatIpv6(address)} is not in the domain's prefix`;
  if (address.subarray(length / 8).some((octet) => octet !== 0)) return "behind the prefix there are zeros alone";
  return undefined;
}

/** An index of a next hop or a group. */
export function isIndex(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_INDEX;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** True when both lead to the same place, whatever their state. */
export function sameNextHop(a: NextHop, b: NextHop): boolean {
  switch (a.kind) {
    case "local":
      return b.kind === "local";
    case "tunnel":
      return b.kind === "tunnel" && octetsEqual(a.locator, b.locator) && sameValue(a.encapsulation, b.encapsulation);
    case "instance":
      return (
        b.kind === "instance" &&
        a.instance === b.instance &&
        octetsEqual(a.address, b.address) &&
        a.port === b.port &&
        a.protocol === b.protocol &&
        a.servicePort === b.servicePort
      );
  }
}

/** A next hop in words, for an error. */
export function describe(nextHop: NextHop): string {
  switch (nextHop.kind) {
    case "local":
      return "this router";
    case "tunnel":
      return `the tunnel to ${formatIpv6(nextHop.locator)}`;
    case "instance":
      return `instance ${nextHop.instance}`;
  }
}
