import { type CapabilityName, type Ipv6Address, parseIpv6, type Seconds, seconds } from "../../src/base/index.ts";
import {
  type AttributeId,
  type AttributeSet,
  type CapabilityCandidate,
  type CapabilitySelection,
  createRib,
  type KeyBatch,
  type PeerIndex,
  type PeerKind,
  type Rib,
  type RibOptions,
  type RibPeer,
  type SemanticAttribute,
  type Tenant,
} from "../../src/rib/index.ts";

import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

export const address = (text: string): Ipv6Address => parseIpv6(text)!;
export const target = (number: number): Uint8Array => Uint8Array.of(0, 2, 0xfd, 0xe8, 0, 0, 0, number);
export const distinguisher = (number: number): Uint8Array => Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, number);

export function linkBandwidth(value: number): Uint8Array {
  const octets = Uint8Array.of(0x40, 0x04, 0xfd, 0xe8, 0, 0, 0, 0);
  new DataView(octets.buffer).setFloat32(4, value);
  return octets;
}

export const ACME: Tenant = {
  name: "acme",
  index: 1,
  routeDistinguisher: distinguisher(1),
  importTargets: [target(1)],
  exportTargets: [target(1)],
};
export const GLOBEX: Tenant = {
  name: "globex",
  index: 2,
  routeDistinguisher: distinguisher(2),
  importTargets: [target(2), target(22)],
  exportTargets: [target(2)],
};

export function ribPeer(number: number, kind: PeerKind = "internal"): RibPeer {
  return {
    name: kind === "local" ? "self" : `r${number}`,
    kind,
    bgpIdentifier: 0x0a000000 + number,
    address: address(`2001:db8::${number.toString(16)}`),
    autonomousSystem: kind === "external" ? 64500 + number : 65000,
  };
}

export interface AttributeChanges extends Partial<Omit<AttributeSet, "semantic">> {
  readonly semantic?: Partial<SemanticAttribute> | undefined;
  readonly withoutSemantic?: true;
}

export const EPOCH: Seconds = seconds(1_700_000_000);

export function attributeSet(changes: AttributeChanges = {}): AttributeSet {
  const { semantic, withoutSemantic, ...rest } = changes;
  const set: AttributeSet = {
    origin: "igp",
    asPath: [],
    nextHop: address("2001:db8:ff::1"),
    communities: [],
    extendedCommunities: [target(1)],
    largeCommunities: [],
    opaque: [],
    ...rest,
  };
  if (withoutSemantic) return set;
  return {
    ...set,
    semantic: {
      name: "/vision/ocr" as CapabilityName,
      score: 5,
      lease: { sequence: 1n, validUntil: seconds(EPOCH + 3600), renew: seconds(2400) },
      labels: [],
      state: "up",
      opaque: [],
      ...semantic,
    },
  };
}

export interface World {
  readonly clock: VirtualClock;
  readonly log: ListLog;
  readonly metrics: TallyMetrics;
  readonly rib: Rib;
}

export function world(options: Partial<RibOptions> = {}, seed = 1): World {
  const clock = new VirtualClock(1000 * EPOCH);
  const log = new ListLog();
  const metrics = new TallyMetrics();
  const defaults: RibOptions = { local: ribPeer(1, "local"), tenants: [ACME, GLOBEX], maxRoutes: 4096 };
  const rib = createRib({ ...defaults, ...options }, { clock, random: new SeededRandom(seed), metrics, log });
  return { clock, log, metrics, rib };
}

const encoder = new TextEncoder();

/** Interns a set; sets with equal content are one, as they would be on the wire. */
export function intern(rib: Rib, set: AttributeSet): AttributeId {
  const text = JSON.stringify(set, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  const octets = encoder.encode(text);
  return rib.attributes.intern(octets, 0, octets.length, () => set);
}

export function capabilityNumber(number: number): Uint8Array {
  const octets = new Uint8Array(16);
  new DataView(octets.buffer).setUint32(0, number);
  new DataView(octets.buffer).setUint32(12, Math.imul(number, 0x9e3779b1) >>> 0);
  return octets;
}

/** A CS key. @see DESIGN 4.1 */
export function siteKey(capability: number, origin: number, rd = 1): Uint8Array {
  const key = new Uint8Array(30);
  key.set([2, 28]);
  key.set(distinguisher(rd), 2);
  key.set(capabilityNumber(capability), 10);
  new DataView(key.buffer).setUint32(26, 0x0a000000 + origin);
  return key;
}

/** A CI key. */
export function instanceKey(capability: number, origin: number, instance: number, rd = 1): Uint8Array {
  const key = new Uint8Array(38);
  key.set(siteKey(capability, origin, rd));
  key.set([1, 36]);
  key.set([0, 0, 0, 0, 0, 0, instance >>> 8, instance & 0xff], 30);
  return key;
}

/** An AI key; agents are numbered like capabilities. */
export function agentKey(agent: number, origin: number, rd = 1): Uint8Array {
  const key = siteKey(agent, origin, rd);
  key[0] = 4;
  return key;
}

/** A CP key: `/vision`, or `/` for every name. */
export function prefixKey(prefix: string, origin: number, rd = 1): Uint8Array {
  const labels = prefix.split("/").filter((label) => label !== "");
  const value = labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const key = new Uint8Array(15 + value.length);
  key.set([3, key.length - 2]);
  key.set(distinguisher(rd), 2);
  new DataView(key.buffer).setUint32(10, 0x0a000000 + origin);
  key[14] = labels.length;
  key.set(value, 15);
  return key;
}

export function batch(...keys: Uint8Array[]): KeyBatch {
  const octets = new Uint8Array(keys.reduce((sum, key) => sum + key.length, 3));
  const starts = new Int32Array(keys.length);
  const lengths = new Int32Array(keys.length);
  let at = 3;
  for (const [i, key] of keys.entries()) {
    octets.set(key, at);
    starts[i] = at;
    lengths[i] = key.length;
    at += key.length;
  }
  return { octets, starts, lengths, count: keys.length };
}

/** A copy of what the RIB hands out, which is good during the call alone. */
export function kept({ tenantIndex, capabilityId, name, group, winner, candidates }: CapabilitySelection) {
  const copies = new Map(candidates.map(({ candidate }) => [candidate, copyOf(candidate)]));
  return {
    ...{ tenantIndex, capabilityId: capabilityId.slice(), name, winner: winner && copies.get(winner)! },
    group: group.map((member) => copies.get(member)!),
    candidates: candidates.map(({ candidate, judgement, usable, step, reason }) => {
      return { candidate: copies.get(candidate)!, judgement, usable, step, reason };
    }),
  } satisfies CapabilitySelection;
}

function copyOf(candidate: CapabilityCandidate): CapabilityCandidate {
  const { originId, nextHop, local, peer, attributes, weight, stale, learntAt } = candidate;
  return { originId, nextHop: nextHop.slice(), local, peer, attributes, weight, stale, learntAt };
}

export function announce(rib: Rib, peer: PeerIndex, set: AttributeSet, ...keys: Uint8Array[]): void {
  rib.capability.announce(peer, batch(...keys), intern(rib, set));
}

export function withdraw(rib: Rib, peer: PeerIndex, ...keys: Uint8Array[]): void {
  rib.capability.withdraw(peer, batch(...keys));
}
