import assert from "node:assert/strict";
import { formatIpv6, toHex } from "../../../../src/base/index.ts";
import { Ipv6Packet, Protocol, u16, u32 } from "../../../../src/dataplane/memory/packet.ts";
import type { Encapsulation, Operation } from "../../../../src/forwarding/index.ts";
import { address } from "../../memory/frames.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

/** Behind the core link, as the other routers. */
const WAYPOINTS = ["2001:db8:f::8", "2001:db8:f::9"].map(address);
const MACS = { destination: Uint8Array.of(2, 0, 0, 0, 0, 9), source: Uint8Array.of(2, 0, 0, 0, 0, 8) } as const;
const VXLAN: Encapsulation = { kind: "vxlan", vni: 0x0abcde, ...MACS };

const through = (encapsulation: Encapsulation): readonly Operation[] => [
  { type: "set-next-hop", index: p.A, nextHop: { kind: "tunnel", locator: p.SITES[0], encapsulation }, state: "up" },
  p.slotsOf(1, [p.A]),
  p.leadsTo(1),
];

const withoutHopLimit = (packet: Uint8Array): string => toHex(packet.with(7, 0));

export const WRAPPING: CaseGroup = {
  title: "other tunnels",
  cases: [
    {
      name: "by two waypoints: a reduced segment routing header, the packet behind it (RFC 8986 section 5.2)",
      needs: ["segments"],
      async run(world) {
        await world.apply(through({ kind: "segments", waypoints: WAYPOINTS }));
        const sent = p.segment({ port: 4100, data: new Uint8Array(33).fill(3) });
        const outer = new Ipv6Packet(p.only(await world.send("client", [sent]), "core"));
        assert.deepEqual(
          [p.destinationOf(outer.octets), outer.nextHeader],
          [formatIpv6(WAYPOINTS[0]!), Protocol.Routing],
        );
        const header = outer.payload;
        assert.deepEqual([...header.slice(0, 8)], [Protocol.Ipv6, 4, 4, 2, 1, 0, 0, 0]);
        assert.deepEqual([header.slice(8, 24), header.slice(24, 40)], [p.SITES[0].slice(), WAYPOINTS[1]!.slice()]);
        assert.equal(withoutHopLimit(header.slice(40)), withoutHopLimit(sent));
      },
    },
    {
      name: "in VXLAN: to port 4789, with the network identifier and the Ethernet addresses (RFC 7348 section 5)",
      needs: ["vxlan"],
      async run(world) {
        await world.apply(through(VXLAN));
        const sent = p.segment({ port: 4101, data: new Uint8Array(34).fill(3) });
        const outer = new Ipv6Packet(p.only(await world.send("client", [sent]), "core"));
        assert.deepEqual([p.destinationOf(outer.octets), outer.nextHeader], [formatIpv6(p.SITES[0]), Protocol.Udp]);
        const header = outer.payload;
        assert.ok(u16(header, 0) >= 49_152, "the source port is of the dynamic range");
        assert.deepEqual([u16(header, 2), u16(header, 4)], [4789, header.length]);
        assert.deepEqual([u32(header, 8), u32(header, 12)], [0x08000000, 0x0abcde00]);
        assert.deepEqual([header.slice(16, 22), header.slice(22, 28)], [MACS.destination, MACS.source]);
        assert.equal(withoutHopLimit(header.slice(30)), withoutHopLimit(sent));
      },
    },
    {
      name: "another encapsulation takes the place of the one before, for the same next hop",
      needs: ["encapsulation", "segments"],
      async run(world) {
        await world.apply([...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)]);
        const next = async (port: number) =>
          new Ipv6Packet(p.only(await world.send("client", [p.segment({ port })]), "core")).nextHeader;
        assert.equal(await next(4102), Protocol.Ipv6);
        const encapsulation: Encapsulation = { kind: "segments", waypoints: WAYPOINTS };
        await world.apply([{ type: "set-encapsulation", index: p.A, encapsulation }]);
        assert.equal(await next(4103), Protocol.Routing);
        await world.apply([{ type: "set-encapsulation", index: p.A }]);
        assert.equal(await next(4104), Protocol.Ipv6);
      },
    },
  ],
};
