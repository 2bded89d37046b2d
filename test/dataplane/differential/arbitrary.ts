import fc from "fast-check";
import { connectionName, type Ipv6Prefix } from "../../../src/base/index.ts";
import { BEAT, BEAT_PORT } from "../../../src/dataplane/abi.ts";
import { checksumOf, pseudoHeaderSum } from "../../../src/dataplane/memory/checksum.ts";
import type { PassPort } from "../../../src/dataplane/memory/outcome.ts";
import { concatenate, putU16, putU32 } from "../../../src/dataplane/memory/packet.ts";
import {
  type Affinity,
  type Encapsulation,
  GROUP_SLOTS,
  lastLegAddress,
  type NextHop,
  type NextHopState,
  type Operation,
  type Policy,
  type SlotOwner,
  WAYPOINTS,
} from "../../../src/forwarding/index.ts";
import { icmpv6, ipv6, tcp, udp } from "../memory/frames.ts";
import {
  AGENT_PORTS,
  AGENTS,
  AGGREGATES,
  BAD_SOURCES,
  CAPABILITIES,
  CLIENT_PORTS,
  CLIENTS,
  OWN,
  ROUTERS,
  SERVICE_PORTS,
  SOURCES,
  VNIS,
} from "./pool.ts";

/** Index of the first next hop of each kind; instances go on to NEXT_HOPS. */
const FIRST = { tunnel: 1, local: 3, instance: 4 } as const;
const NEXT_HOPS = 8;
/** Groups 1 and 2 hold sites, 3 and 4 instances. */
const GROUPS = 4;

/** One of `usual` nineteen times in twenty, else one of `odd`. */
function mostly<T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 19, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

const state = mostly<NextHopState>(["up"], ["draining", "down"]);

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
function rarely<T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
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

function policy(index: number): fc.Arbitrary<Operation[]> {
  const tenantIndex = ownerOf(index);
  const isTenants = index < 4096;
  const others = [1, 2, 3].filter((other) => !isTenants && other !== tenantIndex);
  const made = fc.tuple(terms, fc.subarray(others)).map(([found, allowed]): Operation[] => {
    const whole = { ...found, use: isTenants ? "tenant" : "capabilities", tenantIndex, allowed };
    return [{ type: "set-policy", index, policy: whole as unknown as Policy }];
  });
  return isTenants
    ? fc.oneof({ weight: 3, arbitrary: fc.constant<Operation[]>([]) }, { weight: 1, arbitrary: made })
    : made;
}

/** Numbers in CAPABILITIES: served by other sites alone; by instances that speak UDP. */
const ELSEWHERE = 1;
const DATAGRAMS = 3;

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
    .tuple(entry, mostly([true], [false]), fc.constantFrom(undefined, undefined, ...named), affinity)
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

const fields = fc.record({
  source: mostly([CLIENTS[0]!], [...CLIENTS, ...BAD_SOURCES]),
  destination: mostly(CAPABILITIES.slice(0, 5), [...CAPABILITIES, ...AGENTS, ...CLIENTS, OWN]),
  hopLimit: mostly([64], [0, 1, 2]),
  trafficClass: fc.nat(255),
});

const large = fc.integer({ min: 1270, max: 1470 }).map((length) => new Uint8Array(length).fill(0x5a));
const data = fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) }, { weight: 1, arbitrary: large });

const FLAGS = [0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14, 0x12, 0x03, 0x00];

function withChecksum(packet: Uint8Array, how: "right" | "unfinished" | "none" | "wrong"): Uint8Array {
  const at = 40 + (packet[6] === 17 ? 6 : 16);
  const payload = packet.length - 40;
  if (how === "unfinished")
    putU16(packet, at, pseudoHeaderSum(packet.subarray(8, 24), packet.subarray(24, 40), payload, packet[6]!));
  if (how === "none") putU16(packet, at, 0);
  if (how === "wrong") putU16(packet, at, 0xfffe);
  return packet;
}

const checksum = fc.constantFrom("right", "right", "right", "unfinished", "none", "wrong");

/** An option as it lies in the header; `undefined` stands for none. */
const tcpOption = fc.oneof(
  fc.constantFrom([1], [1, 1], [3, 3, 7], [4, 2], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8], [0], [5, 1], [5, 60], [2, 3, 9]),
  fc.constantFrom(100, 1280, 1380, 1381, 1460, 8940).map((mss) => [2, 4, mss >> 8, mss & 0xff]),
);

/** The segment with options in its header, SYN set, checksum made anew. */
function withOptions(
  packet: Uint8Array,
  options: readonly (readonly number[])[],
  how: "right" | "unfinished",
): Uint8Array {
  const octets = options.flat().slice(0, 40);
  const padded = Uint8Array.of(...octets, ...new Uint8Array((4 - (octets.length % 4)) % 4));
  const whole = concatenate(packet.subarray(0, 60), padded, packet.subarray(60));
  putU16(whole, 4, whole.length - 40);
  whole[52] = ((20 + padded.length) / 4) << 4;
  whole[53]! |= 0x02;
  putU16(whole, 56, 0);
  putU16(whole, 56, checksumOf(whole.subarray(8, 24), whole.subarray(24, 40), 6, whole.subarray(40)));
  return withChecksum(whole, how);
}

function opening(segments: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const options = fc.array(tcpOption, { minLength: 1, maxLength: 12 });
  return fc
    .tuple(segments, options, fc.constantFrom("right", "right", "unfinished"))
    .map(([segment, list, how]) => (segment[6] === 6 ? withOptions(segment, list, how as "right") : segment));
}

const tcpPacket = fc
  .tuple(
    fields,
    fc.constantFrom(...CLIENT_PORTS),
    mostly([SERVICE_PORTS[0]!], SERVICE_PORTS),
    fc.constantFrom(...FLAGS),
    data,
    checksum,
  )
  .map(([ends, sourcePort, destinationPort, flags, octets, how]) =>
    withChecksum(
      tcp(ends, { sourcePort, destinationPort, flags, data: octets, sequence: 0xfffffff0, acknowledgement: 77 }),
      how,
    ),
  );

const udpPacket = fc
  .tuple(fields, fc.constantFrom(...CLIENT_PORTS), mostly([SERVICE_PORTS[1]!], SERVICE_PORTS), data, checksum)
  .map(([ends, sourcePort, destinationPort, octets, how]) =>
    withChecksum(udp(ends, { sourcePort, destinationPort, data: octets }), how),
  );

const otherPacket = fc.oneof(
  fc
    .tuple(fields, fc.constantFrom(128, 128, 129, 1, 137, 200), data)
    .map(([ends, type, octets]) => icmpv6(ends, { type, body: concatenate(Uint8Array.of(1, 2, 3, 4), octets) })),
  fc.tuple(fields, fc.constantFrom(44, 41, 132, 0, 59), data).map(([ends, next, octets]) => ipv6(ends, next, octets)),
);

/** An ICMPv6 error that quotes (a part of) what `from` sent to `to`. */
function errorAbout(
  from: fc.Arbitrary<Uint8Array>,
  fromPort: fc.Arbitrary<number>,
  to: typeof from,
  toPort: typeof fromPort,
) {
  return fc
    .tuple(
      fc.record({ source: mostly(CLIENTS, [...AGENTS, ...ROUTERS, ...BAD_SOURCES]), hopLimit: mostly([64], [1]) }),
      fc.record({ source: from, destination: to }),
      fc.record({ sourcePort: fromPort, destinationPort: toPort }),
      fc.record({ isTcp: fc.boolean(), how: checksum, quoted: mostly([1232], [0, 20, 40, 44, 48, 59, 60]) }),
      fc.record({ octets: data, type: mostly([1, 2, 3, 4, 100], [127, 137]), elsewhere: mostly([false], [true]) }),
    )
    .map(([sender, ends, ports, { isTcp, how, quoted }, { octets, type, elsewhere }]) => {
      const whole = isTcp ? tcp(ends, { ...ports, flags: 0x10, data: octets }) : udp(ends, { ...ports, data: octets });
      const body = concatenate(Uint8Array.of(0, 0, 5, 0), withChecksum(whole, how).subarray(0, quoted));
      return icmpv6({ ...sender, destination: elsewhere ? CAPABILITIES[1]! : ends.source }, { type, body });
    });
}

const capabilityAddress = mostly(CAPABILITIES.slice(0, 4), CAPABILITIES);
const clientAddress = mostly([CLIENTS[0]!], CLIENTS);
const servicePort = fc.constantFrom(...SERVICE_PORTS);
const clientPort = fc.constantFrom(...CLIENT_PORTS);

/** Said on the client's side about what came from a capability. */
const errorToCapability = errorAbout(capabilityAddress, servicePort, clientAddress, clientPort);

/** Said on the agent's side about what came from a client. */
const errorToClient = errorAbout(
  clientAddress,
  clientPort,
  mostly([AGENTS[0]!], AGENTS),
  fc.constantFrom(...AGENT_PORTS),
);

/** What came back from another site, on its way to a client. */
const fromCapability = fc
  .tuple(
    fc.record({
      source: capabilityAddress,
      destination: fc.constantFrom(...CLIENTS, CLIENTS[1]!, CLIENTS[1]!),
      hopLimit: mostly([64], [1]),
      trafficClass: fc.nat(255),
    }),
    fc.record({ sourcePort: servicePort, destinationPort: clientPort }),
    fc.constantFrom(...FLAGS),
    fc.oneof(data, large, large),
    mostly([true, true, false], [true]),
    checksum,
  )
  .map(([ends, ports, flags, octets, isTcp, how]) =>
    withChecksum(isTcp ? tcp(ends, { ...ports, flags, data: octets }) : udp(ends, { ...ports, data: octets }), how),
  );

/** The packet as a fragment of one of two. */
function fragment(packet: Uint8Array, offset: number, id: number): Uint8Array {
  const header = Uint8Array.of(packet[6]!, 0, offset >> 8, offset & 0xff, 1, 2, 3, id);
  const whole = concatenate(packet.subarray(0, 40), header, packet.subarray(40));
  whole[6] = 44;
  putU16(whole, 4, whole.length - 40);
  return whole;
}

const fragmentId = fc.constantFrom(4, 5);

/** The packet as fragments: the first, or a later one. */
function fragmented(packets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const offsets = mostly([0, 1, 1, 9, 9, 16], [6, 0x100]);
  return fc.tuple(packets, offsets, fragmentId).map(([packet, offset, id]) => fragment(packet, offset, id));
}

const extensionHeader = fc
  .tuple(fc.constantFrom(0, 60, 43), mostly([0], [1, 2, 12]), mostly([0], [1, 30]), mostly([0], [1]))
  .map(([protocol, more, lie, left]) => {
    const octets = new Uint8Array(8 + 8 * more);
    octets[1] = more + lie;
    octets[3] = left;
    return { protocol, octets };
  });

/** The packet behind extension headers, in any order. */
function extended(packets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(packets, fc.array(extensionHeader, { minLength: 1, maxLength: 5 })).map(([packet, headers]) => {
    const next = [...headers.slice(1).map(({ protocol }) => protocol), packet[6]!];
    const chain = headers.map(({ octets }, i) => octets.with(0, next[i]!));
    const whole = concatenate(packet.subarray(0, 40), ...chain, packet.subarray(40));
    whole[6] = headers[0]!.protocol;
    putU16(whole, 4, whole.length - 40);
    return whole;
  });
}

/** How QUIC begins: mostly with the names of somebody, and not always with a short header and configuration 0. */
const connection = fc
  .tuple(
    mostly([0x40], [0xc0, 0x00]),
    mostly([0x0d], [0x20, 0xff]),
    fc.constantFrom(...ROUTERS, OWN, ROUTERS[0]!),
    mostly([AGENTS[0]!], AGENTS),
    mostly([AGENT_PORTS[0]!], AGENT_PORTS),
    mostly([18], [9, 10, 0]),
  )
  .map(([form, first, site, address, port, length]) => {
    const octets = new Uint8Array(18);
    octets.set([form, first]);
    putU32(octets, 2, connectionName(site, 0));
    putU32(octets, 6, connectionName(address, port));
    return octets.subarray(0, length);
  });
const quicOrNot = fc.oneof({ weight: 2, arbitrary: data }, { weight: 1, arbitrary: connection });

/** What the same client asks of the instances that speak UDP, or of other sites, and what these instances answer. */
const [asked, answered] = [
  fc
    .tuple(fc.constantFrom(...CLIENT_PORTS), quicOrNot, fc.constantFrom(DATAGRAMS, DATAGRAMS, ELSEWHERE))
    .map(([sourcePort, octets, at]) =>
      udp(
        { source: CLIENTS[0]!, destination: CAPABILITIES[at]! },
        { sourcePort, destinationPort: SERVICE_PORTS[1]!, data: octets },
      ),
    ),
  fc
    .tuple(fc.constantFrom(...CLIENT_PORTS), data)
    .map(([destinationPort, octets]) =>
      udp(
        { source: AGENTS[0]!, destination: CLIENTS[0]! },
        { sourcePort: AGENT_PORTS[0]!, destinationPort, data: octets },
      ),
    ),
];

const toCapability = fc.oneof(
  { weight: 5, arbitrary: tcpPacket },
  { weight: 2, arbitrary: opening(tcpPacket) },
  { weight: 3, arbitrary: udpPacket },
  { weight: 2, arbitrary: otherPacket },
  { weight: 3, arbitrary: asked },
  { weight: 1, arbitrary: fragmented(asked) },
  { weight: 3, arbitrary: errorToCapability },
  { weight: 2, arbitrary: fragmented(fc.oneof(tcpPacket, udpPacket, udpPacket, udpPacket, otherPacket)) },
  {
    weight: 1,
    arbitrary: extended(
      fc.oneof(
        tcpPacket,
        tcpPacket,
        udpPacket,
        otherPacket,
        errorToCapability,
        fragmented(fc.oneof(tcpPacket, udpPacket)),
      ),
    ),
  },
);

/** An answer of an instance, or something that looks like one. */
const fromAgent = fc
  .tuple(
    fc.record({
      source: mostly([AGENTS[0]!], AGENTS),
      destination: mostly([CLIENTS[0]!], CLIENTS),
      hopLimit: fc.constantFrom(64, 64, 64, 1),
    }),
    fc.constantFrom(...AGENT_PORTS),
    fc.constantFrom(...CLIENT_PORTS),
    fc.constantFrom(...FLAGS),
    data,
    fc.boolean(),
    checksum,
  )
  .map(([ends, sourcePort, destinationPort, flags, octets, isTcp, how]) =>
    withChecksum(
      isTcp
        ? tcp(ends, { sourcePort, destinationPort, flags, data: octets })
        : udp(ends, { sourcePort, destinationPort, data: octets }),
      how,
    ),
  );

const between = fc.record({
  source: fc.constantFrom(...ROUTERS, ...ROUTERS, ...ROUTERS.map(lastLegAddress)),
  destination: mostly([OWN], [CLIENTS[0]!]),
});

/** Behind a segment routing header, also such as no router writes. */
const segmentRouted = fc
  .tuple(
    between,
    mostly([41], [6, 43]),
    mostly([4], [0, 3]),
    mostly([0], [1, 7]),
    fc.constantFrom(0, 1, 2, 6, 16, 17),
    mostly([0], [1, 200]),
    toCapability,
  )
  .map(([ends, next, type, left, count, lie, inner]) => {
    const header = new Uint8Array(8 + 16 * count);
    header.set([next, 2 * count + lie, type, left, count - 1]);
    return ipv6(ends, 43, concatenate(header, inner));
  });

/** In VXLAN, also of networks that nobody expects. */
const vxlanFrames = fc
  .tuple(
    between,
    fc.constantFrom(...VNIS, VNIS[0]!),
    mostly([4789], [4790]),
    mostly([0x08], [0]),
    mostly([0x86dd], [0x0800]),
    mostly([0], [-1, 1, -60]),
    toCapability,
  )
  .map(([ends, vni, port, flags, type, lie, inner]) => {
    const header = new Uint8Array(30);
    putU16(header, 0, 50_000);
    putU16(header, 2, port);
    putU16(header, 4, 30 + inner.length + lie);
    header[8] = flags;
    putU16(header, 12, vni >> 8);
    header[14] = vni & 0xff;
    putU16(header, 28, type);
    return ipv6(ends, 17, concatenate(header, inner));
  });

/** Of routers and of others, for longer than a run takes; also such as no router sends. */
const heartbeats = fc
  .tuple(
    between,
    mostly([BEAT_PORT], [BEAT_PORT + 1]),
    mostly([BEAT.magic], [1]),
    mostly([BEAT.version], [2]),
    mostly([32], [8, 30, 31]),
  )
  .map(([ends, destinationPort, magic, version, length]) => {
    const payload = new Uint8Array(24);
    putU32(payload, 0, magic);
    payload[4] = version;
    payload.fill(0xff, 6, 8);
    return udp(ends, { sourcePort: 50_000, destinationPort, data: payload.subarray(0, length - 8) });
  });

const tunnelled = fc
  .tuple(
    fc.constantFrom(...ROUTERS, ...ROUTERS, ...ROUTERS.map(lastLegAddress)),
    fc.constantFrom(OWN, OWN, OWN, OWN, CLIENTS[0]!),
    fc.constantFrom(41, 41, 41, 17),
    toCapability,
  )
  .map(([source, destination, next, inner]) => ipv6({ source, destination }, next, inner));

/** Out of a tunnel, to what is served elsewhere: segments of one flow, which is sent on, and errors about it. */
const sentOn = fc
  .tuple(
    fc.constantFrom(ROUTERS[0]!, ROUTERS[0]!, lastLegAddress(ROUTERS[0]!)),
    fc.constantFrom(...FLAGS),
    mostly([64], [1]),
    fc.boolean(),
  )
  .map(([source, flags, hopLimit, isError]) => {
    const [client, capability] = [CLIENTS[0]!, CAPABILITIES[ELSEWHERE]!];
    const [sourcePort, destinationPort] = [CLIENT_PORTS[0]!, SERVICE_PORTS[0]!];
    const ports = { sourcePort: destinationPort, destinationPort: sourcePort };
    const answer = tcp({ source: capability, destination: client }, { ...ports, flags });
    const inner = isError
      ? icmpv6(
          { source: client, destination: capability, hopLimit },
          { type: 2, body: concatenate(Uint8Array.of(0, 0, 5, 0), answer) },
        )
      : tcp({ source: client, destination: capability, hopLimit }, { sourcePort, destinationPort, flags });
    return ipv6({ source, destination: OWN }, 41, inner);
  });

/** To the loopback's own address (zero), else tc takes the frame for somebody else's. */
const ETHERNET = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0x86, 0xdd);

/** Most frames stay as they are; some are cut, get a tail, or have octets changed (lengths among them). */
function damaged(packets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const whole = packets.map((packet) => concatenate(ETHERNET, packet));
  const change = fc.tuple(fc.integer({ min: 12, max: 110 }), fc.nat(255));
  return fc.oneof(
    { weight: 10, arbitrary: whole },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.nat(120)).map(([frame, cut]) => frame.slice(0, Math.max(20, frame.length - cut))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.uint8Array({ minLength: 1, maxLength: 9 })).map((parts) => concatenate(...parts)),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(whole, fc.array(change, { minLength: 1, maxLength: 3 })).map(([frame, changes]) => {
        const changed = frame.slice();
        for (const [at, octet] of changes) if (at < changed.length) changed[at] = octet;
        return changed;
      }),
    },
  );
}

export type Step =
  | { readonly type: "packet"; readonly port: PassPort; readonly hook: "xdp" | "tc"; readonly frame: Uint8Array }
  | { readonly type: "health"; readonly nextHop: number; readonly state: NextHopState }
  /** Time passes, in the units of `seen`: less and more than each idle limit. */
  | { readonly type: "age"; readonly by: number };

const hook = fc.constantFrom("xdp" as const, "tc" as const, "tc" as const, "tc" as const);
const tenantIndex = fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 2);

/** One in eight with VLAN tags: one, two, or more than anybody looks at; some are cut. */
function tagged(frames: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const tag = fc
    .tuple(mostly([0x8100], [0x88a8, 0x9100]), fc.constantFrom(0, 0x0064, 0xefff))
    .map(([type, control]) => Uint8Array.of(type >> 8, type & 0xff, control >> 8, control & 0xff));
  const tags = fc.array(tag, { minLength: 1, maxLength: 3 });
  const whole = fc
    .tuple(frames, tags, mostly([2000], [12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 40, 57]))
    .map(([frame, list, length]) =>
      concatenate(frame.subarray(0, 12), ...list, frame.subarray(12)).subarray(0, Math.max(14, length)),
    );
  return fc.oneof({ weight: 7, arbitrary: frames }, { weight: 1, arbitrary: whole });
}

function packetStep(role: PassPort["role"], frames: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Step> {
  return fc.record({
    type: fc.constant("packet" as const),
    port: fc
      .record({
        role: fc.constant(role),
        tenantIndex: role === "core" ? mostly([0], [1, 2]) : tenantIndex,
        partialChecksums: fc.boolean(),
        clampsMss: fc.boolean(),
        acceptsTags: mostly([true], [false]),
        sources: role === "core" ? fc.constant(null) : rarely(fc.subarray(SOURCES)),
      })
      .map(({ sources, ...port }) => (sources === null ? port : { ...port, sources })),
    hook,
    frame: tagged(frames),
  });
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: packetStep("client", damaged(toCapability)) },
  {
    weight: 3,
    arbitrary: packetStep(
      "core",
      damaged(
        fc.oneof(
          ...[tunnelled, tunnelled, tunnelled, sentOn, sentOn, sentOn, sentOn, sentOn],
          ...[segmentRouted, vxlanFrames, heartbeats, toCapability, fromCapability, opening(fromCapability)],
        ),
      ),
    ),
  },
  {
    weight: 4,
    arbitrary: packetStep(
      "agent",
      damaged(
        fc.oneof(
          ...[fromAgent, fromAgent, fromAgent, errorToClient, fragmented(fromAgent), toCapability, toCapability],
          ...[answered, fragmented(answered), fragmented(answered), fragmented(answered)],
        ),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("age" as const), by: fc.constantFrom(100, 130, 7400, 7500) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("health" as const),
      nextHop: fc.integer({ min: 1, max: NEXT_HOPS }),
      state,
    }),
  },
);

/** A datagram, and its answer in fragments, in their order or not. */
const conversation: fc.Arbitrary<Step[]> = fc
  .tuple(asked, answered, fragmentId, fc.constantFrom([1, 9], [9, 1], [1, 9, 16]), hook)
  .map(([request, answer, id, offsets, where]) => {
    const at = (role: PassPort["role"], packet: Uint8Array): Step => {
      const port = { role, tenantIndex: 1, partialChecksums: false };
      return { type: "packet", port, hook: where, frame: concatenate(ETHERNET, packet) };
    };
    answer.set(request.subarray(40, 42), 42); // to the port that asked
    putU16(answer, 46, 0);
    return [at("client", request), ...offsets.map((offset) => at("agent", fragment(answer, offset, id)))];
  });

export const steps: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 20, arbitrary: step.map((one) => [one]) }, { weight: 1, arbitrary: conversation }), {
    maxLength: 55,
    size: "max",
  })
  .map((parts) => parts.flat());
