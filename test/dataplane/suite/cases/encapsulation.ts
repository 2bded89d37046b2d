import assert from "node:assert/strict";
import { formatIpv6, toHex } from "../../../../src/base/index.ts";
import { Ipv6Packet, Protocol, TcpFlag, u32 } from "../../../../src/dataplane/memory/packet.ts";
import { lastLegAddress, type Operation } from "../../../../src/forwarding/index.ts";
import { address, tcp, udp } from "../../memory/frames.ts";
import { AGENT, allSlots, CAPABILITY, CLIENT, INSTANCE, LOCAL, OWN_LOCATOR } from "../../memory/story.ts";
import type { CaseGroup } from "../case.ts";
import * as p from "../packets.ts";

const STRANGER = address("2001:db8:f::99");

const toSite = [...p.TUNNELS, p.slotsOf(1, [p.A]), p.leadsTo(1)];
const toInstance: readonly Operation[] = [
  LOCAL,
  INSTANCE,
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 0 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
  { type: "set-node", locator: p.SITES[0] },
  p.leadsTo(2, { localGroup: 3 }),
];

/** The instance listens on the capability's port: where nothing is translated, it has its address, too. */
const toHolder: readonly Operation[] = toInstance.map((operation) =>
  operation.type === "set-next-hop" && operation.nextHop.kind === "instance"
    ? { ...operation, nextHop: { ...operation.nextHop, port: operation.nextHop.servicePort } }
    : operation,
);

const withoutHopLimit = (packet: Uint8Array): Uint8Array => packet.with(7, 0);

export const ENCAPSULATION: CaseGroup = {
  title: "encapsulation",
  cases: [
    {
      name: "a packet for another site leaves inside IPv6, whole",
      needs: ["encapsulation"],
      async run(world) {
        await world.apply(toSite);
        for (const sent of [
          p.segment({ port: 4001, data: Uint8Array.from({ length: 77 }, (_, i) => i) }),
          p.datagram({ port: 4002, trafficClass: 0xb8 }),
        ]) {
          const outer = p.only(await world.send("client", [sent]), "core");
          assert.equal(p.sourceOf(outer), formatIpv6(OWN_LOCATOR));
          assert.equal(p.destinationOf(outer), formatIpv6(p.SITES[0]));
          assert.equal(new Ipv6Packet(outer).nextHeader, Protocol.Ipv6);
          assert.equal(new Ipv6Packet(outer).payloadLength, sent.length);
          assert.equal(toHex(withoutHopLimit(p.innerOf(outer))), toHex(withoutHopLimit(sent)));
        }
      },
    },
    {
      name: "inside, the packet is one hop further",
      needs: ["tunnels", "hop-limit"],
      async run(world) {
        await world.apply(toSite);
        const sent = p.segment({ port: 4000 });
        const outer = p.only(await world.send("client", [sent]), "core");
        assert.equal(toHex(p.innerOf(outer)), toHex(p.hopsFurther(sent, 1)));
      },
    },
    {
      name: "the outer header: hop limit 64, the packet's traffic class",
      needs: ["tunnels", "outer-header"],
      async run(world) {
        await world.apply(toSite);
        for (const trafficClass of [0x2e << 2, 0]) {
          const outer = p.only(await world.send("client", [p.datagram({ port: 4099, trafficClass })]), "core");
          assert.equal((u32(outer, 0) >>> 20) & 0xff, trafficClass, "traffic class copied");
          // The far end of the link to the next router: no router has lowered it yet, or this one's stack has, once.
          assert.ok(outer[7] === 64 || outer[7] === 63, `hop limit ${outer[7]}`);
        }
      },
    },
    {
      name: "the outer header has a flow label of the flow",
      needs: ["tunnels", "flow-label"],
      async run(world) {
        await world.apply(toSite);
        const labels = new Set<number>();
        for (let port = 4100; port < 4120; port++) {
          const sent = [p.datagram({ port }), p.datagram({ port, data: new Uint8Array(99) })];
          const arrivals = await world.send("client", sent);
          assert.equal(arrivals.length, 2);
          const [first, second] = arrivals.map(({ packet }) => u32(packet, 0));
          assert.equal(first! & 0xfffff, second! & 0xfffff, "one flow, one label");
          labels.add(first! & 0xfffff);
        }
        assert.ok(labels.size > 15, `20 flows have ${labels.size} labels`);
      },
    },
    {
      name: "what comes through a tunnel is delivered to the instance, at its own address and port",
      needs: ["decapsulation", "translation"],
      async run(world) {
        await world.apply(toInstance);
        const sent = p.segment({ port: 4003, data: Uint8Array.of(1, 2, 3) });
        const arrived = p.only(await world.send("core", [world.tunnel.wrap(p.SITES[0], OWN_LOCATOR, sent)]), "agent");
        assert.equal(p.sourceOf(arrived), formatIpv6(CLIENT), "the agent sees the client's own address");
        assert.equal(p.destinationOf(arrived), formatIpv6(AGENT));
        assert.equal(new Ipv6Packet(arrived).payload.subarray(2, 4).join(), [8080 >> 8, 8080 & 0xff].join());
        p.assertChecksum(arrived);
        assert.equal(toHex(arrived.subarray(60)), "010203");
      },
    },
    {
      name: "what comes through a tunnel is delivered to an instance on the capability's own port",
      needs: ["decapsulation"],
      async run(world) {
        await world.apply(toHolder);
        const sent = p.segment({ port: 4005, data: Uint8Array.of(4, 5, 6) });
        const arrived = p.only(await world.send("core", [world.tunnel.wrap(p.SITES[0], OWN_LOCATOR, sent)]), "agent");
        assert.equal(p.sourceOf(arrived), formatIpv6(CLIENT));
        p.assertChecksum(arrived);
        assert.equal(toHex(arrived.subarray(60)), "040506");
      },
    },
    {
      name: "an instance answers from the capability's address and port",
      needs: ["translation"],
      async run(world) {
        await world.apply(toInstance);
        const there = p.only(await world.send("client", [p.segment({ port: 4004 })]), "agent");
        assert.equal(p.destinationOf(there), formatIpv6(AGENT));
        const answer = tcp(
          { source: AGENT, destination: CLIENT },
          { sourcePort: 8080, destinationPort: 4004, flags: TcpFlag.Syn | TcpFlag.Ack, acknowledgement: 1001 },
        );
        const back = p.only(await world.send("agent", [answer]), "client");
        assert.equal(p.sourceOf(back), formatIpv6(CAPABILITY));
        assert.equal(new Ipv6Packet(back).payload.subarray(0, 2).join(), [0, 80].join());
        p.assertChecksum(back);
        const unasked = udp({ source: AGENT, destination: CLIENT }, { sourcePort: 8080, destinationPort: 4005 });
        const own = p.only(await world.send("agent", [unasked]), "client");
        assert.equal(p.sourceOf(own), formatIpv6(AGENT), "what answers nobody keeps its source");
      },
    },
    {
      name: "tunnelled packets of strangers, and tunnels in tunnels, are not delivered",
      needs: ["decapsulation", "known-nodes"],
      async run(world) {
        const { wrap } = world.tunnel;
        await world.apply(toHolder);
        const sent = p.segment({ port: 4006 });
        const twice = wrap(p.SITES[0], OWN_LOCATOR, wrap(p.SITES[0], OWN_LOCATOR, sent));
        for (const packet of [wrap(STRANGER, OWN_LOCATOR, sent), twice])
          assert.deepEqual(
            (await world.send("core", [packet])).filter(({ at }) => at !== "core"),
            [],
          );
        p.only(await world.send("core", [wrap(p.SITES[0], OWN_LOCATOR, sent)]), "agent");
        await world.apply([{ type: "remove-node", locator: p.SITES[0] }]);
        const after = await world.send("core", [wrap(p.SITES[0], OWN_LOCATOR, p.segment({ port: 4007 }))]);
        assert.deepEqual(
          after.filter(({ at }) => at === "agent"),
          [],
          "a router that left the domain",
        );
      },
    },
    {
      name: "when its last instance is gone, a site sends what begins to the others, and serves again when it is back",
      needs: ["tunnels", "decapsulation", "translation", "health", "hair-pin"],
      async run(world) {
        await world.apply([
          ...[...toInstance, ...p.TUNNELS],
          ...[p.slotsOf(4, [2, 2, p.A, p.B]), p.leadsTo(4, { localGroup: 3 })],
        ]);
        let port = 4300;
        const fromTunnel = async () => {
          const sent = Array.from({ length: 32 }, () => p.segment({ port: ++port }));
          return world.send(
            "core",
            sent.map((each) => world.tunnel.wrap(p.SITES[0], OWN_LOCATOR, each)),
          );
        };
        const sides = (arrivals: Awaited<ReturnType<typeof fromTunnel>>) => new Set(arrivals.map(({ at }) => at));
        assert.deepEqual(sides(await fromTunnel()), new Set(["agent"]), "a local group decides alone");
        await world.setHealth(3, "down");
        const others = await fromTunnel();
        assert.equal(others.length, 32);
        assert.deepEqual(
          new Set(others.map(({ packet }) => p.destinationOf(packet))),
          new Set(p.SITES.slice(0, 2).map(formatIpv6)),
        );
        const mine = Array.from({ length: 32 }, () => p.segment({ port: ++port }));
        assert.ok(!(await p.sitesOf(world, mine)).includes("nowhere"), "those of its own clients too");
        await world.setHealth(3, "up");
        assert.deepEqual(sides(await fromTunnel()), new Set(["agent"]));
      },
    },
    {
      name: "what finds nobody goes to another site once, and never a third time",
      needs: ["tunnels", "decapsulation", "hair-pin"],
      async run(world) {
        await world.apply([...toSite, { type: "set-node", locator: p.SITES[1] }]);
        const from = (source: Uint8Array, port: number, flags: number = TcpFlag.Syn) =>
          world.send("core", [world.tunnel.wrap(source, OWN_LOCATOR, p.segment({ port, flags }))]);
        const again = p.firstTunnelled(await from(p.SITES[1], 4008));
        assert.equal(p.sourceOf(again), formatIpv6(lastLegAddress(OWN_LOCATOR)));
        assert.equal(p.destinationOf(again), formatIpv6(p.SITES[0]));
        const follows = p.firstTunnelled(await from(p.SITES[1], 4008, TcpFlag.Ack));
        assert.equal(p.destinationOf(follows), formatIpv6(p.SITES[0]), "its connection follows it");
        for (const stray of [await from(lastLegAddress(p.SITES[1]), 4009), await from(p.SITES[1], 4010, TcpFlag.Ack)])
          assert.deepEqual(
            stray.filter(({ packet }) => p.isTunnelled(packet)),
            [],
          );
      },
    },
  ],
};
