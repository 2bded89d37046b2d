import { formatIpv6, type Milliseconds, milliseconds, parseCapabilityName, parseIpv6 } from "../base/index.ts";
import type { AgentRecord, HeldOffer, Hold } from "./record.ts";
import type { Endpoint, HealthCheck, Lease, Source } from "./types.ts";

/** A record as plain JSON, for the store. Times are wall clock in milliseconds; the lease's sequence is decimal text. */
export function encodeAgentRecord(record: AgentRecord): unknown {
  const { lease, offers, ...rest } = record;
  return {
    ...rest,
    ...(lease === undefined ? {} : { lease: { ...lease, sequence: String(lease.sequence) } }),
    offers: offers.map((offer) => ({
      ...offer,
      endpoint: { ...offer.endpoint, address: formatIpv6(offer.endpoint.address) },
    })),
  };
}

/** The record that {@link encodeAgentRecord} wrote; `undefined` for anything else. */
export function decodeAgentRecord(value: unknown): AgentRecord | undefined {
  try {
    return agentRecord(object(value));
  } catch (cause) {
    if (cause instanceof Unreadable) return undefined;
    throw cause;
  }
}

class Unreadable extends Error {}

type Json = Readonly<Record<string, unknown>>;

const SOURCES: readonly Source[] = ["registration", "configuration", "command"];

function agentRecord(json: Json): AgentRecord {
  const lease = json.lease === undefined ? {} : { lease: leaseOf(object(json.lease)) };
  const source = oneOf(json.source, SOURCES);
  return {
    agent: text(json.agent),
    tenant: text(json.tenant),
    source,
    ...lease,
    ...(json.claimedAt === undefined ? {} : { claimedAt: time(json.claimedAt) }),
    offers: list(json.offers).map(offerOf),
  };
}

function leaseOf(json: Json): Lease {
  const sequence = text(json.sequence);
  if (!/^\d{1,20}$/.test(sequence)) throw new Unreadable();
  return { sequence: BigInt(sequence), validUntil: time(json.validUntil), renew: time(json.renew) };
}

function offerOf(value: unknown): HeldOffer {
  const json = object(value);
  const version = object(json.version);
  const capability = parseCapabilityName(text(json.capability));
  if (capability === undefined) throw new Unreadable();
  return {
    capability,
    version: { major: number(version.major), minor: number(version.minor) },
    endpoint: endpointOf(object(json.endpoint)),
    servicePort: number(json.servicePort),
    weight: number(json.weight),
    labels: list(json.labels).map(text),
    ...(json.check === undefined ? {} : { check: checkOf(object(json.check)) }),
    registeredAt: time(json.registeredAt),
    ...(json.hold === undefined ? {} : { hold: holdOf(object(json.hold)) }),
  };
}

function endpointOf(json: Json): Endpoint {
  const address = parseIpv6(text(json.address));
  if (address === undefined) throw new Unreadable();
  return { address, port: number(json.port), protocol: oneOf(json.protocol, ["tcp", "udp"]) };
}

function checkOf(json: Json): HealthCheck {
  const times = { interval: time(json.interval), timeout: time(json.timeout) };
  const counts = { fall: number(json.fall), rise: number(json.rise) };
  if (oneOf(json.type, ["tcp", "http"]) === "tcp") return { type: "tcp", ...times, ...counts };
  return { type: "http", path: text(json.path), ...times, ...counts };
}

function holdOf(json: Json): Hold {
  const deadline = json.deadline === undefined ? {} : { deadline: time(json.deadline) };
  return { state: oneOf(json.state, ["draining", "down"]), by: oneOf(json.by, ["agent", "operator"]), ...deadline };
}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable();
  return value as Json;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Unreadable();
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Unreadable();
  return value;
}

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw new Unreadable();
  return value;
}

function time(value: unknown): Milliseconds {
  return milliseconds(number(value));
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Unreadable();
  return found;
}
