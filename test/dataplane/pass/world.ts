import { parseIpv6 } from "../../../src/base/index.ts";
import { Bench, type BenchOptions, type Hook, TC, XDP } from "./bench.ts";
import { TCP, type TcpText, tcp, UDP, type UdpText, udp } from "./frames.ts";

export function address(text: string): Uint8Array {
  const octets = parseIpv6(text);
  if (octets === undefined) throw new Error(`not an IPv6 address: ${text}`);
  return octets;
}

export const TENANT = 7;
export const LOCATOR = address("2001:db8:b:1::1");
export const OTHER = address("2001:db8:a:2::1");
export const THIRD = address("2001:db8:a:3::1");
export const CLIENT = address("2001:db8:a:c::10");
export const AGENT = address("2001:db8:a:9::1");
export const AGENT_TWO = address("2001:db8:a:9::2");
/** No route leads there. */
export const UNROUTED = address("2001:db8:dead::1");
/** Behind a route whose MTU is 1400. */
export const NARROW = address("2001:db8:a:5::1");

/** On the way to OTHER, one after the other. */
export const WAYPOINTS = ["2001:db8:a:4::1", "2001:db8:a:4::2"].map(address);
export const VNI = 0x0abcde;
export const MACS = { destination: Uint8Array.of(2, 0, 0, 0, 0, 9), source: Uint8Array.of(2, 0, 0, 0, 0, 8) } as const;

/** Capability addresses, by what their tables hold. */
export const CAP = {
  remote: address("2001:db8:cab:7:1:aaaa:1:0"),
  local: address("2001:db8:cab:7:1:aaaa:2:0"),
  localUdp: address("2001:db8:cab:7:1:aaaa:3:0"),
  /** Two instances, one after the other by slots. */
  pair: address("2001:db8:cab:7:1:aaaa:4:0"),
  empty: address("2001:db8:cab:7:1:aaaa:5:0"),
  noGroup: address("2001:db8:cab:7:1:aaaa:6:0"),
  narrow: address("2001:db8:cab:7:1:aaaa:7:0"),
  unrouted: address("2001:db8:cab:7:1:aaaa:8:0"),
  /** Same instance as `local`. */
  twin: address("2001:db8:cab:7:1:aaaa:9:0"),
  sites: address("2001:db8:cab:7:1:aaaa:a:0"),
  segments: address("2001:db8:cab:7:1:aaaa:b:0"),
  vxlan: address("2001:db8:cab:7:1:aaaa:c:0"),
  /** As `localUdp`, with another affinity: {@link makeSpreadWorld}. */
  byAddress: address("2001:db8:cab:7:1:aaaa:10:0"),
  byConnection: address("2001:db8:cab:7:1:aaaa:11:0"),
  byTurn: address("2001:db8:cab:7:1:aaaa:12:0"),
  unknown: address("2001:db8:cab:7:1:bbbb:1:0"),
  foreign: address("2001:db8:cab:8:1:aaaa:1:0"),
} as const;

export const HOP = {
  remote: 1,
  local: 2,
  web: 3,
  webTwo: 4,
  dns: 5,
  narrow: 6,
  unrouted: 7,
  third: 8,
  segments: 9,
  vxlan: 10,
} as const;

/** A pass with the tables that the names above promise, and the loopback as a client port of TENANT. */
export async function makeWorld(options: Partial<BenchOptions> = {}): Promise<Bench> {
  const bench = await Bench.load({ domain: CAP.local.slice(0, 6), locator: LOCATOR, ...options });
  bench.port(1, "client", TENANT);
  bench.node(OTHER, VNI);
  bench.tunnel(HOP.remote, OTHER);
  bench.tunnel(HOP.segments, OTHER, { kind: "segments", waypoints: WAYPOINTS });
  bench.tunnel(HOP.vxlan, OTHER, { kind: "vxlan", vni: VNI, ...MACS });
  bench.tunnel(HOP.third, THIRD);
  bench.local(HOP.local);
  bench.instance(HOP.web, { address: AGENT, port: 8080, servicePort: 80 });
  bench.instance(HOP.webTwo, { address: AGENT_TWO, port: 8081, servicePort: 80 });
  bench.instance(HOP.dns, { address: AGENT, port: 5353, servicePort: 53, protocol: UDP });
  bench.instance(HOP.narrow, { address: NARROW, port: 8080, servicePort: 80 });
  bench.instance(HOP.unrouted, { address: UNROUTED, port: 8080, servicePort: 80 });
  bench.group(1, [HOP.remote]);
  bench.group(2, [HOP.local]);
  bench.group(3, [HOP.web]);
  bench.group(4, [HOP.dns]);
  bench.group(5, [HOP.web, HOP.webTwo]);
  bench.group(6, [0]);
  bench.group(7, [HOP.narrow]);
  bench.group(8, [HOP.unrouted]);
  bench.group(9, [HOP.remote, HOP.third]);
  bench.capability(CAP.remote, 1, 3);
  bench.capability(CAP.local, 2, 3);
  bench.capability(CAP.twin, 2, 3);
  bench.capability(CAP.localUdp, 2, 4);
  bench.capability(CAP.pair, 2, 5);
  bench.capability(CAP.empty, 6, 6);
  bench.capability(CAP.noGroup, 0, 0);
  bench.capability(CAP.narrow, 2, 7);
  bench.capability(CAP.unrouted, 2, 8);
  bench.capability(CAP.sites, 9, 0);
  bench.group(10, [HOP.segments]);
  bench.group(11, [HOP.vxlan]);
  bench.capability(CAP.segments, 10, 0);
  bench.capability(CAP.vxlan, 11, 0);
  return bench;
}

/** The same with the capabilities whose datagrams are spread otherwise. */
export async function makeSpreadWorld(): Promise<Bench> {
  const bench = await makeWorld();
  bench.capability(CAP.byAddress, 2, 4, "address");
  bench.capability(CAP.byConnection, 2, 4, "connection");
  bench.capability(CAP.byTurn, 2, 4, "none");
  return bench;
}

/** The hook's own name for what a test expects. */
export const ACTION: Readonly<Record<"sent" | "answered" | "dropped" | "passed", Readonly<Record<Hook, number>>>> = {
  sent: { xdp: XDP.pass, tc: TC.redirect },
  answered: { xdp: XDP.pass, tc: TC.redirect },
  dropped: { xdp: XDP.drop, tc: TC.shot },
  passed: { xdp: XDP.pass, tc: TC.unspec },
};

export function segment(destination: Uint8Array, text: Partial<TcpText> = {}): Uint8Array {
  return tcp({ source: CLIENT, destination, sourcePort: 40000, destinationPort: 80, flags: "S", ...text });
}

export function datagram(destination: Uint8Array, text: Partial<UdpText> = {}): Uint8Array {
  return udp({ source: CLIENT, destination, sourcePort: 40000, destinationPort: 53, ...text });
}

/** The packet with one end replaced and a fresh checksum, built anew: what a translation must come to. */
export function readdressed(
  packet: Uint8Array,
  change: { readonly source?: readonly [Uint8Array, number]; readonly destination?: readonly [Uint8Array, number] },
  hopLimit: number,
): Uint8Array {
  const copy = packet.slice();
  const put = (end: readonly [Uint8Array, number] | undefined, at: number, portAt: number): void => {
    if (end === undefined) return;
    copy.set(end[0], at);
    copy[portAt] = end[1] >>> 8;
    copy[portAt + 1] = end[1] & 0xff;
  };
  put(change.source, 8, 40);
  put(change.destination, 24, 42);
  copy[7] = hopLimit;
  return copy[6] === TCP || copy[6] === UDP ? rechecked(copy) : copy;
}

/** Rebuilds a packet through the builders, which know nothing of incremental checksums. */
function rechecked(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const ends = {
    source: packet.slice(8, 24),
    destination: packet.slice(24, 40),
    hopLimit: packet[7]!,
    trafficClass: (view.getUint32(0) >>> 20) & 0xff,
    flowLabel: view.getUint32(0) & 0xfffff,
    sourcePort: view.getUint16(40),
    destinationPort: view.getUint16(42),
  };
  if (packet[6] === UDP) return udp({ ...ends, payload: packet.slice(48) });
  const header = (packet[52]! >> 4) * 4;
  const letters = [..."FSRPA"].filter((_, bit) => packet[53]! & (1 << bit)).join("");
  return tcp({
    ...ends,
    flags: letters,
    sequence: view.getUint32(44),
    acknowledgment: view.getUint32(48),
    options: packet.slice(60, 40 + header),
    payload: packet.slice(40 + header),
  });
}
