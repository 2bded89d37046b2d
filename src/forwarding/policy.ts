/** 1 to 4095 are those of tenants, from 4096 on those of capabilities; 0 is "none". */
export type PolicyIndex = number;

/** Policies of tenants are numbered below this, those of capabilities from here on. Ports have 16 bits for theirs. */
export const FIRST_CAPABILITY_POLICY = 4096;

/** What may pass in a second on average, and at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What is done to packets where they come in. */
export interface PolicyTerms {
  /** In packets. */
  readonly packets?: Rate;
  /** In bits of IPv6 a second; the burst is in octets. */
  readonly bits?: Rate;
  /** The DSCP that they get. @see RFC 2474 §3 */
  readonly dscp?: number;
  /** 1 to 255: what the packet carries as far as its egress, beside its octets. */
  readonly tag?: number;
}

/** A policy as a data plane carries it out. */
export interface Policy extends PolicyTerms {
  /** `tenant`: all that its clients send, to whichever capability. `capabilities`: what is sent to those that name it. */
  readonly use: "tenant" | "capabilities";
  /** Whose clients, or whose capabilities. */
  readonly tenantIndex: number;
  /** Packets and octets are counted by the index. */
  readonly counted: boolean;
  /** Tenants that may call the capabilities besides their own, ascending. Of a tenant's policy: none. */
  readonly allowed: readonly number[];
}

/** True when a data plane that has one need not be told of the other. */
export function samePolicy(a: Policy, b: Policy): boolean {
  return (
    a.use === b.use &&
    a.tenantIndex === b.tenantIndex &&
    a.counted === b.counted &&
    a.dscp === b.dscp &&
    a.tag === b.tag &&
    sameRate(a.packets, b.packets) &&
    sameRate(a.bits, b.bits) &&
    a.allowed.length === b.allowed.length &&
    a.allowed.every((tenant, i) => tenant === b.allowed[i])
  );
}

function sameRate(a: Rate | undefined, b: Rate | undefined): boolean {
  return a?.perSecond === b?.perSecond && a?.burst === b?.burst;
}
