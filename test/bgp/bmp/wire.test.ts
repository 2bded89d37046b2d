import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, parseIpv6, toHex } from "../../../src/base/index.ts";
import {
  encodeInitiation,
  encodePeerDown,
  encodePeerUp,
  encodeRouteMonitoring,
  encodeStatistics,
  encodeTermination,
  StatisticType,
} from "../../../src/bgp/bmp/index.ts";

const hex = (text: string): string => text.replace(/[\s|]/g, "");
const V6 = {
  kind: "adj-rib-in",
  address: parseIpv6("2001:db8::2")!,
  autonomousSystem: 65551,
  bgpIdentifier: 0x0a000002,
} as const;
const V4 = { ...V6, address: parseIpv6("::ffff:192.0.2.2")! };
const LOCAL = { kind: "loc-rib", autonomousSystem: 65000, bgpIdentifier: 0x0a000001 } as const;
const AT = 0x65000000 * 1000 + 250;
const TIME = "65000000 0003d090";
const ZERO8 = "00".repeat(8);
const ADDRESS6 = `20010db8${"00".repeat(11)}02`;
const PEER6 = `${ZERO8} ${ADDRESS6} 0001000f 0a000002 ${TIME}`;
const UPDATE = fromHex(`${"ff".repeat(16)} 0017 02 0000 0000`);

const VECTORS: readonly {
  readonly name: string;
  readonly see: string;
  readonly octets: Uint8Array;
  readonly wire: string;
}[] = [
  {
    name: "Initiation",
    see: "RFC 7854 §4.3",
    octets: encodeInitiation({ name: "r1", description: "semrd" }),
    wire: "03 00000015 04 | 0001 0005 73656d7264 | 0002 0002 7231",
  },
  { name: "Termination", see: "RFC 7854 §4.5", octets: encodeTermination(0), wire: "03 0000000c 05 | 0001 0002 0000" },
  {
    name: "Peer Up of an IPv6 session",
    see: "RFC 7854 §4.10",
    octets: encodePeerUp(V6, AT, {
      localAddress: parseIpv6("2001:db8::1")!,
      localPort: 179,
      remotePort: 40000,
      openSent: fromHex("aa"),
      openReceived: fromHex("bb"),
    }),
    wire: `03 00000046 03 | 00 80 ${PEER6} | 20010db8${"00".repeat(11)}01 00b3 9c40 aa bb`,
  },
  {
    name: "Peer Up of an IPv4 session: addresses in the last four octets",
    see: "RFC 7854 §4.2",
    octets: encodePeerUp(V4, AT, {
      localAddress: parseIpv6("::ffff:192.0.2.1")!,
      localPort: 1,
      remotePort: 2,
      openSent: fromHex("aa"),
      openReceived: fromHex("bb"),
    }),
    wire: `03 00000046 03 | 00 00 ${ZERO8} ${"00".repeat(12)} c0000202 0001000f 0a000002 ${TIME} | ${"00".repeat(12)} c0000201 0001 0002 aa bb`,
  },
  {
    name: "Route Monitoring after import policy",
    see: "RFC 7854 §4.6",
    octets: encodeRouteMonitoring(V6, AT, { postPolicy: true, asWidth: 4 }, UPDATE),
    wire: `03 00000047 00 | 00 c0 ${PEER6} | ${toHex(UPDATE)}`,
  },
  {
    name: "Route Monitoring before it, of a session with AS numbers of two octets",
    see: "RFC 7854 §4.2, A flag",
    octets: encodeRouteMonitoring(V6, AT, { postPolicy: false, asWidth: 2 }, UPDATE),
    wire: `03 00000047 00 | 00 a0 ${PEER6} | ${toHex(UPDATE)}`,
  },
  {
    name: "Route Monitoring of the Loc-RIB",
    see: "RFC 9069 §4.1 and §4.2",
    octets: encodeRouteMonitoring(LOCAL, AT, { postPolicy: false, asWidth: 4 }, UPDATE),
    wire: `03 00000047 00 | 03 00 ${ZERO8} ${"00".repeat(16)} 0000fde8 0a000001 ${TIME} | ${toHex(UPDATE)}`,
  },
  {
    name: "Peer Down with our NOTIFICATION",
    see: "RFC 7854 §4.9, reason 1",
    octets: encodePeerDown(V6, AT, { reason: 1, notification: fromHex("cc") }),
    wire: `03 00000032 02 | 00 80 ${PEER6} | 01 cc`,
  },
  {
    name: "Peer Down by an event",
    see: "RFC 7854 §4.9, reason 2",
    octets: encodePeerDown(V6, AT, { reason: 2, event: 2 }),
    wire: `03 00000033 02 | 00 80 ${PEER6} | 02 0002`,
  },
  {
    name: "Peer Down with the peer's NOTIFICATION",
    see: "RFC 7854 §4.9, reason 3",
    octets: encodePeerDown(V6, AT, { reason: 3, notification: fromHex("cc") }),
    wire: `03 00000032 02 | 00 80 ${PEER6} | 03 cc`,
  },
  {
    name: "Peer Down without anything",
    see: "RFC 7854 §4.9, reason 4",
    octets: encodePeerDown(V6, AT, { reason: 4 }),
    wire: `03 00000031 02 | 00 80 ${PEER6} | 04`,
  },
  {
    name: "Statistics: a counter, a gauge, one of a family",
    see: "RFC 7854 §4.8",
    octets: encodeStatistics(V6, AT, [
      { type: StatisticType.RejectedPrefixes, value: 7 },
      { type: StatisticType.AdjRibInRoutes, value: 2 ** 33 },
      { type: StatisticType.AdjRibInRoutesOfFamily, family: { afi: 2, safi: 251 }, value: 3 },
    ]),
    wire: `03 00000057 01 | 00 80 ${PEER6} | 00000003 | 0000 0004 00000007 | 0007 0008 0000000200000000 | 0009 000b 0002fb 0000000000000003`,
  },
];

describe("BMP messages as the RFCs draw them", () => {
  for (const { name, see, octets, wire } of VECTORS)
    it(`${name} (${see})`, () => {
      assert.equal(toHex(octets), hex(wire));
      assert.equal(new DataView(octets.buffer, octets.byteOffset).getUint32(1), octets.length);
    });
});
