import {
  type CapabilityName,
  capabilityId,
  milliseconds,
  parseIpv6,
  type Seconds,
  Slices,
  seconds,
} from "../../../src/base/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../../../src/bgp/wire/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { type AttributeId, type AttributeSet, createRib, type Rib, type Tenant } from "../../../src/rib/index.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { MEMBERS, nameOf, SITES, siteOf, TENANTS, tenantOf, WEIGHTS, weightOf } from "./combinations.ts";
import { tunnelLocator } from "./world.ts";

const AS = 65_000;
const KEY_OCTETS = 30;
const LEASE = 4 * 3600;

/** Eight octets of an AS and a number: a route distinguisher or a route target. */
function ofAs(type: number, number: number): Uint8Array {
  const octets = Uint8Array.of(0, type, 0, 0, 0, 0, 0, 0);
  const view = new DataView(octets.buffer);
  view.setUint16(2, AS);
  view.setUint32(4, number);
  return octets;
}

function linkBandwidth(weight: number): Uint8Array {
  const octets = ofAs(4, 0);
  octets[0] = 0x40;
  new DataView(octets.buffer).setFloat32(4, weight);
  return octets;
}

export const TENANT_LIST: readonly Tenant[] = Array.from({ length: TENANTS }, (_, i) => {
  const targets = [ofAs(2, 1 + i)];
  const routeDistinguisher = ofAs(0, 1 + i);
  return { name: `tenant${i}`, index: 1 + i, routeDistinguisher, importTargets: targets, exportTargets: targets };
});

export function namesOf(capabilities: number): readonly CapabilityName[] {
  const length = Math.max(1, capabilities / TENANTS);
  return Array.from({ length }, (_, i) => `/family${i % 10}/capability${i}` as CapabilityName);
}

/** What a router of this project says of its own: no name, which all have from the taxonomy. */
function routeSet(tenant: number, site: number, weight: number, validUntil: Seconds): AttributeSet {
  return {
    origin: "igp",
    asPath: [],
    nextHop: tunnelLocator(site),
    localPref: 100,
    communities: [],
    extendedCommunities: [...TENANT_LIST[tenant - 1]!.exportTargets, linkBandwidth(weight)],
    largeCommunities: [],
    semantic: {
      version: { major: 1, minor: 0, compatibleMajor: 1 },
      score: 5,
      lease: { sequence: 1n, validUntil, renew: seconds(LEASE / 3) },
      labels: [],
      state: "up",
      access: { protocol: "tcp", port: 443 },
      aggregate: { count: 2, minimum: 5, mean: 5, maximum: 5 },
      taxonomyRevision: 1,
      opaque: [],
    },
    opaque: [],
  };
}

/** A RIB that has heard of all routes, site by site, as sessions bring them; nobody has asked for a destination. */
export async function loadRib(capabilities: number): Promise<Rib> {
  const local = { name: "self", kind: "local", bgpIdentifier: 1, autonomousSystem: AS } as const;
  const room = capabilities * MEMBERS;
  const rib = createRib(
    {
      local: { ...local, address: parseIpv6("2001:db8:b0::1")! },
      ...{ tenants: TENANT_LIST, maxRoutes: room, maxPaths: 1024, maxAttributeSets: 2 ** 20 },
    },
    { clock: systemClock, random: systemRandom, metrics: new TallyMetrics(), log: new ListLog() },
  );
  const ids = namesOf(capabilities).map((name) => capabilityId(name, 1));
  const validUntil = seconds(Math.round(systemClock.wall() / 1000) + LEASE);
  const codec = new AttributeCodec(DEFAULT_DIALECT);
  const known = new Int32Array(TENANTS * WEIGHTS);
  const interned = (tenant: number, site: number, weight: number): AttributeId => {
    const place = (tenant - 1) * WEIGHTS + weight - 1;
    if (known[place] === 0) {
      const set = routeSet(tenant, site, weight, validUntil);
      const identity = codec.identity(set);
      known[place] = rib.attributes.intern(identity, 0, identity.length, codec.sourceOf(set));
    }
    return known[place]!;
  };
  const keys = { octets: new Uint8Array(KEY_OCTETS), starts: Int32Array.of(0), lengths: Int32Array.of(KEY_OCTETS) };
  keys.octets.set([2, KEY_OCTETS - 2]);
  const view = new DataView(keys.octets.buffer);
  const slices = new Slices(systemClock, { span: milliseconds(20) });
  const { starts, indexes } = bySite(capabilities);
  for (let site = 0; site < SITES; site++) {
    const originId = 0x0a000000 + site;
    const neighbour = { name: `site${site}`, kind: "internal", bgpIdentifier: originId, autonomousSystem: AS } as const;
    const peer = rib.openPeer({ ...neighbour, address: tunnelLocator(site) });
    known.fill(0);
    view.setUint32(26, originId);
    for (let at = starts[site]!; at < starts[site + 1]!; at++) {
      const [index, member] = [Math.floor(indexes[at]! / MEMBERS), indexes[at]! % MEMBERS];
      const tenant = tenantOf(index);
      keys.octets.set(TENANT_LIST[tenant - 1]!.routeDistinguisher, 2);
      keys.octets.set(ids[nameOf(index)]!, 10);
      rib.capability.announce(peer, { ...keys, count: 1 }, interned(tenant, site, weightOf(index, member)));
      if (slices.isOver) await slices.next();
    }
  }
  return rib;
}

/** Every route, as capability × members + member, in the order of sites. */
function bySite(capabilities: number): { readonly starts: Int32Array; readonly indexes: Int32Array } {
  const starts = new Int32Array(SITES + 2);
  const indexes = new Int32Array(capabilities * MEMBERS);
  for (let i = 0; i < indexes.length; i++) starts[2 + siteOf(Math.floor(i / MEMBERS), i % MEMBERS)]!++;
  for (let site = 2; site < starts.length; site++) starts[site]! += starts[site - 1]!;
  for (let i = 0; i < indexes.length; i++) indexes[starts[1 + siteOf(Math.floor(i / MEMBERS), i % MEMBERS)]!++] = i;
  return { starts, indexes };
}
