import { type CapabilityName, formatIpv6, instanceId, type Milliseconds, milliseconds } from "../base/index.ts";
import type { AdminState, Endpoint, HealthCheck, Lease, Source } from "./types.ts";

/** One endpoint at which an agent offers one capability, as it was asked for: no health, no age of the lease. */
export interface Offer {
  readonly capability: CapabilityName;
  readonly version: { readonly major: number; readonly minor: number };
  readonly endpoint: Endpoint;
  readonly servicePort: number;
  readonly weight: number;
  readonly labels: readonly string[];
  readonly check?: HealthCheck;
}

/** What was decided about taking an instance out of service. Absent: it is up. */
export interface Hold {
  readonly state: Exclude<AdminState, "up">;
  /** An agent may lift its own hold by registering again, not that of an operator. */
  readonly by: "agent" | "operator";
  /** Wall clock; from then on it is down. */
  readonly deadline?: Milliseconds;
}

export interface HeldOffer extends Offer {
  readonly registeredAt: Milliseconds;
  readonly hold?: Hold;
}

/**
 * Everything that must survive about one agent: its offers, its lease and what was decided about them.
 *
 * The unit of change and of persistence: a later record of an agent replaces the earlier one as a whole.
 */
export interface AgentRecord {
  readonly agent: string;
  readonly tenant: string;
  readonly source: Source;
  readonly lease?: Lease;
  /** When the agent said last that it is here, wall clock; no renewal changes it. Absent for agents of the configuration. */
  readonly claimedAt?: Milliseconds;
  readonly offers: readonly HeldOffer[];
}

/** Canonical text of an endpoint, `tcp [fd00::1]:8080`. */
export function endpointText(endpoint: Endpoint): string {
  return `${endpoint.protocol} [${formatIpv6(endpoint.address)}]:${endpoint.port}`;
}

/** The instance that an offer of an agent is: the same for as long as capability, major version and endpoint are. */
export function offerId(agent: string, offer: Offer): string {
  return instanceId(agent, offer.capability, offer.version.major, endpointText(offer.endpoint));
}

/** IDs of the instances that the offers of a record are, in their order. */
export type InstanceIds = readonly string[];

/** The IDs that the offers of a record give its instances. Costs a hash each. */
export function instanceIds({ agent, offers }: AgentRecord): InstanceIds {
  return offers.map((offer) => offerId(agent, offer));
}

/** What an agent or an operator asks for. */
export interface AgentRequest {
  readonly agent: string;
  readonly tenant: string;
  readonly source: Source;
  readonly offers: readonly Offer[];
  /** How long the registration holds without renewal; absent for agents that do not renew. */
  readonly lease?: Milliseconds;
}

/** The part of a lease after which its holder should renew, so that two renewals may be lost. */
const RENEW_SHARE = 3;

function grant(span: Milliseconds, before: Lease | undefined, now: Milliseconds): Lease {
  // From the wall clock, so that a router that lost its state still goes on above what it granted before.
  const fromClock = BigInt(Math.floor(now));
  const sequence = before !== undefined && before.sequence >= fromClock ? before.sequence + 1n : fromClock;
  return { sequence, validUntil: milliseconds(now + span), renew: milliseconds(Math.floor(span / RENEW_SHARE)) };
}

/**
 * The record after `request`: it replaces the offers of `current`. An offer that was there before keeps its age and an
 * operator's hold; a hold by the agent itself ends.
 */
export function registered(current: AgentRecord | undefined, request: AgentRequest, now: Milliseconds): AgentRecord {
  const before = current && new Map(current.offers.map((offer) => [offerId(request.agent, offer), offer]));
  const offers = request.offers.map((offer): HeldOffer => {
    if (before === undefined) return { ...offer, registeredAt: now };
    const old = before.size === 0 ? undefined : before.get(offerId(request.agent, offer));
    const hold = old?.hold?.by === "operator" ? { hold: old.hold } : {};
    return { ...offer, registeredAt: old?.registeredAt ?? now, ...hold };
  });
  const lease = request.lease === undefined ? {} : { lease: grant(request.lease, current?.lease, now) };
  const claimed = request.source === "configuration" ? {} : { claimedAt: now };
  return { agent: request.agent, tenant: request.tenant, source: request.source, offers, ...claimed, ...lease };
}

/** The record with a lease that begins now; one without a lease is returned as it is. */
export function renewed(current: AgentRecord, span: Milliseconds, now: Milliseconds): AgentRecord {
  return current.lease === undefined ? current : { ...current, lease: grant(span, current.lease, now) };
}

/** The record with no more left of its lease than was granted: the wall clock may have been set back since. */
export function withinGrant(record: AgentRecord, now: Milliseconds): AgentRecord {
  const { lease } = record;
  if (lease === undefined) return record;
  // `renew` was rounded down.
  const latest = milliseconds(now + (lease.renew + 1) * RENEW_SHARE);
  return lease.validUntil <= latest ? record : { ...record, lease: { ...lease, validUntil: latest } };
}

/** The record with `hold` (undefined: none) on the chosen instances, all of them when `instances` is absent. */
export function held(current: AgentRecord, hold: Hold | undefined, instances?: ReadonlySet<string>): AgentRecord {
  const offers = current.offers.map((offer): HeldOffer => {
    if (instances !== undefined && !instances.has(offerId(current.agent, offer))) return offer;
    const { hold: _, ...free } = offer;
    return hold === undefined ? free : { ...free, hold };
  });
  return { ...current, offers };
}

/** The record with `changed` offers put in (matched by instance) and the instances in `gone` left out. */
export function amended(
  current: AgentRecord,
  changed: readonly Offer[],
  gone: ReadonlySet<string>,
  now: Milliseconds,
): AgentRecord {
  const next = new Map(current.offers.map((offer) => [offerId(current.agent, offer), offer]));
  for (const id of gone) next.delete(id);
  for (const offer of changed) {
    const id = offerId(current.agent, offer);
    const old = next.get(id);
    const hold = old?.hold === undefined ? {} : { hold: old.hold };
    next.set(id, { ...offer, registeredAt: old?.registeredAt ?? now, ...hold });
  }
  return { ...current, offers: [...next.values()] };
}
