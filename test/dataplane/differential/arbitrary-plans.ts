import fc from "fast-check";
import type { Ipv6Prefix } from "../../../src/base/index.ts";
import {
  type Affinity,
  type Encapsulation,
  GROUP_SLOTS,
  type NextHop,
  type NextHopState,
  type Operation,
  type Policy,
  type SlotOwner,
  WAYPOINTS,
} from "../../../src/forwarding/index.ts";
import { AGENT_PORTS, AGENTS, AGGREGATES, CAPABILITIES, CLIENTS, ROUTERS, SERVICE_PORTS, VNIS } from "./pool.ts";

/** Index of the first next hop of each kind; instances go on to NEXT_HOPS. */
const FIRST = { tunnel: 1, local: 3, instance: 4 } as const;
export const NEXT_HOPS = 8;
/** Groups 1 and 2 hold sites, 3 and 4 instances. */
const GROUPS = 4;

/** One of `usual` nineteen times in twenty, else one of `odd`. */
export function mostly<T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 19, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

export const state = mostly<NextHopState>(["up"], ["draining", "down"]);

const segments: fc.Arbitrary<Encapsulation> = fc.record({
  kind: fc.constant("segments"),
  waypoints: fc.array(fc.constantFrom(...ROUTERS, ...CLIENTS), { minLength: 1, maxLength: WAYPOINTS }),
});
const vxlan: fc.Arbitrary<Encapsulation> = fc.record({
  kind: fc.constant("vxlan"),
  vni: fc.constantFrom(...VNIS),
  destination: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  source: fc.uint8Array({ minLength: 6, maxLength: 6 }),
});
const encapsulation = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, segments, vxlan);
const tunnel: fc.Arbitrary<NextHop> = fc
  .tuple(fc.constantFrom(...ROUTERS), encapsulation)
  .map(([locator, wrapping]) => ({ kind: "tunnel", locator, ...(wrapping && { encapsulation: wrapping }) }));
const local: fc.Arbitrary<NextHop> = fc.constant({ kind: "local" });
function instance(protocol: "tcp" | "udp"): fc.Arbitrary<NextHop> {
  const [usual] = protocol === "tcp" ? SERVICE_PORTS : SERVICE_PORTS.slice(1);
  return fc.record({
    kind: fc.constant("instance"),
    instance: fc.constantFrom("00000000000000a1", "00000000000000a2"),
    address: mostly([AGENTS[0]!], AGENTS),
    port: mostly([AGENT_PORTS[0]!], AGENT_PORTS),
    protocol: fc.constant(protocol),
    servicePort: mostly([usual!], SERVICE_PORTS),
  });
}

const KINDS = [
  tunnel,
  tunnel,
  local,
  ...["tcp", "tcp", "tcp", "udp", "udp"].map((name) => instance(name as "tcp" | "udp")),
];
const nextHops = fc.tuple(...KINDS.map((nextHop) => fc.record({ nextHop, state })));

/** Runs of slots: what compilers make, and what lets four probes fail. */
function slots(ownerOf: fc.Arbitrary<number>): fc.Arbitrary<SlotOwner[]> {
  return fc.array(fc.tuple(ownerOf, ownerOf, fc.boolean()), { minLength: 1, maxLength: 6 }).map((owners) =>
    Array.from({ length: GROUP_SLOTS }, (_, slot) => {
      const [current, other, moving] = owners[slot % owners.length]!;
      return { slot, current, previous: moving ? other : current };
    }),
  );
}

export interface Plan {
  readonly operations: readonly Operation[];
}

const site = mostly([FIRST.tunnel, FIRST.tunnel + 1, FIRST.local], [0, FIRST.instance]);
const here = mostly([FIRST.local], [0, FIRST.tunnel]);
const tcpMember = mostly([4, 5, 6], [0, FIRST.local, 7]);
const udpMember = mostly([7, 8], [0, 6]);

function group(index: number): fc.Arbitrary<Operation> {
  const owner = [site, here, tcpMember, udpMember][index - 1]!;
  return fc.record({
    type: fc.constant("set-slots"),
    group: fc.constant(index),
    slots: slots(owner),
    backup: owner,
  });
}

/** One time in six. */
export function rarely<T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some });
}

/** Indexes of the policies of tenants 1 and 2, and of their capabilities. */
export const POLICIES = { tenants: [1, 2], capabilities: [4096, 4097, 4098, 4099] } as const;
const ownerOf = (index: number): number => (index < 4096 ? index : index < 4098 ? 1 : 2);

/** Rates that earn nothing while a run lasts: what passes is the burst. */
const terms = fc
  .record({
    packets: rarely(fc.record({ perSecond: fc.constant(1), burst: fc.integer({ min: 1, max: 9 }) })),
    bits: rarely(fc.record({ perSecond: fc.constant(8), burst: fc.integer({ min: 50, max: 900 }) })),
    dscp: fc.option(fc.nat(63)),
    tag: fc.option(fc.integer({ min: 1, max: 255 })),
    counted: fc.boolean(),
  })
  .map((found) => Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null)));

/** A capability's policy that a few packets are enough for. */
const STRICT = 4097;
const strict = terms.map((found) => ({ ...found, packets: { perSecond: 1, burst: 2 } }));

function policy(index: number): fc.Arbitrary<Operation[]> {
  const tenantIndex = ownerOf(index);
  const isTenants = index < 4096;
  const others = [1, 2, 3].filter((other) => !isTenants && other !== tenantIndex);
  const made = fc.tuple(index === STRICT ? strict : terms, fc.subarray(others)).map(([found, allowed]): Operation[] => {
    const whole = { ...found, use: isTenants ? "tenant" : "capabilities", tenantIndex, allowed };
    return [{ type: "set-policy", index, policy: whole as unknown as Policy }];
  });
  return isTenants
    ? fc.oneof({ weight: 3, arbitrary: fc.constant<Operation[]>([]) }, { weight: 1, arbitrary: made })
    : made;
}

/** Numbers in CAPABILITIES: served by other sites alone; by instances that speak UDP; half of the time known by an aggregate at most. */
export const ELSEWHERE = 1;
export const DATAGRAMS = 3;
export const UNKNOWN = 2;

function capability(address: Uint8Array, i: number): fc.Arbitrary<Operation[]> {
  const isElsewhere = i === ELSEWHERE;
  const entry = fc.record({
    address: fc.constant(address),
    group: mostly(isElsewhere ? [1] : [2, 2, 1], [0, 3]),
    localGroup: mostly([isElsewhere ? 0 : address[8] === 0x80 ? 3 : 4], [0, 3, 4]),
  });
  const affinity = fc.constantFrom<Affinity | undefined>(
    ...([undefined, "address", "address", "connection", "connection", "none"] as const),
    ...(i === DATAGRAMS ? [] : [undefined, undefined, undefined]),
  );
  const named = POLICIES.capabilities.filter((index) => ownerOf(index) === address[7]);
  return fc
    .tuple(
      entry,
      i === UNKNOWN ? fc.boolean() : mostly([true], [false]),
      fc.constantFrom(undefined, undefined, ...named),
      affinity,
    )
    .map(([made, kept, policy, spread]) => {
      const whole = { ...made, ...(policy && { policy }), ...(spread && { affinity: spread }) };
      return kept ? [{ type: "set-capability", entry: whole }] : [];
    });
}

function aggregate(prefix: Ipv6Prefix): fc.Arbitrary<Operation[]> {
  const named = POLICIES.capabilities.filter((index) => ownerOf(index) === prefix.address[7]);
  return fc
    .tuple(fc.boolean(), mostly([1, 2], [3, 4]), fc.constantFrom(undefined, undefined, ...named))
    .map(([isThere, index, policy]) => {
      const whole = { prefix, group: index, ...(policy && { policy }) };
      return isThere ? [{ type: "set-aggregate", aggregate: whole }] : [];
    });
}

/** Operations that fill empty tables. */
export const plan: fc.Arbitrary<Plan> = fc
  .tuple(
    nextHops,
    fc.tuple(...Array.from({ length: GROUPS }, (_, i) => group(i + 1))),
    fc.tuple(...[...POLICIES.tenants, ...POLICIES.capabilities].map(policy)),
    fc.tuple(fc.tuple(...CAPABILITIES.map(capability)), fc.tuple(...AGGREGATES.map(aggregate))),
    fc.subarray(ROUTERS, { minLength: 1 }),
    fc.constantFrom(undefined, ...VNIS),
  )
  .map(([hops, groups, policies, [capabilities, aggregates], nodes, vni]) => ({
    operations: [
      ...hops.map((entry, i) => ({ type: "set-next-hop" as const, index: i + 1, ...entry })),
      ...groups,
      ...policies.flat(),
      ...capabilities.flat(),
      ...aggregates.flat(),
      ...nodes.map((locator) => ({ type: "set-node" as const, locator, ...(vni && { vni }) })),
    ],
  }));
