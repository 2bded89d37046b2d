import fc from "fast-check";
import { connectionName } from "../../../src/base/index.ts";
import { BEAT, BEAT_PORT } from "../../../src/dataplane/abi.ts";
import { checksumOf, pseudoHeaderSum } from "../../../src/dataplane/memory/checksum.ts";
import { concatenate, putU16, putU32 } from "../../../src/dataplane/memory/packet.ts";
import { lastLegAddress } from "../../../src/forwarding/index.ts";
import { icmpv6, ipv6, tcp, udp } from "../memory/frames.ts";
import { DATAGRAMS, ELSEWHERE, mostly } from "./arbitrary-plans.ts";
import {
  AGENT_PORTS,
  AGENTS,
  BAD_SOURCES,
  CAPABILITIES,
  CLIENT_PORTS,
  CLIENTS,
  OWN,
  ROUTERS,
  SERVICE_PORTS,
  VNIS,
} from "./pool.ts";

const fields = fc.record({
  source: mostly([CLIENTS[0]!], [...CLIENTS, ...BAD_SOURCES]),
  destination: mostly(CAPABILITIES.slice(0, 5), [...CAPABILITIES, ...AGENTS, ...CLIENTS, OWN]),
  hopLimit: mostly([64], [0, 1, 2]),
  trafficClass: fc.nat(255),
});

const large = fc.integer({ min: 1270, max: 1470 }).map((length) => new Uint8Array(length).fill(0x5a));
const data = fc.oneof({ weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) }, { weight: 1, arbitrary: large });

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
export function withOptions(
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

export function opening(segments: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
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
export const errorToClient = errorAbout(
  clientAddress,
  clientPort,
  mostly([AGENTS[0]!], AGENTS),
  fc.constantFrom(...AGENT_PORTS),
);

/** What came back from another site, on its way to a client. */
export const fromCapability = fc
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
export function fragment(packet: Uint8Array, offset: number, id: number): Uint8Array {
  const header = Uint8Array.of(packet[6]!, 0, offset >> 8, offset & 0xff, 1, 2, 3, id);
  const whole = concatenate(packet.subarray(0, 40), header, packet.subarray(40));
  whole[6] = 44;
  putU16(whole, 4, whole.length - 40);
  return whole;
}

export const fragmentId = fc.constantFrom(4, 5);

/** The packet as fragments: the first, or a later one. */
export function fragmented(packets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
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
export const [asked, answered] = [
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

export const toCapability = fc.oneof(
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
export const fromAgent = fc
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
export const segmentRouted = fc
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
export const vxlanFrames = fc
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
export const heartbeats = fc
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

export const tunnelled = fc
  .tuple(
    fc.constantFrom(...ROUTERS, ...ROUTERS, ...ROUTERS.map(lastLegAddress)),
    fc.constantFrom(OWN, OWN, OWN, OWN, CLIENTS[0]!),
    fc.constantFrom(41, 41, 41, 17),
    toCapability,
  )
  .map(([source, destination, next, inner]) => ipv6({ source, destination }, next, inner));

/** Out of a tunnel, to what is served elsewhere: segments of one flow, which is sent on, and errors about it. */
export const sentOn = fc
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
