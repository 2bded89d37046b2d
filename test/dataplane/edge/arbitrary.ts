import fc from "fast-check";
import { concatenate, putU16 } from "../../../src/dataplane/memory/packet.ts";
import { datagram, icmp, ipv4, ipv6, segment, summed4, summed6 } from "./frames.ts";
import {
  AGENT,
  CAPABILITY,
  CLIENT,
  FLOWS,
  inOurPrefix,
  LOCATOR,
  NAMELESS,
  OTHER_CAPABILITY,
  SECOND_CLIENT,
  V4,
} from "./world.ts";

/** Random packets of both versions from a small world, so that they meet the flows that there are. */

export interface Packet {
  readonly place: "in" | "out";
  readonly role: "core" | "client" | "agent";
  readonly frame: Uint8Array;
}

const PORTS = fc.constantFrom(4000, 4001, 80, 8080, 5353);
const DATA = fc.uint8Array({ maxLength: 40 });
const IPV4 = fc.constantFrom<number>(
  ...Object.values(V4),
  0x7f000001,
  0x0a000001,
  0xe0000001,
  V4.guest - 1,
  V4.guest + 1,
);
const IPV6 = fc.constantFrom(
  ...[CAPABILITY, OTHER_CAPABILITY, NAMELESS, CLIENT, SECOND_CLIENT, AGENT, LOCATOR],
  ...[V4.client, V4.agent, V4.capability, 0x7f000001].map(inOurPrefix),
);
const END4 = fc.record({
  source: fc.oneof({ weight: 3, arbitrary: fc.constantFrom<number>(V4.client, V4.agent) }, IPV4),
  destination: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<number>(V4.capability, V4.other, V4.nobody, V4.guest) },
    IPV4,
  ),
  hopLimit: fc.constantFrom(64, 2, 1),
  tos: fc.constantFrom(0, 0xb8),
});
const END6 = fc.record({
  source: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(CAPABILITY, OTHER_CAPABILITY) }, IPV6),
  destination: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...[V4.client, V4.agent].map(inOurPrefix)) }, IPV6),
  hopLimit: fc.constantFrom(64, 2, 1),
  trafficClass: fc.constantFrom(0, 0xb8),
});

const TRANSPORT = fc.oneof(
  fc.tuple(PORTS, PORTS, DATA).map(([from, to, data]) => [6, segment(from, to, data)] as const),
  fc.tuple(PORTS, PORTS, DATA).map(([from, to, data]) => [17, datagram(from, to, data)] as const),
);
const ODD = fc.tuple(fc.constantFrom(0, 41, 43, 44, 47, 50, 58, 59, 60, 1), DATA);
const SUMMED = fc.constantFrom(true, true, true, false);

const PLAIN4 = fc
  .tuple(END4, fc.oneof({ weight: 6, arbitrary: TRANSPORT }, { weight: 1, arbitrary: ODD }), SUMMED)
  .map(([ends, [protocol, payload], right]) => {
    const packet = ipv4({ ...ends, protocol }, payload);
    return right ? summed4(packet) : packet;
  });
const PLAIN6 = fc
  .tuple(END6, fc.oneof({ weight: 6, arbitrary: TRANSPORT }, { weight: 1, arbitrary: ODD }), SUMMED)
  .map(([ends, [protocol, payload], right]) => {
    const packet = ipv6(ends, protocol, payload);
    return right ? summed6(packet) : packet;
  });
/** Packets as they are quoted: of both kinds, and pings. */
const PING6 = fc
  .tuple(END6, fc.constantFrom(128, 129), DATA)
  .map(([ends, type, data]) => summed6(ipv6(ends, 58, icmp(type, 0, 0x10001, data))));
const PING4 = fc
  .tuple(END4, fc.constantFrom(8, 0), DATA)
  .map(([ends, type, data]) => summed4(ipv4({ ...ends, protocol: 1 }, icmp(type, 0, 0x10001, data))));

const CODE = fc.integer({ min: 0, max: 16 });
const REST = fc.oneof(fc.constantFrom(0, 1280, 1400, 0x578, 0x14000000, 0x08000000), fc.nat(0xffffffff));
const KEPT = fc.oneof(fc.constant(1000), fc.integer({ min: 0, max: 60 }));

/** Mostly from whom the error is for. */
const ERROR4 = fc
  .tuple(END4, fc.constantFrom(3, 4, 5, 11, 12, 13), CODE, REST, fc.oneof(PLAIN4, PING4), KEPT, SUMMED, fc.boolean())
  .map(([ends, type, code, rest, quoted, kept, right, odd]) => {
    const to = new DataView(quoted.buffer, quoted.byteOffset).getUint32(12);
    const packet = ipv4(
      { ...ends, destination: odd ? ends.destination : to, protocol: 1 },
      icmp(type, code, rest, quoted.subarray(0, kept)),
    );
    return right ? summed4(packet) : packet;
  });
const ERROR6 = fc
  .tuple(
    END6,
    fc.constantFrom(1, 2, 3, 4, 100),
    CODE,
    REST,
    fc.oneof(PLAIN6, PLAIN6, PING6),
    KEPT,
    SUMMED,
    fc.boolean(),
  )
  .map(([ends, type, code, rest, quoted, kept, right, odd]) => {
    const destination = odd ? ends.destination : quoted.slice(8, 24);
    const packet = ipv6({ ...ends, destination }, 58, icmp(type, code % 8, rest, quoted.subarray(0, kept)));
    return right ? summed6(packet) : packet;
  });

/** Of a flow that the pass remembers: what was delivered, what came back, with the router in the caller's place or not. */
const OF_FLOW = fc
  .tuple(fc.constantFrom(...FLOWS), fc.boolean(), fc.boolean(), DATA)
  .map(([{ agent, client, agentPort, clientPort, protocol }, back, masked, data]) => {
    const caller = masked ? LOCATOR : client;
    const payload = protocol === 6 ? segment : datagram;
    return back
      ? summed6(ipv6({ source: agent, destination: caller }, protocol, payload(agentPort, clientPort, data)))
      : summed6(ipv6({ source: caller, destination: agent }, protocol, payload(clientPort, agentPort, data)));
  });
const ERROR_OF_FLOW = fc
  .tuple(fc.option(IPV6), fc.constantFrom(1, 2, 3), OF_FLOW, fc.constantFrom(64, 1))
  .map(([source, type, quoted, hopLimit]) =>
    summed6(
      ipv6(
        { source: source ?? quoted.slice(24, 40), destination: quoted.slice(8, 24), hopLimit },
        58,
        icmp(type, 0, 1400, quoted),
      ),
    ),
  );
const FRAGMENT_OF_FLOW = fc
  .tuple(fc.constantFrom(...FLOWS), fc.constantFrom(0, 8), fc.constantFrom(1, 2))
  .map(([{ agent, client, agentPort, clientPort, protocol }, offset, id]) => {
    const header = new Uint8Array(8);
    header[0] = protocol;
    putU16(header, 2, offset | 1);
    header[7] = id;
    return ipv6({ source: agent, destination: client }, 44, concatenate(header, segment(agentPort, clientPort)));
  });

const FRAGMENT6 = fc
  .tuple(END6, TRANSPORT, fc.constantFrom(0, 0, 8, 16), fc.constantFrom(1, 2))
  .map(([ends, [protocol, payload], offset, id]) => {
    const header = new Uint8Array(8);
    header[0] = protocol;
    putU16(header, 2, offset | 1);
    header[7] = id;
    return ipv6(ends, 44, concatenate(header, payload));
  });
const FRAGMENT4 = fc
  .tuple(END4, TRANSPORT, fc.constantFrom(0x2000, 0x2001, 0x0005, 0x8000))
  .map(([ends, [protocol, payload], fragment]) => ipv4({ ...ends, protocol, fragment }, payload));
const OPTIONS4 = fc
  .tuple(END4, TRANSPORT)
  .map(([ends, [protocol, payload]]) => ipv4({ ...ends, protocol, options: Uint8Array.of(1, 1, 1, 0) }, payload));

interface Damage {
  readonly cut: number | undefined;
  readonly flip: number | undefined;
  readonly lie: number | undefined;
  readonly behind: Uint8Array;
}

/** What the network, or somebody in it, does to a packet. */
const DAMAGE: fc.Arbitrary<Damage> = fc.record({
  cut: fc.option(fc.nat(200), { nil: undefined, freq: 4 }),
  flip: fc.option(fc.nat(8 * 110), { nil: undefined, freq: 4 }),
  lie: fc.option(fc.constantFrom(0, 1, 19, 20, 27, 40, 47, 0xffff), { nil: undefined, freq: 6 }),
  behind: fc.oneof(fc.constant(new Uint8Array()), fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 8 })),
});

function damaged(packet: Uint8Array, { cut, flip, lie, behind }: Damage, lengthAt: number): Uint8Array {
  const copy = packet.slice();
  if (lie !== undefined) putU16(copy, lengthAt, lie);
  if (flip !== undefined && flip >> 3 < copy.length) copy[flip >> 3]! ^= 1 << (flip & 7);
  return cut === undefined ? concatenate(copy, behind) : copy.subarray(0, cut);
}

const MACS = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1);
export const framed = (packet: Uint8Array, type: number): Uint8Array =>
  concatenate(MACS, Uint8Array.of(type >> 8, type & 0xff), packet);

/** True of one in four: the rest come whole. */
const RARELY = fc.constantFrom(true, false, false, false);

const FRAME = fc.oneof(
  fc
    .tuple(fc.oneof({ weight: 4, arbitrary: PLAIN4 }, ERROR4, ERROR4, PING4, FRAGMENT4, OPTIONS4), DAMAGE, RARELY)
    .map(([packet, damage, harm]) => framed(harm ? damaged(packet, damage, 2) : packet, 0x0800)),
  fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: PLAIN6 },
        ERROR6,
        ERROR6,
        PING6,
        FRAGMENT6,
        FRAGMENT_OF_FLOW,
        OF_FLOW,
        ERROR_OF_FLOW,
      ),
      DAMAGE,
      RARELY,
    )
    .map(([packet, damage, harm]) => framed(harm ? damaged(packet, damage, 4) : packet, 0x86dd)),
);

export const PACKET: fc.Arbitrary<Packet> = fc.record({
  place: fc.constantFrom("in", "in", "out"),
  role: fc.constantFrom("core", "client", "agent"),
  frame: FRAME,
});
